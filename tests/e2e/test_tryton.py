"""A profile is one YAML file: Tryton's whole drill, with no line of Python that knows Tryton."""

from __future__ import annotations

from dataclasses import replace

import pytest

from restore.errors import ExitCode
from restore.model import ArtifactKind
from restore.model.locations import ROOT
from restore.repository.folder import FolderRepository
from tests.support.drill import Commands, told
from tests.support.repository import forget_file

pytestmark = [pytest.mark.docker, pytest.mark.e2e]


def drill(commands: Commands, repository: FolderRepository) -> tuple[str, ...]:
    """The arguments of a drill of the only generation of a repository."""
    where = ("--repository", repository.location)
    return ("drill", "--profile", "tryton", "--generation", "latest", *where)


def test_a_drill_of_tryton_passes_every_check(
    tryton_commands: Commands, tryton_repository: FolderRepository
) -> None:
    scenario = ("--scenario", str(ROOT / "fixtures" / "scenarios" / "parties.yaml"))
    # No password of production is told: the drill logs in with an account of its own.
    tryton_commands = replace(tryton_commands, with_account=False)
    done = tryton_commands.pra(*drill(tryton_commands, tryton_repository), *scenario)

    assert done.returncode == ExitCode.PASS, told(done)
    report = tryton_commands.report()
    assert report["verdict"] == "pass"
    statuses = {check["id"]: check["status"] for check in report["checks"]}
    assert set(statuses.values()) == {"passed"}, statuses
    assert statuses["web.scenario:login"] == "passed"
    assert "web.scenario:session is over" in statuses
    assert "web.account" not in statuses
    assert "scenario.parties.read" in statuses
    (readable,) = [c for c in report["checks"] if c["id"].startswith("documents.readable")]
    assert readable["observed"] == "12 of 12 documents served unchanged"
    changes = {
        (change["key"], change["after"])
        for step in report["plan"]["steps"]
        for change in step["changes"]
    }
    assert {("uri", "***"), ("web/num_proxies", "1")} <= changes


@pytest.mark.heavy
def test_a_missing_attachment_of_tryton_fails_the_drill_and_is_named(
    tryton_commands: Commands, private_tryton: FolderRepository
) -> None:
    generation = private_tryton.load(private_tryton.ids()[-1])
    (artifact,) = generation.artifacts_of(ArtifactKind.DOCUMENTS)
    gone = next(iter(private_tryton.read_index(generation, artifact)))
    forget_file(generation, artifact.name, gone.path)

    done = tryton_commands.pra(*drill(tryton_commands, private_tryton))

    assert done.returncode == ExitCode.FAIL, told(done)
    failed = {c["id"].partition(":")[0]: c for c in tryton_commands.report()["checks"]
              if c["status"] == "failed"}  # fmt: skip
    assert set(failed) == {"documents.attachments", "documents.readable"}, told(done)
    assert gone.path in failed["documents.attachments"]["details"][0]
    assert failed["documents.readable"]["observed"] == "11 of 12 documents served unchanged"
