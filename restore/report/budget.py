"""The recovery time and the loss of data that are accepted, and whether a run kept within. Pure."""

from __future__ import annotations

from typing import Final

from restore.model import CheckResult, CheckStatus, ReplayMode
from restore.model.durations import spoken
from restore.model.messages import Message, message, plural

CHECK: Final = "rto.budget"
AGE: Final = "rpo.budget"

OLD: Final = 48 * 3600.0
"""Seconds beyond which the newest data is worth a warning where no budget says what is too old."""


def budget_check(budget: float, rto: float | None, mode: ReplayMode | None = None) -> CheckResult:
    """Hold a run's recovery time against its budget, both in seconds.

    One that used a cache can only exceed it: that it was quick enough proves nothing.
    """
    status, observed, reason = CheckStatus.PASSED, message("not measured"), ""
    details: tuple[str, ...] = ()
    if rto is None:
        status = CheckStatus.UNVERIFIABLE
        reason = message("the run did not get as far as the end of its checks")
    else:
        observed = message("recovered in {duration}", duration=spoken(rto))
        if rto > budget:
            status, details = CheckStatus.FAILED, _over(rto, budget)
        elif mode is ReplayMode.CACHED:
            status = CheckStatus.UNVERIFIABLE
            reason = message(
                "it took {duration} with a kept copy; how long a recovery takes, only a cold "
                "drill tells",
                duration=spoken(rto),
            )
    return CheckResult(
        id=CHECK,
        title=message("Recovery time within its budget"),
        status=status,
        expected=message("recovered within {duration}", duration=spoken(budget)),
        observed=observed,
        duration=0.0,
        details=details,
        reason=reason,
    )


def age_check(budget: float, rpo: float | None, *, newest: bool) -> CheckResult:
    """Hold the age of a run's data against its budget, both in seconds.

    Args:
        newest: whether the newest generation was asked for; another one's age says nothing of it.
    """
    status, observed, reason = CheckStatus.PASSED, message("not measured"), ""
    details: tuple[str, ...] = ()
    if rpo is None or not newest:
        status = CheckStatus.UNVERIFIABLE
        reason = (
            message("no generation was read")
            if rpo is None
            else message("another generation than the newest was asked for")
        )
    else:
        observed = message("data from {age} before", age=spoken(rpo))
        if rpo > budget:
            status, details = CheckStatus.FAILED, _over(rpo, budget)
    return CheckResult(
        id=AGE,
        title=message("Loss of data within its budget"),
        status=status,
        expected=message("data from {age} before at most", age=spoken(budget)),
        observed=observed,
        duration=0.0,
        details=details,
        reason=reason,
    )


def _over(seconds: float, budget: float) -> tuple[Message]:
    over = spoken(seconds - budget)
    return (
        message("{duration} over the budget of {budget}", duration=over, budget=spoken(budget)),
    )


def age_warning(rpo: float) -> Message | None:
    """What is to be said of the newest data's age where there is no budget; None when nothing is.

    Args:
        rpo: in seconds.
    """
    if rpo <= OLD:
        return None
    return plural(
        round(rpo / 86400),
        "the newest generation is {n} day old: all that was entered since would be lost "
        "(--rpo-budget says how old it may be)",
        "the newest generation is {n} days old: all that was entered since would be lost "
        "(--rpo-budget says how old it may be)",
    )
