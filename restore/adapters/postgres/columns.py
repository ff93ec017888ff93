"""Queries for text columns whose names match patterns: which exist, which hold data. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from restore.adapters.postgres.commands import identifier, literal

_COLUMNS: Final = """
SELECT relname, attname, attnotnull FROM pg_catalog.pg_attribute
JOIN pg_catalog.pg_class ON pg_class.oid = attrelid
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p') AND pg_catalog.pg_table_is_visible(attrelid)
AND nspname <> 'pg_catalog' AND attnum > 0 AND NOT attisdropped
AND pg_catalog.format_type(atttypid, NULL)
    IN ('text', 'character varying', 'character', 'bytea', 'json', 'jsonb')
AND relname || '.' || attname ~ {pattern} ORDER BY relname, attnum"""

_TABLES: Final = """
SELECT relname FROM pg_catalog.pg_class
JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p') AND pg_catalog.pg_table_is_visible(pg_class.oid)
AND nspname <> 'pg_catalog' AND relname ~ {pattern} ORDER BY relname"""

_NOTHING: Final = r"('', '\x', '{}', '[]', 'null')"
"""How texts, bytes and JSON look that hold nothing."""

_CLEAR: Final = """
FOR field IN {columns} LOOP
  EXECUTE format(
    CASE WHEN field.attnotnull
      THEN 'UPDATE %1$I SET %2$I = '''' WHERE %2$I <> '''''
      ELSE 'UPDATE %1$I SET %2$I = NULL WHERE %2$I IS NOT NULL'
    END, field.relname, field.attname);
END LOOP"""


def pattern_of(patterns: Sequence[str]) -> str:
    """A regular expression, PostgreSQL's and Python's alike, for ``table.column`` with ``*``."""
    parts = (re.escape(one).replace(r"\*", ".*") for one in patterns)
    return f"^({'|'.join(parts)})$"


def columns_query(pattern: str) -> str:
    """A query for the columns of text named ``table.column``: table, column, whether NOT NULL."""
    return _COLUMNS.format(pattern=literal(pattern))


def clearing(patterns: Sequence[str]) -> str:
    """A PL/pgSQL loop that empties the matching columns; it needs a declared record ``field``."""
    return _CLEAR.format(columns=columns_query(pattern_of(patterns)))


def tables_query(pattern: str) -> str:
    """A query for the names of the tables that match a pattern."""
    return _TABLES.format(pattern=literal(pattern))


def filled_query(tables: Sequence[str]) -> str:
    """A query for the names of those of the given tables that have rows; give at least one."""
    parts = (f"(SELECT {literal(one)} FROM {identifier(one)} LIMIT 1)" for one in tables)  # noqa: S608
    return "\nUNION ALL ".join(parts)


def holding_query(columns: Sequence[tuple[str, str]]) -> str:
    """A query for the names of those of the given columns that hold data; give at least one."""
    return "\nUNION ALL ".join(_holding(table, column) for table, column in columns)


def _holding(table: str, column: str) -> str:
    name, field = literal(f"{table}.{column}"), identifier(column)
    filled = f"{field} IS NOT NULL AND {field}::text NOT IN {_NOTHING}"
    return f"(SELECT {name} FROM {identifier(table)} WHERE {filled} LIMIT 1)"  # noqa: S608
