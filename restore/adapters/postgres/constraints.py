"""The constraints of a database, and which of them the server has never held all rows against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from restore.adapters.postgres.sql import Connection, rows
from restore.model import ConstraintFacts

_CONSTRAINTS: Final = """
    SELECT n.nspname, coalesce(c.relname, t.typname, ''), k.conname,
           CASE WHEN k.contypid = 0 THEN k.conrelid::regclass::text
                ELSE k.contypid::regtype::text END,
           k.convalidated
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace
    LEFT JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
    LEFT JOIN pg_catalog.pg_type t ON t.oid = k.contypid
    WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
    ORDER BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class FoundConstraint:
    """A constraint of a database; ``of`` is its table, or its domain, as the server writes it."""

    facts: ConstraintFacts
    of: str
    valid: bool


def constraints(connection: Connection) -> tuple[FoundConstraint, ...]:
    """Every constraint of the connection's database, but for the server's own."""
    return tuple(
        FoundConstraint(ConstraintFacts(schema, table, name), of, valid)
        for schema, table, name, of, valid in rows(connection, _CONSTRAINTS)
    )


def not_valid(connection: Connection) -> tuple[ConstraintFacts, ...]:
    """Those that are ``NOT VALID``, or not enforced: a dump holds them as they are."""
    return tuple(item.facts for item in constraints(connection) if not item.valid)
