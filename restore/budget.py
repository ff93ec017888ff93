"""The recovery time that is accepted, and whether a run kept within it. Pure."""

from __future__ import annotations

import re
from typing import Final

from restore.errors import UsageError
from restore.model import CheckResult, CheckStatus, ReplayMode

CHECK: Final = "rto.budget"
_DURATION: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)


def parse_budget(text: str) -> float:
    """Seconds of a duration such as ``90s``, ``15m`` or ``1h30m``.

    Raises:
        UsageError: it is none, or no time at all.
    """
    found = _DURATION.fullmatch(text.strip())
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    total = 3600 * hours + 60 * minutes + seconds
    if not total:
        raise UsageError(f"{text!r} is no recovery time", "for example 90s, 15m or 1h30m")
    return float(total)


def budget_check(budget: float, rto: float | None, mode: ReplayMode | None = None) -> CheckResult:
    """Hold a run's recovery time against its budget, both in seconds.

    One that used a kept copy can only exceed it: that it was quick enough proves nothing.
    """
    status, observed, reason = CheckStatus.PASSED, "not measured", ""
    details: tuple[str, ...] = ()
    if rto is None:
        status = CheckStatus.UNVERIFIABLE
        reason = "the run did not get as far as the end of its checks"
    else:
        observed = f"recovered in {spoken(rto)}"
        if rto > budget:
            status = CheckStatus.FAILED
            details = (f"{spoken(rto - budget)} over the budget of {spoken(budget)}",)
        elif mode is ReplayMode.CACHED:
            status = CheckStatus.UNVERIFIABLE
            reason = (
                f"it took {spoken(rto)} with a kept copy; how long a recovery takes, "
                "only a cold drill tells"
            )
    return CheckResult(
        id=CHECK,
        title="Recovery time within its budget",
        status=status,
        expected=f"recovered within {spoken(budget)}",
        observed=observed,
        duration=0.0,
        details=details,
        reason=reason,
    )


def spoken(seconds: float) -> str:
    """A duration as people say it: ``42.5 s``, ``15 min``, ``1 h 30 min``."""
    if seconds < 60:
        tenths = f"{seconds:.1f}".removesuffix(".0")
        return f"{tenths} s" if tenths != "60" else "1 min"
    whole = round(seconds)
    parts = ((whole // 3600, "h"), (whole % 3600 // 60, "min"), (whole % 60, "s"))
    return " ".join(f"{amount} {unit}" for amount, unit in parts if amount)
