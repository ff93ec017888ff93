"""Runs a plan's steps to their results, in order but for the lanes that run side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final

import psycopg

from restore.checks.base import describe
from restore.context import ReplayContext
from restore.errors import ReplayError, RestoreError
from restore.lanes import Lane, lanes_of
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
from restore.steps import (
    anonymise,
    bulk,
    copies,
    databases,
    documents,
    neutralise,
    nodes,
    operations,
    reports,
    roles,
    servers,
)
from restore.steps.ailments import Ailment, ailments
from restore.steps.databases import existing_databases

__all__ = ["ReplayContext", "ReplayInterrupted", "ReplayOutcome", "existing_databases", "replay"]


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    """How each step ended, and what the checks of restored databases found."""

    steps: tuple[StepResult, ...]
    checks: tuple[CheckResult, ...]
    error: Exception | None = None
    """What the step that failed raised."""
    warnings: tuple[str, ...] = ()
    """What went wrong beside the replay without touching what was restored."""


class ReplayInterrupted(KeyboardInterrupt):
    """Ctrl-C during a replay; ``outcome`` says how far it came."""

    def __init__(self, outcome: ReplayOutcome) -> None:
        super().__init__("replay interrupted")
        self.outcome = outcome


def replay(plan: RestorePlan, context: ReplayContext) -> ReplayOutcome:
    """Run every step of a plan. The first that fails ends it; those after it are skipped.

    Documents are copied while databases load, statistics gathered while the ERP starts. What runs
    beside a step that fails is given up. An ERP that ran before is started again when a replay ends
    before anything was promoted.

    Raises:
        ReplayInterrupted: Ctrl-C; the steps under way count as aborted.
    """
    run = _Run(plan, context)
    try:
        for lanes in lanes_of(plan.steps):
            run.side_by_side(lanes)
    except KeyboardInterrupt as interrupt:
        run.stop("after interruption")
        run.end()
        raise ReplayInterrupted(run.outcome()) from interrupt
    except Exception:
        run.stop("after a bug of the engine")
        run.end()
        raise
    run.end()
    return run.outcome()


class _Run:
    """The results of a replay under way. Two threads may perform steps."""

    def __init__(self, plan: RestorePlan, context: ReplayContext) -> None:
        self._plan = plan
        # Its own: what one replay gives up is nothing to the next.
        self.context = replace(context, stopping=threading.Event())
        self._results: dict[str, StepResult] = {}
        self._checks: list[CheckResult] = []
        self._ran: str | None = None
        self._promoting = False
        self._in_bulk_mode: list[Step] = []
        self._bug: Exception | None = None
        self._error: Exception | None = None
        self._warnings: list[str] = []
        self._lock = threading.Lock()
        self.stopped_by: str | None = None

    def side_by_side(self, lanes: tuple[Lane, ...]) -> None:
        """Run lanes to their ends; all but the first in threads.

        Raises:
            Exception: a bug in any of them, once all have ended.
        """
        threads = [
            threading.Thread(target=self._beside, args=(lane,), name="pra-lane", daemon=True)
            for lane in lanes[1:]
        ]
        for thread in threads:
            thread.start()
        try:
            self._follow(lanes[0])
        except BaseException:
            self.context.stopping.set()
            raise
        finally:
            for thread in threads:
                thread.join()
        if self._bug is not None:
            raise self._bug

    def _follow(self, lane: Lane) -> None:
        for step in lane:
            if self.stopped_by is not None:
                return
            self.perform(step)

    def _beside(self, lane: Lane) -> None:
        try:
            self._follow(lane)
        except Exception as error:
            self._bug = error
            self.stop("after a bug of the engine")

    def perform(self, step: Step) -> None:
        """Run one step and keep how it ended."""
        self.context.listener(Progress(step.title, 0, step.bytes, 0, step.items))
        started, begun = self.context.now(), time.perf_counter()
        status, reason = StepStatus.ABORTED, "a bug of the engine"
        try:
            _ACTS[step.kind](self, step)
            status, reason = StepStatus.SUCCEEDED, ""
        except (RestoreError, psycopg.Error, OSError) as error:
            first = self.stop(f"after failure of {step.id}")
            self._error = error if first else self._error
            # What fails after that was given up on purpose.
            status = StepStatus.FAILED if first else StepStatus.ABORTED
            reason = _reason(error) if first else f"given up {self.stopped_by}"
            if first:
                found = ailments(self.context, step, describe(error), started)
                reason = _reason(error, found)
        except KeyboardInterrupt:
            reason = "interrupted"
            self.stop(f"after interruption of {step.id}")
            raise
        finally:
            seconds = time.perf_counter() - begun
            self._results[step.id] = StepResult(
                step.id, step.title, status, started, seconds, reason
            )

    def stop(self, why: str) -> bool:
        """Let nothing new begin, and what runs beside be given up; whether this is the first."""
        with self._lock:
            first = self.stopped_by is None
            self.stopped_by = self.stopped_by or why
        self.context.stopping.set()
        return first

    def end(self) -> None:
        """Put back what a replay that stopped has changed, and keep that the rest was skipped.

        While nothing was promoted, what people used is as it was: it is started again.
        """
        if self.stopped_by is None:
            return
        for step in self._in_bulk_mode:
            # Where this fails, too, the next replay finds it and puts it right.
            with suppress(RestoreError, psycopg.Error):
                self._leave(step)
        if self._ran is not None and not self._promoting:
            with suppress(RestoreError):
                self.context.runner.start(self._ran)
                self.stopped_by += "; nothing was promoted, and the ERP was started again"
        if closed := self._closed():
            self.stopped_by += f"; nobody can connect to {closed} until it is replayed again"
        for step in self._plan.steps:
            if step.id not in self._results:
                self._results[step.id] = StepResult(
                    step.id,
                    step.title,
                    StepStatus.SKIPPED,
                    self.context.now(),
                    0.0,
                    self.stopped_by,
                )

    def _closed(self) -> str:
        """The databases that got their name and were not opened."""
        ended = {key: result.status for key, result in self._results.items()}
        done = [step for step in self._plan.steps if ended.get(step.id) is StepStatus.SUCCEEDED]
        named = [one.target for one in done if one.kind is StepKind.PROMOTE_DATABASE]
        opened = {one.target for one in done if one.kind is StepKind.OPEN_DATABASE}
        return ", ".join(f"database {name}" for name in named if name not in opened)

    def outcome(self) -> ReplayOutcome:
        """The results so far, in the plan's order."""
        results = (self._results.get(step.id) for step in self._plan.steps)
        steps, checks = tuple(filter(None, results)), tuple(self._checks)
        return ReplayOutcome(steps, checks, self._error, tuple(self._warnings))

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
        with self._of_copy(step):
            results = databases.check_database(self.context.of(step.part), step)
            self._checks += results
            databases.require_passed(results)

    def keep_copy(self, step: Step) -> None:
        """Keep a copy of a server's data. Where that fails, what was restored is right."""
        if problem := copies.keep_copy(self.context.of(step.part), step):
            self._warnings.append(problem)

    def place_copy(self, step: Step) -> None:
        """Place a kept copy of a server's data."""
        with self._of_copy(step):
            copies.place_copy(self.context.of(step.part), step)

    @contextmanager
    def _of_copy(self, step: Step) -> Iterator[None]:
        """Where a copy was placed, an error is the copy's first: it is never used again."""
        try:
            yield
        except (RestoreError, psycopg.Error, OSError) as error:
            kinds = (StepKind.PLACE_COPY, step.part)
            placed = [one for one in self._plan.steps if (one.kind, one.part) == kinds]
            if not placed or self.stopped_by is not None:
                raise
            gone = copies.discard_copy(self.context.of(step.part), placed[0])
            told = f"this was a kept copy, {placed[0].staging}, not the backup itself"
            hint = "it was discarded: run the drill again, which will be cold"
            if not gone:
                hint = f"discard it: pra cache remove {placed[0].staging}; then run again"
            self._warnings.append(f"{told}; {hint}")
            raise ReplayError(f"{describe(error)}\n{told}", hint) from error

    def anonymise(
        self, act: Callable[[ReplayContext, Step], tuple[CheckResult, ...]], step: Step
    ) -> None:
        """Anonymise and keep what was found, also when it ends the replay."""
        results = act(self.context, step)
        self._checks += results
        anonymise.require_anonymised(results)


def _act(act: Callable[[ReplayContext, Step], None]) -> Callable[[_Run, Step], None]:
    return lambda run, step: run.plain(act, step)


def _promotion(act: Callable[[ReplayContext, Step], None]) -> Callable[[_Run, Step], None]:
    return lambda run, step: run.promote(act, step)


def _whole(act: Callable[[ReplayContext, Step], None]) -> Callable[[_Run, Step], None]:
    """An act that looks at the whole environment, whatever its part."""
    return lambda run, step: act(run.context, step)


def _judged(
    act: Callable[[ReplayContext, Step], tuple[CheckResult, ...]],
) -> Callable[[_Run, Step], None]:
    """An act that anonymises, and judges what it did."""
    return lambda run, step: run.anonymise(act, step)


_ACTS: Final[Mapping[StepKind, Callable[[_Run, Step], None]]] = {
    StepKind.STOP_ERP: _Run.stop_erp,
    StepKind.ROLES: _act(roles.restore_roles),
    StepKind.ENTER_BULK_MODE: _Run.enter_bulk_mode,
    StepKind.LEAVE_BULK_MODE: _Run.leave_bulk_mode,
    StepKind.CREATE_DATABASE: _act(databases.create_database),
    StepKind.RESTORE_DATABASE: _act(databases.restore_database),
    StepKind.GIVE_OWNERSHIP: _act(databases.give_ownership),
    StepKind.ANALYZE: _act(databases.analyze_database),
    StepKind.STATISTICS: _act(databases.analyze_database),
    StepKind.CHECK_DATABASE: _Run.check_database,
    StepKind.KEEP_COPY: _Run.keep_copy,
    StepKind.PLACE_COPY: _Run.place_copy,
    StepKind.DOCUMENTS: _act(documents.restore_documents),
    StepKind.CONFIGURATION: _Run.configure,
    StepKind.PROMOTE_DATABASE: _promotion(databases.promote_database),
    StepKind.PROMOTE_DOCUMENTS: _promotion(documents.promote_documents),
    StepKind.OPEN_DATABASE: _act(databases.open_database),
    StepKind.START_ERP: _act(servers.start_erp),
    StepKind.DATA_SOURCE: _Run.data_source,
    StepKind.NEUTRALISE: _whole(neutralise.neutralise),
    StepKind.ANONYMISE: _judged(anonymise.anonymise_database),
    StepKind.ANONYMISE_DOCUMENTS: _judged(anonymise.anonymise_documents),
    StepKind.POST_OPERATION: _whole(operations.run_operation),
    StepKind.BEGIN_NODE: _whole(nodes.begin_node),
    StepKind.COMPLETE_NODE: _whole(nodes.complete_node),
}
"""What each kind of step does; a test holds that every kind is here."""


def _reason(error: Exception, found: tuple[Ailment, ...] = ()) -> str:
    text = "\n".join((describe(error), *(one.cause for one in found)))
    # What ails a server is nearer to the cause than what its tool's failure suggests.
    hints = [*(one.hint for one in found), getattr(error, "hint", "")]
    return "\n→ ".join((text, *dict.fromkeys(filter(None, hints))))
