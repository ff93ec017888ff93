"""Whether a restored database is the one that production had, row for row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, Final

from restore.adapters.postgres import sql
from restore.adapters.postgres.facts import count_table_rows
from restore.adapters.postgres.locales import database_locale
from restore.checks.base import Check, Finding, as_far_as_known, passed_unless, run_check
from restore.checks.constraints import constraints_finding, expected_constraints
from restore.checks.objects import as_in_production, expected_objects, objects_finding
from restore.errors import EnvironmentFailure
from restore.model import CheckResult, CheckStatus, DatabaseFacts, DatabaseServer, TableFacts
from restore.model.messages import joined, message, plural

TABLES: Final = "database.tables"
"""How the ids begin of the checks that hold every table and its rows against production's."""

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
class _Subject:
    """The database under check: where it stands, under which name, and what it must be."""

    server: DatabaseServer
    name: str
    facts: DatabaseFacts


@dataclass(frozen=True, slots=True)
class _Probe:
    """One kind of check on a database: its key, its title, what it expects and how it looks.

    ``expected`` is told the role that the ERP logs in with.
    """

    key: str
    title: str
    expected: Callable[[DatabaseFacts, str], str]
    look: Callable[[sql.Connection, _Subject], Finding]
    decisive: bool = False

    def check(self, database: str, facts: DatabaseFacts | None, erp_role: str) -> Check:
        """The check on a database, with what it expects if that is known."""
        expected = self.expected(facts, erp_role) if facts else ""
        return Check(f"{self.key}:{database}", self.title, expected, decisive=self.decisive)

    def finding(self, subject: _Subject) -> Finding:
        """What it sees, over a connection of its own."""
        with sql.connect(subject.server, subject.name, deadline=_DEADLINE) as connection:
            return self.look(connection, subject)


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
        run_check(probe.check(facts.name, facts, server.erp_role), partial(probe.finding, subject))
        for probe in _PROBES
    )


def foreseen_database_checks(
    database: str, facts: DatabaseFacts | None, erp_role: str
) -> Iterator[Check]:
    """The checks of a database before there is a server: what each will expect, if it is known."""
    return (probe.check(database, facts, erp_role) for probe in _PROBES)


def _tables(connection: sql.Connection, subject: _Subject) -> Finding:
    found = {_name(table): table.rows or 0 for table in count_table_rows(connection)}
    belonging = {f"{schema}.{name}" for schema, name in sql.rows(connection, _OF_EXTENSIONS)}
    wanted = {_name(table): table.rows for table in subject.facts.tables}
    observed = counts_of(len(found), sum(found.values()))
    if "tables" in subject.facts.unknown:
        return as_far_as_known(passed_unless((), observed), message("which tables there were"))
    # A dump does not list the tables that an extension makes for itself.
    found = {name: rows for name, rows in found.items() if name in wanted or name not in belonging}
    mute = sum(rows is None for rows in wanted.values())
    unknown = plural(mute, "the rows of {n} table", "the rows of {n} tables") if mute else ""
    without = (
        message("table {table}: the dump was made without its rows", table=name)
        for name in subject.facts.lacks or ()
        if name in wanted
    )
    wrong = chain(_table_differences(wanted, found), without)
    return as_far_as_known(passed_unless(wrong, observed), unknown)


def _table_differences(wanted: dict[str, int | None], found: dict[str, int]) -> Iterator[str]:
    for name in sorted(wanted.keys() | found.keys()):
        rows = wanted.get(name)
        if name not in found:
            yield (
                message("table {table} is missing", table=name)
                if rows is None
                else plural(
                    rows,
                    "table {table} is missing (expected {n} row)",
                    "table {table} is missing (expected {n} rows)",
                    table=name,
                )
            )
        elif name not in wanted:
            yield plural(
                found[name],
                "table {table} was not in production ({n} row)",
                "table {table} was not in production ({n} rows)",
                table=name,
            )
        elif rows is not None and rows != found[name]:
            yield plural(
                rows,
                "table {table}: expected {n} row, found {found}",
                "table {table}: expected {n} rows, found {found}",
                table=name,
                found=found[name],
            )


def counts_of(tables: int, rows: int) -> str:
    """How much a database holds."""
    return joined(
        ", ", (plural(tables, "{n} table", "{n} tables"), plural(rows, "{n} row", "{n} rows"))
    )


def _sequences(connection: sql.Connection, subject: _Subject) -> Finding:
    sequences = sql.rows(connection, _SEQUENCES)
    behind = {
        f"{row[0]}.{row[1]}": line
        for row in sequences
        if (line := _sequence_behind(connection, row)) is not None
    }
    observed = plural(
        len(sequences),
        "{n} sequence of columns, {behind} behind",
        "{n} sequences of columns, {behind} behind",
        behind=len(behind),
    )
    own = as_in_production(connection, subject.facts)
    finding = passed_unless((line for name, line in behind.items() if name not in own), observed)
    if finding.status is not CheckStatus.PASSED:
        return finding
    # It came back as it was: worth telling, since production's next entry will fail there.
    told = (message("{what}, as in production", what=line) for line in behind.values())
    return passed_unless(told, observed, otherwise=CheckStatus.WARNING)


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
    return message(
        "sequence {name} gives {next} next, but {column} has reached {reached}",
        name=f"{schema}.{name}",
        next=following,
        column=f"{table_schema}.{table}.{column}",
        reached=reached,
    )


def _extensions(connection: sql.Connection, subject: _Subject) -> Finding:
    found = dict(sql.rows(connection, _EXTENSIONS))
    wanted = {extension.name: extension.version for extension in subject.facts.extensions}
    observed = _listed(found)
    if missing := [
        message("extension {name} is missing", name=name)
        for name in sorted(wanted.keys() - found.keys())
    ]:
        return passed_unless(missing, observed)
    # A dump names no version, so the server's own is installed: worth saying, not a loss.
    versions = (
        message(
            "extension {name} is {found}, production had {version}",
            name=name,
            found=found[name],
            version=version,
        )
        for name, version in sorted(wanted.items())
        if version not in ("", found[name])
    )
    return passed_unless(versions, observed, otherwise=CheckStatus.WARNING)


def _encoding(connection: sql.Connection, subject: _Subject) -> Finding:
    found = sql.rows(connection, _ENCODING)[0]
    locale = database_locale(connection)
    names: tuple[str, ...] = (
        message("encoding"),
        message("collation"),
        message("character type"),
        message("owner"),
    )
    properties = _properties(subject.facts)
    if subject.facts.locale is not None:
        names = (*names, message("locale provider"))
        found = (*found, locale.text if locale else "libc")
    wrong = (
        message(
            "{name} is {found}, production had {wanted}", name=name, found=observed, wanted=expected
        )
        for name, expected, observed in zip(names, properties, found, strict=True)
        if expected not in ("", observed)
    )
    mute = (name for name, expected in zip(names, properties, strict=True) if not expected)
    return as_far_as_known(passed_unless(wrong, ", ".join(map(str, found))), joined(", ", mute))


def _role(_connection: sql.Connection, subject: _Subject) -> Finding:
    server, role = subject.server, subject.server.erp_role
    try:
        with sql.connect(server, subject.name, as_erp=True, deadline=_DEADLINE) as connection:
            tables = sql.rows(connection, _READABLE)
            readable = [(schema, name) for schema, name, allowed in tables if allowed]
            for schema, name in readable[:1]:
                table = sql.quoted(schema, name)
                connection.execute(sql.compose.SQL("SELECT 1 FROM {} LIMIT 1").format(table))
    except EnvironmentFailure as error:
        # The refused login is what this check looks for, of a server that lets others in.
        refused = message("{role} can't log in", role=role)
        return Finding(CheckStatus.FAILED, refused, (error.message,))
    observed = plural(
        len(tables),
        "logged in, reads {readable} of {n} table",
        "logged in, reads {readable} of {n} tables",
        readable=len(readable),
    )
    if tables and not readable:
        return Finding(CheckStatus.FAILED, observed)
    closed = (
        message("{role} may not read {table}", role=role, table=f"{schema}.{name}")
        for schema, name, ok in tables
        if not ok
    )
    return passed_unless(closed, observed, otherwise=CheckStatus.WARNING)


def _name(table: TableFacts) -> str:
    return f"{table.schema}.{table.name}"


def _properties(facts: DatabaseFacts) -> tuple[str, ...]:
    known = facts.encoding, facts.collate, facts.ctype, facts.owner
    return known if facts.locale is None else (*known, facts.locale.text)


def _listed(versions: dict[str, str]) -> str:
    texts = (f"{name} {version}".rstrip() for name, version in sorted(versions.items()))
    return ", ".join(texts) or message("none")


def _expected_tables(facts: DatabaseFacts, _role: str) -> str:
    tables = facts.tables
    if "tables" in facts.unknown:
        return message("tables and rows as in production")
    counts = [table.rows for table in tables if table.rows is not None]
    if len(counts) == len(tables):
        return counts_of(len(tables), sum(counts))
    return plural(
        len(tables), "{n} table, rows as in production", "{n} tables, rows as in production"
    )


_PROBES: Final = (
    _Probe(TABLES, message("Tables and their rows"), _expected_tables, _tables, decisive=True),
    _Probe(
        "database.objects",
        message("Objects of every kind"),
        lambda facts, _: expected_objects(facts),
        lambda connection, subject: objects_finding(connection, subject.facts),
    ),
    _Probe(
        "database.constraints",
        message("Constraints and indexes"),
        lambda facts, _: expected_constraints(facts),
        lambda connection, subject: constraints_finding(connection, subject.facts),
    ),
    _Probe(
        "database.sequences",
        message("Sequences ahead of their columns"),
        lambda *_: message("every sequence is ahead of its column"),
        _sequences,
    ),
    _Probe(
        "database.extensions",
        message("Extensions"),
        lambda facts, _: _listed({e.name: e.version for e in facts.extensions}),
        _extensions,
    ),
    _Probe(
        "database.encoding",
        message("Encoding, locale and owner"),
        lambda facts, _: ", ".join(text or "?" for text in _properties(facts)),
        _encoding,
    ),
    _Probe(
        "database.role",
        message("The ERP's own role reads it"),
        lambda _, role: message("role {role} logs in and reads every table", role=role),
        _role,
    ),
)
