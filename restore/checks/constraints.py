"""Constraints and indexes of a restored database: valid, but for what production had otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from restore.adapters.postgres import sql
from restore.adapters.postgres.facts import FoundConstraint, constraints
from restore.checks.base import Finding, passed_unless, unknown_reason
from restore.model import CheckStatus, DatabaseFacts
from restore.model.messages import joined, message, plural

_INDEXES: Final = """
    SELECT i.indexrelid::regclass::text, i.indrelid::regclass::text
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
"""
_BROKEN: Final = f"{_INDEXES} AND NOT (i.indisvalid AND i.indisready AND i.indislive) ORDER BY 1"


def expected_constraints(facts: DatabaseFacts) -> str:
    """What is expected, in words."""
    if not facts.not_valid:
        return message("every constraint and index is valid")
    return plural(
        len(facts.not_valid),
        "every constraint and index is valid, but for {n} constraint as in production",
        "every constraint and index is valid, but for {n} constraints as in production",
    )


def constraints_finding(connection: sql.Connection, facts: DatabaseFacts) -> Finding:
    """Hold each constraint against production's, where that is known; each index must be valid."""
    found = constraints(connection)
    broken = sql.rows(connection, _BROKEN)
    indexes = len(sql.rows(connection, _INDEXES))
    counts = (
        plural(len(found), "{n} constraint", "{n} constraints"),
        plural(indexes, "{n} index", "{n} indexes"),
    )
    odd = list(_wrong(found, facts))
    lost = [
        message("index {name} of {table} is not valid", name=name, table=table)
        for name, table in broken
    ]
    finding = passed_unless([*odd, *lost], joined(", ", counts))
    if facts.not_valid is not None or lost or not odd:
        return finding
    # A restore makes no constraint invalid by itself: it was so in the dump, production or not.
    reason = unknown_reason(message("which constraints were not valid"))
    return replace(finding, status=CheckStatus.UNVERIFIABLE, reason=reason)


def _wrong(found: Sequence[FoundConstraint], facts: DatabaseFacts) -> Iterator[str]:
    exempt = set(facts.not_valid or ())
    for item in found:
        if not item.valid and item.facts not in exempt:
            yield message(
                "constraint {name} of {table} is not valid", name=item.facts.name, table=item.of
            )
        elif item.valid and item.facts in exempt:
            yield message(
                "constraint {name} of {table} is valid, in production it was not",
                name=item.facts.name,
                table=item.of,
            )
    for lost in sorted(exempt - {item.facts for item in found}, key=lambda c: (c.table, c.name)):
        yield message(
            "constraint {name} of {table} is missing",
            name=lost.name,
            table=f"{lost.schema}.{lost.table}",
        )
