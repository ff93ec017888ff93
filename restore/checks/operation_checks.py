"""Whether automated post-operations did what they should."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from restore.adapters.docker.node_records import find_nodes
from restore.adapters.postgres import sql
from restore.checks.base import Check, Finding, passed_unless, run_check
from restore.checks.tls import client, tls_of
from restore.context import ReplayContext
from restore.model import CheckResult, CheckStatus
from restore.model.messages import mapped, message
from restore.plan.configuration.files import target_of
from restore.plan.placeholders import filled, filled_sql, operation_values
from restore.plan.request import LATER
from restore.profile import OperationCheck, PostOperation, Profile
from restore.profile.placeholders import KNOWN

SECONDS = 30.0
"""Longest time that the ERP may take to answer a check's request."""


def operation_checks(context: ReplayContext, databases: tuple[str, ...]) -> tuple[CheckResult, ...]:
    """Look at the outcome of each automated operation of the profile."""
    return tuple(
        run_check(check, partial(_probe, context, operation, asked, databases, database))
        for check, operation, asked, database in _checks(context.profile, databases)
    )


def foreseen_operation_checks(profile: Profile, databases: tuple[str, ...]) -> tuple[Check, ...]:
    """The checks of a profile's automated operations, in their order."""
    later = dict.fromkeys(KNOWN, LATER) | {"databases": ",".join(databases)}
    return tuple(
        replace(check, expected=mapped(check.expected, partial(filled, values=values)))
        for check, _, _, name in _checks(profile, databases)
        for values in (later | ({"database": name} if name else {}),)
    )


def applies(context: ReplayContext, operation: PostOperation, database: str) -> bool:
    """Whether there is anything for an operation to do in a database."""
    if operation.where is None:
        return True
    values = operation_values(target_of(context.environment), (database,), database)
    with sql.connect(context.environment.database, database) as connection:
        return bool(sql.rows(connection, filled_sql(operation.where, values)))


def _checks(
    profile: Profile, databases: tuple[str, ...]
) -> Iterator[tuple[Check, PostOperation, OperationCheck, str | None]]:
    for operation in profile.automated:
        asked = operation.check
        if asked is None:
            continue
        name, expected = f"postop.{operation.name}", asked.expected or ""
        if asked.path is not None:
            expected = answer_text(asked.status, asked.contains)
        if asked.sql is None:
            title = message("Post-operation {name}", name=operation.name)
            yield Check(name, title, expected), operation, asked, None
            continue
        for database in databases:
            title = message(
                "Post-operation {name} on database {database}",
                name=operation.name,
                database=database,
            )
            yield Check(f"{name}:{database}", title, expected), operation, asked, database


def answer_text(status: int, contains: str | None) -> str:
    """What an answer must be."""
    if not contains:
        return f"HTTP {status}"
    return message("HTTP {status} with {text}", status=status, text=contains)


def _probe(
    context: ReplayContext,
    operation: PostOperation,
    check: OperationCheck,
    databases: tuple[str, ...],
    database: str | None,
) -> Finding:
    values = operation_values(target_of(context.environment), databases, database)
    if database is not None and not applies(context, operation, database):
        return Finding(CheckStatus.PASSED, message("nothing to do in this database"))
    if check.path is not None:
        return _page(context, check, filled(check.path, values))
    wanted = filled(check.expected or "", values)
    if check.sql is not None:
        server = context.environment.database
        with sql.connect(server, values["database"]) as connection:
            rows = sql.rows(connection, filled_sql(check.sql, values))
        found = "" if not rows or rows[0][0] is None else str(rows[0][0])
    else:
        found = _output(context, operation, tuple(filled(part, values) for part in check.command))
    wrong = [] if found == wanted else [message("expected {wanted}", wanted=wanted)]
    return replace(passed_unless(wrong, found or message("nothing")), expected=wanted)


def _output(context: ReplayContext, operation: PostOperation, argv: tuple[str, ...]) -> str:
    for node in find_nodes(context.runner, context.environment):
        if node.role is operation.server:
            return context.runner.check(node.container, argv, user=operation.user).strip()
    return ""


def _page(context: ReplayContext, check: OperationCheck, path: str) -> Finding:
    environment = context.environment
    with client(environment.erp.endpoint, tls_of(environment)) as visitor:
        answer = visitor.get(path, timeout=SECONDS)
    wrong = []
    if answer.status_code != check.status:
        wrong.append(message("expected HTTP {codes}", codes=check.status))
    if check.contains is not None and check.contains not in answer.text:
        wrong.append(message("the answer does not hold {text}", text=check.contains))
    return passed_unless(wrong, f"HTTP {answer.status_code}")
