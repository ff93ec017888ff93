"""What servers say of themselves: versions, locales, extensions, modules, exact row counts.

Read alike from production, for the fingerprint, and from a rebuilt environment, for comparison.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.errors import UndefinedTable
from psycopg.pq import TransactionStatus

from restore.adapters.docker.runner import Runner
from restore.adapters.postgres.constraints import not_valid
from restore.adapters.postgres.locales import collation_version, database_locale
from restore.adapters.postgres.sql import Connection, quoted, rows
from restore.errors import EnvironmentFailure, NotFoundError
from restore.model import DatabaseFacts, ImageFacts, ServerFacts, TableFacts, Versioned
from restore.profile import Profile

_OS_FILES: Final = ("/etc/os-release", "/usr/lib/os-release")
"""The first is often a link to the second; an archive of a link holds no content."""

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

_EXTENSIONS: Final = "SELECT extname, extversion FROM pg_catalog.pg_extension ORDER BY 1"


def server_facts(connection: Connection, os: str | None, image: ImageFacts | None) -> ServerFacts:
    """Version of the PostgreSQL server behind a connection; ``os`` and ``image`` are passed on."""
    query = "SELECT current_setting('server_version'), current_setting('server_version_num')::int"
    version, number = _ask(connection, query)[0]
    return ServerFacts(version, number, os, image)


def database_facts(connection: Connection, profile: Profile) -> DatabaseFacts:
    """All that must come back of the connection's database, in one snapshot.

    A transaction that is open already is used as it is. A database without the ERP's tables has
    no modules.

    Raises:
        EnvironmentFailure: the role may not read a table, or the server went away.
    """
    with one_snapshot(connection):
        name, owner, encoding, collate, ctype, size = _ask(connection, _DATABASE)[0]
        with _asked(connection):
            locale, version = database_locale(connection), collation_version(connection)
            exempt = not_valid(connection)
        return DatabaseFacts(
            name=name,
            owner=owner,
            encoding=encoding,
            collate=collate,
            ctype=ctype,
            collation_version=version,
            size=size,
            extensions=tuple(Versioned(*row) for row in _ask(connection, _EXTENSIONS)),
            modules=tuple(
                Versioned(str(row[0]), str(row[1] or ""))
                for row in optional_rows(connection, profile.erp.installed_modules)
            ),
            tables=table_counts(connection),
            locale=locale,
            not_valid=exempt,
        )


def table_counts(connection: Connection) -> tuple[TableFacts, ...]:
    """Exact number of rows of every user table, in one snapshot, sorted by name.

    Raises:
        EnvironmentFailure: the role may not read a table, or the server went away.
    """
    with one_snapshot(connection):
        return tuple(
            TableFacts(schema, name, _count(connection, schema, name))
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


@contextmanager
def one_snapshot(connection: Connection) -> Iterator[None]:
    """Read everything inside as of one moment; joins a transaction that is open already."""
    if connection.info.transaction_status is not TransactionStatus.IDLE:
        yield
        return
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def erp_facts(runner: Runner, container: str, profile: Profile) -> tuple[ServerFacts, str]:
    """Version and series of the ERP in a container, running or not, from its image's variables.

    Raises:
        NotFoundError: there is no such container.
        EnvironmentFailure: its image does not say which series it is.
    """
    image = image_of(runner, container)
    variables = _variables(runner, container)
    series = variables.get(profile.erp.version_variable, "")
    if not series:
        raise EnvironmentFailure(
            f"container {container} does not say which {profile.title} it runs: "
            f"it has no variable {profile.erp.version_variable}",
            "is it the ERP's container, and the right profile?",
        )
    release = variables.get(profile.erp.release_variable or "", "") or series
    return ServerFacts(release, 0, operating_system(runner, container), image), series


def image_of(runner: Runner, container: str) -> ImageFacts | None:
    """The image that a container was made from, under the name it was asked by.

    None when that image has been removed since.

    Raises:
        NotFoundError: there is no such container.
    """
    found = runner.container(container)
    # By its content: the name may have moved on to another image since.
    image = runner.image(str(found.attrs["Image"]), beside=container)
    if image is None:
        return None
    reference = str(found.attrs["Config"]["Image"])
    return replace(image.facts, reference=reference)


def operating_system(runner: Runner, container: str) -> str | None:
    """The operating system of a container, running or not; None when it does not say."""
    for path in _OS_FILES:
        try:
            text = runner.read_file(container, path).decode("utf-8", errors="replace")
        except NotFoundError:
            continue
        for line in text.splitlines():
            if line.startswith("PRETTY_NAME="):
                return line.partition("=")[2].strip("\"'")
    return None


def _variables(runner: Runner, container: str) -> dict[str, str]:
    entries = runner.container(container).attrs["Config"].get("Env") or []
    return {name: value for name, _, value in (entry.partition("=") for entry in entries)}


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
