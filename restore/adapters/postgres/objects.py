"""What a database is made of beside its rows, read from its catalogues or from a dump's table.

Left out is what belongs to an extension, as ``pg_dump`` leaves it out: another version of the
extension may have other objects. Names are those of ``pg_restore --list``: ``public.sale_order``,
and for what belongs to a table ``public.sale_order sale_order_partner``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from restore.adapters.postgres.pg_archive import ArchiveEntry
from restore.adapters.postgres.sql import Connection, compose, quoted, rows
from restore.model.objects import (
    LargeObjects,
    ObjectFacts,
    SequenceFacts,
    SettingFacts,
    object_facts,
    setting_facts,
)

_BATCH: Final = 200
"""Sequences asked for at once."""

KINDS: Final = (
    "schema",
    "table",
    "view",
    "materialized view",
    "foreign table",
    "sequence",
    "column",
    "not-null column",
    "column default",
    "index",
    "primary key",
    "unique constraint",
    "exclusion constraint",
    "foreign key",
    "check constraint",
    "trigger",
    "event trigger",
    "rule",
    "function",
    "aggregate",
    "policy",
    "row security",
    "type",
    "domain",
    "collation",
    "statistics object",
    "foreign server",
    "publication",
)

# A column that not every version has is read by way of JSON. Names are those that pg_dump gives.
_OBJECTS: Final = r"""
WITH own AS (
    SELECT oid, nspname::text AS name FROM pg_catalog.pg_namespace
    WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema'
), member AS (
    SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'
), rel AS (
    SELECT c.oid, n.name || '.' || c.relname AS name, c.relkind, c.relrowsecurity
    FROM pg_catalog.pg_class c JOIN own n ON n.oid = c.relnamespace
    WHERE c.relpersistence <> 't' AND NOT EXISTS (
        SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_class'::regclass AND m.objid = c.oid)
), typ AS (
    SELECT t.oid, n.name || '.' || t.typname AS name, t.typtype, t.typrelid
    FROM pg_catalog.pg_type t JOIN own n ON n.oid = t.typnamespace
    WHERE NOT EXISTS (
        SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_type'::regclass AND m.objid = t.oid)
), usable AS (
    SELECT i.indexrelid, r.name AS of FROM pg_catalog.pg_index i JOIN rel r ON r.oid = i.indrelid
    WHERE (i.indisvalid OR r.relkind = 'p') AND i.indisready
), con AS (
    SELECT k.conname, k.contype, k.conrelid, k.conindid, k.contypid,
           coalesce(to_jsonb(k) ->> 'conparentid', '0') AS parent
    FROM pg_catalog.pg_constraint k
)
SELECT 'schema', o.name FROM own o WHERE o.name <> 'public' AND NOT EXISTS (
    SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_namespace'::regclass AND m.objid = o.oid)
UNION ALL
SELECT CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
       WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence' ELSE 'table' END, name
FROM rel WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
UNION ALL
SELECT k.kind, r.name || ' ' || a.attname
FROM rel r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0
CROSS JOIN (VALUES ('column', false), ('not-null column', true)) k (kind, filled)
WHERE r.relkind IN ('r', 'p', 'f') AND NOT a.attisdropped AND (a.attnotnull OR NOT k.filled)
UNION ALL
SELECT 'column default', r.name || ' ' || a.attname
FROM rel r JOIN pg_catalog.pg_attrdef d ON d.adrelid = r.oid
JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum = d.adnum
UNION ALL
SELECT 'index', n.name || '.' || c.relname
FROM usable u JOIN pg_catalog.pg_class c ON c.oid = u.indexrelid
JOIN own n ON n.oid = c.relnamespace
WHERE NOT EXISTS (SELECT FROM con k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x'))
UNION ALL
SELECT CASE k.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique constraint'
       WHEN 'x' THEN 'exclusion constraint' WHEN 'f' THEN 'foreign key' ELSE 'check constraint' END,
       r.name || ' ' || k.conname
FROM con k JOIN rel r ON r.oid = k.conrelid
WHERE k.contype = 'c' OR (k.contype = 'f' AND k.parent = '0')
   OR (k.contype IN ('p', 'u', 'x') AND k.conindid IN (SELECT indexrelid FROM usable))
UNION ALL
SELECT 'check constraint', t.name || ' ' || k.conname
FROM con k JOIN typ t ON t.oid = k.contypid WHERE k.contype = 'c'
UNION ALL
SELECT 'trigger', r.name || ' ' || t.tgname || CASE t.tgenabled
       WHEN 'D' THEN ' (disabled)' WHEN 'R' THEN ' (replica)' WHEN 'A' THEN ' (always)' ELSE '' END
FROM pg_catalog.pg_trigger t JOIN rel r ON r.oid = t.tgrelid
WHERE NOT t.tgisinternal AND coalesce(to_jsonb(t) ->> 'tgparentid', '0') = '0'
UNION ALL
SELECT 'event trigger', e.evtname || CASE e.evtenabled
       WHEN 'D' THEN ' (disabled)' WHEN 'R' THEN ' (replica)' WHEN 'A' THEN ' (always)' ELSE '' END
FROM pg_catalog.pg_event_trigger e WHERE NOT EXISTS (
    SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_event_trigger'::regclass
    AND m.objid = e.oid)
UNION ALL
SELECT 'rule', r.name || ' ' || w.rulename
FROM pg_catalog.pg_rewrite w JOIN rel r ON r.oid = w.ev_class WHERE w.rulename <> '_RETURN'
UNION ALL
SELECT CASE WHEN f.aggregates THEN 'aggregate' ELSE 'function' END,
       f.name || CASE WHEN f.aggregates AND f.arguments = '' THEN '(*)'
                      ELSE '(' || f.arguments || ')' END
FROM (
    SELECT n.name || '.' || p.proname AS name,
           coalesce(to_jsonb(p) ->> 'prokind' = 'a', (to_jsonb(p) ->> 'proisagg')::boolean)
               AS aggregates,
           coalesce((
               SELECT string_agg(pg_catalog.format_type(a.type, NULL), ', ' ORDER BY a.number)
               FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY a (type, number)), '') AS arguments
    FROM pg_catalog.pg_proc p JOIN own n ON n.oid = p.pronamespace
    WHERE NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::regclass
        AND d.objid = p.oid AND d.deptype IN ('e', 'i'))
) f
UNION ALL
SELECT 'policy', r.name || ' ' || p.polname
FROM pg_catalog.pg_policy p JOIN rel r ON r.oid = p.polrelid
UNION ALL
SELECT 'row security', name FROM rel WHERE relrowsecurity
UNION ALL
SELECT CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, t.name
FROM typ t LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
WHERE t.typtype IN ('d', 'e', 'r') OR (t.typtype = 'c' AND c.relkind = 'c')
   OR (t.typtype = 'b' AND NOT EXISTS (
       SELECT FROM pg_catalog.pg_type e WHERE e.typarray = t.oid))
UNION ALL
SELECT 'collation', n.name || '.' || c.collname
FROM pg_catalog.pg_collation c JOIN own n ON n.oid = c.collnamespace WHERE NOT EXISTS (
    SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_collation'::regclass AND m.objid = c.oid)
UNION ALL
SELECT 'statistics object', n.name || '.' || s.stxname
FROM pg_catalog.pg_statistic_ext s JOIN own n ON n.oid = s.stxnamespace
JOIN rel r ON r.oid = s.stxrelid
UNION ALL
SELECT 'foreign server', s.srvname
FROM pg_catalog.pg_foreign_server s WHERE NOT EXISTS (
    SELECT FROM member m WHERE m.classid = 'pg_catalog.pg_foreign_server'::regclass
    AND m.objid = s.oid)
UNION ALL
SELECT 'publication', pubname FROM pg_catalog.pg_publication
"""

_TOLD: Final = {
    "SCHEMA": "schema",
    "TABLE": "table",
    "VIEW": "view",
    "MATERIALIZED VIEW": "materialized view",
    "FOREIGN TABLE": "foreign table",
    "SEQUENCE": "sequence",
    "INDEX": "index",
    "FK CONSTRAINT": "foreign key",
    "TRIGGER": "trigger",
    "EVENT TRIGGER": "event trigger",
    "RULE": "rule",
    "FUNCTION": "function",
    "PROCEDURE": "function",
    "AGGREGATE": "aggregate",
    "POLICY": "policy",
    "ROW SECURITY": "row security",
    "TYPE": "type",
    "DOMAIN": "domain",
    "COLLATION": "collation",
    "STATISTICS": "statistics object",
    "SERVER": "foreign server",
    "PUBLICATION": "publication",
}
"""Entries of a dump's table of contents, and the kinds that they make known."""

_CONSTRAINTS: Final = {
    "PRIMARY": "primary key",
    "UNIQUE": "unique constraint",
    "EXCLUDE": "exclusion constraint",
}
_CONSTRAINT: Final = re.compile(
    r'ADD CONSTRAINT (?:"(?:[^"]|"")*"|[^\s"]+) (PRIMARY|UNIQUE|EXCLUDE)\b'
)
_STATE: Final = re.compile(
    r"^ALTER (?:TABLE|EVENT TRIGGER) .* (DISABLE|ENABLE REPLICA|ENABLE ALWAYS)\b", re.M
)
_STATES: Final = {
    "DISABLE": " (disabled)",
    "ENABLE REPLICA": " (replica)",
    "ENABLE ALWAYS": " (always)",
}
_STANDS: Final = re.compile(r"setval\('.*', (-?\d+), (true|false)\);\s*$", re.S)
_POST_DATA: Final = ("INDEX", "CONSTRAINT", "FK CONSTRAINT", "TRIGGER", "RULE", "POLICY")
POST_DATA: Final = "post-data"
"""The section of a dump that holds indexes, constraints and triggers."""

_SEQUENCES: Final = r"""
SELECT n.nspname::text, c.relname::text, pg_catalog.has_schema_privilege(n.oid, 'USAGE')
       AND pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.relpersistence <> 't'
  AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
      AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1, 2
"""

_LARGE_OBJECTS: Final = """
SELECT count(*), pg_catalog.has_table_privilege('pg_catalog.pg_largeobject', 'SELECT')
FROM pg_catalog.pg_largeobject_metadata
"""
# Where its last page ends: pages of zeros may be missing in production, and are there afterwards.
LARGE_OBJECT_BYTES: Final = """
SELECT coalesce(sum(size), 0)::bigint FROM (
    SELECT max(pageno::bigint * pg_catalog.current_setting('block_size')::int / 4
               + pg_catalog.octet_length(data)) AS size
    FROM pg_catalog.pg_largeobject GROUP BY loid) AS each
"""

_SETTINGS: Final = """
SELECT coalesce(r.rolname::text, ''), s.setdatabase = 0, unnest(s.setconfig)
FROM pg_catalog.pg_db_role_setting s LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
WHERE s.setdatabase IN (
    0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
ORDER BY 1, 2, 3
"""

_COMMENT: Final = """
SELECT pg_catalog.shobj_description(oid, 'pg_database')
FROM pg_catalog.pg_database WHERE datname = current_database()
"""

_TABLESPACES: Final = """
SELECT t.spcname::text FROM pg_catalog.pg_tablespace t
WHERE t.spcname NOT IN ('pg_default', 'pg_global') AND (
    EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.reltablespace = t.oid)
    OR t.oid = (SELECT dattablespace FROM pg_catalog.pg_database
                WHERE datname = current_database()))
ORDER BY 1
"""


def read_objects(connection: Connection) -> tuple[ObjectFacts, ...]:
    """The objects of the connection's database, every kind that is known, in a fixed order."""
    path = rows(connection, "SELECT pg_catalog.current_setting('search_path')")[0][0]
    # As pg_dump has it: every type that is not the server's own bears its schema.
    connection.execute("SELECT pg_catalog.set_config('search_path', '', false)")
    found = rows(connection, _OBJECTS)
    connection.execute("SELECT pg_catalog.set_config('search_path', %s, false)", (path,))
    names: defaultdict[str, list[str]] = defaultdict(list)
    for kind, name in found:
        names[kind].append(name)
    return tuple(object_facts(kind, names[kind]) for kind in KINDS)


def read_sequences(connection: Connection) -> tuple[SequenceFacts, ...]:
    """Where every sequence stands this moment: no snapshot holds sequences."""
    found = rows(connection, _SEQUENCES)
    readable = [(schema, name) for schema, name, allowed in found if allowed]
    values: dict[tuple[str, str], tuple[int, bool]] = {}
    for start in range(0, len(readable), _BATCH):
        batch = readable[start : start + _BATCH]
        query = compose.SQL(" UNION ALL ").join(
            compose.SQL("SELECT {number}, last_value, is_called FROM {name}").format(
                number=compose.Literal(number), name=quoted(*name)
            )
            for number, name in enumerate(batch)
        )
        for number, last, called in connection.execute(query).fetchall():
            values[batch[int(number)]] = last, called
    return tuple(
        SequenceFacts(schema, name, *values.get((schema, name), (None,)))
        for schema, name, _ in found
    )


def with_later(
    before: Iterable[SequenceFacts], after: Iterable[SequenceFacts]
) -> tuple[SequenceFacts, ...]:
    """Sequences as they stood before a dump, with where they stood after it if that differs."""
    stood = {(item.schema, item.name): item for item in after}
    return tuple(_moved(item, stood.get((item.schema, item.name))) for item in before)


def _moved(before: SequenceFacts, after: SequenceFacts | None) -> SequenceFacts:
    if after is None or (after.last_value, after.called) == (before.last_value, before.called):
        return before
    return SequenceFacts(
        before.schema, before.name, before.last_value, before.called, after.last_value
    )


def read_large_objects(connection: Connection) -> LargeObjects:
    """How many large objects there are, and their bytes where the role may read them."""
    number, allowed = rows(connection, _LARGE_OBJECTS)[0]
    size = 0 if number == 0 else None
    if number and allowed:
        size = int(rows(connection, LARGE_OBJECT_BYTES)[0][0])
    return LargeObjects(number, size)


def read_settings(connection: Connection) -> tuple[SettingFacts, ...]:
    """What is set for the database, and for roles in it and everywhere."""
    return tuple(setting_facts(*row) for row in rows(connection, _SETTINGS))


def read_comment(connection: Connection) -> str:
    """The comment on the database; empty without one."""
    return str(rows(connection, _COMMENT)[0][0] or "")


def read_tablespaces(connection: Connection) -> tuple[str, ...]:
    """The tablespaces in which the database keeps something, but for the server's own."""
    return tuple(str(name) for (name,) in rows(connection, _TABLESPACES))


def objects_in(entries: Iterable[ArchiveEntry]) -> tuple[ObjectFacts, ...]:
    """The objects that a dump's table of contents tells; kinds that it does not are left out."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for entry in entries:
        kind = _TOLD.get(entry.kind)
        if entry.kind == "CONSTRAINT" and (found := _CONSTRAINT.search(entry.definition)):
            kind = _CONSTRAINTS[found[1]]
        name = f"{entry.schema}.{entry.name}" if entry.schema else entry.name
        if kind is None or (kind, name) == ("schema", "public") or name.endswith(" _RETURN"):
            continue
        if kind in ("trigger", "event trigger") and (state := _STATE.search(entry.definition)):
            name += _STATES[state[1]]
        names[kind].append(name)
    told = {*_TOLD.values(), *_CONSTRAINTS.values()}
    return tuple(object_facts(kind, names[kind]) for kind in KINDS if kind in told)


def sequences_in(entries: Iterable[ArchiveEntry]) -> tuple[SequenceFacts, ...]:
    """Where a dump will set its sequences."""
    return tuple(
        SequenceFacts(entry.schema, entry.name, int(found[1]), found[2] == "true")
        for entry in entries
        if entry.kind == "SEQUENCE SET" and (found := _STANDS.search(entry.definition))
    )


def lacks_post_data(entries: Iterable[ArchiveEntry]) -> bool:
    """Whether a dump makes tables and nothing that belongs to them."""
    kinds = {entry.kind for entry in entries}
    return "TABLE" in kinds and kinds.isdisjoint(_POST_DATA)
