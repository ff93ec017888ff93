"""A run under way: its request, the services that it uses, and what it has found so far."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from restore import __version__, model
from restore.adapters import logs
from restore.checks.base import with_acceptances
from restore.checks.scenarios.failure import NO_ACCOUNT
from restore.errors import RestoreError
from restore.model.messages import message
from restore.report.budget import age_check, age_warning, budget_check
from restore.report.evidence.format import Signer
from restore.runs.request import ReplayRequest, Services


@dataclass(slots=True)
class Recorder:
    """Collects the findings of one run; ``report`` turns them into a value.

    ``now`` gives the time in UTC. ``command`` is what the user ran, for the report; ``profile``,
    ``command`` and ``base``, the stack whose settings it has, say which runs compare with it.
    ``signer`` will sign the report; ``rto_budget`` is the longest accepted RTO, ``rpo_budget`` the
    longest accepted RPO, which is held against the ``newest`` generation only. ``pictures`` are the
    screenshots that checks name, by their files.
    """

    run: str
    command: str
    stack: str
    accepted: tuple[model.Acceptance, ...]
    now: Callable[[], datetime]
    listener: model.ProgressListener
    profile: str = ""
    base: str = ""
    rto_budget: float | None = None
    rpo_budget: float | None = None
    newest: bool = False
    signer: Signer | None = None
    started: datetime = field(init=False)
    generation: model.Generation | None = None
    facts: model.EnvironmentFacts | None = None
    plan: model.RestorePlan | None = None
    differences: tuple[model.Difference, ...] = ()
    changes: tuple[model.ConfigurationChange, ...] = ()
    operations: tuple[model.ManualOperation, ...] = ()
    stages: list[model.StepResult] = field(default_factory=list)
    steps: tuple[model.StepResult, ...] = ()
    checks: tuple[model.CheckResult, ...] = ()
    pictures: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    checked: datetime | None = None
    error: RestoreError | None = None
    mode: model.ReplayMode | None = None
    mode_reason: str = ""
    warnings: tuple[str, ...] = ()
    upgrade: model.Upgrade | None = None

    def __post_init__(self) -> None:
        self.started = self.now()

    @contextmanager
    def stage(self, name: str, title: str) -> Iterator[None]:
        """Time a stage and keep how it ended; what it raises goes on."""
        self.listener(model.Progress(title))
        started = self.now()
        logs.event("stage begins", stage=name, title=title)
        status, reason = model.StepStatus.SUCCEEDED, ""
        try:
            with logs.bound(stage=name):
                yield
        except RestoreError as error:
            status, reason = model.StepStatus.FAILED, error.message
            raise
        except BaseException as error:
            status, reason = model.StepStatus.ABORTED, str(error) or type(error).__name__
            raise
        finally:
            seconds = (self.now() - started).total_seconds()
            self.stages.append(model.StepResult(name, title, status, started, seconds, reason))
            logs.event("stage ends", stage=name, status=status, seconds=seconds, reason=reason)

    def report(self) -> model.Report:
        """The findings so far. A run that ended in an error has failed."""
        rpo = (
            (self.started - self.generation.consistency_point).total_seconds()
            if self.generation
            else None
        )
        copying = caching_time(self.plan, self.steps)
        rto = (self.checked - self.started).total_seconds() - copying if self.checked else None
        broken = self.error is not None or any(
            stage.status is not model.StepStatus.SUCCEEDED for stage in self.stages
        )
        judged: tuple[model.CheckResult, ...] = ()
        if self.rto_budget is not None:
            judged += (budget_check(self.rto_budget, rto, self.mode),)
        if self.rpo_budget is not None:
            judged += (age_check(self.rpo_budget, rpo, newest=self.newest),)
        judged = with_acceptances(judged, self.accepted)
        unasked = self.newest and self.rpo_budget is None and rpo is not None
        old = age_warning(rpo or 0.0) if unasked else None
        slow = any(check.status is model.CheckStatus.FAILED for check in judged)
        # The budget is no check of what was restored: met, it proves nothing.
        verdict = (
            model.Verdict.FAIL if broken or slow else model.verdict_of(self.steps, self.checks)
        )
        hint: str | None = None
        if self.error is not None:
            hint = self.error.hint or None
        elif verdict is model.Verdict.UNVERIFIABLE:
            hint = _missing_hint(self.checks)
        return model.Report(
            run=self.run,
            command=self.command,
            stack=self.stack,
            started=self.started,
            finished=self.now(),
            verdict=verdict,
            generation=self.generation,
            facts=self.facts,
            plan=self.plan,
            stages=tuple(sorted(self.stages, key=lambda stage: stage.started)),
            steps=self.steps,
            checks=(*self.checks, *judged),
            differences=self.differences,
            accepted=self.accepted,
            changes=self.changes,
            operations=self.operations,
            error=self.error.message if self.error else None,
            hint=hint,
            rto=rto,
            rpo=rpo,
            engine_version=__version__,
            rto_budget=self.rto_budget,
            rpo_budget=self.rpo_budget,
            signed_by=self.signer.id if self.signer else None,
            warnings=(*self.warnings, *((old,) if old else ())),
            mode=self.mode,
            mode_reason=self.mode_reason,
            copying=copying,
            upgrade=self.upgrade,
            reserves=_reserves((*self.checks, *judged), self.differences),
        )


@dataclass(frozen=True, slots=True)
class Run:
    """One run: the services that it uses, its request, and what it has found so far."""

    services: Services
    request: ReplayRequest
    recorder: Recorder

    @classmethod
    def begin(cls, stack: str, request: ReplayRequest, services: Services) -> Run:
        """Begin a run whose settings are those of a stack; its id and its time are taken now."""
        recorder = Recorder(
            run=new_run(services.now()),
            command=request.command,
            stack=stack,
            accepted=request.accepted,
            now=services.now,
            listener=services.listener,
            profile=services.profile.name,
            base=stack,
            rto_budget=request.rto_budget or services.profile.rto_budget,
            rpo_budget=request.rpo_budget or services.profile.rpo_budget,
            signer=services.signer,
        )
        return cls(services, request, recorder)


def _missing_hint(checks: tuple[model.CheckResult, ...]) -> str | None:
    """What to do for a verdict that was not reached; None where no check says why."""
    undecided = [check for check in checks if check.undecided]
    if not undecided:
        return None
    if any(check.reason == NO_ACCOUNT for check in undecided):
        return message(
            "set PRA_CHECK_PASSWORD (and PRA_CHECK_LOGIN), or the stack's checkPassword; to do "
            'without: --accept {key} --reason "…"',
            key=undecided[0].id,
        )
    return message(
        "what is known to be right can be left out, and stands in the report: --accept {key} "
        '--reason "…"',
        key=undecided[0].id,
    )


def _reserves(
    checks: tuple[model.CheckResult, ...], differences: tuple[model.Difference, ...]
) -> tuple[model.Acceptance, ...]:
    """What the user left out on purpose, each with the reason that was given."""
    return (
        *(
            model.Acceptance(one.key, one.accepted)
            for one in differences
            if one.accepted is not None and one.severity is model.Severity.BLOCKING
        ),
        *(
            model.Acceptance(check.id, check.reason)
            for check in checks
            if check.status is model.CheckStatus.IGNORED
        ),
    )


def new_run(now: datetime) -> str:
    """A run's id: sortable, and unique enough for a folder and a stack's name."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def caching_time(plan: model.RestorePlan | None, results: tuple[model.StepResult, ...]) -> float:
    """Seconds by which the run would have been shorter had it made no cache.

    While documents are still being copied, a copy of a database server delays nothing.
    """
    kinds = {step.id: (step.kind, step.part) for step in plan.steps} if plan else {}
    total = 0.0
    for result in results:
        kind, part = kinds.get(result.id, (None, None))
        if kind is not model.StepKind.KEEP_CACHE:
            continue
        beside = [
            _end(other)
            for other in results
            if kinds.get(other.id) == (model.StepKind.DOCUMENTS, part)
        ]
        alone_from = max(result.started, *beside) if beside else result.started
        total += max(0.0, (_end(result) - alone_from).total_seconds())
    return total


def _end(result: model.StepResult) -> datetime:
    return result.started + timedelta(seconds=result.duration)
