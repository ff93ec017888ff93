"""Rules of tables that stand in the way while rows change, taken away and put back as they were.

A constraint that is not validated refuses every change of an old row that breaks it. A unique index
refuses a new value that another row still has as its old one: numbers are exchanged among rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from restore.adapters.postgres import sql
from restore.adapters.postgres.commands import literal

_NOT_VALID: Final = """
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', o.conrelid::regclass, o.conname),
    format('ALTER TABLE %s ADD CONSTRAINT %I %s',
        o.conrelid::regclass, o.conname, pg_catalog.pg_get_constraintdef(o.oid)),
    format('COMMENT ON CONSTRAINT %I ON %s IS %L',
        o.conname, o.conrelid::regclass, pg_catalog.obj_description(o.oid, 'pg_constraint'))
FROM pg_catalog.pg_constraint o
WHERE o.contype = 'c' AND NOT o.convalidated AND o.conislocal AND o.coninhcount = 0
    AND o.conrelid <> 0
ORDER BY 1
"""

_UNIQUE: Final = """
SELECT CASE WHEN o.oid IS NULL THEN format('DROP INDEX %s', i.indexrelid::regclass)
    ELSE format('ALTER TABLE %s DROP CONSTRAINT %I', i.indrelid::regclass, o.conname) END,
    CASE WHEN o.oid IS NULL THEN pg_catalog.pg_get_indexdef(i.indexrelid)
    ELSE format('ALTER TABLE %s ADD CONSTRAINT %I %s', i.indrelid::regclass, o.conname,
        pg_catalog.pg_get_constraintdef(o.oid)) END,
    CASE WHEN o.oid IS NULL THEN format('COMMENT ON INDEX %s IS %L',
        i.indexrelid::regclass, pg_catalog.obj_description(i.indexrelid, 'pg_class'))
    ELSE format('COMMENT ON CONSTRAINT %I ON %s IS %L', o.conname, i.indrelid::regclass,
        pg_catalog.obj_description(o.oid, 'pg_constraint')) END
FROM pg_catalog.pg_index i
LEFT JOIN pg_catalog.pg_constraint o ON o.conindid = i.indexrelid AND o.contype = 'u'
WHERE i.indisunique AND NOT i.indisprimary AND i.indrelid = ANY (ARRAY[{tables}])
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint f
        WHERE f.contype = 'f' AND f.conindid = i.indexrelid)
ORDER BY 1
"""


@contextmanager
def lifted(connection: sql.Connection, tables: Iterable[str]) -> Iterator[None]:
    """Lift these rules during the body, and put them back, with their comments.

    Args:
        tables: quoted names of those whose unique columns change.

    Raises:
        psycopg.Error: a rule can't come back; the transaction around must be given up.
    """
    names = ", ".join(f"{literal(name)}::regclass" for name in tables)
    # Without parameters: the statement has percent signs of its own.
    unique = _UNIQUE.replace("{tables}", names)
    rules = sql.rows(connection, _NOT_VALID) + (sql.rows(connection, unique) if names else [])
    for drop, _, _ in rules:
        connection.execute(drop.encode())
    yield
    for _, create, comment in rules:
        connection.execute(create.encode())
        connection.execute(comment.encode())
