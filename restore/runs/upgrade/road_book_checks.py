"""Asks what a road book's queries and requests ask, on the upgraded environment."""

from __future__ import annotations

import httpx

from restore.adapters.postgres import sql
from restore.checks.base import Check, Finding, describe, masked, run_check, unverifiable
from restore.checks.operation_checks import answer_text
from restore.checks.scenarios.failure import NO_ACCOUNT, StepFailed
from restore.checks.scenarios.filling import filled_text
from restore.checks.tls import tls_of
from restore.checks.web import log_in, open_session
from restore.context import ReplayContext
from restore.errors import EnvironmentFailure
from restore.model import CheckResult, CheckStatus, Credentials
from restore.model.messages import message
from restore.runs.upgrade.measuring import TIMEOUT
from restore.runs.upgrade.road_book import Entry, EntryKind, RoadBook, entry_id


def road_book_checks(
    context: ReplayContext, book: RoadBook, credentials: Credentials | None
) -> tuple[CheckResult, ...]:
    """Check every query and request, on every database."""
    return tuple(
        _result(context, entry, database, credentials)
        for entry in book.automated
        for database in context.databases
    )


def _check(entry: Entry, database: str) -> Check:
    expected = (
        entry.expected
        if entry.kind is EntryKind.SQL
        else answer_text(entry.status, repr(entry.contains) if entry.contains else None)
    )
    return Check(
        entry_id(entry, database), message("Road book: {title}", title=entry.title.en), expected
    )


def _result(
    context: ReplayContext, entry: Entry, database: str, credentials: Credentials | None
) -> CheckResult:
    check = _check(entry, database)
    if entry.kind is EntryKind.SQL:
        return run_check(check, lambda: _asked(context, entry, database))
    if credentials is None:
        return unverifiable(check, NO_ACCOUNT)
    return run_check(check, lambda: _requested(context, entry, database, credentials))


def _asked(context: ReplayContext, entry: Entry, database: str) -> Finding:
    with sql.connect(context.environment.database, database) as connection:
        found = sql.rows(connection, entry.sql)
    observed = "" if not found or found[0][0] is None else str(found[0][0])
    good = observed == entry.expected
    return Finding(CheckStatus.PASSED if good else CheckStatus.FAILED, observed or "nothing")


def _requested(
    context: ReplayContext, entry: Entry, database: str, credentials: Credentials
) -> Finding:
    url, tls = context.environment.erp.endpoint, tls_of(context.environment)
    session = open_session(url, database, credentials, tls)
    with session.client:
        try:
            log_in(session, context.profile.web)
            path = filled_text(entry.path, session.values, quoting=True)
            answer = session.client.get(path, timeout=TIMEOUT)
        except StepFailed as error:
            raise EnvironmentFailure(message("not logged in: {problem}", problem=error)) from error
        except httpx.HTTPError as error:
            text = masked(message("no answer: {error}", error=describe(error)), session.secrets)
            return Finding(CheckStatus.FAILED, text)
    observed = f"HTTP {answer.status_code}"
    if answer.status_code != entry.status:
        return Finding(CheckStatus.FAILED, observed)
    if entry.contains is not None and entry.contains not in answer.text:
        return Finding(
            CheckStatus.FAILED,
            message("HTTP {status} without {text}", status=entry.status, text=repr(entry.contains)),
        )
    return Finding(CheckStatus.PASSED, observed)
