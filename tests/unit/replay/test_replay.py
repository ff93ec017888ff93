"""How a replay's steps end, whatever they do."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

import pytest

from restore.adapters import logs
from restore.context import ReplayContext
from restore.errors import ReplayError
from restore.model import (
    CheckResult,
    CheckStatus,
    Progress,
    RestorePlan,
    Step,
    StepKind,
    StepStatus,
    locations,
)
from restore.replay import replay as module
from restore.replay.replay import ReplayInterrupted, replay
from restore.replay.steps.diagnose import Diagnosis
from tests.support.fake_docker import FakeEngine

KINDS = (StepKind.STOP_ERP, StepKind.ROLES, StepKind.START_ERP)


def plan_of(*kinds: StepKind) -> RestorePlan:
    steps = tuple(Step(f"{kind}", kind, f"Do {kind}", "target", bytes=7) for kind in kinds)
    return RestorePlan("g", "odoo", "stack", ("db",), (), steps, 7)


@pytest.fixture
def heard() -> list[Progress]:
    return []


@pytest.fixture
def context(heard: list[Progress]) -> ReplayContext:
    seconds = count()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    nothing = cast(Any, None)
    return ReplayContext(
        runner=nothing,
        environment=nothing,
        repository=nothing,
        generation=nothing,
        profile=nothing,
        now=lambda: start + timedelta(seconds=next(seconds)),
        listener=heard.append,
    )


@pytest.fixture(autouse=True)
def healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server is asked what ails it."""
    monkeypatch.setattr(module, "diagnose", lambda *_: ())


@pytest.fixture
def acts(monkeypatch: pytest.MonkeyPatch) -> dict[StepKind, Callable[..., None]]:
    """What each kind of step does, to be replaced."""
    table: dict[StepKind, Callable[..., None]] = dict.fromkeys(StepKind, lambda _run, _step: None)
    monkeypatch.setattr(module, "ACTS", table)
    return table


def raising(error: BaseException) -> Callable[..., None]:
    def act(_run: object, _step: Step) -> None:
        raise error

    return act


def test_every_kind_of_step_has_its_act() -> None:
    assert set(module.ACTS) == set(StepKind)


@pytest.mark.usefixtures("acts")
def test_steps_run_in_order_and_tell_the_listener(
    context: ReplayContext, heard: list[Progress]
) -> None:
    outcome = replay(plan_of(*KINDS), context)

    assert [step.id for step in outcome.steps] == [f"{kind}" for kind in KINDS]
    assert {step.status for step in outcome.steps} == {StepStatus.SUCCEEDED}
    assert [step.started.second for step in outcome.steps] == [0, 1, 2]
    assert [progress.label for progress in heard] == [f"Do {kind}" for kind in KINDS]
    assert heard[0].total_bytes == 7


def test_what_follows_a_failure_is_skipped_with_the_reason(
    acts: dict[StepKind, Callable[..., None]], context: ReplayContext
) -> None:
    acts[StepKind.ROLES] = raising(ReplayError("no role", "make one"))
    done: list[str] = []
    acts[StepKind.START_ERP] = lambda _run, step: done.append(step.id)

    outcome = replay(plan_of(*KINDS), context)

    statuses = [step.status for step in outcome.steps]
    assert statuses == [StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED]
    assert "no role" in outcome.steps[1].reason
    assert "make one" in outcome.steps[1].reason
    assert outcome.steps[2].reason == "after failure of roles"
    assert done == []


def test_an_interruption_aborts_its_step_and_is_raised_with_the_outcome(
    acts: dict[StepKind, Callable[..., None]], context: ReplayContext
) -> None:
    acts[StepKind.ROLES] = raising(KeyboardInterrupt())

    with pytest.raises(ReplayInterrupted) as raised:
        replay(plan_of(*KINDS), context)

    steps = raised.value.outcome.steps
    assert [step.status for step in steps] == [
        StepStatus.SUCCEEDED,
        StepStatus.ABORTED,
        StepStatus.SKIPPED,
    ]
    assert steps[2].reason == "after interruption of roles"
    assert isinstance(raised.value, KeyboardInterrupt)


BESIDE = (StepKind.STOP_ERP, StepKind.RESTORE_DATABASE, StepKind.DOCUMENTS, StepKind.START_ERP)


def test_documents_are_copied_while_databases_load(
    acts: dict[StepKind, Callable[..., None]], context: ReplayContext
) -> None:
    both = threading.Barrier(2, timeout=30)

    def meet(_run: object, _step: Step) -> None:
        both.wait()

    acts[StepKind.RESTORE_DATABASE] = acts[StepKind.DOCUMENTS] = meet

    with logs.run_log("lanes"), logs.bound(stage="replay"):
        outcome = replay(plan_of(*BESIDE), context)

    log = (locations.LOGS / "lanes.jsonl").read_text(encoding="utf-8").splitlines()
    told = [(line["event"], line["stage"], line["step"]) for line in map(json.loads, log)]
    assert sorted(told) == sorted(
        (event, "replay", f"{kind}") for kind in BESIDE for event in ("step begins", "step ends")
    )

    assert [step.id for step in outcome.steps] == [f"{kind}" for kind in BESIDE]
    assert {step.status for step in outcome.steps} == {StepStatus.SUCCEEDED}


@pytest.mark.parametrize(
    ("fails", "given_up"),
    [
        (StepKind.RESTORE_DATABASE, StepKind.DOCUMENTS),
        (StepKind.DOCUMENTS, StepKind.RESTORE_DATABASE),
    ],
)
def test_what_runs_beside_a_failure_is_given_up(
    fails: StepKind,
    given_up: StepKind,
    acts: dict[StepKind, Callable[..., None]],
    context: ReplayContext,
) -> None:
    begun = threading.Event()

    def fail(_run: object, _step: Step) -> None:
        assert begun.wait(30)
        raise ReplayError("the disk is full")

    def go_on(run: Any, _step: Step) -> None:
        begun.set()
        assert run.context.stopping.wait(30)
        raise ReplayError("it was given up")

    acts[fails], acts[given_up] = fail, go_on

    found = {step.id: step for step in replay(plan_of(*BESIDE), context).steps}

    assert found[fails].status is StepStatus.FAILED
    assert found[given_up].status is StepStatus.ABORTED
    assert found[given_up].reason == f"given up after failure of {fails}"
    assert found[StepKind.START_ERP].status is StepStatus.SKIPPED


def test_an_interruption_gives_up_what_runs_beside(
    acts: dict[StepKind, Callable[..., None]], context: ReplayContext
) -> None:
    begun = threading.Event()

    def interrupted(_run: object, _step: Step) -> None:
        assert begun.wait(30)
        raise KeyboardInterrupt

    def go_on(run: Any, _step: Step) -> None:
        begun.set()
        assert run.context.stopping.wait(30)
        raise ReplayError("it was given up")

    acts[StepKind.RESTORE_DATABASE], acts[StepKind.DOCUMENTS] = interrupted, go_on

    with pytest.raises(ReplayInterrupted) as raised:
        replay(plan_of(*BESIDE), context)

    found = {step.id: step.status for step in raised.value.outcome.steps}
    assert found[StepKind.RESTORE_DATABASE] is StepStatus.ABORTED
    assert found[StepKind.DOCUMENTS] is StepStatus.ABORTED
    assert found[StepKind.START_ERP] is StepStatus.SKIPPED


@pytest.mark.parametrize("kind", [StepKind.RESTORE_DATABASE, StepKind.DOCUMENTS])
def test_a_bug_in_a_lane_is_raised(
    kind: StepKind, acts: dict[StepKind, Callable[..., None]], context: ReplayContext
) -> None:
    acts[kind] = raising(ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        replay(plan_of(*BESIDE), context)


def test_a_bug_is_no_failure_of_the_replay(
    acts: dict[StepKind, Callable[..., None]], context: ReplayContext
) -> None:
    acts[StepKind.ROLES] = raising(ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        replay(plan_of(*KINDS), context)


def test_results_of_a_failed_database_check_are_in_the_outcome(
    context: ReplayContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = CheckResult("database.role:db", "", CheckStatus.PASSED, "", "", 0.0)
    wrong = replace(
        good, id="database.tables:db", status=CheckStatus.FAILED, details=("t is gone",)
    )
    found = (good, wrong)
    monkeypatch.setattr(
        "restore.replay.steps.databases.check_database", lambda _context, _step: found
    )

    outcome = replay(plan_of(StepKind.CHECK_DATABASE, StepKind.PROMOTE_DATABASE), context)

    assert outcome.checks == found
    assert [step.status for step in outcome.steps] == [StepStatus.FAILED, StepStatus.SKIPPED]
    assert "database.tables:db: t is gone" in outcome.steps[0].reason


def test_a_database_that_could_not_be_checked_is_not_promoted(
    context: ReplayContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = CheckResult("database.role:db", "", CheckStatus.PASSED, "", "", 0.0)
    blind = replace(
        good, id="database.tables:db", status=CheckStatus.UNVERIFIABLE, reason="server went away"
    )
    monkeypatch.setattr(
        "restore.replay.steps.databases.check_database", lambda _context, _step: (good, blind)
    )

    outcome = replay(plan_of(StepKind.CHECK_DATABASE, StepKind.PROMOTE_DATABASE), context)

    assert [step.status for step in outcome.steps] == [StepStatus.FAILED, StepStatus.SKIPPED]
    assert "could not be checked" in outcome.steps[0].reason
    assert "database.tables:db: server went away" in outcome.steps[0].reason


@pytest.mark.parametrize(
    ("before", "failing", "restarts"),
    [
        ("running", StepKind.ROLES, 1),
        ("created", StepKind.ROLES, 0),
        ("running", StepKind.PROMOTE_DATABASE, 0),
    ],
)
def test_an_erp_that_ran_is_started_again_while_nothing_was_promoted(
    before: str,
    failing: StepKind,
    restarts: int,
    context: ReplayContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = FakeEngine()
    engine.add("erp", status=before)
    environment = SimpleNamespace(erp=SimpleNamespace(container="erp"))
    context = replace(context, runner=engine.runner, environment=cast(Any, environment))
    table = dict(module.ACTS)
    table[StepKind.ROLES] = lambda _run, _step: None
    table[failing] = raising(ReplayError("broken"))
    monkeypatch.setattr(module, "ACTS", table)
    kinds = (StepKind.STOP_ERP, StepKind.ROLES, StepKind.PROMOTE_DATABASE, StepKind.START_ERP)

    outcome = replay(plan_of(*kinds), context)

    assert len(engine.started) == restarts
    assert ("started again" in outcome.steps[-1].reason) is bool(restarts)


def test_what_ails_a_server_is_told_with_the_failure_and_its_hint_comes_first(
    acts: dict[StepKind, Callable[..., None]],
    context: ReplayContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    acts[StepKind.ROLES] = raising(ReplayError("the tool ended", "look at the dump"))
    found = (Diagnosis("the disk is full", "make room"), Diagnosis("memory ran out", ""))
    monkeypatch.setattr(module, "diagnose", lambda *_: found)

    outcome = replay(plan_of(*KINDS), context)

    reason = outcome.steps[1].reason
    assert reason.split("\n") == [
        "the tool ended",
        "the disk is full",
        "memory ran out",
        "→ make room",
        "→ look at the dump",
    ]


@pytest.mark.parametrize("opened", [StepStatus.SUCCEEDED, StepStatus.FAILED])
def test_a_database_that_was_promoted_and_not_opened_is_named(
    opened: StepStatus,
    acts: dict[StepKind, Callable[..., None]],
    context: ReplayContext,
) -> None:
    failing = StepKind.START_ERP if opened is StepStatus.SUCCEEDED else StepKind.OPEN_DATABASE
    acts[failing] = raising(ReplayError("broken"))
    kinds = (
        StepKind.PROMOTE_DATABASE,
        StepKind.OPEN_DATABASE,
        StepKind.START_ERP,
        StepKind.COMPLETE_NODE,
    )

    outcome = replay(plan_of(*kinds), context)

    told = "nobody can connect to database" in outcome.steps[-1].reason
    assert told is (opened is StepStatus.FAILED)
