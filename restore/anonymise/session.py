"""Anonymises one database, in a session of its own whose settings hold the key.

The order: find the originals; replace by rules, then where no rule replaced them, in one
transaction; give the tables new files; look for the originals again.
"""

from __future__ import annotations

import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import groupby
from typing import Final

from restore.adapters.postgres import sql
from restore.adapters.postgres.commands import literal
from restore.anonymise import statements
from restore.anonymise.key import padded
from restore.anonymise.layouts import LAYOUTS
from restore.anonymise.placeholders import TYPE_KEYS, placeholders
from restore.anonymise.rules import Anonymisation, Rules
from restore.anonymise.tables import QUERY, Place, Table, places_of, tables_of
from restore.errors import ReplayError, UsageError
from restore.model.secret import Secret

_QUIET: Final = (
    # Nothing of this session may reach the server's log: neither the key nor a value.
    "SET log_min_messages TO panic",
    "SET log_min_error_statement TO panic",
    "SET log_statement TO 'none'",
    "SET log_min_duration_statement TO -1",
    "SET log_duration TO off",
    "SET client_min_messages TO warning",
    # What production set for its users is no limit for this.
    "SET statement_timeout TO 0",
    "SET lock_timeout TO 0",
    "SET idle_in_transaction_session_timeout TO 0",
    "SET default_transaction_read_only TO off",
    "SET synchronous_commit TO off",
    "SET work_mem TO '128MB'",
    # No trigger fires: one that keeps a log would write originals down.
    "SET session_replication_role TO replica",
)

_ORIGINALS: Final = """
INSERT INTO pg_temp.pra_original SELECT f.kind, f.digest
FROM pg_temp.pra_found f WHERE f.place <> ALL (%s)
    AND f.digest <> pg_temp.pra_digest('email', lower(current_setting('pra.administrator')))
GROUP BY 1, 2
"""


Places = Mapping[str, Mapping[str, int]]
"""How many addresses of each kind (``email``, ``iban``) stand in which ``table.column``."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done and found in a database.

    Rules changed ``rows`` of ``tables``, ``documents`` of them those of documents; ``absent`` names
    what they are about and the database does not have. ``columns`` were scanned for ``originals``,
    counted by kind. ``swept`` are the places without a rule where some stood, ``left`` those where
    some still do.
    """

    tables: int
    rows: int
    documents: int
    absent: tuple[str, ...]
    columns: int
    originals: Mapping[str, int]
    swept: Places
    left: Places


def anonymise(
    connection: sql.Connection,
    wanted: Anonymisation,
    administrator: str = "",
    tell: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Anonymise the database of an autocommit connection as superuser.

    Args:
        administrator: login of whom the copy is given to, which stays.
        tell: called with each table's name before it is changed or read.

    Raises:
        UsageError: the rules ask for what a column can't hold; nothing was changed.
        ReplayError: the server refused a statement; nothing was changed. Holds no value.
    """
    return _Session(connection, wanted.rules, tell).run(wanted.key, administrator)


class _Session:
    """One run over one database."""

    def __init__(
        self, connection: sql.Connection, rules: Rules, tell: Callable[[str], None]
    ) -> None:
        self._connection, self._rules, self._tell = connection, rules, tell
        self._tables: tuple[Table, ...] = ()
        self._places: tuple[tuple[int, Place], ...] = ()
        self._changed: dict[str, Table] = {}
        self._rows = self._documents = 0

    def run(self, key: Secret, administrator: str) -> Outcome:
        """All of it."""
        self._prepare(key, administrator)
        with self._answers("look at the tables"):
            self._tables = tables_of(sql.rows(self._connection, QUERY))
        if wrong := statements.problems(self._rules, self._tables):
            raise UsageError(
                f"the rules {self._rules.name} do not fit this database:\n"
                + "\n".join(f"  {line}" for line in wrong)
            )
        self._places = tuple(enumerate(places_of(self._tables)))
        originals = self._collect()
        ruled = [
            statements.find(self._tables, rule) for rule in statements.every_table(self._rules)
        ]
        names = [table.quoted for table in ruled if table is not None]
        with self._answers("keep the tables' constraints"), self._connection.transaction():
            with suspended_constraints(self._connection, names):
                self._replace()
                changed = len(self._changed)
                swept = self._sweep()
            for table in (one for one in self._tables if one.kind == "m"):
                self._execute("refresh", table, f"REFRESH MATERIALIZED VIEW {table.quoted}")
        # Old versions of rows, and statistics, hold originals: changed tables are written anew.
        for table in self._changed.values():
            self._execute("renew", table, f"VACUUM (FULL, ANALYZE) {table.quoted}")
        return Outcome(
            tables=changed,
            rows=self._rows,
            documents=self._documents,
            absent=statements.absent(self._rules, self._tables),
            columns=len(self._places),
            originals=originals,
            swept=swept,
            left=self._look_again(),
        )

    def _prepare(self, key: Secret, administrator: str) -> None:
        inner, outer = padded(key)
        with self._answers("begin"):
            for statement in _QUIET:
                self._connection.execute(statement.encode())
            settings = {
                "inner": inner.reveal(),
                "outer": outer.reveal(),
                "salt": secrets.token_hex(32),
                "domain": self._rules.email_domain,
                "administrator": administrator,
            }
            for name, value in settings.items():
                self._connection.execute("SELECT set_config(%s, %s, false)", (f"pra.{name}", value))
            self._connection.execute(statements.functions().encode())
            self._connection.execute(statements.scanning().encode())

    def _collect(self) -> Mapping[str, int]:
        """Keep the digests of all addresses of all text columns; how many, by kind."""
        for table, places in self._by_table(self._places):
            scan = statements.scan(places)
            self._execute("read", table, f"INSERT INTO pg_temp.pra_found {scan}")
        harmless = [
            number
            for number, place in self._places
            if any(fnmatchcase(place.title, name) for name in self._rules.not_personal)
        ]
        with self._answers("keep the originals"):
            self._connection.execute(
                "CREATE TEMPORARY TABLE pra_original (kind text NOT NULL, digest bytea NOT NULL)"
            )
            self._connection.execute(_ORIGINALS, (harmless,))
            self._connection.execute(
                "CREATE INDEX ON pg_temp.pra_original (digest); ANALYZE pg_temp.pra_original"
            )
            query = "SELECT kind, count(*) FROM pg_temp.pra_original GROUP BY 1"
            return dict(sql.rows(self._connection, query))

    def _replace(self) -> None:
        for rule in self._rules.tables:
            table = statements.find(self._tables, rule)
            statement = statements.update(rule, table, self._rules.email_domain) if table else None
            if table is not None and statement is not None:
                self._change(table, statement)
        if self._rules.documents:
            self._lay_placeholders()
        for documents in self._rules.documents:
            table = statements.find(self._tables, documents.table)
            if table is not None:
                statement = statements.update_documents(documents, table, self._rules.email_domain)
                self._documents += self._change(table, statement)

    def _change(self, table: Table, statement: str) -> int:
        number = self._execute("anonymise", table, statement)
        self._rows += number
        self._changed[table.quoted] = table
        return number

    def _lay_placeholders(self) -> None:
        with self._answers("lay placeholders"), self._connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMPORARY TABLE pra_placeholder (layout text, type text, file text,"
                " checksum text, size integer, words text, content bytea,"
                " PRIMARY KEY (layout, type));"
                "CREATE TEMPORARY TABLE pra_type (key text PRIMARY KEY, type text NOT NULL)"
            )
            cursor.executemany(
                "INSERT INTO pg_temp.pra_placeholder VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [
                    (
                        name,
                        one.type,
                        layout.named(one),
                        one.checksum,
                        len(one.content),
                        one.words,
                        one.content,
                    )
                    for name, layout in LAYOUTS.items()
                    for one in placeholders().values()
                ],
            )
            cursor.executemany(
                "INSERT INTO pg_temp.pra_type VALUES (%s, %s)", list(TYPE_KEYS.items())
            )

    def _sweep(self) -> Places:
        """Replace originals where no rule has done so; only the addresses of a text change."""
        query = (
            "SELECT f.place, f.kind, sum(f.number) FROM pg_temp.pra_found f"
            " JOIN pg_temp.pra_original o USING (kind, digest) GROUP BY 1, 2"
        )
        kinds: dict[int, dict[str, int]] = defaultdict(dict)
        for number, kind, count in sql.rows(self._connection, query):
            kinds[number][kind] = int(count)
        ruled = self._ruled()
        bare = [(n, p) for n, p in self._places if n in kinds and not ruled.get(p.title)]
        for table, places in self._by_table(bare):
            columns = [place for _, place in places if not place.column.generated]
            if table.kind != "m" and columns:
                self._execute("sweep", table, statements.sweep(columns))
                self._changed[table.quoted] = table
        return {
            place.title: kinds[number]
            for number, place in bare
            if place.title not in ruled and place.table.kind == "r"
        }

    def _ruled(self) -> Mapping[str, bool]:
        """Which columns have a rule, and whether it leaves no row out."""
        return {
            f"{rule.title}.{column.name}": rule.where is None and column.complete
            for rule in self._rules.tables
            for column in rule.columns
        }

    def _look_again(self) -> Places:
        titles = {number: place.title for number, place in self._places}
        left: dict[str, Counter[str]] = defaultdict(Counter)
        for table, places in self._by_table(self._places):
            query = (
                f"SELECT s.place, s.kind, sum(s.number) FROM ({statements.scan(places)}) s"
                " JOIN pg_temp.pra_original o USING (kind, digest) GROUP BY 1, 2"
            )
            with self._answers(f"scan {table.title}", table):
                for number, kind, count in sql.rows(self._connection, query):
                    left[titles[number]][kind] += int(count)
        return {name: dict(kinds) for name, kinds in left.items()}

    def _execute(self, act: str, table: Table, statement: str) -> int:
        """Run a statement about a table; how many rows it is about."""
        with self._answers(f"{act} {table.title}", table):
            return self._connection.execute(statement.encode()).rowcount

    @staticmethod
    def _by_table(
        places: tuple[tuple[int, Place], ...] | list[tuple[int, Place]],
    ) -> Iterator[tuple[Table, list[tuple[int, Place]]]]:
        for table, group in groupby(places, lambda item: item[1].table):
            if not table.empty or table.kind == "m":
                yield table, list(group)

    @contextmanager
    def _answers(self, act: str, table: Table | None = None) -> Iterator[None]:
        """Turn what the server says into an error without a value of a row."""
        if table is not None:
            self._tell(table.title)
        try:
            yield
        except sql.Error as error:
            broken = error.diag.constraint_name
            constraint = f", constraint {broken}" if broken else ""
            raise ReplayError(
                f"could not {act}: {type(error).__name__}{constraint}",
                "the server's words are not shown, as they may quote a row",
            ) from None


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
def suspended_constraints(connection: sql.Connection, tables: Iterable[str]) -> Iterator[None]:
    """Drop constraints that a change of rows could break, and make them again after the body.

    Those are CHECK constraints that were never validated (NOT VALID), and unique indexes and
    constraints of the tables that no foreign key refers to. Their comments come back, too.

    Args:
        tables: quoted names of the tables whose unique columns change.

    Raises:
        psycopg.Error: one can't be made again; the transaction around must be rolled back.
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
