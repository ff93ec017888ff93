"""When a drill may use a cache, and when it must be cold. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from restore.model.messages import message

COLD_EVERY: Final = 7.0
"""Days after which a drill is cold, unless told otherwise."""

MOST_CACHES: Final = 2
"""Caches that an engine keeps, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class CacheOptions:
    """What a drill was told of caches. ``cold_every`` is in days; 0 is always."""

    cold: bool = False
    keep: bool = True
    cold_every: float | None = None
    most: int = MOST_CACHES


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """What a replay may do with caches: use one, make one, and how many stay at most.

    ``why`` says why none is used.
    """

    use: bool = False
    keep: bool = False
    why: str = ""
    most: int = MOST_CACHES


AS_TOLD: Final = CacheOptions()
NO_CACHE: Final = CachePolicy()
"""What a recovery may do: nothing."""


@dataclass(frozen=True, slots=True)
class Before:
    """Comparable runs in the history: when the last cold one that passed began.

    ``cached_failed`` says that the very last one used a cache, and failed.
    """

    cold: datetime | None = None
    cached_failed: bool = False


def decide(options: CacheOptions, before: Before, now: datetime) -> CachePolicy:
    """The policy of a drill that begins now."""
    why = _why_cold(options, before, now)
    return CachePolicy(use=not why, keep=options.keep, why=why, most=options.most)


def _why_cold(options: CacheOptions, before: Before, now: datetime) -> str:
    every = COLD_EVERY if options.cold_every is None else options.cold_every
    if options.cold:
        return message("asked for by --cold")
    if every == 0:
        return message("every drill is to be cold (--cold-every 0)")
    if before.cold is None:
        return message("no cold drill with these settings has passed yet")
    if before.cached_failed:
        return message("the last drill used a kept copy and failed")
    age = now - before.cold
    if age >= timedelta(days=every):
        return message(
            "the last cold drill that passed is {age:.1f} days old (--cold-every {days:g})",
            age=age / timedelta(days=1),
            days=every,
        )
    return ""
