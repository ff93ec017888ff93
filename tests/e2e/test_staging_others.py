"""Staging copies of Odoo 19, of Open-Prod with its reports server, and of Tryton; anonymised.

Each has images of its own, so only ``make test-all`` runs them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.openprod import REPORTS_PASSWORD
from restore.adapters.docker.runner import Runner
from restore.errors import ExitCode
from restore.repository.folder import FolderRepository
from restore.runs.staging.copies import stack_of
from tests.e2e.test_odoo19 import ODOO19
from tests.support.drill import Commands, labelled, told
from tests.support.production import cached_production

pytestmark = [pytest.mark.docker, pytest.mark.e2e, pytest.mark.heavy]

Copied = Callable[[str, str], dict[str, Any]]


@pytest.fixture
def copied(
    commands: Commands, docker_runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Copied]:
    """Makes an anonymised copy of a repository's last generation; its report, once it is gone."""
    key, name = tmp_path / "key", f"t{os.urandom(3).hex()}"
    key.write_text("a key of the tests, long enough\n")
    key.chmod(0o600)
    monkeypatch.setenv("PRA_REPORTS_PASSWORD", REPORTS_PASSWORD)

    def make(profile: str, repository: str) -> dict[str, Any]:
        done = commands.pra(
            "staging", "create", "--name", name, "--profile", profile, "--generation", "latest",
            "--for", "1h", "--cold", "--repository", repository,
            "--reports", str(commands.reports), "--anonymise", "builtin", "--key-file", str(key),
        )  # fmt: skip
        assert done.returncode == ExitCode.PASS, told(done)
        return commands.report()

    yield make
    commands.pra("staging", "destroy", name)
    assert labelled(docker_runner, stack_of(name)) == []


def safe(report: dict[str, Any]) -> dict[str, str]:
    """The checks that tell of a copy's safety, all of which are passed or, told, a warning."""
    found = {
        check["id"].split(":")[0]: check["status"]
        for check in report["checks"]
        if check["id"].startswith(("neutralised.", "anonymised.", "isolation."))
    }
    told_only = {name for name in found if name.endswith("uncovered")}
    wrong = {name: one for name, one in found.items() if one != "passed" and name not in told_only}
    assert wrong == {}, json.dumps(report["checks"], indent=1)
    return found


def test_odoo_19(copied: Copied, docker_runner: Runner) -> None:
    report = copied("odoo19", str(cached_production(docker_runner, ODOO19)))

    steps = {step["id"]: step["status"] for step in report["steps"]}
    assert steps["neutralise:specibike_19:command"] == "succeeded"
    assert {"neutralised.page", "neutralised.banner", "anonymised.scan"} <= set(safe(report))


def test_open_prod_and_its_reports_server(
    copied: Copied, openprod_repository: FolderRepository
) -> None:
    report = copied("openprod", openprod_repository.location)

    assert {
        "neutralised.reports-scheduled-reports",
        "neutralised.reports-report-mail",
        "neutralised.reports-report-users",
        "neutralised.reports-configuration",
        "neutralised.reports-uncovered",
        "anonymised.documents",
    } <= set(safe(report))
    # It still prints: its data source was pointed at the copy.
    (rendered,) = [c for c in report["checks"] if c["id"].startswith("reports.rendered")]
    assert rendered["status"] == "passed"


def test_tryton(copied: Copied, tryton_repository: FolderRepository) -> None:
    report = copied("tryton", tryton_repository.location)

    assert {"neutralised.passwords", "anonymised.documents"} <= set(safe(report))
    checks = {check["id"].split(":")[0]: check for check in report["checks"]}
    assert checks["documents.readable"]["status"] == "passed", checks["documents.readable"]
