"""The recovery time that is accepted, and whether a run kept within it. Pure."""

from __future__ import annotations

from typing import Final

from restore.model import CheckResult, CheckStatus, ReplayMode
from restore.model.durations import spoken
from restore.model.messages import message

CHECK: Final = "rto.budget"


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
            status = CheckStatus.FAILED
            details = (
                message(
                    "{duration} over the budget of {budget}",
                    duration=spoken(rto - budget),
                    budget=spoken(budget),
                ),
            )
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
