"""Runs a plan's steps to their results, in order but for the lanes that run side by side."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace

from restore.adapters import logs
from restore.adapters.postgres import sql
from restore.checks.base import describe
from restore.context import ReplayContext
from restore.errors import RestoreError
from restore.model import (
    CheckResult,
    Progress,
    RestorePlan,
    Step,
    StepKind,
    StepResult,
    StepStatus,
)
from restore.replay.dispatch import Acts
from restore.replay.lanes import Lane, lanes_of
from restore.replay.steps.databases import existing_databases
from restore.replay.steps.diagnose import Diagnosis, diagnose

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
        self._acts = Acts(plan, self.context)
        self._bug: Exception | None = None
        self._error: Exception | None = None
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
        with logs.bound(step=step.id):
            self._perform(step)

    def _perform(self, step: Step) -> None:
        self.context.listener(Progress(step.title, 0, step.bytes, 0, step.items))
        logs.event("step begins", title=step.title)
        started, begun = self.context.now(), time.perf_counter()
        status, reason = StepStatus.ABORTED, "a bug of the engine"
        try:
            self._acts.perform(step)
            status, reason = StepStatus.SUCCEEDED, ""
        except (RestoreError, sql.Error, OSError) as error:
            first = self.stop(f"after failure of {step.id}")
            self._error = error if first else self._error
            # What fails after that was given up on purpose.
            status = StepStatus.FAILED if first else StepStatus.ABORTED
            reason = _reason(error) if first else f"given up {self.stopped_by}"
            if first:
                found = diagnose(self.context, step, describe(error), started)
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
            logs.event("step ends", status=status, seconds=round(seconds, 3), reason=reason)

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
        for step in self._acts.in_bulk_mode:
            # Where this fails, too, the next replay finds it and puts it right.
            with suppress(RestoreError, sql.Error):
                self._acts.leave(step)
        if self._acts.ran is not None and not self._acts.promoting:
            with suppress(RestoreError):
                self.context.runner.start(self._acts.ran)
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
        steps, checks = tuple(filter(None, results)), tuple(self._acts.checks)
        return ReplayOutcome(steps, checks, self._error, tuple(self._acts.warnings))


def _reason(error: Exception, found: tuple[Diagnosis, ...] = ()) -> str:
    text = "\n".join((describe(error), *(one.cause for one in found)))
    # What ails a server is nearer to the cause than what its tool's failure suggests.
    hints = [*(one.hint for one in found), getattr(error, "hint", "")]
    return "\n→ ".join((text, *dict.fromkeys(filter(None, hints))))
