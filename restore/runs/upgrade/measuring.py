"""Measures the databases of an environment before and after an upgrade."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import httpx

from restore.adapters.postgres import sql
from restore.adapters.postgres.facts import optional_rows, read_database_facts
from restore.checks.base import describe, masked
from restore.checks.scenarios.failure import NO_ACCOUNT, StepFailed
from restore.checks.tls import tls_of
from restore.checks.web import WebSession, filled_request, log_in, open_session
from restore.context import ReplayContext
from restore.errors import EnvironmentFailure
from restore.model import Credentials, Measure, Rule
from restore.model.messages import message
from restore.model.upgrade import SERVED, distinct
from restore.profile import Invariant, ServedThings, UpgradeProfile
from restore.runs.upgrade.difference import structure_measures

LABEL: Final = "label"
TIMEOUT: Final = 60.0
"""Seconds without a byte after which a thing counts as not served."""

LONGEST_PROBLEM: Final = 300

_COLUMNS: Final = """
    SELECT CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END
           || c.relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod)
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
      AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\\_%'
    ORDER BY 1
"""


def measure(
    context: ReplayContext, profile: UpgradeProfile, credentials: Credentials | None
) -> tuple[Measure, ...]:
    """Everything that the profile measures, of every database; the ERP runs.

    Args:
        credentials: the account to log in with; without one, what is served is unknown.

    Raises:
        EnvironmentFailure: a database can't be read.
    """
    found: list[Measure] = []
    for database in context.databases:
        found += _of_database(context, database, profile)
        found += _served(context, database, profile, credentials)
    return tuple(found)


def _of_database(
    context: ReplayContext, database: str, profile: UpgradeProfile
) -> Iterator[Measure]:
    with sql.connect(context.environment.database, database) as connection:
        facts = read_database_facts(connection, context.profile)
        columns = [(str(name), str(kind)) for name, kind in sql.rows(connection, _COLUMNS)]
        yield from structure_measures(facts, columns, profile)
        for invariant in profile.invariants:
            yield _invariant(connection, database, invariant)


def _invariant(connection: sql.Connection, database: str, invariant: Invariant) -> Measure:
    unknown = ""
    found: list[tuple[Any, ...]] = []
    try:
        found = optional_rows(connection, invariant.sql)
    except EnvironmentFailure as error:
        unknown = error.message
    facts = distinct(found)
    return Measure(database, invariant.name, invariant.title, invariant.rule, facts, unknown)


def _served(
    context: ReplayContext,
    database: str,
    profile: UpgradeProfile,
    credentials: Credentials | None,
) -> Iterator[Measure]:
    if credentials is None:
        yield from (_unknown(database, things, NO_ACCOUNT) for things in profile.served)
        return
    if not profile.served:
        return
    url, tls = context.environment.erp.endpoint, tls_of(context.environment)
    session = open_session(url, database, credentials, tls)
    with session.client:
        try:
            log_in(session, context.profile.web)
        except (StepFailed, httpx.HTTPError) as error:
            problem = masked(
                message("not logged in: {problem}", problem=describe(error)), session.secrets
            )
            yield from (_unknown(database, things, problem) for things in profile.served)
            return
        for things in profile.served:
            yield _measure(context, database, things, session)


def _unknown(database: str, things: ServedThings, reason: str) -> Measure:
    return Measure(database, things.name, things.title, Rule.SERVED, (), reason)


def _measure(
    context: ReplayContext, database: str, things: ServedThings, session: WebSession
) -> Measure:
    try:
        with sql.connect(context.environment.database, database) as connection:
            found = _named_rows(connection, things.sql)
    except (EnvironmentFailure, sql.Error) as error:
        return _unknown(database, things, describe(error))
    facts = distinct((row[LABEL], served_or_why(session, things, row)) for row in found)
    return Measure(database, things.name, things.title, Rule.SERVED, facts)


def _named_rows(connection: sql.Connection, query: str) -> list[dict[str, Any]]:
    """The rows of a query by the names of its columns; none without its tables."""
    try:
        cursor = connection.execute(query.encode())
    except sql.errors.UndefinedTable:
        return []
    names = [column.name for column in cursor.description or ()]
    if LABEL not in names:
        raise EnvironmentFailure(f"a query of things that are served has no column {LABEL}")
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def served_or_why(session: WebSession, things: ServedThings, row: Mapping[str, Any]) -> str:
    """``SERVED`` when the ERP serves a thing, else the reason why not."""
    try:
        request = filled_request(things, {**session.values, **row})
        answer = session.client.request(**request, timeout=TIMEOUT)
    except httpx.HTTPError as error:
        return masked(message("no answer: {error}", error=describe(error)), session.secrets)
    if answer.status_code != 200:
        return f"HTTP {answer.status_code}"
    text = answer.text
    if things.absent is not None and things.absent in text:
        return masked(problem_of(things, text), session.secrets)
    if things.contains is not None and things.contains not in text:
        return message("the answer does not hold {text}", text=repr(things.contains))
    return SERVED


def problem_of(things: ServedThings, text: str) -> str:
    """The problem that an answer reports, on one line."""
    found = re.search(things.problem, text) if things.problem else None
    if found is None:
        return message("the answer holds {text}", text=repr(things.absent))
    return " ".join(html.unescape(_unescaped(found[1])).split())[:LONGEST_PROBLEM]


def _unescaped(text: str) -> str:
    """A text with its JSON escapes resolved; other texts as they are."""
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text
