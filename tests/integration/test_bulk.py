"""Databases loaded in bulk mode into a real server, whatever ends the replay."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from restore.adapters.docker.runner import Runner
from restore.adapters.docker.tar import Owner, single_file
from restore.cli.status import looked_at
from restore.context import ReplayContext
from restore.errors import RefusedError
from restore.model import Node, Progress, RestorePlan, Role, StepKind, StepStatus
from restore.model.node_records import describe_nodes
from restore.plan.bulk import KEPT
from restore.plan.request import BulkState, standing_target
from restore.replay.replay import replay
from restore.replay.steps.bulk import bulk_state
from tests.support.repository import DATABASE, flip_byte
from tests.support.servers import DatabaseLab, Scene, postgresql_lab

pytestmark = pytest.mark.docker

DATA = "/var/lib/postgresql/data"
AUTO = f"{DATA}/postgresql.auto.conf"
SETTINGS = {"fsync": "on", "full_page_writes": "on", "autovacuum": "on", "wal_level": "replica"}
BULK = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "wal_level": "minimal"}


@pytest.fixture(scope="session")
def database_lab(
    docker_runner: Runner, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DatabaseLab]:
    """A server with PostgreSQL's own settings, and a hand-written line among them."""
    shared = tmp_path_factory.getbasetemp().resolve()
    with postgresql_lab(docker_runner, shared) as lab:
        before = docker_runner.read_file(lab.container, AUTO)
        text = before + b"# by hand: \xe9\nwork_mem = '5MB'  # and kept\n"
        archive = single_file("postgresql.auto.conf", text, Owner(999, 999), 0o600)
        docker_runner.write_archive(lab.container, DATA, iter((archive,)))
        lab.execute("SELECT pg_reload_conf()")
        yield lab


def shown(lab: DatabaseLab) -> dict[str, str]:
    return {key: lab.execute(f"SHOW {key}")[0][0] for key in SETTINGS}


def auto_conf(lab: DatabaseLab) -> tuple[bytes, int, int, int]:
    for member, content in lab.runner.read_archive(lab.container, AUTO):
        return content.read(), member.uid, member.gid, member.mode & 0o7777
    raise AssertionError


def require_put_right(lab: DatabaseLab, before: tuple[bytes, int, int, int]) -> None:
    """Settings, their file and what marks bulk mode are as if there had been none."""
    assert shown(lab) == SETTINGS
    assert lab.execute("SHOW work_mem") == [("5MB",)]
    assert auto_conf(lab) == before
    assert lab.execute(f"SELECT pg_stat_file('{KEPT}', true) IS NULL") == [(True,)]
    assert lab.execute("SELECT count(*) FROM pg_settings WHERE pending_restart") == [(0,)]
    assert lab.execute("SELECT full_page_writes FROM pg_control_checkpoint()") == [(True,)]


def state(scene: Scene) -> BulkState:
    return bulk_state(scene.lab.runner, scene.context.environment.database.container, DATA)


def bulk_plan(scene: Scene) -> RestorePlan:
    return scene.plan(bulk_from=0, restart_from=0)


def killed_while(title: str, plan: RestorePlan, context: ReplayContext) -> None:
    """Replay in a process of its own that is killed when a step begins.

    Without documents: what unpacks them would be left on the volume that the test removes.
    """
    steps = tuple(step for step in plan.steps if step.kind is not StepKind.DOCUMENTS)
    plan = replace(plan, steps=steps)

    def listen(progress: Progress) -> None:
        if progress.label.startswith(title):
            os.kill(os.getpid(), signal.SIGKILL)

    def run() -> None:
        replay(plan, replace(context, runner=Runner.connect(), listener=listen))

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def test_a_database_is_loaded_in_bulk_mode_and_the_server_is_as_before(scene: Scene) -> None:
    before = auto_conf(scene.lab)
    seen: list[dict[str, str]] = []

    def listen(progress: Progress) -> None:
        if progress.label.startswith("Gather statistics"):
            seen.append(shown(scene.lab))

    outcome = replay(bulk_plan(scene), replace(scene.context, listener=listen))

    assert [s.id for s in outcome.steps if s.status is not StepStatus.SUCCEEDED] == []
    assert seen == [BULK]
    require_put_right(scene.lab, before)
    assert scene.lab.execute("SELECT count(*) FROM sale_order", DATABASE) == [(40,)]


def test_a_server_left_in_bulk_mode_is_put_right_first(scene: Scene) -> None:
    before = auto_conf(scene.lab)
    killed_while("Gather statistics", bulk_plan(scene), scene.context)
    assert shown(scene.lab) == BULK
    assert state(scene) is BulkState.LEFT
    node = Node(Role.DATABASE, scene.lab.container, "postgres")
    shown_as = describe_nodes([looked_at(scene.lab.runner, node)])
    assert shown_as == "incomplete: no whole generation on database"
    assert "in bulk mode (fsync off)" in looked_at(scene.lab.runner, node).problem

    plan = scene.plan()
    assert [step.id for step in plan.steps][2] == "leave-bulk-mode:left"
    outcome = replay(plan, scene.context)

    assert [s.id for s in outcome.steps if s.status is not StepStatus.SUCCEEDED] == []
    require_put_right(scene.lab, before)
    assert scene.lab.databases() == {DATABASE}
    assert looked_at(scene.lab.runner, node).problem == ""


def test_a_replay_that_fails_puts_the_server_right(scene: Scene) -> None:
    before = auto_conf(scene.lab)
    artifact = next(a for a in scene.context.generation.artifacts if a.name.startswith("database"))
    flip_byte(next((scene.context.generation.root / artifact.folder).glob("*.dat.gz")), 12)
    plan = scene.plan(bulk_from=0)

    outcome = replay(plan, scene.context)

    failed = [step.id for step in outcome.steps if step.status is StepStatus.FAILED]
    assert failed == [f"restore-database:{DATABASE}"]
    require_put_right(scene.lab, before)


def test_a_server_whose_machine_was_restarted_in_bulk_mode_is_refused(
    scene: Scene, put_right: Callable[[], None]
) -> None:
    lab = scene.lab
    killed_while("Create database", scene.plan(bulk_from=0), scene.context)
    kept: dict[str, Any] = json.loads(lab.runner.read_file(lab.container, f"{DATA}/{KEPT}"))
    text = json.dumps(kept | {"boot": "another"}).encode()
    archive = single_file(KEPT, text, Owner(999, 999), 0o600)
    lab.runner.write_archive(lab.container, DATA, iter((archive,)))

    assert state(scene) is BulkState.LOST
    node = Node(Role.DATABASE, lab.container, "postgres")
    assert "what it holds may be damaged" in looked_at(lab.runner, node).problem
    with pytest.raises(RefusedError, match=r"left in bulk mode \(fsync off\)"):
        scene.plan()
    assert shown(lab)["fsync"] == "off"
    put_right()
    assert shown(lab) == SETTINGS


@pytest.fixture
def put_right(scene: Scene) -> Callable[[], None]:
    """Does what the engine refuses to, for the tests that come after."""

    def act() -> None:
        plan = scene.plan(bulk_from=0, target=standing_target(scene.context.environment))
        steps = tuple(step for step in plan.steps if step.kind is StepKind.LEAVE_BULK_MODE)
        replay(replace(plan, steps=steps[:1]), scene.context)

    return act
