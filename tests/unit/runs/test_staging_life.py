"""How staging copies come and go, whatever happens in between; nothing is really made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, cast

import pytest

from restore.adapters import lock
from restore.adapters.docker import cache_volumes, leftovers
from restore.adapters.docker.runner import Runner
from restore.adapters.pulumi.stack_file import StackSpec, settings_file, write_settings
from restore.cli import gc
from restore.cli.main import run
from restore.errors import EnvironmentFailure, ExitCode, RefusedError, ReplayError
from restore.model import (
    CheckResult,
    CheckStatus,
    Credentials,
    Generation,
    Purpose,
    Selection,
    Verdict,
    ignore_progress,
    locations,
)
from restore.model.secret import Secret
from restore.profile import load_profile
from restore.runs import drill
from restore.runs.drill import DrillRequest
from restore.runs.planning import Foreseen
from restore.runs.recorder import Run
from restore.runs.request import ReplayRequest, Services
from restore.runs.staging import creation, life, places, records
from restore.runs.staging.copies import CREATE, CopyState, StagingCopy
from tests.support.fake_docker import FakeEngine

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
WEEK = timedelta(days=7)


@dataclass
class World:
    """What stands in for Pulumi, Docker and the replay, and what they were asked."""

    folder: Path
    generation: Generation
    now: datetime = NOW
    status: CheckStatus = CheckStatus.PASSED
    others: CheckStatus = CheckStatus.PASSED
    ids: tuple[str, ...] = ("erp.started", "neutralised.mail", "isolation.network")
    fails: dict[str, BaseException] = field(default_factory=dict)
    specs: list[StackSpec] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    replayed: list[ReplayRequest] = field(default_factory=list)

    def up(self, spec: StackSpec, _listener: object) -> dict[str, Any]:
        write_settings(spec)
        self.specs.append(spec)
        self._act("up")
        return {"url": f"http://127.0.0.1:{dict(spec.settings)['httpPort']}"}

    def replay(self, run: Run, *_rest: object) -> None:
        self.replayed.append(run.request)
        self._act("replay")
        run.recorder.checks = tuple(
            CheckResult(name, name, self.status if name.startswith("n") else self.others,
                        "this", "that", 0.1)
            for name in self.ids
        )  # fmt: skip

    def destroy(self, stack: str, _listener: object = None) -> None:
        self._act("destroy")
        self.gone.append(stack)

    def _act(self, name: str) -> None:
        if name in self.fails:
            raise self.fails[name]

    def create(self, name: str = "sales", **options: Any) -> creation.Made:
        replay = ReplayRequest(
            Selection(Path("backups"), "latest", "odoo"),
            Credentials("admin", Secret("production's own")),
            (),
            self.folder / "reports",
        )
        request = creation.CopyRequest(
            name=name, owner="A. Martin", life=WEEK, login="boss", folder=self.folder / "staging",
            drill=DrillRequest(replay, base="drill", keep=True, images={}), **options,
        )  # fmt: skip
        services = Services(
            runner=cast(Any, None), repository=cast(Any, Repository()),
            profile=load_profile("odoo"), now=lambda: self.now, listener=ignore_progress,
        )  # fmt: skip
        return creation.create(request, services)

    @property
    def copies(self) -> tuple[StagingCopy, ...]:
        return records.load_all(self.folder / "staging").copies


class Repository:
    """Only its name is asked for."""

    location = "/srv/backups"

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


@contextmanager
def at_once(*_arguments: object) -> Iterator[Future[None]]:
    """A verification that has been done."""
    done: Future[None] = Future()
    done.set_result(None)
    yield done


@dataclass
class Environment:
    """All that is asked of one that stands."""

    external_url: str


@pytest.fixture
def world(tmp_path: Path, small_generation: Generation, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path, small_generation)
    (tmp_path / "Pulumi.drill.yaml").write_text("config: {}\n", encoding="utf-8")
    for name, place in (("ROOT", ""), ("LOCKS", "locks"), ("STAGING", "staging")):
        monkeypatch.setattr(locations, name, tmp_path / place)
    story = {
        "replay_into": made.replay,
        "preflight": lambda *_arguments: Foreseen(cast(Any, None), cast(Any, None)),
        "require_reports_account": lambda *_arguments: None,
        "verified": at_once,
    }
    for name, fake in story.items():
        monkeypatch.setattr(drill, name, fake)
    fakes = {
        "up": made.up,
        "stop_servers": made.stopped.append,
        "environment_from_outputs": lambda outputs: Environment(outputs["url"]),
        "select": lambda _run: small_generation,
        "stacks": lambda: (),
    }
    for name, fake in fakes.items():
        monkeypatch.setattr(creation, name, fake)
    monkeypatch.setattr(
        places, "used_subnets", lambda _engines, copies: [IPv4Network(one.subnet) for one in copies]
    )
    monkeypatch.setattr(places, "port_taken", lambda _port: False)
    monkeypatch.setattr(life, "destroy", made.destroy)
    monkeypatch.setattr(Runner, "connect", lambda _host=None: FakeEngine().runner)
    return made


def test_a_copy_that_passes_is_kept_and_two_stand_apart(world: World) -> None:
    first, second = world.create("sales"), world.create("upgrade")

    assert first.report.verdict is Verdict.PASS and world.gone == []
    assert first.copy is not None and second.copy is not None
    assert first.copy.state is CopyState.READY and first.copy.neutralised
    assert (first.copy.port, second.copy.port) == (18069, 18070)
    assert first.copy.subnet != second.copy.subnet
    assert first.copy.generation == world.generation.id
    assert first.copy.expires == NOW + WEEK
    told = dict(world.specs[0].settings)
    assert told["purpose"] == "staging" and told["keep"] == "true" and told["replay"] == "false"
    assert (told["subnet"], told["httpPort"]) == (first.copy.subnet, "18069")
    assert [request.purpose for request in world.replayed] == [Purpose.STAGING] * 2


def test_its_administrators_password_is_made_anew_and_stands_in_one_file_only(
    world: World,
) -> None:
    made = world.create()
    account = world.replayed[0].credentials
    assert account is not None and account.login == "boss"
    password = account.password.reveal()
    assert password != "production's own" and len(password) >= 24
    holding = {
        path.relative_to(world.folder).as_posix()
        for path in world.folder.rglob("*")
        if path.is_file() and password in path.read_text(encoding="utf-8", errors="replace")
    }
    assert holding == {"staging/sales.password"}
    assert made.copy is not None and made.copy.password_file.endswith("sales.password")
    assert not any(isinstance(value, Secret) for _, value in world.specs[0].settings)


@pytest.mark.parametrize(
    "act", ["up", "replay", "check", "nothing proved", "no answer", "interrupt"]
)
def test_what_fails_leaves_nothing(act: str, world: World) -> None:
    if act == "check":
        world.status = CheckStatus.FAILED
    elif act == "nothing proved":
        world.ids = ("erp.started",)
    elif act == "no answer":
        world.status = CheckStatus.UNVERIFIABLE
    elif act == "interrupt":
        world.fails["replay"] = KeyboardInterrupt()
    else:
        world.fails[act] = ReplayError(f"{act} broke")

    made = world.create()

    assert made.copy is None and world.copies == ()
    assert world.gone == ["staging-sales"]
    assert not settings_file("staging-sales").exists()
    assert lock.find_abandoned(locations.LOCKS) == {}
    assert made.report.verdict is Verdict.FAIL
    assert not list((world.folder / "staging").glob("*.password"))


def test_what_fails_is_kept_stopped_on_demand(world: World) -> None:
    world.fails["replay"] = ReplayError("not neutralised")
    made = world.create(keep_failed=True)
    assert world.stopped == ["staging-sales"] and world.gone == []
    (copy,) = world.copies
    assert copy == made.copy
    assert (copy.state, copy.neutralised) == (CopyState.FAILED, False)
    assert life.due(world.folder / "staging", NOW) == ()
    assert life.due(world.folder / "staging", NOW + WEEK) != ()


def test_a_proof_that_was_accepted_with_a_reason_is_shown_as_missing(world: World) -> None:
    world.status = CheckStatus.IGNORED
    made = world.create()
    assert made.copy is not None and made.copy.state is CopyState.READY
    assert not made.copy.neutralised


@pytest.mark.parametrize("status", [CheckStatus.PASSED, CheckStatus.IGNORED])
def test_it_is_anonymised_when_every_proof_of_that_has_passed(
    status: CheckStatus, world: World
) -> None:
    assert world.create("plain").copy == replace(world.copies[0], anonymised=False)
    world.ids = (*world.ids, "anonymised.scan:one", "anonymised.uncovered:one")
    world.others = status
    copy = world.create("clean").copy
    assert copy is not None and copy.neutralised
    assert copy.anonymised is (status is CheckStatus.PASSED)


def test_a_run_that_ends_before_anything_is_made_is_forgotten(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise RefusedError("not equivalent")

    monkeypatch.setattr(drill, "preflight", refuse)
    assert world.create().copy is None
    assert world.copies == () and world.gone == [] and lock.find_abandoned(locations.LOCKS) == {}


def test_a_name_that_is_taken_is_refused(world: World) -> None:
    world.create()
    with pytest.raises(RefusedError, match="already"):
        world.create()
    settings_file("staging-mine").write_text("config: {}\n", encoding="utf-8")
    with pytest.raises(RefusedError, match="no staging copy of this clone"):
        world.create("mine")
    assert [copy.name for copy in world.copies] == ["sales"]
    assert settings_file("staging-mine").exists()


def test_what_can_not_be_destroyed_is_left_to_garbage_collection(world: World) -> None:
    world.fails = {"replay": ReplayError("broke"), "destroy": EnvironmentFailure("Docker is gone")}
    world.create()
    (copy,) = world.copies
    assert copy.state is CopyState.CREATING
    ((due, reason),) = life.due(world.folder / "staging", NOW)
    assert due == copy and "creation" in reason
    world.fails = {}
    assert life.end_if_due(world.folder / "staging", "sales", NOW)
    assert world.copies == () and world.gone == ["staging-sales"]
    assert lock.find_abandoned(locations.LOCKS) == {}


def test_a_creation_that_is_killed_is_collected_and_one_under_way_is_not(world: World) -> None:
    class Killed(BaseException):
        """Nothing of the process runs after this: not even what cleans up."""

    world.fails = {"up": Killed(), "destroy": Killed()}
    with pytest.raises(Killed):
        world.create()
    world.fails = {}
    folder = world.folder / "staging"
    (copy,) = world.copies
    with lock.stack_lock(locations.LOCKS, copy.stack, "another", now=NOW, kept=True):
        assert life.due(folder, NOW + 2 * WEEK) == ()
        with pytest.raises(RefusedError, match="in use"):
            life.end_if_due(folder, "sales", NOW)
    assert [one.name for one, _ in life.due(folder, NOW)] == ["sales"]
    assert life.end_if_due(folder, "sales", NOW)
    assert list(folder.glob("sales*")) == [] and not settings_file(copy.stack).exists()


def test_a_creation_that_dies_before_it_is_written_down_leaves_only_its_lock(
    world: World,
) -> None:
    with lock.stack_lock(locations.LOCKS, "staging-x", CREATE, now=NOW, kept=True):
        life.forget_locks(locations.STAGING, dry_run=False)
        assert lock.is_held(locations.LOCKS, "staging-x")
    life.forget_locks(locations.STAGING, dry_run=True)
    assert set(lock.find_abandoned(locations.LOCKS)) == {"staging-x"}
    life.forget_locks(locations.STAGING, dry_run=False)
    assert lock.find_abandoned(locations.LOCKS) == {}


def test_one_that_was_renewed_meanwhile_stays(world: World) -> None:
    world.create()
    folder = world.folder / "staging"
    later = NOW + WEEK + timedelta(hours=1)
    assert [copy.name for copy, _ in life.due(folder, later)] == ["sales"]
    life.renew(folder, "sales", WEEK, later)
    assert not life.end_if_due(folder, "sales", later)
    assert world.gone == [] and [copy.name for copy in world.copies] == ["sales"]


def test_whatever_is_replayed_into_a_copy_takes_the_copys_own_administrator(world: World) -> None:
    world.create()
    request = replace(world.replayed[0], purpose=Purpose.RECOVERY)
    asked = replace(request, credentials=Credentials("admin", Secret("production's own")))
    told = life.as_copy(locations.STAGING, "staging-sales", asked)
    assert told.purpose is Purpose.STAGING
    assert told.credentials == world.replayed[0].credentials
    assert life.as_copy(locations.STAGING, "staging", asked) == asked
    (copy,) = world.copies
    records.save(locations.STAGING, replace(copy, anonymised=True))
    with pytest.raises(RefusedError, match="anonymised"):
        life.as_copy(locations.STAGING, "staging-sales", asked)


def test_the_command_lists_renews_destroys_and_collects(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.create("old")
    world.create("new")
    monkeypatch.setattr("restore.runs.request.utc_now", lambda: NOW + WEEK)
    monkeypatch.setattr("restore.cli.staging._servers", lambda _terminal: {})
    monkeypatch.setattr(gc, "other_engines", lambda _terminal: {})
    monkeypatch.setattr(cache_volumes, "find_caches", lambda _engine: ())
    monkeypatch.setattr(leftovers, "find_everywhere", lambda _engines: ())
    capsys.readouterr()

    assert run(["--json", "staging", "list"]) == ExitCode.PASS
    assert {one["state"] for one in json.loads(capsys.readouterr().out)} == {"expired"}
    assert run(["staging", "renew", "new", "--for", "2d"]) == ExitCode.PASS
    assert run(["staging", "list"]) == ExitCode.PASS
    told = capsys.readouterr().out
    assert "A. Martin" in told and "http://127.0.0.1:18070" in told and "ready" in told

    assert run(["gc", "--dry-run"]) == ExitCode.PASS
    assert "staging copy old: expired on 2026-12-01 06:00 UTC" in capsys.readouterr().out
    assert world.gone == []
    assert run(["--json", "gc"]) == ExitCode.PASS
    (taken,) = json.loads(capsys.readouterr().out)
    assert (taken["stack"], taken["removed"]) == ("staging-old", True)
    assert world.gone == ["staging-old"]
    assert run(["gc"]) == ExitCode.PASS
    assert "nothing to remove" in capsys.readouterr().out

    assert run(["staging", "destroy", "new"]) == ExitCode.PASS
    assert run(["staging", "destroy", "new"]) == ExitCode.NOT_FOUND
    assert run(["staging", "renew", "new", "--for", "soon"]) == ExitCode.USAGE
    assert world.copies == ()


def test_one_that_gc_can_not_end_is_in_no_others_way(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.create("a")
    world.create("b")
    world.fails["destroy"] = EnvironmentFailure("Docker is gone")
    monkeypatch.setattr("restore.runs.request.utc_now", lambda: NOW + WEEK)
    monkeypatch.setattr(gc, "other_engines", lambda _terminal: {})
    monkeypatch.setattr(cache_volumes, "find_caches", lambda _engine: ())
    monkeypatch.setattr(leftovers, "find_everywhere", lambda _engines: ())
    assert run(["gc"]) == ExitCode.ENVIRONMENT
    told = capsys.readouterr().out
    assert "staging copy a" in told and "staging copy b" in told
    assert [copy.state for copy in world.copies] == [CopyState.DESTROYING] * 2
    world.fails = {}
    assert run(["gc"]) == ExitCode.PASS
    assert world.copies == ()
