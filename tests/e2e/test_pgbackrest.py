"""Point-in-time recovery: a whole drill from a repository of the real pgBackRest."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from fixtures.production import DATABASE
from restore.adapters.docker.leftovers import find_leftovers
from restore.adapters.docker.runner import Runner
from restore.catalogue.pgbackrest.tool import utc_text
from restore.errors import ExitCode
from restore.model.stack_names import IMPORT
from tests.support.drill import Commands, labelled, told
from tests.support.pgbackrest import FIRST, SECOND, PhysicalBackups
from tests.support.repository import fingerprint

pytestmark = [pytest.mark.docker, pytest.mark.e2e]


@pytest.mark.heavy
def test_a_drill_to_a_moment_brings_back_the_first_transaction_and_not_the_second(
    commands: Commands, physical_backups: PhysicalBackups, docker_runner: Runner, tmp_path: Path
) -> None:
    mapping = tmp_path / "mapping.yaml"
    documents = {"tree": "filestore", "database": DATABASE, "path": str(physical_backups.documents)}
    described = {
        "pgbackrest": str(physical_backups.repository),
        "erp": {"series": "14.0"},
        "documents": [documents],
    }
    mapping.write_text(yaml.safe_dump(described), encoding="utf-8")
    at = f"{physical_backups.between:%Y-%m-%d %H:%M:%S.%f}"
    before = fingerprint(physical_backups.repository)
    repository = str(tmp_path / "native")

    done = commands.pra("drill", "--from", f"pgbackrest:{mapping}", "--at", at)

    assert done.returncode == ExitCode.PASS, told(done)
    assert fingerprint(physical_backups.repository) == before
    report = commands.report()
    assert [stage["id"] for stage in report["stages"]][:3] == ["import", "select", "verify"]
    said = utc_text(physical_backups.between)
    assert report["stages"][0]["title"].endswith(f"at {said}")
    statuses = {check["status"] for check in report["checks"]}
    assert statuses <= {"passed", "warning"}, report["checks"]
    generation = report["generation"]
    assert generation["consistency_point"].startswith(at.replace(" ", "T"))
    assert generation["fingerprint"]["postgresql"]["version"] == "13"
    assert "consistency_point" not in generation["origin"]["unknown"]
    assert labelled(docker_runner, report["stack"]) == []
    assert not [i for i in find_leftovers(docker_runner) if i.stack.startswith(IMPORT)]

    # The same state again, to look at its rows: the replay's own checks counted them.
    made = commands.pra("import", f"pgbackrest:{mapping}", "--at", at, "--repository", repository)
    assert made.returncode == ExitCode.PASS, told(made)
    names = partners(Path(repository), docker_runner)
    assert FIRST in names and SECOND not in names


def partners(repository: Path, runner: Runner) -> str:
    """The text of the dumped customers of the only generation of a repository."""
    (dump,) = repository.glob(f"generations/*/database/{DATABASE}")
    output = runner.client.containers.run(
        "pra/postgresql:13",
        ["pg_restore", "--data-only", "--table=res_partner", "--file=-", "/dump"],
        volumes={str(dump): {"bind": "/dump", "mode": "ro"}},
        labels={"pra.stack": "test-pgbackrest"},
        network_mode="none",
        user="root",
        remove=True,
    )
    return bytes(output).decode()
