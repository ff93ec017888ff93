"""The geometry of the report's second picture: the recovery times of this run and those before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Final

from restore.model import PastRun, Report, Verdict
from restore.model.durations import spoken
from restore.report.language import Locale
from restore.report.timeline import Mark, ticks_of
from restore.report.trends import is_cached, trend

WIDTH: Final = 1000
HEIGHT: Final = 250
LEFT: Final = 80
RIGHT: Final = 950
TOP: Final = 26
BOTTOM: Final = 200
"""The plot stands between these; names of its axes outside."""
MOST_TICKS: Final = 5
MOST_DAYS: Final = 8
BUDGET_SHOWN: Final = 3.0
"""A budget so many times the longest run would press the runs to the ground: it stays outside."""
HEADROOM: Final = 1.08


@dataclass(frozen=True, slots=True)
class Point:
    """One run. ``y`` is on the ground for a run whose recovery time was not measured."""

    x: float
    y: float
    title: str
    passed: bool
    measured: bool
    cached: bool


@dataclass(frozen=True, slots=True)
class Plot:
    """The picture, in its own units. ``line`` joins the cold runs that passed.

    ``budget_above`` says that the budget is named above the picture, since it has no line in it.
    """

    summary: str
    picture: str
    points: tuple[Point, ...]
    line: str
    times: tuple[Mark, ...]
    days: tuple[Mark, ...]
    budget: Mark | None
    budget_above: bool
    any_failed: bool
    any_cached: bool


def rto_plot(report: Report, words: Locale) -> Plot | None:
    """Lay out the recovery times; None when there is no earlier run to compare with."""
    if not report.history:
        return None
    runs = (*report.history, report.past)
    longest = max((run.rto for run in runs if run.rto is not None), default=0.0)
    budget = report.rto_budget
    above = bool(budget and longest and budget > BUDGET_SHOWN * longest)
    top = max(longest, 0.0 if above else budget or 0.0, 1.0) * HEADROOM
    points = tuple(_points(runs, top, words))
    return Plot(
        summary=_summary(runs, words),
        picture=words.text(
            "plot.picture",
            budget=words.text("fact.none") if budget is None else round_duration(budget, words),
        ),
        points=points,
        line=" ".join(
            f"{p.x:.1f},{p.y:.1f}" for p in points if p.passed and p.measured and not p.cached
        ),
        times=tuple(
            Mark(_height(seconds, top), round_duration(seconds, words))
            for seconds in ticks_of(top, MOST_TICKS)
        ),
        days=tuple(_days(runs, points, words)),
        budget=None if budget is None else _budget(budget, top, above, words),
        budget_above=above,
        any_failed=not all(point.passed for point in points),
        any_cached=any(point.passed and point.measured and point.cached for point in points),
    )


def round_duration(seconds: float, words: Locale) -> str:
    """A budget, or a mark of an axis: ``15 min``, not ``15 min 00 s``."""
    if seconds < 60:
        return words.limit(seconds)
    return spoken(seconds).replace(" ", "\N{NO-BREAK SPACE}")


def _points(runs: Sequence[PastRun], top: float, words: Locale) -> Iterator[Point]:
    step = (RIGHT - LEFT) / max(len(runs) - 1, 1)
    for position, run in enumerate(runs):
        measured = run.rto is not None
        told = words.text("tile.unmeasured") if run.rto is None else words.duration(run.rto)
        verdict = words.text(f"verdict.{run.verdict.value}")
        cached = is_cached(run)
        named = "plot.point.cached" if cached and measured else "plot.point"
        yield Point(
            x=LEFT + step * position,
            y=_height(run.rto or 0.0, top),
            title=words.text(named, run=run.run, verdict=verdict, rto=told),
            passed=run.verdict is Verdict.PASS,
            measured=measured,
            cached=cached,
        )


def _height(seconds: float, top: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * seconds / top


def _days(runs: Sequence[PastRun], points: Sequence[Point], words: Locale) -> Iterator[Mark]:
    """The days of some runs, evenly spread, and always of the last: it is this one."""
    every = -(-len(runs) // MOST_DAYS)
    last = len(runs) - 1
    for position, (run, point) in enumerate(zip(runs, points, strict=True)):
        if (last - position) % every == 0:
            when = run.started.astimezone(UTC)
            day = words.text("plot.day", day=f"{when.day:02}", month=f"{when.month:02}")
            yield Mark(point.x, words.text("plot.now") if position == last else day)


def _budget(seconds: float, top: float, above: bool, words: Locale) -> Mark:
    shown = round_duration(seconds, words)
    if above:
        return Mark(TOP, words.text("plot.budget.above", duration=shown))
    return Mark(_height(seconds, top), words.text("plot.budget", duration=shown))


def _summary(runs: Sequence[PastRun], words: Locale) -> str:
    """What the picture shows, in a sentence or two."""
    found = trend(runs)
    if found is None:
        return words.text("plot.none")
    told = words.text(
        "plot.summary",
        median=words.duration(found.median),
        runs=words.count("plot.runs", len(found.times)),
    )
    if is_cached(runs[-1]):
        return f"{told} {words.text('plot.cached')}"
    if runs[-1].verdict is not Verdict.PASS or found.change is None:
        return told
    share = words.percent(abs(found.change))
    if round(abs(found.change), 2) == 0:
        return f"{told} {words.text('plot.same')}"
    return (
        f"{told} {words.text('plot.longer' if found.change > 0 else 'plot.shorter', share=share)}"
    )
