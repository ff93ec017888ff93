"""``pulumi up`` alone is a drill, and ``pulumi destroy`` leaves nothing."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.production import LOGIN, PASSWORD
from restore.adapters.docker.runner import Runner
from restore.errors import ExitCode
from restore.model import ArtifactKind, Generation
from restore.model.locations import ROOT
from restore.report.evidence.keys import create_key
from restore.repository.folder import FolderRepository
from restore.repository.manifest import seal_document
from tests.support.canaries import Watch, canaries_of, watched
from tests.support.drill import Commands, labelled, told
from tests.support.repository import edit_manifest, forget_file, writable

pytestmark = [pytest.mark.docker, pytest.mark.e2e]

CANARIES = ("canary-superuser-7f3a", "canary-erp-role-91bc")


def configure(commands: Commands, stack: str, repository: str, *, secret: bool = True) -> None:
    """Set what a user would set; the passwords are canaries."""
    plain = (("repository", repository), ("generation", "latest"), ("checkLogin", LOGIN),
             ("reports", str(commands.reports)), ("rtoBudget", "1h"))  # fmt: skip
    secrets = (("checkPassword", PASSWORD), ("databasePassword", CANARIES[0]),
               ("erpPassword", CANARIES[1]))  # fmt: skip
    for key, value in plain:
        done = commands.pulumi("config", "set", "--stack", stack, key, value)
        assert done.returncode == 0, told(done)
    for key, value in secrets if secret else ():
        done = commands.pulumi("config", "set", "--stack", stack, "--secret", key, value)
        assert done.returncode == 0, told(done)


def second_generation(repository: FolderRepository) -> Generation:
    """A copy of the last generation, a day later."""
    last = repository.load(repository.ids()[-1])
    name = "20991231T000000Z-abcdef"
    shutil.copytree(last.root, last.root.parent / name)
    (last.root.parent / name).chmod(0o700)
    manifest = writable(last.root.parent / name / "manifest.json")
    document = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps(seal_document({**document, "id": name})), encoding="utf-8")
    return repository.load(name)


def test_up_replays_once_and_again_for_another_generation(
    commands: Commands,
    stack: str,
    private_production: FolderRepository,
    docker_runner: Runner,
    tmp_path: Path,
) -> None:
    _, public = create_key(tmp_path / "signing.pem", tmp_path / "trusted")
    commands = replace(commands, variables=(("PRA_SIGNING_KEY", str(tmp_path / "signing.pem")),))
    configure(commands, stack, private_production.location)
    first = private_production.load(private_production.ids()[-1])

    canaries = {**canaries_of(first.root), "superuser": CANARIES[0], "ERP's role": CANARIES[1]}
    with watched(docker_runner, canaries, commands.reports) as watch:
        up = commands.pulumi("up", "--yes", "--skip-preview", "--stack", stack)
    assert up.returncode == 0, told(up)
    assert_no_canary(commands, stack, watch, up.stdout + up.stderr)
    outputs = json.loads(commands.pulumi("stack", "output", "--json", "--stack", stack).stdout)
    assert (outputs["verdict"], outputs["generation"]) == ("pass", first.id)
    assert Path(outputs["report"]).is_file()
    assert len(labelled(docker_runner, stack)) >= 6

    again = commands.pulumi("up", "--yes", "--skip-preview", "--stack", stack)
    assert again.returncode == 0, told(again)
    assert "unchanged" in again.stdout
    assert not any(word in again.stdout for word in (" created", " updated", " replaced")), told(
        again
    )
    assert len(list(commands.reports.glob("*/report.json"))) == 1

    second = second_generation(private_production)
    preview = commands.pulumi("preview", "--stack", stack)
    assert "RestoredGeneration" in preview.stdout and "update" in preview.stdout, told(preview)
    changed = commands.pulumi("up", "--yes", "--skip-preview", "--stack", stack)
    assert changed.returncode == 0, told(changed)
    assert commands.report()["generation"]["id"] == second.id
    assert len(list(commands.reports.glob("*/report.json"))) == 2

    restored = commands.pra("restore", "--stack", stack, "--replace", "--generation", first.id,
                            "--repository", private_production.location)  # fmt: skip
    assert restored.returncode == ExitCode.PASS, told(restored)
    assert commands.report()["generation"]["id"] == first.id
    assert_evidence_of_each_run(commands, public, stack)

    assert_a_scenario_is_played_in_it(commands, stack)
    assert_a_mixture_fails(commands, stack, private_production, (first, second))

    destroyed = commands.pulumi("destroy", "--yes", "--skip-preview", "--stack", stack)
    assert destroyed.returncode == 0, told(destroyed)
    assert labelled(docker_runner, stack) == []


@pytest.mark.heavy
def test_up_of_a_staging_stack_anonymises(
    commands: Commands, stack: str, production_repository: FolderRepository, docker_runner: Runner
) -> None:
    key, password = secrets.token_hex(16), secrets.token_hex(16)
    told_of_it = {"repository": production_repository.location, "generation": "latest",
                  "purpose": "staging", "anonymise": "builtin", "checkLogin": LOGIN,
                  "reports": str(commands.reports)}  # fmt: skip
    for name, value in told_of_it.items():
        assert commands.pulumi("config", "set", "--stack", stack, name, value).returncode == 0
    for name, value in (("anonymisationKey", key), ("checkPassword", password)):
        done = commands.pulumi("config", "set", "--stack", stack, "--secret", name, value)
        assert done.returncode == 0, told(done)

    canaries = {"key": key, "administrator": password}
    with watched(docker_runner, canaries, commands.reports) as watch:
        up = commands.pulumi("up", "--yes", "--skip-preview", "--stack", stack)
    assert up.returncode == 0, told(up)
    assert_no_canary(commands, stack, watch, up.stdout + up.stderr)
    report = commands.report()
    checks = {check["id"]: check["status"] for check in report["checks"]}
    assert checks["anonymised.scan:specibike_prod"] == "passed"
    assert checks["neutralised.passwords"] == checks["staging.passwords"] == "passed"

    again = commands.pulumi("preview", "--stack", stack)
    assert "unchanged" in again.stdout and "to update" not in again.stdout, told(again)
    refused = commands.pra("restore", "--stack", stack, "--replace", "--generation", "latest",
                           "--repository", production_repository.location)  # fmt: skip
    assert refused.returncode == ExitCode.REFUSED, told(refused)
    assert "people's data back" in told(refused)
    destroyed = commands.pulumi("destroy", "--yes", "--skip-preview", "--stack", stack)
    assert destroyed.returncode == 0, told(destroyed)


def assert_a_scenario_is_played_in_it(commands: Commands, stack: str) -> None:
    """The environment as it stands: a report of its own, with pictures."""
    scenario = str(ROOT / "fixtures" / "scenarios" / "partners.yaml")
    reports = ("--reports", str(commands.reports))
    done = commands.pra("scenario", "run", scenario, "--stack", stack, *reports)
    assert done.returncode == ExitCode.PASS, told(done)
    report = commands.report()
    assert (report["command"], report["verdict"]) == ("pra scenario run", "pass")
    assert len(list((commands.reports / report["run"]).glob("*.png"))) == 5


def assert_evidence_of_each_run(commands: Commands, public: Path, stack: str) -> None:
    """Pulumi's replays and the restore are signed, within their budget, and in the history."""
    shown = commands.pra("--json", "history", "--reports", str(commands.reports))
    groups = {group["command"]: group for group in json.loads(shown.stdout)}
    assert {name: len(one["runs"]) for name, one in groups.items()} == {
        "pulumi up": 2,
        "pra restore": 1,
    }
    assert {group["stack_base"] for group in groups.values()} == {stack}
    for run in (run for group in groups.values() for run in group["runs"]):
        folder = commands.reports / run["run"]
        verified = commands.pra("evidence", "verify", str(folder), "--trusted-key", str(public))
        assert verified.returncode == 0, told(verified)
        assert run["rto"] < run["rto_budget"] == 3600
    assert "rto.budget" in [check["id"] for check in commands.report()["checks"]]


def assert_a_mixture_fails(
    commands: Commands,
    stack: str,
    repository: FolderRepository,
    generations: tuple[Generation, Generation],
) -> None:
    """One node of another generation than the rest fails by its name, until it is replayed."""
    held, other = generations

    def restore(node: str, generation: Generation) -> subprocess.CompletedProcess[str]:
        return commands.pra("restore", "--stack", stack, "--node", node, "--replace",
                            "--generation", generation.id,
                            "--repository", repository.location)  # fmt: skip

    def status() -> tuple[int, dict[str, Any]]:
        done = commands.pra("--json", "status", "--stack", stack)
        (found,) = json.loads(done.stdout)
        return done.returncode, found

    code, found = status()
    assert (code, found["holding"]) == (ExitCode.PASS, "complete")
    assert {node["role"]: node["generation"] for node in found["nodes"]} == {
        "database": held.id, "erp": held.id, "proxy": held.id,
    }  # fmt: skip

    absent = restore("reports", held)
    assert absent.returncode == ExitCode.USAGE, told(absent)
    assert "the environment has no node reports" in absent.stderr

    mixed = restore("database", other)
    assert mixed.returncode == ExitCode.FAIL, told(mixed)
    assert "mixed: nodes hold different generations" in mixed.stdout
    (failed,) = [c for c in commands.report()["checks"] if c["status"] == "failed"]
    assert failed["id"] == "nodes.generation"
    assert f"node database holds generation {other.id}" in failed["details"]
    code, found = status()
    assert (code, found["holding"]) == (ExitCode.FAIL, "mixed")

    again = restore("database", held)
    assert again.returncode == ExitCode.PASS, told(again)
    assert status()[0] == ExitCode.PASS


def assert_no_canary(commands: Commands, stack: str, watch: Watch, printed: str) -> None:
    """No password or key is in clear anywhere, during the run or once the environment stands."""
    exported = commands.pulumi("stack", "export", "--stack", stack)
    assert exported.returncode == 0, told(exported)
    watch.look("exported state", "exported", exported.stdout)
    watch.look("what it printed", "printed", printed)
    outputs = commands.pulumi("stack", "output", "--stack", stack).stdout
    watch.look("outputs that are shown", "outputs", outputs)
    watch.processes()
    watch.containers()
    assert watch.seen == set()
    assert watch.looked >= {"arguments", "inspect", "exec", "log", "state", "settings", "reports"}


def test_a_failing_check_fails_the_up(
    commands: Commands, stack: str, private_production: FolderRepository
) -> None:
    generation = private_production.load(private_production.ids()[-1])
    (artifact,) = generation.artifacts_of(ArtifactKind.DOCUMENTS)
    gone = next(iter(private_production.read_index(generation, artifact)))
    forget_file(generation, artifact.name, gone.path)
    configure(commands, stack, private_production.location)

    up = commands.pulumi("up", "--yes", "--skip-preview", "--stack", stack)

    assert up.returncode != 0
    text = up.stdout + up.stderr
    assert "documents.attachments" in text and "report.html" in text, told(up)


def test_wrong_settings_are_all_told_at_once(
    commands: Commands, stack: str, production_repository: FolderRepository
) -> None:
    configure(commands, stack, production_repository.location, secret=False)
    for key, value in (("subnet", "8.8.8.0/24"), ("keep", "perhaps"), ("generatoin", "latest")):
        commands.pulumi("config", "set", "--stack", stack, key, value)

    done = commands.pulumi("preview", "--stack", stack)

    text = done.stdout + done.stderr
    assert done.returncode != 0
    for part in ("pra:subnet", "pra:keep", "pra:generatoin", "did you mean pra:generation",
                 "pra:checkLogin"):  # fmt: skip
        assert part in text, told(done)
    assert "Traceback" not in text


def test_another_series_is_refused_before_anything_is_made(
    commands: Commands, stack: str, private_production: FolderRepository, docker_runner: Runner
) -> None:
    generation = private_production.load(private_production.ids()[-1])
    edit_manifest(generation, lambda m: m["fingerprint"].update(erp_series="15.0"))
    configure(commands, stack, private_production.location)

    up = commands.pulumi("up", "--yes", "--skip-preview", "--stack", stack)

    assert up.returncode != 0
    assert "erp.series" in up.stdout + up.stderr, told(up)
    assert labelled(docker_runner, stack) == []
