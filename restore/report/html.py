"""A report as one HTML page that needs nothing else: style and picture are inside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Final

from restore.model import (
    CheckResult,
    CheckStatus,
    ConfigurationChange,
    Difference,
    ImageFacts,
    OperationEvent,
    Report,
    ServerFacts,
    Step,
    StepResult,
    StepStatus,
    Verdict,
)
from restore.report.language import Locale, locale
from restore.report.nodes import node_rows
from restore.report.operation_rows import operation_rows
from restore.report.rto_plot import round_duration, rto_plot
from restore.report.timeline import stage_name, timeline

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_DETAILS: Final = 50
"""Details of one check that the page shows; ``report.json`` holds them all."""

_BROKEN: Final = (StepStatus.FAILED, StepStatus.ABORTED)
_NO_STEP: Final[dict[str, Step]] = {}


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One property of production beside the same of the rebuilt environment; None when unknown."""

    name: str
    backup: str | None
    environment: str | None
    equal: bool | None = None
    """Whether they mean the same, when their texts don't tell."""

    @property
    def differs(self) -> bool:
        """Whether both are known and not the same."""
        if None in (self.backup, self.environment):
            return False
        return self.backup != self.environment if self.equal is None else not self.equal


@dataclass(frozen=True, slots=True)
class StageRow:
    """A stage with its share of the recovery time; None for what came after it."""

    name: str
    result: StepResult
    share: float | None


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step's result with what it moved."""

    result: StepResult
    target: str
    items: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One changed configuration key and the file it stands in."""

    change: ConfigurationChange
    first: bool


@dataclass(frozen=True, slots=True)
class View:
    """What the page shows, beyond the report itself."""

    summary: str
    error: str | None
    broken_stages: tuple[StageRow, ...]
    broken_steps: tuple[StepResult, ...]
    failed_checks: tuple[CheckResult, ...]
    stages: tuple[StageRow, ...]
    steps: tuple[StepRow, ...]
    versions: tuple[VersionRow, ...]
    differences: tuple[Difference, ...]
    changes: tuple[ChangeRow, ...]
    checks_run: int
    checks_passed: int
    other_checks: tuple[tuple[CheckStatus, int], ...]
    judged_by_time: bool
    untold: str
    standing: bool

    @property
    def went_wrong(self) -> bool:
        """Whether there is anything to explain."""
        return bool(self.error or self.broken_stages or self.broken_steps or self.failed_checks)


def to_html(report: Report, language: str = "en", events: tuple[OperationEvent, ...] = ()) -> str:
    """Write a report as a self-contained page in English (``en``) or French (``fr``).

    Args:
        events: what was done of the post-operations since the run.

    Raises:
        UsageError: there is no such language.
    """
    words = locale(language)
    page = _environment().get_template("report.html.j2")
    text = page.render(
        report=report,
        view=_view(report, words),
        operations=operation_rows(report, events),
        timeline=timeline(report, words),
        plot=rto_plot(report, words),
        budget=None if report.rto_budget is None else round_duration(report.rto_budget, words),
        words=words,
        most_details=MOST_DETAILS,
    )
    # Lone surrogates stand for bytes of file names that are not UTF-8; no page can hold them.
    return text.encode("utf-8", errors="replace").decode("utf-8")


@cache
def _environment() -> Environment:
    # Whoever only reads reports or the history renders none.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    return Environment(
        loader=PackageLoader("restore.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _view(report: Report, words: Locale) -> View:
    stages = tuple(_stages(report, words))
    broken_steps = tuple(step for step in report.steps if step.status in _BROKEN)
    # The error that ended the run repeats what its step or stage says: show it once.
    told = {f"{step.title}: {step.reason}" for step in broken_steps}
    ran = (CheckStatus.PASSED, CheckStatus.WARNING, CheckStatus.FAILED)
    return View(
        summary=_summary(report, words),
        error=None if report.error in told else report.error,
        broken_stages=tuple(
            row
            for row in stages
            if row.result.status in _BROKEN and row.result.reason != report.error
        ),
        broken_steps=broken_steps,
        failed_checks=tuple(c for c in report.checks if c.status is CheckStatus.FAILED),
        stages=stages,
        steps=tuple(_steps(report)),
        versions=tuple(_versions(report, words)),
        differences=report.differences,
        changes=tuple(_changes(report)),
        checks_run=sum(check.status in ran for check in report.checks),
        checks_passed=sum(c.status in ran[:2] for c in report.checks),
        other_checks=tuple(_other_checks(report)),
        judged_by_time=any(check.sla is not None for check in report.checks),
        untold=_untold(report, words),
        standing=_standing(report),
    )


def _standing(report: Report) -> bool:
    """Whether nothing was restored: an environment was checked as it stands."""
    return report.generation is None and [stage.id for stage in report.stages] == ["check"]


def _untold(report: Report, words: Locale) -> str:
    """What the backup does not tell that the generation was imported from."""
    origin = report.generation.origin if report.generation else None
    return ", ".join(words.text("untold." + key) for key in origin.unknown) if origin else ""


def _other_checks(report: Report) -> Iterator[tuple[CheckStatus, int]]:
    """How many checks neither passed nor failed outright, by status."""
    for status in (CheckStatus.WARNING, CheckStatus.UNVERIFIABLE, CheckStatus.IGNORED):
        if number := sum(check.status is status for check in report.checks):
            yield status, number


def _summary(report: Report, words: Locale) -> str:
    """The verdict's reason in a sentence."""
    if report.verdict is Verdict.UNVERIFIABLE:
        return words.text("summary.unverifiable")
    if report.verdict is Verdict.PASS and _standing(report):
        return words.text("summary.standing")
    if report.verdict is Verdict.PASS:
        reserves = [c for c in report.checks if c.status is not CheckStatus.PASSED]
        return words.text("summary.reserves" if reserves or report.accepted else "summary.pass")
    stopped = any(step.status in _BROKEN for step in report.steps)
    failed = sum(check.status is CheckStatus.FAILED for check in report.checks)
    if failed and not stopped:
        return words.count("summary.checks", failed)
    if broken := [stage for stage in report.stages if stage.status in _BROKEN]:
        key = "aborted" if broken[0].status is StepStatus.ABORTED else "stage"
        return words.text(f"summary.{key}", stage=stage_name(broken[0], words))
    return words.text("summary.fail")


def _stages(report: Report, words: Locale) -> Iterator[StageRow]:
    for stage in report.stages:
        began = (stage.started - report.started).total_seconds()
        took = (report.rto or 0.0) + report.copying
        counts = report.rto and stage.status is not StepStatus.SKIPPED and began < took
        share = min(stage.duration / took, 1.0) if counts else None
        yield StageRow(stage_name(stage, words), stage, share)


def _steps(report: Report) -> Iterator[StepRow]:
    planned = {step.id: step for step in report.plan.steps} if report.plan else _NO_STEP
    for result in report.steps:
        step = planned.get(result.id)
        yield StepRow(
            result,
            target=step.target if step else "",
            items=step.items if step else 0,
            bytes=step.bytes if step else 0,
        )


def _changes(report: Report) -> Iterator[ChangeRow]:
    file = None
    planned = (step.changes for step in (report.plan.steps if report.plan else ()))
    for change in chain(report.changes, *planned):
        yield ChangeRow(change, first=change.file != file)
        file = change.file


def _versions(report: Report, words: Locale) -> Iterator[VersionRow]:
    backup = report.generation.fingerprint if report.generation else None
    now = report.facts
    if backup is None and now is None:
        return
    for server, name in (("postgresql", "PostgreSQL"), ("erp", words.text("versions.erp"))):
        yield from _server_rows(
            name,
            getattr(backup, server) if backup else None,
            getattr(now, server) if now else None,
            words,
        )
    for row in node_rows(backup, now, words):
        yield VersionRow(*row)
    yield VersionRow(
        words.text("versions.series"),
        (backup.erp_series or None) if backup else None,
        (now.erp_series or None) if now else None,
    )
    yield VersionRow(
        words.text("versions.engine"),
        report.generation.engine_version if report.generation else None,
        report.engine_version,
    )


def _server_rows(
    name: str, backup: ServerFacts | None, now: ServerFacts | None, words: Locale
) -> Iterator[VersionRow]:
    yield VersionRow(
        name,
        (backup.version or None) if backup else None,
        (now.version or None) if now else None,
        # An image tells "13.16", its server "13.16 (Debian 13.16-0+deb11u1)".
        equal=backup.version_number == now.version_number
        if backup and now and backup.version_number and now.version_number
        else None,
    )
    yield VersionRow(
        words.text("versions.os", server=name),
        backup.os if backup else None,
        now.os if now else None,
    )
    yield VersionRow(
        words.text("versions.image", server=name),
        _image(backup.image if backup else None),
        _image(now.image if now else None),
        # A container tells the id of its image, and not always its name.
        equal=backup.image.id == now.image.id
        if backup and now and backup.image and now.image
        else None,
    )


def _image(image: ImageFacts | None) -> str | None:
    """An image's name and the start of what identifies its content."""
    if image is None:
        return None
    content = image.digests[0].rpartition("@")[2] if image.digests else image.id
    return f"{image.reference} ({content[:19]}…)" if len(content) > 19 else image.reference
