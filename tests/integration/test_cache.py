"""Copies of a real server's data: kept, placed, and never used when they are not whole."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql as compose

from restore.adapters.docker.cache_volumes import beside_cache, find_caches, remove_cache
from restore.adapters.docker.health import wait_healthy
from restore.adapters.docker.helpers import run_once
from restore.adapters.docker.runner import Runner
from restore.adapters.postgres import sql
from restore.errors import EnvironmentFailure, ReplayError
from restore.model import Cache, ReplayMode, RestorePlan, Role, StepKind, StepStatus
from restore.model.cache import DATA
from restore.model.secret import Secret
from restore.plan.cache.policy import CachePolicy
from restore.plan.planning import plan
from restore.replay.replay import ReplayInterrupted, ReplayOutcome, replay
from restore.runs import gc
from restore.runs.cache import Choice, choose_cache
from tests.support.repository import DATABASE
from tests.support.servers import SUPERUSER_PASSWORD, Scene, make_request

pytestmark = pytest.mark.docker

KEEP = CachePolicy(keep=True, why="told so")
USE = CachePolicy(use=True)
NEW_PASSWORD = Secret("another superuser's p4ss '\\")
NEW_ERP_PASSWORD = Secret("another ERP's p4ss")


def copies(scene: Scene) -> list[Cache]:
    """The copies that the tests of this server made."""
    return [one for one in find_caches(scene.lab.runner) if one.stack == scene.lab.stack]


@pytest.fixture(autouse=True)
def no_copy_stays(scene: Scene) -> Iterator[None]:
    """The server's superuser has its password again, and its copies are gone."""
    yield
    for copy in copies(scene):
        remove_cache(scene.lab.runner, copy.volume)
    assert copies(scene) == []
    change_password(scene, SUPERUSER_PASSWORD)


def change_password(scene: Scene, password: Secret) -> None:
    """Make the server as a new one of another environment: empty, with another password."""
    argv = ("psql", "--username=postgres", "--dbname=postgres", "--command")
    statement = compose.SQL("ALTER ROLE postgres PASSWORD {}").format(password.reveal())
    scene.lab.runner.check(scene.lab.container, (*argv, statement.as_string(None)), user="postgres")


def choice(scene: Scene, policy: CachePolicy) -> Choice:
    return choose_cache(
        scene.lab.runner, scene.context.environment, make_request(scene.context), policy
    )


def of_database(planned: RestorePlan) -> RestorePlan:
    """A plan without what is not about the database server: that takes most of the time."""
    others = (StepKind.DOCUMENTS, StepKind.PROMOTE_DOCUMENTS, StepKind.POST_OPERATION)
    steps = tuple(
        step for step in planned.steps if step.node is Role.DATABASE and step.kind not in others
    )
    return replace(planned, steps=steps)


def replayed(scene: Scene, policy: CachePolicy) -> tuple[Choice, ReplayOutcome]:
    chosen = choice(scene, policy)
    return chosen, replay(of_database(plan(chosen.request)), scene.context)


def failures(outcome: ReplayOutcome) -> list[str]:
    return [f"{s.id}: {s.reason}" for s in outcome.steps if s.status is StepStatus.FAILED]


def in_new_server(scene: Scene) -> Scene:
    """The scene with the same server emptied, and with passwords of another environment."""
    scene.lab.sweep()
    change_password(scene, NEW_PASSWORD)
    environment = scene.context.environment
    server = replace(environment.database, password=NEW_PASSWORD, erp_password=NEW_ERP_PASSWORD)
    context = replace(scene.context, environment=replace(environment, database=server))
    return replace(scene, context=context)


def kept(scene: Scene) -> Scene:
    """A copy kept by a cold replay, and a new server."""
    chosen, outcome = replayed(scene, KEEP)
    assert failures(outcome) == [] and outcome.warnings == ()
    assert (chosen.mode, chosen.reason) == (ReplayMode.COLD, "told so")
    return in_new_server(scene)


def test_a_copy_is_kept_and_placed_into_a_server_with_other_passwords(scene: Scene) -> None:
    there = kept(scene)
    (copy,) = copies(scene)
    assert copy.complete and copy.files > 900 and copy.bytes > 20_000_000
    server = there.context.environment.database

    chosen, outcome = replayed(there, USE)

    assert failures(outcome) == []
    assert chosen.mode is ReplayMode.CACHED and copy.key[:12] in chosen.reason
    ran = {step.kind for step in plan(chosen.request).steps}
    assert StepKind.PLACE_CACHE in ran and StepKind.RESTORE_DATABASE not in ran
    with sql.connect(server, DATABASE) as connection:
        assert connection.execute("SELECT count(*) FROM sale_order").fetchone() == (40,)
    with sql.connect(server, DATABASE, as_erp=True) as connection:
        assert connection.execute("SELECT count(*) FROM res_partner").fetchone() == (12,)
    for old in (scene.context.environment.database, replace(server, erp_password=Secret("old"))):
        with (
            pytest.raises(EnvironmentFailure, match="password authentication failed"),
            sql.connect(old, DATABASE, as_erp=True, deadline=1),
        ):
            pass
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        scene.lab.connect()
    (used,) = copies(scene)
    assert used.used is not None and used.kept == copy.kept


def test_a_server_that_is_not_new_gets_no_copy(scene: Scene) -> None:
    kept(scene)
    change_password(scene, SUPERUSER_PASSWORD)
    scene.lab.execute("CREATE DATABASE somebodys")
    chosen = choice(scene, USE)
    assert chosen.mode is ReplayMode.COLD
    assert chosen.reason == "the environment is not a new one"


def test_another_setting_of_the_server_is_another_key(scene: Scene) -> None:
    there = kept(scene)
    change_password(scene, SUPERUSER_PASSWORD)
    scene.lab.execute("ALTER SYSTEM SET default_statistics_target = 7")
    scene.lab.execute("SELECT pg_reload_conf()")
    change_password(scene, NEW_PASSWORD)
    try:
        chosen = choice(there, USE)
    finally:
        change_password(scene, SUPERUSER_PASSWORD)
        scene.lab.execute("ALTER SYSTEM RESET default_statistics_target")
        scene.lab.execute("SELECT pg_reload_conf()")
    assert chosen.mode is ReplayMode.COLD
    assert chosen.reason == "no copy is kept of this generation for such a server"


@pytest.mark.parametrize("damage", ["file", "rows", "control"])
def test_a_damaged_copy_fails_the_replay_says_so_and_is_discarded(
    scene: Scene, damage: str
) -> None:
    _, outcome = replayed(scene, KEEP)
    assert failures(outcome) == []
    found = scene.lab.execute("SELECT pg_relation_filepath('sale_order')", DATABASE)
    path = {"rows": str(found[0][0]), "control": "global/pg_control"}.get(damage, "PG_VERSION")
    (copy,) = copies(scene)
    with beside_cache(scene.lab.runner, scene.lab.container, copy.volume) as helper:
        size = helper.run("stat", "--format=%s", f"{DATA}/{path}").strip()
        helper.run("truncate", "--size=0", f"{DATA}/{path}")
        if damage != "file":
            # As long as it was, so that only what is in it tells.
            helper.run("truncate", f"--size={size}", f"{DATA}/{path}")
    there = in_new_server(scene)

    chosen, outcome = replayed(there, USE)

    assert chosen.mode is ReplayMode.CACHED
    (failed,) = failures(outcome)
    assert failed.startswith(f"check-database:{DATABASE}" if damage == "rows" else "place-copy")
    assert f"this was a kept copy, {copy.volume}, not the backup itself" in failed
    assert "run the drill again, which will be cold" in failed
    assert copies(scene) == []
    if damage == "control":
        start_anew(scene)


def start_anew(scene: Scene) -> None:
    """Give the server that did not start an empty folder, of which it makes a new cluster."""
    lab = scene.lab
    data = scene.context.profile.database.data
    lab.runner.stop(lab.container)
    run_once(lab.runner, lab.container, ("find", data, "-mindepth", "1", "-delete"))
    lab.runner.start(lab.container)
    wait_healthy(lab.runner, lab.container, 120)
    lab.execute("CREATE ROLE odoo LOGIN CREATEDB")


def test_what_was_killed_while_it_was_kept_is_never_used(scene: Scene) -> None:
    planned = of_database(plan(choice(scene, KEEP).request))

    def die(*_given: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def run() -> None:
        # All is there but the file that says so.
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("restore.adapters.docker.cache_volumes.finish_cache", die)
            replay(planned, replace(scene.context, runner=Runner.connect()))

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL

    (left,) = copies(scene)
    assert not left.complete
    there = in_new_server(scene)
    assert choice(there, USE).mode is ReplayMode.COLD
    (collected,) = choose_copies_to_collect(left)
    assert collected.leftovers[0].name == left.volume
    for helper in scene.lab.runner.client.containers.list(
        all=True, filters={"volume": left.volume}
    ):
        helper.remove(force=True)


def choose_copies_to_collect(left: Cache) -> tuple[gc.Collection, ...]:
    """What ``pra gc`` would take, a day later."""
    later = left.created + timedelta(days=1, minutes=1)
    nowhere = Path("/nonexistent")
    return gc.choose_caches([("local", left)], nowhere, now=later, older_than=timedelta(days=1))


@pytest.mark.parametrize("error", [ReplayError("no space left"), KeyboardInterrupt()])
def test_what_can_not_be_kept_leaves_nothing_and_fails_nothing(
    scene: Scene, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_given: object) -> None:
        raise error

    monkeypatch.setattr("restore.adapters.docker.cache_volumes.finish_cache", fail)
    planned = of_database(plan(choice(scene, KEEP).request))
    if isinstance(error, KeyboardInterrupt):
        with pytest.raises(ReplayInterrupted):
            replay(planned, scene.context)
    else:
        outcome = replay(planned, scene.context)
        assert failures(outcome) == []
        assert scene.lab.databases() == {DATABASE}
        (warning,) = outcome.warnings
        assert warning.endswith("no copy of the database server's data was kept: no space left")
    assert copies(scene) == []
    wait_healthy(scene.lab.runner, scene.lab.container, 60)


def test_without_room_no_copy_is_kept_and_that_is_told(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("restore.plan.disk.LEAST_MARGIN", 1 << 60)
    chosen = choice(scene, KEEP)
    assert StepKind.KEEP_CACHE not in {step.kind for step in plan(chosen.request).steps}
    (warning,) = chosen.warnings
    assert "no copy of the database server's data is kept: that would take" in warning


def test_copies_of_the_same_key_and_those_unused_for_longest_go(scene: Scene) -> None:
    scene = replace(scene, context=replace(scene.context, most_caches=1))
    kept(scene)
    (first,) = copies(scene)
    change_password(scene, SUPERUSER_PASSWORD)
    _, outcome = replayed(scene, KEEP)
    assert failures(outcome) == []
    (second,) = copies(scene)
    assert second.key == first.key and second.volume != first.volume
