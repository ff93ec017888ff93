"""How steps, checks and whole runs ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from restore.model.blueprint import ConfigurationChange
from restore.model.checklist import ManualOperation, OperationEvent, OperationRow
from restore.model.comparison import Acceptance, Difference, EnvironmentFacts
from restore.model.generation import Generation
from restore.model.plan import RestorePlan
from restore.model.upgrade import Upgrade


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step is; totals are 0 when unknown."""

    label: str
    done_bytes: int = 0
    total_bytes: int = 0
    done_items: int = 0
    total_items: int = 0


ProgressListener = Callable[[Progress], None]
"""Called often; must return at once and never raise."""


def ignore_progress(_progress: Progress) -> None:
    """The listener of those who don't listen."""


class StepStatus(StrEnum):
    """How a step or a stage ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step, or a whole stage of a drill, ended. ``duration`` is in seconds."""

    id: str
    title: str
    status: StepStatus
    started: datetime
    duration: float
    reason: str = ""


class CheckStatus(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    WARNING = "warning"
    UNVERIFIABLE = "unverifiable"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Picture:
    """A screenshot beside the report: the name of its file, its size and its digest."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One expectation held against what is there.

    ``id`` is stable and names the check on the command line (``documents.attachments``).
    ``details`` lists what is wrong, item by item, the first of many; ``duration`` is in seconds.
    """

    id: str
    title: str
    status: CheckStatus
    expected: str
    observed: str
    duration: float
    details: tuple[str, ...] = ()
    reason: str = ""
    """Why it could not be run, or why it is ignored."""
    sla: float | None = None
    """Longest accepted duration, in seconds; None where time is not judged."""
    broke_off: bool = False
    """Whether it was begun and could not be ended, so that what it looks for is unknown."""
    picture: Picture | None = None
    """What the page showed when it ended; None where it is no matter of pages."""
    decisive: bool = False
    """Whether a run proves nothing while this is without an answer."""

    @property
    def too_slow(self) -> bool:
        """Whether what was looked at is right, and came later than its SLA."""
        return self.status is CheckStatus.WARNING and self.sla is not None

    @property
    def undecided(self) -> bool:
        """Whether it leaves a run without a proof: what it looks for is unknown."""
        return self.status is CheckStatus.UNVERIFIABLE and (self.broke_off or self.decisive)


class Verdict(StrEnum):
    """What a drill proved."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    UNVERIFIABLE = "unverifiable"


def verdict_of(steps: tuple[StepResult, ...], checks: tuple[CheckResult, ...]) -> Verdict:
    """Judge a drill: a failed step or check fails it.

    No check run is never a pass, nor is a check that broke off, or a decisive one that did not run:
    what it looks for is unknown.
    """
    if any(step.status in (StepStatus.FAILED, StepStatus.ABORTED) for step in steps):
        return Verdict.FAIL
    if any(check.status is CheckStatus.FAILED for check in checks):
        return Verdict.FAIL
    if any(check.undecided for check in checks):
        return Verdict.UNVERIFIABLE
    ran = [c for c in checks if c.status in (CheckStatus.PASSED, CheckStatus.WARNING)]
    return Verdict.PASS if ran else Verdict.UNVERIFIABLE


class ReplayMode(StrEnum):
    """Where the databases of a replay came from.

    Only a cold one tells how long a recovery takes, and that the dumps can be loaded.
    """

    COLD = "cold"
    """From the dumps of the generation."""
    CACHED = "cached"
    """From a cache of a server into which an earlier drill had loaded those dumps."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """An earlier run, as the history kept it. ``rto``, ``rpo`` and ``budget`` are in seconds.

    ``bytes`` are the generation's; None, as ``generation``, when the run ended before it read one.
    ``mode`` is None when it ended before that was known, or replayed no database.
    """

    run: str
    started: datetime
    verdict: Verdict
    generation: str | None
    rto: float | None
    rpo: float | None
    budget: float | None
    bytes: int | None
    mode: ReplayMode | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All that a drill found, from which every rendering is made.

    ``stages`` are the drill's (select, verify, plan, rebuild, replay, check, destroy), ``steps``
    the plan's. ``rpo`` is the time from the consistency point to the drill's start and ``rto`` the
    time from the drill's start until the checks ended, in seconds; None when it did not get there.
    ``changes`` are the blueprint's; those of the plan's steps stand in the plan. ``rto_budget`` is
    the longest accepted RTO; ``history`` the runs before this one that compare with it, oldest
    first; ``signed_by`` the key that vouches for the report, None when none does. ``warnings`` are
    what went wrong around the run without touching its verdict. ``mode`` is None when the run ended
    before it was known, or replayed no database; ``mode_reason`` says why it is what it is.
    """

    run: str
    command: str
    stack: str
    started: datetime
    finished: datetime
    verdict: Verdict
    generation: Generation | None
    facts: EnvironmentFacts | None
    plan: RestorePlan | None
    stages: tuple[StepResult, ...]
    steps: tuple[StepResult, ...]
    checks: tuple[CheckResult, ...]
    differences: tuple[Difference, ...]
    accepted: tuple[Acceptance, ...]
    error: str | None
    hint: str | None
    rto: float | None
    rpo: float | None
    engine_version: str
    changes: tuple[ConfigurationChange, ...] = ()
    operations: tuple[ManualOperation, ...] = ()
    """What people do afterwards; who has done it is kept beside the report, not in it."""
    rto_budget: float | None = None
    history: tuple[PastRun, ...] = ()
    signed_by: str | None = None
    warnings: tuple[str, ...] = ()
    mode: ReplayMode | None = None
    mode_reason: str = ""
    copying: float = 0.0
    """Seconds in which a copy was kept for later drills and nothing else went on; no part of
    ``rto``, as no recovery does that."""
    upgrade: Upgrade | None = None
    """What a rehearsal upgraded; None for every other run."""
    reserves: tuple[Acceptance, ...] = ()
    """What was left out of its checks, or differs from production, with the reason given."""
    rpo_budget: float | None = None
    """The longest accepted RPO, in seconds."""

    @property
    def outcome(self) -> str:
        """The verdict in words, and what a pass was not without: ``pass, too slow``.

        How quick pages were is another matter than whether the data came back.
        """
        if self.verdict is not Verdict.PASS:
            return self.verdict.value
        slow = ", too slow" if any(check.too_slow for check in self.checks) else ""
        return f"pass{' with reserves' if self.reserves else ''}{slow}"

    def checklist(self, events: tuple[OperationEvent, ...]) -> tuple[OperationRow, ...]:
        """The operations that are left to people, with what was done of them since."""
        last = {event.name: event for event in events}
        return tuple(
            OperationRow(one, event if (event := last.get(one.name)) and event.done else None)
            for one in self.operations
        )

    @property
    def past(self) -> PastRun:
        """This run as later ones will see it."""
        return PastRun(
            run=self.run,
            started=self.started,
            verdict=self.verdict,
            generation=self.generation.id if self.generation else None,
            rto=self.rto,
            rpo=self.rpo,
            budget=self.rto_budget,
            bytes=self.generation.bytes if self.generation else None,
            mode=self.mode,
        )
