"""How recovery times develop from run to run. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from restore.model import PastRun, ReplayMode, Verdict

_BLOCKS: Final = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Trend:
    """The recovery times of runs that passed, in seconds, oldest first; never empty.

    ``change`` is how far the last is from the median of those before it: 0.25 is a quarter longer.
    None when there is none before it.
    """

    times: tuple[float, ...]

    @property
    def last(self) -> float:
        """The newest."""
        return self.times[-1]

    @property
    def median(self) -> float:
        """The middle one of all."""
        return median(self.times)

    @property
    def change(self) -> float | None:
        """The newest against the median of those before it."""
        before = self.times[:-1]
        return change(median(before), self.last) if before else None


def trend(runs: Sequence[PastRun], *, cached: bool = False) -> Trend | None:
    """The trend of runs, oldest first; None when none passed.

    A run that failed recovered nothing to count on: its time is no recovery time. Nor is that of
    one that used a cache.

    Args:
        cached: look at those instead.
    """
    times = tuple(
        run.rto
        for run in runs
        if run.verdict is Verdict.PASS and run.rto is not None and is_cached(run) is cached
    )
    return Trend(times) if times else None


def is_cached(run: PastRun) -> bool:
    """Whether a run used a cache."""
    return run.mode is ReplayMode.CACHED


def change(before: float, after: float) -> float | None:
    """By which share a time changed; None when there was none before."""
    return (after - before) / before if before > 0 else None


def sparkline(times: Sequence[float]) -> str:
    """Times as a line of blocks: the shortest is the lowest, the longest the highest."""
    if not times:
        return ""
    low, high = min(times), max(times)
    if high == low:
        return _BLOCKS[0] * len(times)
    steps = len(_BLOCKS) - 1
    return "".join(_BLOCKS[round((time - low) / (high - low) * steps)] for time in times)
