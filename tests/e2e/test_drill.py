"""Whole drills of a real generation: what passes, and what must never pass."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from restore.adapters.docker.runner import Runner
from restore.errors import ExitCode
from restore.model import ArtifactKind
from restore.model.locations import ROOT
from restore.report.prerequisites.recovery import STAGES
from restore.repository.folder import FolderRepository
from tests.support.drill import Commands, collecting, labelled, stack_of, told
from tests.support.repository import edit_manifest, fingerprint, flip_byte, forget_file

PARTNERS = ROOT / "fixtures" / "scenarios" / "partners.yaml"

pytestmark = [pytest.mark.docker, pytest.mark.e2e]


@pytest.fixture(autouse=True)
def nothing_stays(commands: Commands, docker_runner: Runner) -> Iterator[None]:
    """Each drill leaves the engine as it found it."""
    yield
    runs = [folder.name for folder in commands.reports.glob("*")]
    assert [item for run in runs for item in labelled(docker_runner, f"drill-{run}")] == []


def test_a_drill_passes_and_leaves_the_backup_untouched(
    commands: Commands, production_repository: FolderRepository, tmp_path: Path
) -> None:
    folder = Path(production_repository.location)
    before = fingerprint(folder)
    key = str(tmp_path / "signing.pem")
    commands = replace(
        commands,
        variables=(
            ("PRA_SIGNING_KEY", key),
            ("PRA_TRUSTED_KEYS", str(tmp_path / "trusted")),
            ("PRA_SIGNING_PASSPHRASE", "canary-passphrase"),
            ("PRA_RTO_BUDGET", "1h"),
        ),
    )
    made = commands.pra("evidence", "key", "new")
    assert made.returncode == 0, told(made)

    done = commands.pra(
        "drill", "--repository", str(folder), "--generation", "latest", "--scenario", str(PARTNERS)
    )

    assert done.returncode == ExitCode.PASS, told(done)
    assert "verdict: pass" in done.stdout
    assert fingerprint(folder) == before
    (run,) = (path for path in commands.reports.iterdir() if path.is_dir())
    assert {path.name for path in run.iterdir()} >= {"report.html", "report.json", "junit.xml"}
    report = commands.report()
    assert report["verdict"] == "pass"
    statuses = {check["id"]: check["status"] for check in report["checks"]}
    # Odoo leaves a few files that no row names any more: a warning, no failure.
    assert set(statuses.values()) <= {"passed", "warning"}, statuses
    assert any(name.startswith("documents.readable") for name in statuses)
    assert statuses["nodes.generation"] == "passed"
    # All else was looked at with the drill's own account.
    assert statuses["web.account"] == "passed"
    for what in ("archive", "replication", "network"):
        assert statuses[f"isolation.{what}"] == "passed"
    assert any(name.startswith("postop.external-url:") for name in statuses)
    assert "mail-routing" in [operation["name"] for operation in report["operations"]]
    assert "left to people (pra postop list): subscription, " in done.stdout
    (constraints,) = [c for c in report["checks"] if c["id"].startswith("database.constraints")]
    assert "but for 1 constraint as in production" in constraints["expected"]
    assert statuses["web.certificate"] == "passed"
    # A drill stands elsewhere by intent: that is noted, and nothing else is.
    assert {d["severity"] for d in report["differences"]} == {"note"}, report["differences"]
    # As a document of prerequisites foretells them.
    assert tuple(stage["id"] for stage in report["stages"]) == STAGES
    assert statuses["rto.budget"] == "passed"
    texts = [path for path in run.iterdir() if path.suffix != ".png"]
    left = told(done) + "".join(path.read_text(encoding="utf-8") for path in texts)
    secret = Path(key).read_text(encoding="ascii").splitlines()[1]
    assert secret not in left and "canary-passphrase" not in left
    the_scenario_was_played(run, report)
    the_run_is_evidence(commands, run, report)


def the_scenario_was_played(run: Path, report: dict[str, Any]) -> None:
    """A partner was made over the API and is seen in the web client; each page has its picture."""
    played = {c["id"]: c for c in report["checks"] if c["id"].startswith("scenario.partners.")}
    made = played["scenario.partners.create"]["observed"].removeprefix("answered ")
    assert made.isdigit() and f"'id': {made}" in played["scenario.partners.read"]["observed"]
    pictures = [check["picture"] for check in played.values() if check["picture"]]
    assert len(pictures) == len(played) - 2
    for picture in pictures:
        content = (run / picture["name"]).read_bytes()
        assert content.startswith(b"\x89PNG")
        assert sha256(content).hexdigest() == picture["sha256"]
        assert f'src="{picture["name"]}"' in (run / "report.html").read_text(encoding="utf-8")


def the_run_is_evidence(commands: Commands, run: Path, report: dict[str, Any]) -> None:
    """A run is signed and in the history, and what is changed afterwards is refused."""
    verified = commands.pra("--json", "evidence", "verify", str(run))
    assert verified.returncode == 0, told(verified)
    found = json.loads(verified.stdout)
    assert (found["run"], found["key"]) == (report["run"], report["signed_by"])
    assert found["generation"] == report["generation"]["id"]
    assert found["unsigned"] == []
    history = commands.pra("--json", "history", "--reports", str(commands.reports))
    ((kept,),) = [group["runs"] for group in json.loads(history.stdout)]
    assert kept["report_sha256"] == sha256((run / "report.json").read_bytes()).hexdigest()
    assert (kept["rto"], kept["rto_budget"]) == (report["rto"], 3600)
    picture = next(run.glob("*.png"))
    whole = picture.read_bytes()
    flip_byte(picture, 1000)
    refused = commands.pra("evidence", "verify", str(run))
    assert refused.returncode == ExitCode.ALTERED, told(refused)
    assert f"{picture.name} is not what was signed" in refused.stderr
    picture.write_bytes(whole)
    flip_byte(run / "report.json", 1000)
    refused = commands.pra("evidence", "verify", str(run))
    assert refused.returncode == ExitCode.ALTERED, told(refused)
    assert "report.json is not what was signed" in refused.stderr


@pytest.mark.parametrize("kind", [ArtifactKind.DATABASE, ArtifactKind.DOCUMENTS])
def test_one_changed_byte_is_refused_before_anything_is_made(
    kind: ArtifactKind, toy: Commands, private_toy: FolderRepository
) -> None:
    generation = private_toy.load(private_toy.ids()[-1])
    (artifact,) = generation.artifacts_of(kind)
    entry = max(private_toy.read_index(generation, artifact), key=lambda entry: entry.size)
    flip_byte(generation.root / artifact.folder / entry.path, entry.size // 2)

    verified = toy.pra("verify", "latest", "--repository", private_toy.location)
    drilled = toy.pra("drill", "--generation", "latest", "--repository", private_toy.location)

    assert verified.returncode == ExitCode.DAMAGED, told(verified)
    assert entry.path in verified.stdout
    assert drilled.returncode == ExitCode.DAMAGED, told(drilled)
    assert entry.path in drilled.stderr
    assert "rebuild" not in [stage["id"] for stage in toy.report()["stages"]]


def test_a_missing_attachment_fails_the_drill_and_is_named(
    commands: Commands, private_production: FolderRepository
) -> None:
    generation = private_production.load(private_production.ids()[-1])
    (artifact,) = generation.artifacts_of(ArtifactKind.DOCUMENTS)
    gone = max(private_production.read_index(generation, artifact), key=lambda entry: entry.size)
    forget_file(generation, artifact.name, gone.path)

    commands = replace(commands, with_account=False)
    done = commands.pra(
        "drill", "--generation", "latest", "--repository", private_production.location
    )

    assert done.returncode == ExitCode.FAIL, told(done)
    assert "verdict: fail" in done.stdout
    assert gone.path in done.stdout
    (failed,) = [c for c in commands.report()["checks"] if c["status"] == "failed"]
    assert failed["id"].startswith("documents.attachments")


def test_another_erp_series_is_refused_before_anything_is_made(
    toy: Commands, private_toy: FolderRepository
) -> None:
    generation = private_toy.load(private_toy.ids()[-1])
    edit_manifest(generation, lambda m: m["fingerprint"].update(erp_series="15.0"))

    done = toy.pra("drill", "--generation", "latest", "--repository", private_toy.location)

    assert done.returncode == ExitCode.REFUSED, told(done)
    assert "erp.series" in done.stderr and "15.0" in done.stderr
    assert "rebuild" not in [stage["id"] for stage in toy.report()["stages"]]


def wait_for_containers(runner: Runner, drill: subprocess.Popen[str]) -> str:
    """Wait until a drill has containers, and return its stack."""
    Retrying(
        retry=retry_if_result(lambda found: not any("container" in item for item in found)),
        stop=stop_after_delay(120),
        wait=wait_fixed(0.2),
    )(lambda: labelled(runner, stack_of(drill)))
    return stack_of(drill)


@collecting()
def test_a_killed_drill_is_collected_and_strangers_are_left(
    toy: Commands, toy_repository: FolderRepository, docker_runner: Runner
) -> None:
    stranger = docker_runner.client.containers.create(
        "pra/nginx:1.18", labels={"pra.test": "stranger"}
    )
    try:
        drill = toy.start(
            "drill", "--generation", "latest", "--repository", toy_repository.location
        )
        stack = wait_for_containers(docker_runner, drill)
        os.kill(drill.pid, signal.SIGKILL)
        drill.communicate(timeout=60)
        assert labelled(docker_runner, stack)

        shown = toy.pra("--json", "gc", "--dry-run")
        assert labelled(docker_runner, stack)
        done = toy.pra("gc")

        (collection,) = [found for found in json.loads(shown.stdout) if found["stack"] == stack]
        assert str(drill.pid) in collection["reason"]
        assert done.returncode == 0, told(done)
        assert labelled(docker_runner, stack) == []
        assert docker_runner.container(str(stranger.id)).status == "created"
        assert stack not in toy.pra("gc").stdout
    finally:
        stranger.remove(force=True)


def test_ctrl_c_cleans_up_and_still_writes_the_report(
    toy: Commands, toy_repository: FolderRepository, docker_runner: Runner
) -> None:
    drill = toy.start("drill", "--generation", "latest", "--repository", toy_repository.location)
    stack = wait_for_containers(docker_runner, drill)
    drill.send_signal(signal.SIGINT)
    output, _ = drill.communicate(timeout=180)

    assert drill.returncode == ExitCode.INTERRUPTED, output
    assert labelled(docker_runner, stack) == []
    assert toy.report()["verdict"] == "fail"


def test_ctrl_c_twice_leaves_nothing_that_gc_does_not_collect(
    toy: Commands, toy_repository: FolderRepository, docker_runner: Runner
) -> None:
    drill = toy.start("drill", "--generation", "latest", "--repository", toy_repository.location)
    stack = wait_for_containers(docker_runner, drill)
    for _ in range(2):
        drill.send_signal(signal.SIGINT)
        # The second one comes while the first is being cleaned up after.
        time.sleep(1)
    output, _ = drill.communicate(timeout=180)

    assert drill.returncode == ExitCode.INTERRUPTED, output
    assert "Traceback" not in output
    report = toy.report()
    assert (report["verdict"], report["error"]) == ("fail", "interrupted")
    collected = toy.pra("gc")
    assert collected.returncode == ExitCode.PASS, told(collected)
    assert labelled(docker_runner, stack) == []


def test_without_a_login_nothing_is_proved_unless_it_is_left_out_on_purpose(
    toy: Commands, toy_repository: FolderRepository
) -> None:
    alone = replace(toy, with_account=False)
    drill = ("drill", "--generation", "latest", "--repository", toy_repository.location)
    done = alone.pra(*drill)
    assert done.returncode == ExitCode.UNVERIFIABLE, told(done)
    assert "without an answer: web.scenario:login" in done.stdout
    assert "PRA_CHECK_PASSWORD" in done.stdout
    statuses = {c["id"]: c["status"] for c in alone.report()["checks"]}
    assert statuses["web.scenario:home"] == "passed"
    assert statuses["web.scenario:login"] == "unverifiable"

    done = alone.pra(*drill, "--accept", "web.scenario:login", "--reason", "looked at by hand")
    assert done.returncode == ExitCode.PASS, told(done)
    assert "verdict: pass with reserves" in done.stdout
    report = alone.report()
    reserve = {"key": "web.scenario:login", "reason": "looked at by hand"}
    assert (report["verdict"], report["reserves"]) == ("pass", [reserve])
    page = (alone.folders()[-1] / "report.fr.html").read_text(encoding="utf-8")
    assert "Réussite avec réserves" in page.partition("<main>")[0]
