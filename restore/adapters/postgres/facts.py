"""What PostgreSQL says of itself: version, locales, extensions, objects, exact row counts.

Read alike from production, for the fingerprint, and from a rebuilt environment, for comparison.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.errors import UndefinedTable
from psycopg.pq import TransactionStatus

from restore import model
from restore.adapters.postgres import objects
from restore.adapters.postgres.locales import collation_version, database_locale
from restore.adapters.postgres.sql import Connection, quoted, rows
from restore.errors import EnvironmentFailure
from restore.profile import Profile

_OWN_SCHEMAS: Final = "('pg_catalog', 'information_schema', 'pg_toast')"

_DATABASE: Final = """
    SELECT datname, pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype,
           pg_database_size(oid)
    FROM pg_catalog.pg_database WHERE datname = current_database()
"""

_TABLES: Final = f"""
    SELECT n.nspname, c.relname
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname NOT IN {_OWN_SCHEMAS}
    ORDER BY 1, 2
"""  # noqa: S608 - constants only

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

_EXTENSIONS: Final = "SELECT extname, extversion FROM pg_catalog.pg_extension ORDER BY 1"


@dataclass(frozen=True, slots=True)
class FoundConstraint:
    """A constraint of a database; ``of`` is its table, or its domain, as the server writes it."""

    facts: model.ConstraintFacts
    of: str
    valid: bool


def read_server_facts(
    connection: Connection, os: str | None, image: model.ImageFacts | None
) -> model.ServerFacts:
    """Version of the PostgreSQL server behind a connection; ``os`` and ``image`` are passed on."""
    query = "SELECT current_setting('server_version'), current_setting('server_version_num')::int"
    version, number = _ask(connection, query)[0]
    return model.ServerFacts(version, number, os, image)


def read_database_facts(connection: Connection, profile: Profile) -> model.DatabaseFacts:
    """All that must come back of the connection's database, in one snapshot.

    A transaction that is open already is used as it is. A database without the ERP's tables has
    no modules.

    Raises:
        EnvironmentFailure: the role may not read a table, or the server went away.
    """
    with one_snapshot(connection), _asked(connection):
        name, owner, encoding, collate, ctype, size = rows(connection, _DATABASE)[0]
        return model.DatabaseFacts(
            name=name,
            owner=owner,
            encoding=encoding,
            collate=collate,
            ctype=ctype,
            collation_version=collation_version(connection),
            size=size,
            extensions=tuple(model.Versioned(*row) for row in rows(connection, _EXTENSIONS)),
            modules=tuple(
                model.Versioned(str(row[0]), str(row[1] or ""))
                for row in optional_rows(connection, profile.erp.installed_modules)
            ),
            tables=count_table_rows(connection),
            locale=database_locale(connection),
            not_valid=not_valid(connection),
            objects=objects.read_objects(connection),
            sequences=objects.read_sequences(connection),
            large_objects=objects.read_large_objects(connection),
            settings=objects.read_settings(connection),
            comment=objects.read_comment(connection),
            tablespaces=objects.read_tablespaces(connection),
        )


def count_table_rows(connection: Connection) -> tuple[model.TableFacts, ...]:
    """Exact number of rows of every user table, in one snapshot, sorted by name.

    Raises:
        EnvironmentFailure: the role may not read a table, or the server went away.
    """
    with one_snapshot(connection):
        return tuple(
            model.TableFacts(schema, name, _count(connection, schema, name))
            for schema, name in _ask(connection, _TABLES)
        )


def optional_rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    """The rows of a profile's query; none when the database has no such table.

    An open transaction stays usable.

    Raises:
        EnvironmentFailure: the query failed otherwise.
    """
    with _asked(connection):
        try:
            with connection.transaction():
                return rows(connection, query)
        except UndefinedTable:
            return []


def constraints(connection: Connection) -> tuple[FoundConstraint, ...]:
    """Every constraint of the connection's database, but for the server's own."""
    return tuple(
        FoundConstraint(model.ConstraintFacts(schema, table, name), of, valid)
        for schema, table, name, of, valid in rows(connection, _CONSTRAINTS)
    )


def not_valid(connection: Connection) -> tuple[model.ConstraintFacts, ...]:
    """Those that are ``NOT VALID``, or not enforced: a dump holds them as they are."""
    return tuple(item.facts for item in constraints(connection) if not item.valid)


@contextmanager
def one_snapshot(connection: Connection) -> Iterator[None]:
    """Read everything inside as of one moment; joins a transaction that is open already."""
    if connection.info.transaction_status is not TransactionStatus.IDLE:
        yield
        return
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def _count(connection: Connection, schema: str, name: str) -> int:
    query = sql.SQL("SELECT count(*) FROM ONLY {}").format(quoted(schema, name))
    with _asked(connection):
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _ask(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    with _asked(connection):
        return rows(connection, query)


@contextmanager
def _asked(connection: Connection) -> Iterator[None]:
    """Turn what the server refuses into an error that names database and role."""
    try:
        yield
    except psycopg.Error as error:
        info = connection.info
        raise EnvironmentFailure(
            f"database {info.dbname}: role {info.user} could not read it: {str(error).strip()}",
            "name the ERP's databases if this one is not its own",
        ) from error
