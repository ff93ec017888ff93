"""Runs a plan's steps, in order, to their results."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import psycopg

from restore.checks.base import describe
from restore.context import ReplayContext
from restore.errors import RestoreError
from restore.model import (
    CheckResult,
    Part,
    Progress,
    RestorePlan,
    Step,
    StepKind,
    StepResult,
    StepStatus,
)
from restore.steps import bulk, databases, documents, nodes, operations, reports, roles, servers
from restore.steps.databases import existing_databases

__all__ = ["ReplayContext", "ReplayInterrupted", "ReplayOutcome", "existing_databases", "replay"]


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    """How each step ended, and what the checks of restored databases found."""

    steps: tuple[StepResult, ...]
    checks: tuple[CheckResult, ...]


class ReplayInterrupted(KeyboardInterrupt):
    """Ctrl-C during a replay; ``outcome`` says how far it came."""

    def __init__(self, outcome: ReplayOutcome) -> None:
        super().__init__("replay interrupted")
        self.outcome = outcome


def replay(plan: RestorePlan, context: ReplayContext) -> ReplayOutcome:
    """Run every step of a plan. The first that fails ends it; those after it are skipped.

    An ERP that ran before is started again when a replay ends before anything was promoted.

    Raises:
        ReplayInterrupted: Ctrl-C; the step under way counts as aborted.
    """
    run = _Run(plan, context)
    for step in plan.steps:
        if run.stopped_by is not None:
            run.skip(step)
            continue
        try:
            run.perform(step)
        except KeyboardInterrupt as interrupt:
            for left in plan.steps[len(run.steps) :]:
                run.skip(left)
            raise ReplayInterrupted(run.outcome()) from interrupt
    return run.outcome()


class _Run:
    """The results of a replay under way."""

    def __init__(self, plan: RestorePlan, context: ReplayContext) -> None:
        self._plan = plan
        self.context = context
        self.steps: list[StepResult] = []
        self._checks: list[CheckResult] = []
        self._ran: str | None = None
        self._promoting = False
        self._in_bulk_mode: list[Step] = []
        self.stopped_by: str | None = None

    def perform(self, step: Step) -> None:
        """Run one step and keep how it ended."""
        self.context.listener(Progress(step.title, 0, step.bytes, 0, step.items))
        started, begun = self.context.now(), time.perf_counter()
        status, reason = StepStatus.ABORTED, "a bug of the engine"
        try:
            _ACTS[step.kind](self, step)
            status, reason = StepStatus.SUCCEEDED, ""
        except (RestoreError, psycopg.Error, OSError) as error:
            status, reason = StepStatus.FAILED, _reason(error)
            self._end(f"after failure of {step.id}")
        except KeyboardInterrupt:
            reason = "interrupted"
            self._end(f"after interruption of {step.id}")
            raise
        finally:
            seconds = time.perf_counter() - begun
            self.steps.append(StepResult(step.id, step.title, status, started, seconds, reason))

    def _end(self, why: str) -> None:
        """Skip the rest. While nothing was promoted, what people used is as it was: start it."""
        self.stopped_by = why
        for step in self._in_bulk_mode:
            # Where this fails, too, the next replay finds it and puts it right.
            with suppress(RestoreError, psycopg.Error):
                self._leave(step)
        if self._ran is not None and not self._promoting:
            with suppress(RestoreError):
                self.context.runner.start(self._ran)
                self.stopped_by += "; nothing was promoted, and the ERP was started again"

    def skip(self, step: Step) -> None:
        """Keep that a step was not run, and why."""
        reason, now = self.stopped_by or "", self.context.now()
        self.steps.append(StepResult(step.id, step.title, StepStatus.SKIPPED, now, 0.0, reason))

    def outcome(self) -> ReplayOutcome:
        """The results so far."""
        return ReplayOutcome(tuple(self.steps), tuple(self._checks))

    def plain(self, act: Callable[[ReplayContext, Step], None], step: Step) -> None:
        """Run an act that needs nothing but its step."""
        act(self.context.of(step.part), step)

    def stop_erp(self, step: Step) -> None:
        """Stop the ERP, and keep in mind whether it ran."""
        context = self.context.of(step.part)
        model = context.runner.container(context.environment.erp.container)
        self._ran = context.environment.erp.container if model.status == "running" else None
        servers.stop_erp(context, step)

    def enter_bulk_mode(self, step: Step) -> None:
        """Put a database server into bulk mode, and keep in mind how it gets out of it."""
        ends = (StepKind.LEAVE_BULK_MODE, step.part)
        after = self._plan.steps[self._plan.steps.index(step) :]
        self._in_bulk_mode += [one for one in after if (one.kind, one.part) == ends][:1]
        bulk.enter_bulk_mode(self.context.of(step.part), step)

    def leave_bulk_mode(self, step: Step) -> None:
        """Take a database server out of bulk mode."""
        self._leave(step)
        self._in_bulk_mode = [one for one in self._in_bulk_mode if one.id != step.id]

    def _leave(self, step: Step) -> None:
        bulk.leave_bulk_mode(self.context.of(step.part), step)

    def promote(self, act: Callable[[ReplayContext, Step], None], step: Step) -> None:
        """Run an act that changes what people see."""
        self._promoting = True
        act(self.context.of(step.part), step)

    def configure(self, step: Step) -> None:
        """Write a configuration file, which names every database of the plan."""
        context = self.context.of(step.part)
        names = tuple(facts.name for facts in context.generation.fingerprint.databases)
        restored = self._plan.databases if step.part is Part.ERP else names
        servers.restore_configuration(context, step, restored)

    def data_source(self, step: Step) -> None:
        """Point a data source of the reports server at the ERP's database server."""
        reports.restore_data_source(self.context, step)

    def check_database(self, step: Step) -> None:
        """Check a database and keep the results, also when they end the replay."""
        results = databases.check_database(self.context.of(step.part), step)
        self._checks += results
        databases.require_passed(results)


def _act(act: Callable[[ReplayContext, Step], None]) -> Callable[[_Run, Step], None]:
    return lambda run, step: run.plain(act, step)


def _promotion(act: Callable[[ReplayContext, Step], None]) -> Callable[[_Run, Step], None]:
    return lambda run, step: run.promote(act, step)


def _whole(act: Callable[[ReplayContext, Step], None]) -> Callable[[_Run, Step], None]:
    """An act that looks at the whole environment, whatever its part."""
    return lambda run, step: act(run.context, step)


_ACTS: Final[Mapping[StepKind, Callable[[_Run, Step], None]]] = {
    StepKind.STOP_ERP: _Run.stop_erp,
    StepKind.ROLES: _act(roles.restore_roles),
    StepKind.ENTER_BULK_MODE: _Run.enter_bulk_mode,
    StepKind.LEAVE_BULK_MODE: _Run.leave_bulk_mode,
    StepKind.CREATE_DATABASE: _act(databases.create_database),
    StepKind.RESTORE_DATABASE: _act(databases.restore_database),
    StepKind.GIVE_OWNERSHIP: _act(databases.give_ownership),
    StepKind.ANALYZE: _act(databases.analyze_database),
    StepKind.CHECK_DATABASE: _Run.check_database,
    StepKind.DOCUMENTS: _act(documents.restore_documents),
    StepKind.CONFIGURATION: _Run.configure,
    StepKind.PROMOTE_DATABASE: _promotion(databases.promote_database),
    StepKind.PROMOTE_DOCUMENTS: _promotion(documents.promote_documents),
    StepKind.START_ERP: _act(servers.start_erp),
    StepKind.DATA_SOURCE: _Run.data_source,
    StepKind.POST_OPERATION: _whole(operations.run_operation),
    StepKind.BEGIN_NODE: _whole(nodes.begin_node),
    StepKind.COMPLETE_NODE: _whole(nodes.complete_node),
}
"""What each kind of step does; a test holds that every kind is here."""


def _reason(error: Exception) -> str:
    text = describe(error)
    hint = error.hint if isinstance(error, RestoreError) else ""
    return f"{text}\n→ {hint}" if hint else text
