"""Whether a restored database is the one that production had, row for row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

from restore.adapters.postgres import sql
from restore.adapters.postgres.facts import count_table_rows
from restore.adapters.postgres.locales import database_locale
from restore.checks.base import (
    Check,
    Finding,
    as_far_as_known,
    passed_unless,
    plural,
    run_check,
)
from restore.checks.constraints import constraints_finding, expected_constraints
from restore.errors import EnvironmentFailure
from restore.model import CheckResult, CheckStatus, DatabaseFacts, DatabaseServer, TableFacts
from restore.model.secret import Secret

_OWN_SCHEMAS: Final = "n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"

_DEADLINE: Final = 2.0
"""Seconds until a refused connection is final; the server is known to run."""

_SEQUENCES: Final = """
SELECT sn.nspname, s.relname, tn.nspname, t.relname, a.attname, q.seqincrement
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_catalog.pg_namespace sn ON sn.oid = s.relnamespace
JOIN pg_catalog.pg_sequence q ON q.seqrelid = s.oid AND NOT q.seqcycle
JOIN pg_catalog.pg_class t ON t.oid = d.refobjid AND t.relkind IN ('r', 'p')
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
  AND d.deptype IN ('a', 'i')
  AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype)
ORDER BY 1, 2
"""

_EXTENSIONS: Final = "SELECT extname, extversion FROM pg_catalog.pg_extension"

_OF_EXTENSIONS: Final = """
SELECT n.nspname, c.relname
FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class c ON c.oid = d.objid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype = 'e' AND c.relkind = 'r'
"""

_ENCODING: Final = """
SELECT pg_catalog.pg_encoding_to_char(encoding), datcollate, datctype,
       pg_catalog.pg_get_userbyid(datdba)
FROM pg_catalog.pg_database WHERE datname = current_database()
"""

_READABLE: Final = f"""
SELECT n.nspname, c.relname,
       pg_catalog.has_schema_privilege(n.oid, 'USAGE')
       AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND {_OWN_SCHEMAS} ORDER BY 1, 2
"""  # noqa: S608 - a constant of this module


@dataclass(frozen=True, slots=True)
class _Probe:
    """One kind of check on a database: its key, its title, what it expects and how it looks."""

    key: str
    title: str
    expected: Callable[[_Subject], str]
    look: Callable[[_Subject], Finding]


@dataclass(frozen=True, slots=True)
class _Subject:
    """The database under check: where it stands, under which name, and what it must be."""

    server: DatabaseServer
    name: str
    facts: DatabaseFacts


def database_checks(
    server: DatabaseServer, facts: DatabaseFacts, database: str
) -> tuple[CheckResult, ...]:
    """Hold a database against what the generation says of it.

    Args:
        facts: of the production's database; its name stands in the checks' ids.
        database: the name under which it stands now, temporary or final.
    """
    subject = _Subject(server, database, facts)
    return tuple(
        run_check(
            Check(f"{probe.key}:{facts.name}", probe.title, probe.expected(subject)),
            lambda probe=probe: probe.look(subject),  # type: ignore[misc]
        )
        for probe in _PROBES
    )


def foreseen_database_checks(facts: DatabaseFacts, erp_role: str) -> tuple[Check, ...]:
    """The checks of a database before there is a server: what each will expect."""
    nowhere = DatabaseServer("", "", 0, "", Secret(""), erp_role, Secret(""), "")
    subject = _Subject(nowhere, facts.name, facts)
    return tuple(
        Check(f"{probe.key}:{facts.name}", probe.title, probe.expected(subject))
        for probe in _PROBES
    )


def database_check_ids(database: str) -> tuple[str, ...]:
    """The ids of the checks of a database, in the order in which they run."""
    return tuple(f"{probe.key}:{database}" for probe in _PROBES)


def _tables(subject: _Subject) -> Finding:
    with _connect(subject) as connection:
        found = {_name(table): table.rows or 0 for table in count_table_rows(connection)}
        belonging = {f"{schema}.{name}" for schema, name in sql.rows(connection, _OF_EXTENSIONS)}
    wanted = {_name(table): table.rows for table in subject.facts.tables}
    observed = f"{plural(len(found), 'table')}, {plural(sum(found.values()), 'row')}"
    if "tables" in subject.facts.unknown:
        return as_far_as_known(Finding(CheckStatus.PASSED, observed), "which tables there were")
    # A dump does not list the tables that an extension makes for itself.
    found = {name: rows for name, rows in found.items() if name in wanted or name not in belonging}
    mute = sum(rows is None for rows in wanted.values())
    unknown = f"the rows of {plural(mute, 'table')}" if mute else ""
    return as_far_as_known(passed_unless(_table_differences(wanted, found), observed), unknown)


def _table_differences(wanted: dict[str, int | None], found: dict[str, int]) -> Iterator[str]:
    for name in sorted(wanted.keys() | found.keys()):
        rows = wanted.get(name)
        if name not in found:
            expected = "" if rows is None else f" (expected {plural(rows, 'row')})"
            yield f"table {name} is missing{expected}"
        elif name not in wanted:
            yield f"table {name} was not in production ({plural(found[name], 'row')})"
        elif rows is not None and rows != found[name]:
            yield f"table {name}: expected {plural(rows, 'row')}, found {found[name]}"


def _constraints(subject: _Subject) -> Finding:
    with _connect(subject) as connection:
        return constraints_finding(connection, subject.facts)


def _sequences(subject: _Subject) -> Finding:
    with _connect(subject) as connection:
        sequences = sql.rows(connection, _SEQUENCES)
        behind = [
            line for row in sequences if (line := _sequence_behind(connection, row)) is not None
        ]
    observed = f"{plural(len(sequences), 'sequence')} of columns, {len(behind)} behind"
    return passed_unless(behind, observed)


def _sequence_behind(connection: sql.Connection, row: tuple[Any, ...]) -> str | None:
    """What is wrong with a sequence: its next value is one that its column already passed."""
    schema, name, table_schema, table, column, increment = row
    query = sql.compose.SQL(
        "SELECT s.last_value, s.is_called, (SELECT {extreme}({column}) FROM {table}) FROM {name} s"
    ).format(
        extreme=sql.compose.SQL("max" if increment > 0 else "min"),
        column=sql.quoted(column),
        table=sql.quoted(table_schema, table),
        name=sql.quoted(schema, name),
    )
    last, called, reached = connection.execute(query).fetchall()[0]
    following = last + increment if called else last
    if reached is None or (following > reached if increment > 0 else following < reached):
        return None
    return (
        f"sequence {schema}.{name} gives {following} next, "
        f"but {table_schema}.{table}.{column} has reached {reached}"
    )


def _extensions(subject: _Subject) -> Finding:
    with _connect(subject) as connection:
        found = dict(sql.rows(connection, _EXTENSIONS))
    wanted = {extension.name: extension.version for extension in subject.facts.extensions}
    observed = _listed(found)
    if missing := [f"extension {name} is missing" for name in sorted(wanted.keys() - found.keys())]:
        return passed_unless(missing, observed)
    # A dump names no version, so the server's own is installed: worth saying, not a loss.
    versions = (
        f"extension {name} is {found[name]}, production had {version}"
        for name, version in sorted(wanted.items())
        if version not in ("", found[name])
    )
    return passed_unless(versions, observed, otherwise=CheckStatus.WARNING)


def _encoding(subject: _Subject) -> Finding:
    with _connect(subject) as connection:
        found = sql.rows(connection, _ENCODING)[0]
        locale = database_locale(connection)
    names: tuple[str, ...] = ("encoding", "collation", "character type", "owner")
    properties = _properties(subject.facts)
    if subject.facts.locale is not None:
        names, found = (*names, "locale provider"), (*found, locale.text if locale else "libc")
    wrong = (
        f"{name} is {observed}, production had {expected}"
        for name, expected, observed in zip(names, properties, found, strict=True)
        if expected not in ("", observed)
    )
    mute = (name for name, expected in zip(names, properties, strict=True) if not expected)
    return as_far_as_known(passed_unless(wrong, ", ".join(map(str, found))), ", ".join(mute))


def _role(subject: _Subject) -> Finding:
    role = subject.server.erp_role
    try:
        with _connect(subject, as_erp=True) as connection:
            tables = sql.rows(connection, _READABLE)
            readable = [(schema, name) for schema, name, allowed in tables if allowed]
            for schema, name in readable[:1]:
                table = sql.quoted(schema, name)
                connection.execute(sql.compose.SQL("SELECT 1 FROM {} LIMIT 1").format(table))
    except EnvironmentFailure as error:
        # The refused login is what this check looks for, of a server that lets others in.
        with _connect(subject):
            pass
        return Finding(CheckStatus.FAILED, f"{role} can't log in", (error.message,))
    observed = f"logged in, reads {len(readable)} of {plural(len(tables), 'table')}"
    if tables and not readable:
        return Finding(CheckStatus.FAILED, observed)
    closed = (f"{role} may not read {schema}.{name}" for schema, name, ok in tables if not ok)
    return passed_unless(closed, observed, otherwise=CheckStatus.WARNING)


def _connect(subject: _Subject, *, as_erp: bool = False) -> AbstractContextManager[sql.Connection]:
    return sql.connect(subject.server, subject.name, as_erp=as_erp, deadline=_DEADLINE)


def _name(table: TableFacts) -> str:
    return f"{table.schema}.{table.name}"


def _properties(facts: DatabaseFacts) -> tuple[str, ...]:
    known = facts.encoding, facts.collate, facts.ctype, facts.owner
    return known if facts.locale is None else (*known, facts.locale.text)


def _listed(versions: dict[str, str]) -> str:
    texts = (f"{name} {version}".rstrip() for name, version in sorted(versions.items()))
    return ", ".join(texts) or "none"


def _expected_tables(subject: _Subject) -> str:
    tables = subject.facts.tables
    if "tables" in subject.facts.unknown:
        return "tables and rows as in production"
    counts = [table.rows for table in tables if table.rows is not None]
    rows = plural(sum(counts), "row") if len(counts) == len(tables) else "rows as in production"
    return f"{plural(len(tables), 'table')}, {rows}"


_PROBES: Final = (
    _Probe("database.tables", "Tables and their rows", _expected_tables, _tables),
    _Probe(
        "database.constraints",
        "Constraints and indexes",
        lambda s: expected_constraints(s.facts),
        _constraints,
    ),
    _Probe(
        "database.sequences",
        "Sequences ahead of their columns",
        lambda _: "every sequence is ahead of its column",
        _sequences,
    ),
    _Probe(
        "database.extensions",
        "Extensions",
        lambda s: _listed({e.name: e.version for e in s.facts.extensions}),
        _extensions,
    ),
    _Probe(
        "database.encoding",
        "Encoding, locale and owner",
        lambda s: ", ".join(text or "?" for text in _properties(s.facts)),
        _encoding,
    ),
    _Probe(
        "database.role",
        "The ERP's own role reads it",
        lambda s: f"role {s.server.erp_role} logs in and reads every table",
        _role,
    ),
)
