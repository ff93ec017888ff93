"""How a drill's environment comes and goes, whatever happens in between."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from restore.adapters import lock
from restore.errors import EnvironmentFailure, ExitCode, NotFoundError, ReplayError
from restore.model import Acceptance, Generation, Role, Selection, ignore_progress, locations
from restore.plan.request import MANY_BYTES
from restore.profile import load_profile
from restore.runs import drill as module
from restore.runs.drill import DrillRequest, rebuilt, restore_stack, stack_spec, verified
from restore.runs.recorder import Recorder, Run
from restore.runs.request import ReplayRequest, Services

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
STACK = "drill-20261124-060000-1a2b"
SERVICES = Services(
    runner=cast(Any, None),
    repository=cast(Any, None),
    profile=load_profile("odoo"),
    now=lambda: NOW,
    listener=ignore_progress,
)


def request_of(folder: Path, *, keep: bool = False, profile: str = "odoo") -> DrillRequest:
    replay = ReplayRequest(
        Selection(Path("backups"), "latest", profile),
        None,
        (Acceptance("erp.series", "tried by hand"),),
        folder / "reports",
        command="pra drill",
    )
    return DrillRequest(replay, base="drill", keep=keep, images={})


def run_of(request: DrillRequest) -> Run:
    recorder = Recorder("run", "pra drill", STACK, (), lambda: NOW, ignore_progress)
    return Run(SERVICES, request.replay, recorder)


@pytest.fixture(autouse=True)
def destroyed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """The stacks that were destroyed; nothing is really made."""
    gone: list[str] = []
    monkeypatch.setattr(locations, "LOCKS", tmp_path / "locks")
    monkeypatch.setattr(module, "up", lambda _spec, _listener: {})
    monkeypatch.setattr(module, "environment_from_outputs", lambda _outputs: None)
    for way in ("destroy", "discard"):
        monkeypatch.setattr(module, way, lambda stack, _listener: gone.append(stack))
    yield gone


def play(
    folder: Path,
    generation: Generation,
    error: BaseException | None,
    *,
    keep: bool = False,
) -> None:
    request = request_of(folder, keep=keep)
    with rebuilt(run_of(request), request, generation):
        if error is not None:
            raise error


@pytest.mark.parametrize("error", [None, ReplayError("broken"), KeyboardInterrupt()])
def test_nothing_of_a_drill_stays_however_it_ends(
    error: BaseException | None,
    destroyed: list[str],
    small_generation: Generation,
    tmp_path: Path,
) -> None:
    try:
        play(tmp_path, small_generation, error)
    except (ReplayError, KeyboardInterrupt) as raised:
        assert raised is error

    assert destroyed == [STACK]
    assert lock.find_abandoned(locations.LOCKS) == {}


def test_what_could_not_be_destroyed_is_left_to_garbage_collection(
    small_generation: Generation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_stack: str, _listener: object) -> None:
        raise EnvironmentFailure("Docker is gone")

    monkeypatch.setattr(module, "discard", refuse)
    with pytest.raises(EnvironmentFailure):
        play(tmp_path, small_generation, None)
    assert list(lock.find_abandoned(locations.LOCKS)) == [STACK]


def test_an_environment_is_kept_once_it_stands_and_not_before(
    destroyed: list[str],
    small_generation: Generation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ReplayError):
        play(tmp_path, small_generation, ReplayError("broken"), keep=True)
    assert destroyed == []
    assert lock.find_abandoned(locations.LOCKS)[STACK].kept

    def refuse(_spec: object, _listener: object) -> None:
        raise EnvironmentFailure("no such image")

    monkeypatch.setattr(module, "up", refuse)
    with pytest.raises(EnvironmentFailure):
        play(tmp_path, small_generation, None, keep=True)
    assert destroyed == [STACK]
    assert lock.find_abandoned(locations.LOCKS) == {}


def test_the_stack_is_told_what_the_drill_accepts_and_where_things_are(
    small_generation: Generation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    spec = stack_spec(STACK, small_generation, request_of(tmp_path, profile="mine.yaml"))

    settings = dict(spec.settings)
    assert json.loads(cast(str, settings["accept"])) == [
        {"difference": "erp.series", "reason": "tried by hand"}
    ]
    assert settings["repository"] == str(tmp_path / "backups")
    assert settings["profile"] == str(tmp_path / "mine.yaml")
    plain = stack_spec(STACK, small_generation, request_of(tmp_path))
    assert dict(plain.settings)["profile"] == "odoo"


def test_a_stack_that_is_not_there_gets_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(stack: str) -> None:
        raise NotFoundError(f"there is no stack {stack}")

    monkeypatch.setattr(module, "outputs_of", absent)
    _, _, recorder = restore_stack("nope", request_of(tmp_path).replay, SERVICES)
    assert recorder.error is not None and recorder.error.exit_code is ExitCode.NOT_FOUND
    assert not (locations.LOCKS / "nope.lock").exists()
    log = (locations.LOGS / f"{recorder.run}.jsonl").read_text(encoding="utf-8")
    begun, ended = map(json.loads, log.splitlines())
    assert (begun["event"], begun["stack"], begun["command"]) == ("run begins", "nope", "pra drill")
    assert (ended["verdict"], ended["error"]) == ("fail", "there is no stack nope")


def test_the_images_of_a_stack_file_are_found_by_their_settings_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = {"databaseImage": "postgres:13.22", "reportsDatabaseImage": "postgres:16.4"}
    monkeypatch.setattr(module, "setting_of", lambda _stack, name: told.get(name))
    assert module.stack_images("drill") == {
        Role.DATABASE: "postgres:13.22",
        Role.REPORTS_DATABASE: "postgres:16.4",
    }


@pytest.mark.parametrize(("size", "first"), [(MANY_BYTES - 1, "verify"), (MANY_BYTES, "body")])
def test_a_large_generation_is_verified_beside_what_comes_next(
    size: int,
    first: str,
    small_generation: Generation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order: list[str] = []
    go = threading.Event()
    large = first == "body"
    if not large:
        go.set()

    def verify(*_: object) -> None:
        go.wait(10)
        order.append("verify")

    monkeypatch.setattr(module, "verify_generation", verify)
    artifact = replace(small_generation.artifacts[0], bytes=size)
    generation = replace(small_generation, artifacts=(artifact,))
    with verified(run_of(request_of(tmp_path)), generation) as verification:
        order.append("body")
        go.set()
        verification.result()
    assert order[0] == first and sorted(order) == ["body", "verify"]
