"""Checks of a rehearsal: the drill's, made again on what was upgraded, and the road book's."""

from __future__ import annotations

from dataclasses import replace

import httpx

from restore.adapters.postgres import sql
from restore.checks.base import Check, Finding, about, describe, masked, run_check, unverifiable
from restore.checks.operation_checks import answer_text
from restore.checks.scenarios import ScenarioResults, play
from restore.checks.scenarios.failure import NO_ACCOUNT, StepFailed
from restore.checks.scenarios.filling import filled_text
from restore.checks.tls import tls_of
from restore.checks.web import log_in, open_session
from restore.context import ReplayContext
from restore.errors import EnvironmentFailure
from restore.model import CheckResult, CheckStatus, Credentials
from restore.model.messages import Message, message
from restore.runs.request import ReplayRequest
from restore.runs.stages import ground_of
from restore.runs.upgrade.measuring import TIMEOUT
from restore.runs.upgrade.road_book import Entry, EntryKind, RoadBook, entry_id, step_id


def road_book_checks(
    context: ReplayContext, book: RoadBook, credentials: Credentials | None
) -> tuple[CheckResult, ...]:
    """Check every query and request, on every database."""
    return tuple(
        _result(context, entry, database, credentials)
        for entry in book.automated
        for database in context.databases
    )


def _result(
    context: ReplayContext, entry: Entry, database: str, credentials: Credentials | None
) -> CheckResult:
    name, title = entry_id(entry, database), message("Road book: {title}", title=entry.title.en)
    if entry.kind is EntryKind.SQL:
        check = Check(name, title, entry.expected)
        return run_check(check, lambda: _asked(context, entry, database))
    contained = repr(entry.contains) if entry.contains else None
    check = Check(name, title, answer_text(entry.status, contained))
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


def again(beginning: str, when: str, results: tuple[CheckResult, ...]) -> tuple[CheckResult, ...]:
    """Results of checks that are run a second time, under ids and titles of their own."""
    return tuple(
        replace(one, id=f"{beginning}{one.id}", title=about(when, one.title)) for one in results
    )


def played_again(beginning: str, when: str, played: ScenarioResults) -> ScenarioResults:
    """Scenarios that were played before, with their screenshots, under names of their own."""
    found = _pictures_named(played, f"{beginning.removesuffix('.')}-")
    return replace(found, results=again(beginning, when, found.results))


def play_road_book(
    context: ReplayContext, request: ReplayRequest, book: RoadBook
) -> ScenarioResults:
    """Play the scenarios that a road book names, each on every database."""
    played = ScenarioResults()
    for entry, script in book.scripts:
        beginning = message("Road book: {title}", title=Message(entry.title.en))
        for number, database in enumerate(context.databases, 1):
            found = play(ground_of(context, request, database), script)
            found = _pictures_named(found, f"road-book-{entry.name}-{number}-")
            results = (
                replace(one, id=step_id(entry, step, database), title=about(beginning, step.title))
                for one, step in zip(found.results, script.steps, strict=True)
            )
            played += replace(found, results=tuple(results))
    return played


def _pictures_named(played: ScenarioResults, beginning: str) -> ScenarioResults:
    """The same results, their screenshots renamed with a prefix."""
    results = tuple(
        replace(one, picture=replace(one.picture, name=f"{beginning}{one.picture.name}"))
        if one.picture
        else one
        for one in played.results
    )
    return ScenarioResults(
        results, tuple((f"{beginning}{name}", data) for name, data in played.pictures)
    )
