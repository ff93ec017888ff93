"""How every check runs: timed, never raising, its outcome a value."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

import httpx

from restore.adapters.postgres import sql
from restore.adapters.tool_output import presentable
from restore.errors import RestoreError
from restore.model import Acceptance, CheckResult, CheckStatus
from restore.model.messages import Message, joined, mapped, message
from restore.model.secret import MASK, Secret

MOST_DETAILS: Final = 20
"""Items named in a result; their number is always in what was observed."""


@dataclass(frozen=True, slots=True)
class Check:
    """An expectation, before it is held against what is there. ``sla`` is in seconds.

    Nothing is proved while a ``decisive`` one is without an answer.
    """

    id: str
    title: str
    expected: str
    sla: float | None = None
    decisive: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check saw. ``expected`` replaces the check's own when only the run could tell it."""

    status: CheckStatus
    observed: str
    details: tuple[str, ...] = ()
    reason: str = ""
    expected: str | None = None
    broke_off: bool = False


def run_check(check: Check, probe: Callable[[], Finding]) -> CheckResult:
    """Run a check and time it. What the probe could not look at is unverifiable, not a pass."""
    begun = time.perf_counter()
    try:
        finding = probe()
    except (RestoreError, sql.Error, httpx.HTTPError, OSError) as error:
        finding = Finding(
            CheckStatus.UNVERIFIABLE,
            message("nothing could be observed"),
            reason=describe(error),
            broke_off=True,
        )
    return CheckResult(
        id=check.id,
        title=check.title,
        status=finding.status,
        expected=finding.expected or check.expected,
        observed=finding.observed,
        duration=time.perf_counter() - begun,
        details=finding.details,
        reason=finding.reason,
        sla=check.sla,
        broke_off=finding.broke_off,
        decisive=check.decisive,
    )


def unverifiable(check: Check, reason: str) -> CheckResult:
    """The result of a check that can't be run at all."""
    return CheckResult(
        id=check.id,
        title=check.title,
        status=CheckStatus.UNVERIFIABLE,
        expected=check.expected,
        observed=message("not run"),
        duration=0.0,
        reason=reason,
        sla=check.sla,
        decisive=check.decisive,
    )


def passed_unless(
    wrong: Iterable[str], observed: str, *, otherwise: CheckStatus = CheckStatus.FAILED
) -> Finding:
    """Passed when nothing is wrong; else ``otherwise``, with the first details."""
    details = first_details(wrong)
    return Finding(otherwise if details else CheckStatus.PASSED, observed, details)


def unknown_reason(what: str) -> Message:
    """The reason of a check that lacks nothing but what a backup of others should say."""
    return message("the backup does not tell {what}", what=what)


def is_untold(result: CheckResult) -> bool:
    """Whether all of a result that can be known was looked at, and is right."""
    beginning = unknown_reason("")
    return result.status is CheckStatus.UNVERIFIABLE and result.reason.startswith(beginning)


def as_far_as_known(finding: Finding, unknown: str) -> Finding:
    """A finding that is no pass, since something it should look at is unknown; "" when nothing is.

    What is wrong stays wrong.
    """
    if not unknown or finding.status is not CheckStatus.PASSED:
        return finding
    return replace(finding, status=CheckStatus.UNVERIFIABLE, reason=unknown_reason(unknown))


_STATES: Final = {
    "healthy": message("healthy"),
    "unhealthy": message("unhealthy"),
    "starting": message("starting"),
}


def started_finding(state: str, version: str, series: str, wanted: str) -> Finding:
    """What was seen of a server: its container's health, what it runs, and of which series.

    The plan refuses another series, unless the user accepted it with a reason. ``wanted`` is
    production's; "" when it is unknown.
    """
    shown = _STATES.get(state, state)
    observed = message("{state}, version {version}", state=shown, version=version)
    if state != "healthy":
        return Finding(CheckStatus.FAILED, observed)
    if wanted in ("", series):
        return Finding(CheckStatus.PASSED, observed)
    other = message("series {found}, production had {wanted}", found=series, wanted=wanted)
    return Finding(CheckStatus.WARNING, observed, (other,))


def about(subject: str, what: str) -> str:
    """What was found of one of several things: ``database: it is a standby``."""
    return message("{subject}: {what}", subject=subject, what=what)


def first_details(items: Iterable[str]) -> tuple[str, ...]:
    """The first of many details, and a word when there are more."""
    some = tuple(islice(items, MOST_DETAILS + 1))
    return some if len(some) <= MOST_DETAILS else (*some[:MOST_DETAILS], message("… and more"))


def with_acceptances(
    results: tuple[CheckResult, ...], accepted: tuple[Acceptance, ...]
) -> tuple[CheckResult, ...]:
    """Ignore the results that the user accepts. What passed needs no acceptance and stays so."""
    reasons = {acceptance.key: acceptance.reason for acceptance in accepted}
    return tuple(
        _ignored(result, reasons[result.id])
        if result.id in reasons and result.status is not CheckStatus.PASSED
        else result
        for result in results
    )


def _ignored(result: CheckResult, reason: str) -> CheckResult:
    was = f"would be {result.status}"
    first = joined(": ", (was, result.reason)) if result.reason else was
    details = (first, *result.details)
    return replace(result, status=CheckStatus.IGNORED, reason=reason, details=details)


def describe(error: Exception) -> str:
    """An error in one text, without the statement that a server may quote in it."""
    if isinstance(error, RestoreError):
        return error.message
    if isinstance(error, sql.Error) and error.diag.message_primary:
        return presentable(error.diag.message_primary)
    return str(error).strip() or type(error).__name__


def masked(text: str, secrets: Iterable[Secret]) -> str:
    """A text of the outside with every known secret hidden."""
    known = [secret.reveal() for secret in secrets if secret]

    def hidden(part: str) -> str:
        for plain in known:
            part = part.replace(plain, MASK) if plain in part else part
        return part

    return mapped(text, hidden)
