"""Argument vectors of PostgreSQL's own tools. Pure: nothing is run here.

Each runs inside the database server's container as the system user ``postgres``, over the local
socket, so that the tools are always those of the server's own version. No password is in any of
them: ``--no-password`` makes a tool fail rather than ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from restore.model import DatabaseLocale

Argv = tuple[str, ...]

OS_USER: Final = "postgres"
"""The system user as which the server and its tools run."""


@dataclass(frozen=True, slots=True)
class DumpRequest:
    """One database to be dumped in directory format.

    ``folder`` must not exist yet. ``snapshot`` is the id that ``pg_export_snapshot()`` gave in a
    transaction that stays open until the dump ends; None lets the dump take its own.
    """

    database: str
    folder: str
    superuser: str
    jobs: int
    snapshot: str | None = None


@dataclass(frozen=True, slots=True)
class NewDatabase:
    """A database to be made. ``comment`` marks whose it is.

    ``encoding``, ``collate`` and ``ctype`` are the server's own when empty. ``loader`` is a role to
    be made with it, as which a dump is loaded that may not say who owns what. ``locale`` is left
    to the server when None.
    """

    name: str
    owner: str
    encoding: str
    collate: str
    ctype: str
    comment: str
    loader: str | None = None
    locale: DatabaseLocale | None = None


@dataclass(frozen=True, slots=True)
class Promotion:
    """A database that takes its final name.

    ``aside`` is the name that a database already there is given before it is dropped; None when
    there is none.
    """

    temporary: str
    final: str
    aside: str | None = None


def dump_database(request: DumpRequest) -> Argv:
    """``pg_dump`` of one database, in parallel, into a folder."""
    snapshot = () if request.snapshot is None else (f"--snapshot={request.snapshot}",)
    return (
        "pg_dump",
        "--format=directory",
        f"--jobs={request.jobs}",
        *snapshot,
        *_login(request.superuser, request.database),
        f"--file={request.folder}",
    )


def dump_roles(superuser: str) -> Argv:
    """``pg_dumpall`` of the roles to standard output, without their passwords."""
    return (
        "pg_dumpall",
        "--roles-only",
        "--no-role-passwords",
        "--no-password",
        f"--username={superuser}",
        # Its --dbname takes connection options only, never a plain name.
        "--database=postgres",
    )


def restore_database(
    superuser: str, database: str, dump: str, jobs: int, loader: str | None = None
) -> Argv:
    """``pg_restore`` of a dump, a folder or a file, in parallel, that stops at the first error.

    Args:
        loader: role as which everything is made that the dump gives to nobody else.
    """
    role = () if loader is None else (f"--role={loader}",)
    return (
        "pg_restore",
        f"--jobs={jobs}",
        "--exit-on-error",
        *role,
        *_login(superuser, database),
        dump,
    )


def load_plain(superuser: str, database: str, loader: str) -> Argv:
    """``psql`` of a plain dump on its standard input as role ``loader``: all of it, or nothing."""
    return (
        *_psql(superuser, database),
        "--output=/dev/null",
        "--single-transaction",
        f"--command=SET ROLE {identifier(loader)}",
        "--file=-",
    )


def knows_restrict(superuser: str) -> Argv:
    """``psql`` that fails unless it knows the command that makes all its others refused."""
    return (*_psql(superuser, "postgres"), "--command=\\restrict pra")


def give_ownership(superuser: str, database: str, loader: str, owner: str) -> Argv:
    """``psql`` that gives all that ``loader`` owns in a database to ``owner``, and drops it."""
    old, new = identifier(loader), identifier(owner)
    statements = (f"REASSIGN OWNED BY {old} TO {new}", f"DROP OWNED BY {old}", f"DROP ROLE {old}")
    return run_statements(superuser, database, statements)


def create_roles(superuser: str, names: Sequence[str]) -> Argv:
    """``psql`` that makes the roles which are missing, without login and rights."""
    statements = (
        f"BEGIN CREATE ROLE {identifier(name)}; EXCEPTION WHEN duplicate_object THEN NULL; END"
        for name in names
    )
    return run_statements(superuser, "postgres", [f"DO {literal(text)}" for text in statements])


def list_dump(folder: str) -> Argv:
    """``pg_restore`` that only prints the table of contents of a dump folder."""
    return ("pg_restore", "--list", folder)


def show_schema(folder: str) -> Argv:
    """``pg_restore`` that prints the SQL of a dump folder, its database's creation too."""
    return ("pg_restore", "--create", "--schema-only", "--file=-", folder)


def analyze(superuser: str, database: str, jobs: int, target: int | None = None) -> Argv:
    """``vacuumdb`` that gathers the planner's statistics, which no dump holds.

    Args:
        target: ``default_statistics_target`` in place of the database's own: from 10 on the planner
            finds its way, in a tenth of the time.
    """
    options = () if target is None else ("env", f"PGOPTIONS=-c default_statistics_target={target}")
    login = _login(superuser, database)
    return (*options, "vacuumdb", "--analyze-only", f"--jobs={jobs}", *login)


def file_sizes(folder: str) -> Argv:
    """``find`` that gives the bytes of every file beneath a folder, one a line."""
    return ("find", folder, "-type", "f", "-printf", "%s\\n")


def count_files(lines: Iterable[str]) -> tuple[int, int]:
    """Add up the output of ``file_sizes``: number of files, bytes; in constant memory."""
    files = size = 0
    for line in lines:
        files, size = files + 1, size + int(line)
    return files, size


def sync_cluster(data: str) -> Argv:
    """``initdb`` that only brings every file of a server's data to disk; the server may run."""
    return ("initdb", "--sync-only", f"--pgdata={data}")


def run_file(superuser: str, database: str, path: str) -> Argv:
    """``psql`` of a script that stops at its first error. ``-`` reads standard input."""
    return (*_psql(superuser, database), f"--file={path}")


def run_statements(superuser: str, database: str, statements: Sequence[str]) -> Argv:
    """``psql`` of statements that stops at the first error.

    Each is a request of its own: several statements in one text are one transaction.
    """
    return (*_psql(superuser, database), *(f"--command={text}" for text in statements))


def query(superuser: str, database: str, statement: str) -> Argv:
    """``psql`` that prints the rows of a statement, bare: one a line."""
    return (*_psql(superuser, database), "--no-align", "--tuples-only", f"--command={statement}")


def create_database(superuser: str, new: NewDatabase) -> Argv:
    """``psql`` that makes a database afresh, dropping one of the same name, and marks it.

    It starts from ``template0``: only that one may have another encoding or locale than the server.
    """
    name = identifier(new.name)
    options = (("ENCODING", new.encoding), ("LC_COLLATE", new.collate), ("LC_CTYPE", new.ctype))
    given = "".join(f" {key} {literal(value)}" for key, value in options if value)
    given += _locale(new.locale)
    loader: tuple[str, ...] = ()
    if new.loader is not None:
        # A superuser, since a dump may hold what only one may make; nobody can log in as it.
        role = identifier(new.loader)
        loader = (f"DROP ROLE IF EXISTS {role}", f"CREATE ROLE {role} SUPERUSER NOLOGIN")
    return run_statements(
        superuser,
        "postgres",
        (
            f"DROP DATABASE IF EXISTS {name}",
            *loader,
            f"CREATE DATABASE {name} OWNER {identifier(new.owner)} TEMPLATE template0{given}",
            f"COMMENT ON DATABASE {name} IS {literal(new.comment)}",
        ),
    )


def _locale(locale: DatabaseLocale | None) -> str:
    """The options of ``CREATE DATABASE`` that say whose rules it sorts by."""
    if locale is None:
        return ""
    # PostgreSQL 15 knows ICU's locale by this name only, and no rules; later ones still do.
    names = (("icu", "ICU_LOCALE"), ("builtin", "BUILTIN_LOCALE"))
    options = [(option, locale.name) for provider, option in names if provider == locale.provider]
    options += [("ICU_RULES", locale.rules)] if locale.rules else []
    given = "".join(f" {option} {literal(value)}" for option, value in options)
    return f" LOCALE_PROVIDER {identifier(locale.provider)}{given}"


def promote_database(superuser: str, promotion: Promotion) -> Argv:
    """``psql`` that renames a database to its final name, in one transaction, and closes it.

    Nobody, superusers neither, can connect to it from then on until ``open_database``. Sessions on
    either name are ended first, since PostgreSQL renames only what nobody uses. A database already
    there is renamed in the same transaction and dropped afterwards.
    """
    temporary, final = identifier(promotion.temporary), identifier(promotion.final)
    rename = (
        f"ALTER DATABASE {temporary} ALLOW_CONNECTIONS false; "
        f"ALTER DATABASE {temporary} RENAME TO {final}"
    )
    names = f"{literal(promotion.temporary)}, {literal(promotion.final)}"
    end_sessions = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"  # noqa: S608 - both are quoted
        f" WHERE datname IN ({names}) AND pid <> pg_backend_pid()"
    )
    if promotion.aside is None:
        return run_statements(superuser, "postgres", (end_sessions, rename))
    aside = identifier(promotion.aside)
    return run_statements(
        superuser,
        "postgres",
        (
            f"DROP DATABASE IF EXISTS {aside}",
            end_sessions,
            f"ALTER DATABASE {final} RENAME TO {aside}; {rename}",
            f"DROP DATABASE {aside}",
        ),
    )


def open_database(superuser: str, database: str) -> Argv:
    """``psql`` that lets a database be connected to."""
    statement = f"ALTER DATABASE {identifier(database)} ALLOW_CONNECTIONS true"
    return run_statements(superuser, "postgres", (statement,))


def identifier(name: str) -> str:
    """A name quoted as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text quoted as an SQL literal; right whatever ``standard_conforming_strings`` says."""
    quoted = text.replace("'", "''")
    return "E'" + quoted.replace("\\", "\\\\") + "'" if "\\" in quoted else f"'{quoted}'"


def connection_name(database: str) -> str:
    """A database's name for ``--dbname``, which reads a name with ``=`` as connection options."""
    if "=" not in database and not database.startswith(("postgresql://", "postgres://")):
        return database
    escaped = database.replace("\\", "\\\\").replace("'", "\\'")
    return f"dbname='{escaped}'"


def _login(superuser: str, database: str) -> Argv:
    return ("--no-password", f"--username={superuser}", f"--dbname={connection_name(database)}")


def _psql(superuser: str, database: str) -> Argv:
    return (
        "psql",
        "--no-psqlrc",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        *_login(superuser, database),
    )
