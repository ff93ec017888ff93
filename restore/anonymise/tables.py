"""The tables of a database, as far as anonymisation looks at them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from restore.adapters.postgres.commands import identifier

QUERY: Final = """
SELECT n.nspname, c.relname, c.relkind::text, pg_catalog.pg_relation_size(c.oid) = 0, a.attname,
    pg_catalog.format_type(a.atttypid, a.atttypmod),
    pg_catalog.format_type(CASE WHEN y.typtype = 'd' THEN y.typbasetype ELSE y.oid END, NULL),
    CASE WHEN a.atttypmod > 4 AND y.typname IN ('varchar', 'bpchar') THEN a.atttypmod - 4 END,
    a.attnotnull, a.attgenerated <> ''
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname NOT LIKE 'pg\\_%'
    AND n.nspname <> 'information_schema' AND c.relispopulated
ORDER BY n.nspname, c.relname, a.attnum
"""
"""Every column of every table and materialised view."""

_TEXTS: Final = frozenset({"text", "character varying", "character", "citext"})
_HOLDS_TEXT: Final = _TEXTS | {"json", "jsonb", "xml", "tsvector", "hstore"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column. ``type`` is its own with its limit, ``base`` what that is made of."""

    name: str
    type: str
    base: str
    limit: int | None
    not_null: bool
    generated: bool

    @property
    def is_text(self) -> bool:
        """Whether it is one text."""
        return self.base in _TEXTS

    @property
    def holds_text(self) -> bool:
        """Whether an address could stand in it."""
        return self.base.removesuffix("[]") in _HOLDS_TEXT


@dataclass(frozen=True, slots=True)
class Table:
    """A table, a partitioned one (kind ``p``) or a materialised view (``m``).

    One that is ``empty`` has no row in a file of its own.
    """

    schema: str
    name: str
    kind: str
    empty: bool
    columns: tuple[Column, ...]

    @property
    def title(self) -> str:
        """How it is shown."""
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"

    @property
    def quoted(self) -> str:
        """How SQL names it."""
        return f"{identifier(self.schema)}.{identifier(self.name)}"

    def column(self, name: str) -> Column | None:
        """A column by its name."""
        return next((one for one in self.columns if one.name == name), None)


def tables_of(rows: Iterable[tuple[Any, ...]]) -> tuple[Table, ...]:
    """The tables that ``QUERY`` finds."""
    return tuple(
        Table(key[0], key[1], key[2], key[3], tuple(Column(*row[4:]) for row in group))
        for key, group in groupby(rows, lambda row: row[:4])
    )


@dataclass(frozen=True, slots=True)
class Place:
    """A column in which an address could stand."""

    table: Table
    column: Column

    @property
    def title(self) -> str:
        """How it is shown: ``table.column``."""
        return f"{self.table.title}.{self.column.name}"


def places_of(tables: tuple[Table, ...]) -> tuple[Place, ...]:
    """Every place of a database; rows of a partitioned table stand in its partitions."""
    return tuple(
        Place(table, column)
        for table in tables
        if table.kind != "p"
        for column in table.columns
        if column.holds_text
    )
