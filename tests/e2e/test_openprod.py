"""Open-Prod with its reports server: one drill that is kept, and what must never pass."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fixtures.openprod import (
    DATA_SOURCE,
    DATABASE,
    HOME,
    PRODUCTION_URL,
    PROFILE,
    REPORTS_DATA,
    REPORTS_LOGIN,
    REPORTS_PASSWORD,
    SHARED,
)
from restore.adapters.docker.runner import Runner
from restore.adapters.jasper import ReportsClient
from restore.adapters.pulumi.outputs import environment_from_outputs
from restore.adapters.pulumi.rebuild import destroy, outputs_of
from restore.checks.reports import reports_checks
from restore.context import ReplayContext
from restore.errors import ExitCode
from restore.model import CheckResult, Credentials, Part
from restore.model.secret import Secret
from restore.profile import load_profile
from restore.repository.folder import FolderRepository
from tests.support.drill import Commands, labelled, told
from tests.support.repository import copy_repository, edit_index, writable

pytestmark = [pytest.mark.docker, pytest.mark.e2e]

ACCOUNT = Credentials(REPORTS_LOGIN, Secret(REPORTS_PASSWORD))


@dataclass(frozen=True)
class Drilled:
    """A drill whose environment was kept: what it printed, its report, and where it stands."""

    report: dict[str, Any]
    stdout: str
    context: ReplayContext

    def checks(self) -> dict[str, CheckResult]:
        """The reports server's checks, run again."""
        return {check.id: check for check in reports_checks(self.context, (DATABASE,))}

    def client(self) -> ReportsClient:
        """A session of the restored reports server."""
        reports = self.context.profile.reports
        assert reports is not None
        return ReportsClient(self.context.of(Part.REPORTS).environment, reports, ACCOUNT)


@pytest.fixture(scope="module")
def drilled(
    openprod_repository: FolderRepository,
    docker_runner: Runner,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Drilled]:
    """One drill, kept for the tests of this module."""
    commands = Commands(tmp_path_factory.mktemp("openprod"))
    os.environ["PRA_REPORTS_PASSWORD"] = REPORTS_PASSWORD
    try:
        done = commands.pra(
            "drill", "--profile", PROFILE, "--repository", openprod_repository.location,
            "--generation", "latest", "--keep",
        )  # fmt: skip
    finally:
        del os.environ["PRA_REPORTS_PASSWORD"]
    report = commands.report()
    try:
        assert done.returncode == ExitCode.PASS, told(done)
        context = ReplayContext(
            runner=docker_runner,
            environment=environment_from_outputs(outputs_of(report["stack"])),
            repository=openprod_repository,
            generation=openprod_repository.load(openprod_repository.ids()[-1]),
            profile=load_profile(PROFILE),
            now=lambda: datetime.now(UTC),
            reports_account=ACCOUNT,
        )
        yield Drilled(report, done.stdout, context)
    finally:
        destroy(report["stack"])
        assert labelled(docker_runner, report["stack"]) == []


def test_the_drill_passes_with_five_servers(drilled: Drilled, docker_runner: Runner) -> None:
    assert "verdict: pass" in drilled.stdout
    statuses = {check["id"]: check["status"] for check in drilled.report["checks"]}
    assert set(statuses.values()) <= {"passed", "warning"}, statuses
    assert statuses[f"documents.index:client:{DATABASE}"] == "passed"
    assert statuses["web.certificate"] == "passed"
    assert {item["severity"] for item in drilled.report["differences"]} == {"note"}
    containers = [
        item for item in labelled(docker_runner, drilled.report["stack"]) if "container" in item
    ]
    assert len(containers) == 5


def test_the_report_lists_every_artefact_of_an_open_prod(drilled: Drilled) -> None:
    artifacts = drilled.report["generation"]["artifacts"]
    places = "\n".join(artifact["location"] for artifact in artifacts)
    for place in (
        "/var/lib/postgresql/16/main",
        REPORTS_DATA,
        f"{SHARED}/documents/{DATABASE}",
        f"{SHARED}/filestore/{DATABASE}",
        f"{HOME}/openprod-server.conf",
        "/etc/postgresql/16/main/postgresql.conf",
        "/etc/postgresql/16/main/pg_hba.conf",
        "/etc/nginx/ssl/erp.pem",
        "/home/jasper/.jrsks",
        "/opt/jasperserver_7.2.0/buildomatic/default_master.properties",
    ):
        assert place in places
    assert all(artifact["files"] for artifact in artifacts)
    assert {artifact["part"] for artifact in artifacts} == {"erp", "reports"}


def test_what_was_reconciled_is_shown_key_by_key_and_nothing_else_changed(
    drilled: Drilled,
) -> None:
    changes = {
        (change["file"], change["key"]): change
        for step in drilled.report["plan"]["steps"]
        for change in step["changes"]
    }
    source = changes[DATA_SOURCE, "connectionUrl"]
    address = drilled.context.environment.database.address
    assert source["before"] == PRODUCTION_URL
    assert source["after"] == f"jdbc:postgresql://{address}:5432/{DATABASE}"
    assert changes[DATA_SOURCE, "password"]["after"] == "***"
    assert changes["reports/default_master.properties", "dbHost"]["before"] == "reports-db"
    context = drilled.context
    held = context.runner.read_file(
        context.environment.erp.container, f"{HOME}/openprod-server.conf"
    ).decode()
    assert "; serveur d'éditions\njasper_url = http://reports:8080/jasperserver\n" in held
    assert f"db_host = {address}\n" in held


def test_a_data_source_left_on_production_fails_by_its_name(drilled: Drilled) -> None:
    with closing(drilled.client()) as client:
        right = client.data_source(DATA_SOURCE)
        client.update_data_source(DATA_SOURCE, {**right, "connectionUrl": PRODUCTION_URL})
        try:
            found = drilled.checks()
        finally:
            client.update_data_source(DATA_SOURCE, right)

    check = found[f"reports.data-source:{DATA_SOURCE}"]
    assert check.status == "failed"
    (detail,) = check.details
    assert "still reads production's server db:5432" in detail
    assert found["reports.rendered:/openprod/rapports/ventes"].status == "failed"
    assert {check.status for check in drilled.checks().values()} == {"passed"}


def test_another_figure_of_the_database_is_seen_in_the_report(drilled: Drilled) -> None:
    rendered = drilled.checks()["reports.rendered:/openprod/rapports/ventes"]
    assert rendered.status == "passed"
    assert " with " in rendered.observed


def test_the_reports_database_alone_again_is_the_same(
    drilled: Drilled,
    openprod_repository: FolderRepository,
    commands: Commands,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PRA_REPORTS_PASSWORD", REPORTS_PASSWORD)
    before = {node["role"]: node for node in nodes_of(drilled, commands)}
    assert len(before) == 5

    done = commands.pra(
        "restore", "--profile", PROFILE, "--repository", openprod_repository.location,
        "--stack", drilled.report["stack"], "--generation", "latest",
        "--node", "reports-database", "--replace",
    )  # fmt: skip

    assert done.returncode == ExitCode.PASS, told(done)
    steps = commands.report()["plan"]["steps"]
    assert steps[-1]["id"] == "complete-node:reports-database"
    assert steps[-2]["id"] == f"reports:data-source:{DATA_SOURCE}"
    assert {step["part"] for step in steps} == {"reports"}
    after = {node["role"]: node for node in nodes_of(drilled, commands)}
    changed = {role for role in before if before[role] != after[role]}
    assert changed == {"reports-database"}
    assert {check.status for check in drilled.checks().values()} == {"passed"}


def nodes_of(drilled: Drilled, commands: Commands) -> list[dict[str, Any]]:
    """What ``pra status`` says of the kept environment, which is complete."""
    done = commands.pra("--json", "status", "--stack", drilled.report["stack"])
    assert done.returncode == ExitCode.PASS, told(done)
    (stack,) = json.loads(done.stdout)
    nodes: list[dict[str, Any]] = stack["nodes"]
    return nodes


def test_a_keystore_of_another_server_is_refused_before_anything_is_made(
    openprod_repository: FolderRepository, commands: Commands, tmp_path: Path
) -> None:
    copied = copy_repository(Path(openprod_repository.location), tmp_path / "openprod")
    generation = copied.load(copied.ids()[-1])
    artifact = next(a for a in generation.artifacts if a.name == "reports-keystore")
    path = writable(generation.root / artifact.folder / "jrsks")
    path.unlink()
    path.write_bytes(b"another server's keystore")
    adapted = {"size": 25, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    edit_index(
        generation,
        artifact.name,
        lambda lines: [{**x, **adapted} if x["path"] == "jrsks" else x for x in lines],
    )

    done = commands.pra(
        "drill", "--profile", PROFILE, "--repository", copied.location, "--generation", "latest"
    )

    assert done.returncode == ExitCode.REFUSED, told(done)
    assert "keystore file jrsks is not the one that encrypted the passwords" in done.stderr
    assert "rebuild" not in [stage["id"] for stage in commands.report()["stages"]]


def test_without_an_account_of_the_reports_server_nothing_is_made(
    openprod_repository: FolderRepository, commands: Commands
) -> None:
    done = commands.pra(
        "drill", "--profile", PROFILE, "--repository", openprod_repository.location,
        "--generation", "latest",
    )  # fmt: skip

    assert done.returncode == ExitCode.USAGE, told(done)
    assert "PRA_REPORTS_PASSWORD" in done.stderr
    assert "rebuild" not in [stage["id"] for stage in commands.report()["stages"]]


def test_no_secret_is_in_the_report(drilled: Drilled) -> None:
    text = json.dumps(drilled.report)
    environment = drilled.context.environment
    assert environment.reports is not None
    for secret in (environment.database, environment.reports.database):
        assert secret.password.reveal() not in text
        assert secret.erp_password.reveal() not in text
