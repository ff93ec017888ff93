"""A report as one HTML page that needs nothing else: style and picture are inside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from restore import model
from restore.report.language import Locale, locale
from restore.report.rto_plot import round_duration, rto_plot
from restore.report.timeline import stage_name, timeline
from restore.report.versions import VersionRow, version_rows

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_DETAILS: Final = 50
"""Details of one check that the page shows; ``report.json`` holds them all."""

_BROKEN: Final = (model.StepStatus.FAILED, model.StepStatus.ABORTED)


@dataclass(frozen=True, slots=True)
class StageRow:
    """A stage with its share of the recovery time; None for what came after it."""

    name: str
    result: model.StepResult
    share: float | None


@dataclass(frozen=True, slots=True)
class View:
    """What the page shows, beyond the report itself."""

    summary: str
    error: str | None
    broken_stages: tuple[StageRow, ...]
    broken_steps: tuple[model.StepResult, ...]
    failed_checks: tuple[model.CheckResult, ...]
    stages: tuple[StageRow, ...]
    steps: tuple[tuple[model.StepResult, model.Step | None], ...]
    """With what was planned: how much each moves."""
    versions: tuple[VersionRow, ...]
    changes: tuple[model.ConfigurationChange, ...]
    checks_run: int
    checks_passed: int
    other_checks: tuple[tuple[model.CheckStatus, int], ...]
    judged_by_time: bool
    untold: str
    standing: bool

    @property
    def went_wrong(self) -> bool:
        """Whether there is anything to explain."""
        return bool(self.error or self.broken_stages or self.broken_steps or self.failed_checks)


def to_html(
    report: model.Report, language: str = "en", events: tuple[model.OperationEvent, ...] = ()
) -> str:
    """Write a report as a self-contained page in English (``en``) or French (``fr``).

    Args:
        events: what was done of the post-operations since the run.

    Raises:
        UsageError: there is no such language.
    """
    words = locale(language)
    page = environment().get_template("report.html.j2")
    text = page.render(
        report=report,
        view=_view(report, words),
        operations=report.checklist(events),
        timeline=timeline(report, words),
        plot=rto_plot(report, words),
        budget=None if report.rto_budget is None else round_duration(report.rto_budget, words),
        age=None if report.rpo_budget is None else round_duration(report.rpo_budget, words),
        words=words,
        most_details=MOST_DETAILS,
    )
    # Lone surrogates stand for bytes of file names that are not UTF-8; no page can hold them.
    return text.encode("utf-8", errors="replace").decode("utf-8")


@cache
def environment(*, autoescape: bool = True) -> Environment:
    """What renders the templates that ship; for Markdown, without escaping."""
    # Whoever only reads reports or the history renders none.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    return Environment(
        loader=PackageLoader("restore.report"),
        autoescape=autoescape,  # noqa: S701 - Markdown is escaped by its own filters
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _view(report: model.Report, words: Locale) -> View:
    stages = tuple(_stages(report, words))
    broken_steps = tuple(step for step in report.steps if step.status in _BROKEN)
    # The error that ended the run repeats what its step or stage says: show it once.
    told = {f"{step.title}: {step.reason}" for step in broken_steps}
    ran = (model.CheckStatus.PASSED, model.CheckStatus.WARNING, model.CheckStatus.FAILED)
    other = (model.CheckStatus.WARNING, model.CheckStatus.UNVERIFIABLE, model.CheckStatus.IGNORED)
    others = [(status, sum(c.status is status for c in report.checks)) for status in other]
    planned = report.plan.steps if report.plan else ()
    by_id = {step.id: step for step in planned}
    origin = report.generation.origin if report.generation else None
    return View(
        summary=_summary(report, words),
        error=None if report.error in told else report.error,
        broken_stages=tuple(
            row
            for row in stages
            if row.result.status in _BROKEN and row.result.reason != report.error
        ),
        broken_steps=broken_steps,
        failed_checks=tuple(c for c in report.checks if c.status is model.CheckStatus.FAILED),
        stages=stages,
        steps=tuple((result, by_id.get(result.id)) for result in report.steps),
        versions=tuple(version_rows(report, words)),
        changes=(*report.changes, *(change for step in planned for change in step.changes)),
        checks_run=sum(check.status in ran for check in report.checks),
        checks_passed=sum(c.status in ran[:2] for c in report.checks),
        other_checks=tuple((status, number) for status, number in others if number),
        judged_by_time=any(check.sla is not None for check in report.checks),
        # What the backup does not tell that the generation was imported from.
        untold=", ".join(words.text("untold." + key) for key in origin.unknown) if origin else "",
        standing=_standing(report),
    )


def _standing(report: model.Report) -> bool:
    """Whether nothing was restored: an environment was checked as it stands."""
    return report.generation is None and [stage.id for stage in report.stages] == ["check"]


def _summary(report: model.Report, words: Locale) -> str:
    """The verdict's reason in a sentence."""
    if report.verdict is model.Verdict.UNVERIFIABLE:
        return words.text("summary.unverifiable")
    if report.verdict is model.Verdict.PASS and _standing(report):
        return words.text("summary.standing")
    if report.verdict is model.Verdict.PASS:
        warned = any(c.status is not model.CheckStatus.PASSED for c in report.checks)
        slow = any(c.too_slow for c in report.checks)
        kind = "left_out" if report.reserves else "reserves" if warned else "pass"
        kind = "slow" if slow and not report.reserves else kind
        return words.text(f"summary.{kind}")
    stopped = any(step.status in _BROKEN for step in report.steps)
    failed = sum(check.status is model.CheckStatus.FAILED for check in report.checks)
    if failed and not stopped:
        return words.count("summary.checks", failed)
    if broken := [stage for stage in report.stages if stage.status in _BROKEN]:
        key = "aborted" if broken[0].status is model.StepStatus.ABORTED else "stage"
        return words.text(f"summary.{key}", stage=stage_name(broken[0], words))
    return words.text("summary.fail")


def _stages(report: model.Report, words: Locale) -> Iterator[StageRow]:
    for stage in report.stages:
        began = (stage.started - report.started).total_seconds()
        took = (report.rto or 0.0) + report.copying
        counts = report.rto and stage.status is not model.StepStatus.SKIPPED and began < took
        share = min(stage.duration / took, 1.0) if counts else None
        yield StageRow(stage_name(stage, words), stage, share)
