"""Go's durations (`1m30s`), as Docker and Terraform write them, in whole nanoseconds."""

from __future__ import annotations

import re
from decimal import Decimal

_UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")


def parse_duration(text: str) -> int:
    """Nanoseconds of a Go duration. Raises ValueError when it isn't one (`5`, `5 s`, empty)."""
    sign, body = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if body == "0":
        return 0
    total = Decimal(0)
    position = 0
    for part in _PART.finditer(body):
        if part.start() != position:
            break
        total += Decimal(part[1]) * _UNITS[part[2]]
        position = part.end()
    if not body or position != len(body):
        raise ValueError(f"must be a duration such as '5s', '1m30s' or '500ms', not {text!r}")
    return sign * int(total)


def format_duration(nanoseconds: int) -> str:
    """A duration as Go prints it: `0s`, `500ms`, `5s`, `1m0s`, `1h0m0s`."""
    if nanoseconds < 0:
        return "-" + format_duration(-nanoseconds)
    if 0 < nanoseconds < 10**9:
        unit = next(unit for unit in ("ms", "µs", "ns") if nanoseconds >= _UNITS[unit])
        return f"{_decimal(nanoseconds, unit)}{unit}"
    minutes, rest = divmod(nanoseconds, _UNITS["m"])
    hours, minutes = divmod(minutes, 60)
    seconds = f"{_decimal(rest, 's')}s"
    if hours:
        return f"{hours}h{minutes}m{seconds}"
    return f"{minutes}m{seconds}" if minutes else seconds


def _decimal(value: int, unit: str) -> str:
    return f"{(Decimal(value) / _UNITS[unit]).normalize():f}"


def canonical_duration(text: str) -> int | str:
    """Nanoseconds, so that `60s` equals `1m0s`; a text that isn't a duration stays itself."""
    try:
        return parse_duration(text)
    except ValueError:
        return text
