"""Runs a plan's steps to their results, in order but for the lanes that run side by side.

What databases are made aside from and what documents are copied aside from have nothing in common:
each is a lane. So have the ERP's start and the gathering of statistics. All other steps depend on
what is before them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from restore import model
from restore.adapters import logs
from restore.adapters.postgres import sql
from restore.checks.base import describe
from restore.context import ReplayContext
from restore.errors import ReplayError, RestoreError
from restore.model.messages import joined, message
from restore.model.plan import Lane
from restore.replay.steps import (
    anonymise,
    bulk,
    cache,
    databases,
    documents,
    neutralise,
    nodes,
    reports,
    roles,
    servers,
)
from restore.replay.steps.diagnose import Diagnosis, diagnose

Steps = tuple[model.Step, ...]
"""Steps that run one after the other."""

_SIDE_BY_SIDE: Final = ((Lane.DATABASES, Lane.DOCUMENTS), (Lane.START, Lane.STATISTICS))
_PROMOTIONS: Final = (model.StepKind.PROMOTE_DATABASE, model.StepKind.PROMOTE_DOCUMENTS)
"""What changes what people see."""


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    """How each step ended, and what the checks of restored databases found."""

    steps: tuple[model.StepResult, ...]
    checks: tuple[model.CheckResult, ...]
    error: Exception | None = None
    """What the step that failed raised."""
    warnings: tuple[str, ...] = ()
    """What went wrong beside the replay without touching what was restored."""


class ReplayInterrupted(KeyboardInterrupt):
    """Ctrl-C during a replay; ``outcome`` says how far it came."""

    def __init__(self, outcome: ReplayOutcome) -> None:
        super().__init__(message("replay interrupted"))
        self.outcome = outcome


def replay(plan: model.RestorePlan, context: ReplayContext) -> ReplayOutcome:
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


def lanes_of(steps: Steps) -> Iterator[tuple[Steps, ...]]:
    """The steps in groups that run one after the other, each of one lane or of two.

    The lanes of a group run side by side; the first is that of the databases, or the ERP's start.
    """

    def pair_of(step: model.Step) -> tuple[Lane, ...]:
        return next((pair for pair in _SIDE_BY_SIDE if step.kind.lane in pair), ())

    for (pair, _), group in groupby(steps, lambda step: (pair_of(step), step.part)):
        together = tuple(group)
        lanes = [tuple(step for step in together if step.kind.lane is lane) for lane in pair]
        yield tuple(filter(None, lanes)) or (together,)


class _Run:
    """A replay under way: its results so far, and what its end must put back.

    Two threads may perform steps.
    """

    def __init__(self, plan: model.RestorePlan, context: ReplayContext) -> None:
        self._plan = plan
        # Its own: what one replay gives up is nothing to the next.
        self.context = replace(
            context, stopping=threading.Event(), databases=plan.databases or context.databases
        )
        self._results: dict[str, model.StepResult] = {}
        self._checks: list[model.CheckResult] = []
        self._warnings: list[str] = []
        self._ran: str | None = None
        self._bug: Exception | None = None
        self._error: Exception | None = None
        self._lock = threading.Lock()
        self.stopped_by: str | None = None

    def side_by_side(self, lanes: tuple[Steps, ...]) -> None:
        """Run lanes to their ends; all but the first in threads.

        Raises:
            Exception: a bug in any of them, once all have ended.
        """
        threads = [
            # What a lane logs belongs to this stage.
            threading.Thread(
                target=copy_context().run, args=(self._beside, lane), name="pra-lane", daemon=True
            )
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

    def _follow(self, lane: Steps) -> None:
        for step in lane:
            if self.stopped_by is not None:
                return
            with logs.bound(step=step.id):
                self._perform(step)

    def _beside(self, lane: Steps) -> None:
        try:
            self._follow(lane)
        except Exception as error:
            self._bug = error
            self.stop("after a bug of the engine")

    def _perform(self, step: model.Step) -> None:
        """Run one step and keep how it ended."""
        self.context.listener(model.Progress(step.title, 0, step.bytes, 0, step.items))
        logs.event("step begins", title=step.title)
        started, begun = self.context.now(), time.perf_counter()
        status, reason = model.StepStatus.ABORTED, "a bug of the engine"
        try:
            ACTS[step.kind](self, step)
            status, reason = model.StepStatus.SUCCEEDED, ""
        except (RestoreError, sql.Error, OSError) as error:
            first = self.stop(message("after failure of {what}", what=step.id))
            self._error = error if first else self._error
            # What fails after that was given up on purpose.
            status = model.StepStatus.FAILED if first else model.StepStatus.ABORTED
            reason = _reason(error) if first else f"given up {self.stopped_by}"
            if first:
                found = diagnose(self.context, step, describe(error), started)
                reason = _reason(error, found)
        except KeyboardInterrupt:
            reason = message("interrupted")
            self.stop(message("after interruption of {what}", what=step.id))
            raise
        finally:
            seconds = time.perf_counter() - begun
            self._results[step.id] = model.StepResult(
                step.id, step.title, status, started, seconds, reason
            )
            logs.event("step ends", status=status, seconds=round(seconds, 3), reason=reason)

    def stop(self, why: str) -> bool:
        """Begin no more steps and give up those under way. True for the first call."""
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
        begun = [step for step in self._plan.steps if step.id in self._results]
        done = [
            step for step in begun if self._results[step.id].status is model.StepStatus.SUCCEEDED
        ]
        entered = [step.part for step in begun if step.kind is model.StepKind.ENTER_BULK_MODE]
        for step in self._plan.steps:
            leaves = step.kind is model.StepKind.LEAVE_BULK_MODE and step not in done
            if leaves and step.part in entered:
                # Where this fails, too, the next replay finds it and puts it right.
                with suppress(RestoreError, sql.Error):
                    bulk.leave_bulk_mode(self.context.of(step.part), step)
        promoting = any(step.kind in _PROMOTIONS for step in begun)
        if self._ran is not None and not promoting:
            with suppress(RestoreError):
                self.context.runner.start(self._ran)
                self.stopped_by += "; nothing was promoted, and the ERP was started again"
        named = [one.target for one in done if one.kind is model.StepKind.PROMOTE_DATABASE]
        opened = {one.target for one in done if one.kind is model.StepKind.OPEN_DATABASE}
        if closed := ", ".join(f"database {name}" for name in named if name not in opened):
            self.stopped_by += f"; nobody can connect to {closed} until it is replayed again"
        now = self.context.now()
        for step in self._plan.steps:
            if step not in begun:
                self._results[step.id] = model.StepResult(
                    step.id, step.title, model.StepStatus.SKIPPED, now, 0.0, self.stopped_by
                )

    def outcome(self) -> ReplayOutcome:
        """The results so far, in the plan's order."""
        results = (self._results.get(step.id) for step in self._plan.steps)
        steps, checks = tuple(filter(None, results)), tuple(self._checks)
        return ReplayOutcome(steps, checks, self._error, tuple(self._warnings))

    def stop_erp(self, step: model.Step) -> None:
        """Stop the ERP, and keep in mind whether it ran."""
        context = self.context.of(step.part)
        container = context.environment.erp.container
        running = context.runner.container(container).status == "running"
        self._ran = container if running else None
        servers.stop_erp(context, step)

    def check_database(self, step: model.Step) -> None:
        """Check a database and keep the results, also when they end the replay."""
        with self._blaming_cache(step):
            results = databases.check_database(self.context.of(step.part), step)
            self._checks += results
            databases.require_passed(results)

    def keep_cache(self, step: model.Step) -> None:
        """Make a cache of a server's data. Where that fails, what was restored is right."""
        if problem := cache.keep_cache(self.context.of(step.part), step):
            self._warnings.append(problem)

    def place_cache(self, step: model.Step) -> None:
        """Place a cache of a server's data."""
        with self._blaming_cache(step):
            cache.place_cache(self.context.of(step.part), step)

    @contextmanager
    def _blaming_cache(self, step: model.Step) -> Iterator[None]:
        """Where a cache was placed, blame it first for an error, and discard it."""
        try:
            yield
        except (RestoreError, sql.Error, OSError) as error:
            kinds = (model.StepKind.PLACE_CACHE, step.part)
            placed = [one for one in self._plan.steps if (one.kind, one.part) == kinds]
            if not placed or self.context.stopping.is_set():
                raise
            gone = cache.discard_cache(self.context.of(step.part), placed[0])
            volume = placed[0].staging
            culprit = message(
                "this was a kept copy, {volume}, not the backup itself", volume=volume
            )
            hint = (
                message("it was discarded: run the drill again, which will be cold")
                if gone
                else message("discard it: pra cache remove {volume}; then run again", volume=volume)
            )
            self._warnings.append(message("{what}; {hint}", what=culprit, hint=hint))
            raise ReplayError(joined("\n", (describe(error), culprit)), hint) from error

    def anonymise(self, step: model.Step) -> None:
        """Anonymise a database or its documents and keep what was found, also when it ends here."""
        of_database = step.kind is model.StepKind.ANONYMISE
        act = anonymise.anonymise_database if of_database else anonymise.anonymise_documents
        results = act(self.context, step)
        self._checks += results
        anonymise.require_anonymised(results)


_Act = Callable[[_Run, model.Step], None]


def _half(act: Callable[[ReplayContext, model.Step], None]) -> _Act:
    """An act on the half of the environment that its step is about."""
    return lambda run, step: act(run.context.of(step.part), step)


def _whole(act: Callable[[ReplayContext, model.Step], None]) -> _Act:
    """An act that looks at the whole environment, whatever its part."""
    return lambda run, step: act(run.context, step)


ACTS: Final[Mapping[model.StepKind, _Act]] = {
    model.StepKind.STOP_ERP: _Run.stop_erp,
    model.StepKind.ROLES: _half(roles.restore_roles),
    model.StepKind.ENTER_BULK_MODE: _half(bulk.enter_bulk_mode),
    model.StepKind.LEAVE_BULK_MODE: _half(bulk.leave_bulk_mode),
    model.StepKind.CREATE_DATABASE: _half(databases.create_database),
    model.StepKind.RESTORE_DATABASE: _half(databases.restore_database),
    model.StepKind.GIVE_OWNERSHIP: _half(databases.give_ownership),
    model.StepKind.ANALYZE: _half(databases.analyze_database),
    model.StepKind.STATISTICS: _half(databases.analyze_database),
    model.StepKind.CHECK_DATABASE: _Run.check_database,
    model.StepKind.KEEP_CACHE: _Run.keep_cache,
    model.StepKind.PLACE_CACHE: _Run.place_cache,
    model.StepKind.DOCUMENTS: _half(documents.restore_documents),
    model.StepKind.CONFIGURATION: _half(servers.restore_configuration),
    model.StepKind.PROMOTE_DATABASE: _half(databases.promote_database),
    model.StepKind.PROMOTE_DOCUMENTS: _half(documents.promote_documents),
    model.StepKind.OPEN_DATABASE: _half(databases.open_database),
    model.StepKind.START_ERP: _half(servers.start_erp),
    model.StepKind.DATA_SOURCE: _whole(reports.restore_data_source),
    model.StepKind.NEUTRALISE: _half(neutralise.neutralise),
    model.StepKind.ANONYMISE: _Run.anonymise,
    model.StepKind.ANONYMISE_DOCUMENTS: _Run.anonymise,
    model.StepKind.POST_OPERATION: _whole(nodes.run_operation),
    model.StepKind.BEGIN_NODE: _whole(nodes.mark_node),
    model.StepKind.COMPLETE_NODE: _whole(nodes.mark_node),
}
"""What each kind of step does; a test holds that every kind is here."""


def _reason(error: Exception, found: tuple[Diagnosis, ...] = ()) -> str:
    causes = (describe(error), *(one.cause for one in found))
    # What ails a server is nearer to the cause than what its tool's failure suggests.
    hints = [*(one.hint for one in found), getattr(error, "hint", "")]
    arrows = (message("→ {hint}", hint=hint) for hint in dict.fromkeys(filter(None, hints)))
    return joined("\n", (*causes, *arrows))
