"""Whatever command replays into a staging copy, what it replays is neutralised."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from restore.errors import RefusedError, UsageError
from restore.model import Environment, Purpose, Selection, ignore_progress
from restore.runs import stages
from restore.runs.recorder import Run
from restore.runs.request import ReplayRequest, Services, utc_now
from restore.runs.staging.safety import require_anonymised
from stacks.keys import KEYS
from stacks.settings import Place, parse


@pytest.mark.parametrize("purpose", Purpose)
def test_the_environment_says_what_is_replayed_into_it(
    purpose: Purpose, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Purpose] = []

    @contextmanager
    def at_hand(environment: Environment, runner: object) -> Iterator[tuple[object, object]]:
        yield environment, runner

    monkeypatch.setattr(stages, "open_access", at_hand)
    monkeypatch.setattr(stages, "require_same_repository", lambda *_arguments: None)
    monkeypatch.setattr(
        stages, "_replay_at_hand", lambda run, *_rest: asked.append(run.request.purpose)
    )
    environment = Environment(
        "s", "n", cast(Any, None), cast(Any, None), "http://127.0.0.1", purpose=purpose
    )
    request = ReplayRequest(Selection(Path("b"), "latest", "odoo"), None, (), Path("r"))
    nothing = cast(Any, None)
    services = Services(nothing, nothing, nothing, utc_now, ignore_progress)

    stages.replay_into(Run(services, request, nothing), environment, nothing)

    assert asked == [purpose]


def test_a_stack_is_for_a_recovery_unless_it_says_otherwise() -> None:
    def purpose(**raw: str) -> Purpose:
        return parse({"generation": "latest", **raw}, (), Place("s", Path("/p"))).purpose

    assert purpose() is Purpose.RECOVERY
    assert purpose(purpose="staging") is Purpose.STAGING
    with pytest.raises(UsageError, match="recovery, staging"):
        purpose(purpose="production")
    assert "purpose" in {key.name for key in KEYS}


def test_nothing_is_replayed_into_an_anonymised_stack_without_rules() -> None:
    nothing = cast(Any, None)
    plain = Environment("s", "n", nothing, nothing, "http://127.0.0.1", purpose=Purpose.STAGING)
    request = ReplayRequest(Selection(Path("b"), "latest", "odoo"), None, (), Path("r"))
    require_anonymised(plain, request)
    anonymised = replace(plain, anonymised=True)
    require_anonymised(anonymised, replace(request, anonymisation=cast(Any, object())))
    with pytest.raises(RefusedError, match="people's data"):
        stages.replay_into(Run(nothing, request, nothing), anonymised, nothing)
