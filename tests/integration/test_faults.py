"""Faults while a replay runs: a clear reason, nothing promoted, nothing that hangs.

``docs/reference/faults.md`` lists every fault with its test; a test holds the list.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from restore.adapters import lock
from restore.adapters.docker.health import wait_healthy
from restore.adapters.docker.runner import LABEL, Runner
from restore.adapters.postgres import sql
from restore.errors import (
    DamagedGenerationError,
    EnvironmentFailure,
    ExitCode,
    NotFoundError,
    RefusedError,
    ReplayError,
)
from restore.model import (
    ArtifactKind,
    Progress,
    Selection,
    StepKind,
    StepResult,
    StepStatus,
    Verdict,
    ignore_progress,
    locations,
)
from restore.replay.replay import replay
from restore.report.run_folders import read_report
from restore.runs.entry import replay_standing, run_to_report
from restore.runs.recorder import Recorder, Run
from restore.runs.request import ReplayRequest, Services
from tests.support.repository import DATABASE, flip_byte, small_documents
from tests.support.servers import Scene
from tests.unit.adapters.test_lock import HOLDER

pytestmark = pytest.mark.docker


def utc() -> datetime:
    return datetime.now(UTC)


def replayed(
    scene: Scene, kind: StepKind, fault: Callable[[], object], when: int = 1
) -> list[StepResult]:
    """Replay; the fault comes as the first step of that kind begins. The steps that failed.

    Args:
        when: how often the step has told of itself by then; 2 is in its middle.
    """
    plan = scene.plan()
    title = next(step.title for step in plan.steps if step.kind is kind)
    waiting = [fault]

    heard: list[str] = []

    def listener(progress: Progress) -> None:
        heard.append(progress.label)
        if heard.count(title) == when and waiting:
            waiting.pop()()

    outcome = replay(plan, replace(scene.context, listener=listener))
    assert not waiting, "the fault never came"
    failed = [step for step in outcome.steps if step.status is StepStatus.FAILED]
    after = outcome.steps[outcome.steps.index(failed[0]) + 1 :]
    # What ran beside the failure was given up; nothing was begun after it.
    assert {step.status for step in after} <= {
        StepStatus.SUCCEEDED,
        StepStatus.ABORTED,
        StepStatus.SKIPPED,
    }
    assert after[-1].status is StepStatus.SKIPPED
    return failed


# --- the backup -----------------------------------------------------------------------------------


def test_a_backup_volume_that_is_unplugged_before_the_database_is_loaded(scene: Scene) -> None:
    dumps = scene.context.generation.root / "database"
    (failed,) = replayed(scene, StepKind.RESTORE_DATABASE, lambda: shutil.rmtree(dumps))
    assert "pg_restore exited with" in failed.reason and "No such file" in failed.reason
    assert DATABASE not in scene.lab.databases()


def test_a_backup_volume_that_is_unplugged_before_the_documents(scene: Scene) -> None:
    root = Path(scene.context.repository.location)
    gone = root.with_name("unplugged")
    (failed,) = replayed(scene, StepKind.DOCUMENTS, lambda: root.rename(gone))
    gone.rename(root)
    # The database loads beside it: whichever comes first to what is gone tells.
    assert "still mounted" in failed.reason or "No such file" in failed.reason, failed.reason
    assert DATABASE not in scene.lab.databases()


def test_damaged_documents_of_many_are_all_named_and_nothing_is_promoted(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many are read once, when they are copied: verification before the replay sees none."""
    monkeypatch.setattr("restore.plan.request.MANY_FILES", 1)
    generation = scene.context.generation
    documents = generation.artifacts_of(ArtifactKind.DOCUMENTS)[0]
    damaged = sorted(small_documents())[:2]
    for path in damaged:
        flip_byte(generation.root / documents.folder / path, 1)
    request, recorder = asked(scene, tmp_path)
    request = replace(request, selection=replace(request.selection, generation=generation.id))

    report, _ = run_to_report(
        recorder,
        request,
        lambda: replay_standing(Run(services(scene), request, recorder), scene.context.environment),
    )

    assert isinstance(recorder.error, DamagedGenerationError)
    assert recorder.error.exit_code is ExitCode.DAMAGED
    assert all(path in recorder.error.message for path in damaged), recorder.error.message
    assert report.verdict is Verdict.FAIL
    ended = {stage.id: stage.status for stage in report.stages}
    assert (ended["verify"], ended["replay"]) == (StepStatus.SUCCEEDED, StepStatus.FAILED)
    assert DATABASE not in scene.lab.databases()
    assert scene.in_erp("ls", "-A", "/var/lib/odoo/filestore").split() == []


# --- servers --------------------------------------------------------------------------------------


def test_a_database_server_that_is_killed_while_it_loads(scene: Scene) -> None:
    lab = scene.lab
    try:
        (failed,) = replayed(
            scene,
            StepKind.RESTORE_DATABASE,
            # The second process of the load: it has begun when this one comes.
            lambda: threading.Timer(0.3, lab.runner.container(lab.container).kill).start(),
        )
    finally:
        lab.runner.start(lab.container)
        wait_healthy(lab.runner, lab.container, 60)
    assert "the database server was killed" in failed.reason, failed.reason
    assert DATABASE not in lab.databases()
    outcome = replay(scene.plan(), scene.context)
    assert {step.status for step in outcome.steps} == {StepStatus.SUCCEEDED}


def test_a_server_that_runs_out_of_memory_is_said_to(docker_runner: Runner) -> None:
    container = docker_runner.client.containers.create(
        "pra/odoo:14.0",
        entrypoint="python3",
        command=["-c", "print('it began', flush=True); bytearray(1 << 28)"],
        mem_limit="32m",
        memswap_limit="32m",
        network_mode="none",
        labels={LABEL: f"test-{os.getpid()}"},
    )
    try:
        container.start()
        container.wait()
        with pytest.raises(EnvironmentFailure, match=r"was killed.*\(its limit is 32 MiB\)") as e:
            wait_healthy(docker_runner, str(container.id), 30)
        assert "it began" in e.value.message
    finally:
        container.remove(force=True)


def test_a_failure_between_the_promotions_leaves_the_database_closed_and_again_succeeds(
    scene: Scene, tmp_path: Path
) -> None:
    (step,) = [s for s in scene.plan().steps if s.kind is StepKind.PROMOTE_DOCUMENTS]

    def listener(progress: Progress) -> None:
        if progress.label == step.title and faults:
            scene.in_erp("rm", "-rf", str(faults.pop()))

    faults = [step.staging]
    environment = scene.context.environment
    request, recorder = asked(scene, tmp_path)
    generation = scene.context.generation.id
    request = replace(request, selection=replace(request.selection, generation=generation))
    outside = replace(services(scene), listener=listener)
    with pytest.raises(ReplayError, match="is not there to be promoted"):
        replay_standing(Run(outside, request, recorder), environment)

    closed = f"nobody can connect to database {DATABASE} until it is replayed again"
    assert closed in recorder.steps[-1].reason
    with (
        pytest.raises(EnvironmentFailure, match="not currently accepting connections") as raised,
        sql.connect(environment.database, DATABASE, as_erp=True, deadline=0),
    ):
        pass
    assert "run it again" in raised.value.hint
    # The very same request, which may replace nothing that people worked with.
    _, recorder = asked(scene, tmp_path)
    replay_standing(Run(outside, request, recorder), environment)
    assert {step.status for step in recorder.steps} == {StepStatus.SUCCEEDED}
    with sql.connect(environment.database, DATABASE, as_erp=True):
        pass


# --- the stack's lock -----------------------------------------------------------------------------


@pytest.fixture
def owner(scene: Scene) -> Iterator[subprocess.Popen[str]]:
    """Another run that works on the scene's stack."""
    program = HOLDER.replace("drill-1", scene.lab.stack)
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(locations.LOCKS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()
    lock.release(locations.LOCKS, scene.lab.stack)


def test_two_runs_on_one_stack_and_a_lock_whose_owner_died(
    scene: Scene, owner: subprocess.Popen[str], tmp_path: Path
) -> None:
    request, recorder = asked(scene, tmp_path)
    with pytest.raises(RefusedError, match=f"in use by process {owner.pid} .pra drill"):
        replay_standing(Run(services(scene), request, recorder), scene.context.environment)
    assert recorder.stages == []

    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    # The lock is free: the run comes as far as its generation, which there is none of.
    with pytest.raises(NotFoundError, match="20990101T000000Z"):
        replay_standing(Run(services(scene), request, recorder), scene.context.environment)


def services(scene: Scene) -> Services:
    """The outside as the engine uses it, of a scene."""
    context = scene.context
    return Services(context.runner, context.repository, context.profile, utc, ignore_progress)


def asked(scene: Scene, reports: Path) -> tuple[ReplayRequest, Recorder]:
    """A request for a generation that is not there, and a recorder."""
    repository = Path(scene.context.repository.location)
    selection = Selection(repository, "20990101T000000Z-abcdef", "odoo")
    request = ReplayRequest(selection, None, (), reports)
    recorder = Recorder("20261124-060000-0a1b", "pra drill", "s", (), utc, ignore_progress)
    return request, recorder


# --- the report's folder --------------------------------------------------------------------------


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A file system without room."""
    folder = tmp_path / "reports"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "pra", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_for_reports_is_told_with_the_verdict_and_the_report_is_kept(
    full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    selection = Selection(tmp_path, "latest", "odoo")
    recorder = Recorder("20261124-060000-0a1b", "pra drill", "s", (), utc, ignore_progress)

    def story() -> None:
        raise NotFoundError("no such generation")

    with pytest.raises(EnvironmentFailure, match="No space left on device") as raised:
        run_to_report(recorder, ReplayRequest(selection, None, (), full), story)

    assert "the verdict is fail; what had ended the run: no such generation" in raised.value.message
    found = re.search(r"the report lies in (\S+):", raised.value.hint)
    assert found is not None
    kept = read_report(Path(found[1]))
    assert (kept.run, kept.error) == (recorder.run, "no such generation")
    assert [path for path in full.rglob("*") if path.name.startswith(".")] == []
