"""Safety of staging copies: what is required before one is made, and stopping an unsafe one."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from restore.checks import isolation
from restore.checks.neutralised import PREFIX
from restore.context import ReplayContext
from restore.errors import RefusedError, UsageError
from restore.model import CheckResult, CheckStatus, Credentials, Environment, Purpose
from restore.plan.neutralise import for_copies
from restore.runs.recorder import Run
from restore.runs.request import ReplayRequest

_SAFE: Final = frozenset({CheckStatus.PASSED, CheckStatus.IGNORED, CheckStatus.WARNING})


def for_purpose(run: Run) -> Run:
    """The run, with a profile whose configuration files are those of a copy, if it makes one."""
    if run.request.purpose is not Purpose.STAGING:
        return run
    return replace(run, services=replace(run.services, profile=for_copies(run.services.profile)))


def require_account(request: ReplayRequest) -> Credentials | None:
    """The account of a copy's administrator, which must have a password; None for a recovery.

    Raises:
        UsageError: a staging copy is asked for without one.
    """
    if request.purpose is not Purpose.STAGING:
        return None
    if request.credentials is None or not request.credentials.password:
        raise UsageError(
            "a staging copy needs an administrator with a password of its own",
            "give login and password of the copy's administrator; production's stay unknown to it",
        )
    return request.credentials


def require_anonymised(environment: Environment, request: ReplayRequest) -> None:
    """Refuse to replay people's data into a stack whose copy is an anonymised one.

    Raises:
        RefusedError: the stack has rules of anonymisation, and the replay has none.
    """
    if environment.anonymised and request.anonymisation is None:
        raise RefusedError(
            f"stack {environment.stack} is anonymised: this replay would bring people's data back",
            "'pulumi up' replays it anonymised; without its setting anonymise, it is not",
        )


def stop_unless_safe(context: ReplayContext, checks: tuple[CheckResult, ...]) -> None:
    """Stop the servers of a staging copy of which it is not proved that it is safe.

    What was accepted, with its reason, does not stop it.
    """
    if context.purpose is not Purpose.STAGING or is_safe(checks):
        return
    context.runner.stop(context.environment.erp.container)
    if context.environment.reports is not None:
        context.runner.stop(context.environment.reports.erp.container)


def is_safe(checks: tuple[CheckResult, ...]) -> bool:
    """Whether no check of a copy's safety has failed, or was left without an answer."""
    isolated = {check.id for check in isolation.PROBES}
    decisive = (one for one in checks if one.id.startswith(PREFIX) or one.id in isolated)
    return all(one.status in _SAFE for one in decisive)


def is_proved(checks: tuple[CheckResult, ...], proofs: str) -> bool:
    """Whether every check of these proofs has passed: none was ignored, and there is one.

    What looks dangerous and has no rule is a warning, and in the report.
    """
    fine = (CheckStatus.PASSED, CheckStatus.WARNING)
    found = [check.status in fine for check in checks if check.id.startswith(proofs)]
    return bool(found) and all(found)
