"""Durations and ages as people write them, and as they are told. Pure."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from restore.errors import UsageError
from restore.model.messages import message

_DURATION: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)


def parse_budget(text: str, what: str = "recovery time") -> float:
    """Seconds of a duration such as ``90s``, ``15m`` or ``1h30m``; ``what`` it is, for the error.

    Raises:
        UsageError: it is none, or no time at all.
    """
    found = _DURATION.fullmatch(text.strip())
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    total = 3600 * hours + 60 * minutes + seconds
    if not total:
        raise UsageError(f"{text!r} is no {what}", "for example 90s, 15m or 1h30m")
    return float(total)


def spoken(seconds: float) -> str:
    """A duration as people say it: ``42.5 s``, ``15 min``, ``1 h 30 min``."""
    if seconds < 60:
        tenths = f"{seconds:.1f}".removesuffix(".0")
        if "." in tenths:
            return message("{n:.1f} s", n=float(tenths))
        return f"{tenths} s" if tenths != "60" else "1 min"
    whole = round(seconds)
    parts = ((whole // 3600, "h"), (whole % 3600 // 60, "min"), (whole % 60, "s"))
    return " ".join(f"{amount} {unit}" for amount, unit in parts if amount)


def parse_age(text: str) -> timedelta:
    """An age such as ``90s``, ``30m``, ``2h`` or ``7d``.

    Raises:
        UsageError: it is none.
    """
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    match = re.fullmatch(r"(\d+)([smhd])", text)
    if match is None:
        raise UsageError(f"{text!r} is no age", "for example 90s, 30m, 2h or 7d")
    return timedelta(**{units[match[2]]: int(match[1])})


def parse_days(text: str) -> float:
    """Days as a setting gives them: a number, 0 or more.

    Raises:
        UsageError: it is none.
    """
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not 0 <= days < 100_000:
        raise UsageError(f"{text!r} is no number of days", "for example 7, or 0 for always cold")
    return days
