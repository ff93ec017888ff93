"""The geometry of the report's picture: when each stage and step ran, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from restore.model import Report, StepResult, StepStatus
from restore.report.language import Locale

WIDTH: Final = 1000
LEFT: Final = 290
RIGHT: Final = 905
"""The chart stands between LEFT and RIGHT; names before it, durations after it."""
TOP: Final = 30
ROW: Final = 22
BOTTOM: Final = 26
LEAST_BAR: Final = 2.0
LONGEST_LABEL: Final = 46
"""Characters of a name that fit before the chart."""
MOST_TICKS: Final = 8
STEPS: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
"""Seconds between two ticks; hours beyond."""
STAGE_OF_STEPS: Final = "replay"


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the picture. ``width`` is 0 for what did not run."""

    label: str
    title: str
    status: str
    nested: bool
    y: float
    x: float
    width: float
    note: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A named place on an axis, or a line of its own."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """The picture, in its own units. ``marker`` is where the recovery time ends."""

    width: int
    height: float
    bottom: float
    bars: tuple[Bar, ...]
    ticks: tuple[Mark, ...]
    marker: Mark | None


def timeline(report: Report, locale: Locale) -> Timeline | None:
    """Lay out the stages, and the plan's steps under their stage; None when none ran."""
    rows = tuple(_rows(report))
    if not rows:
        return None
    ends = [(r.started - report.started).total_seconds() + r.duration for r, _ in rows]
    total = max(0.1, (report.finished - report.started).total_seconds(), *ends)
    scale = (RIGHT - LEFT) / total
    bottom = TOP + ROW * len(rows)
    return Timeline(
        width=WIDTH,
        height=bottom + BOTTOM,
        bottom=bottom,
        bars=tuple(
            _bar(result, nested, TOP + ROW * position, (report.started, scale, locale))
            for position, (result, nested) in enumerate(rows)
        ),
        ticks=tuple(
            Mark(_within(seconds * scale), locale.limit(seconds))
            for seconds in ticks_of(total, MOST_TICKS)
        ),
        marker=None
        if report.rto is None
        else Mark(
            _within((report.rto + report.copying) * scale),
            locale.text("timeline.marker", duration=locale.duration(report.rto)),
        ),
    )


def _rows(report: Report) -> Iterator[tuple[StepResult, bool]]:
    host = next((s.id for s in report.stages if s.id == STAGE_OF_STEPS), None)
    for stage in report.stages:
        yield stage, False
        if stage.id == host:
            yield from ((step, True) for step in report.steps)
    if host is None:
        yield from ((step, True) for step in report.steps)


def _bar(result: StepResult, nested: bool, y: float, frame: tuple[datetime, float, Locale]) -> Bar:
    start, scale, locale = frame
    ran = result.status is not StepStatus.SKIPPED
    name = stage_name(result, locale) if not nested else locale.phrase(result.title)
    offset = _within((result.started - start).total_seconds() * scale)
    width = max(LEAST_BAR, min(result.duration * scale, RIGHT - offset)) if ran else 0
    return Bar(
        label=name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…",
        title=name,
        status=result.status.value,
        nested=nested,
        y=y,
        x=min(offset, RIGHT - width),
        width=width,
        note=locale.duration(result.duration) if ran else locale.text("status.skipped"),
    )


def stage_name(stage: StepResult, locale: Locale) -> str:
    """A stage's name in the reader's language."""
    key = f"stage.{stage.id}"
    return locale.text(key) if key in locale.messages else locale.phrase(stage.title)


def _within(x: float) -> float:
    return min(max(LEFT + x, LEFT), RIGHT)


def ticks_of(total: float, most: int) -> Iterator[float]:
    """The seconds, from 0 to a total, at which an axis of so many ticks at most has one."""
    hours = (3600 * n for n in range(1, 100_000))
    every = next(step for step in (*STEPS, *hours) if total / step <= most)
    yield from (position * every for position in range(int(total / every + 1e-9) + 1))
