"""Caches of a database server's data: made once databases are checked, placed into a new server.

The server is stopped meanwhile, in order: what it wrote is then consistent by itself. A cache is of
what the databases are made of; configuration, and the superuser's password, stay the environment's
own.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Final

from restore.adapters.docker import cache_volumes
from restore.adapters.docker.helpers import Helper
from restore.adapters.docker.tar import Owner, single_file
from restore.adapters.postgres import commands, sql
from restore.context import ReplayContext
from restore.errors import ReplayError, RestoreError
from restore.model import DatabaseServer, Step
from restore.model.cache import DATA
from restore.model.messages import message
from restore.plan.bulk import KEPT
from restore.replay.steps.servers import start_database, stop_database

_OWN: Final = ("postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf")
"""Files among the data that are an environment's own."""
_LEFT_OUT: Final = (*_OWN, "postmaster.opts", "postmaster.pid", KEPT)
_PASSWORD: Final = "pra-password.sql"  # noqa: S105 - a file's name
_SEGMENT: Final = re.compile(r"[0-9A-F]{24}")
_LAST_SEGMENT: Final = re.compile(r"REDO WAL file:\s*([0-9A-F]{24})")
_SHUT_DOWN: Final = re.compile(r"cluster state:\s*shut down$", re.MULTILINE)


def keep_cache(context: ReplayContext, step: Step) -> str:
    """Make a cache of the server's data. The server runs again afterwards, whatever happens.

    Returns:
        Why there is none, which fails no replay; empty when there is one.
    """
    runner, server = context.runner, context.environment.database
    container = server.container
    of = cache_volumes.CacheLabels(
        step.target, context.generation.id, step.part, context.environment.stack
    )
    volume = cache_volumes.create_cache(runner, container, of)
    problem = ""
    try:
        with cache_volumes.beside_cache(runner, container, volume) as helper:
            stop_database(runner, server)
            try:
                _copy(helper, str(step.staging))
            finally:
                runner.start(container)
            _finish(context, step, helper)
    except (RestoreError, OSError) as error:
        problem = message("no copy of the database server's data was kept: {reason}", reason=error)
        with suppress(RestoreError):
            cache_volumes.remove_cache(runner, volume, container)
    except BaseException:
        with suppress(RestoreError):
            cache_volumes.remove_cache(runner, volume, container)
        raise
    start_database(runner, server)
    if not problem:
        cache_volumes.remove_other_caches(
            runner, container, volume, step.target, context.most_caches
        )
    return problem


def _copy(helper: Helper, data: str) -> None:
    """Copy a stopped server's data, sharing blocks where the file system can (reflink)."""
    if not _SHUT_DOWN.search(
        helper.run("pg_controldata", f"--pgdata={data}", user=commands.OS_USER)
    ):
        raise ReplayError("the database server was not shut down in order")
    # The folder's owner and mode come with it.
    helper.run("cp", "-a", "--reflink=auto", "-T", "--", data, DATA)


def _finish(context: ReplayContext, step: Step, helper: Helper) -> None:
    """Remove the environment's own files, flush the rest to disk, mark the cache complete."""
    helper.run("rm", "-f", "--", *(f"{DATA}/{name}" for name in _LEFT_OUT))
    control = helper.run("pg_controldata", f"--pgdata={DATA}", user=commands.OS_USER)
    last = _LAST_SEGMENT.search(control)
    if last is None:
        raise ReplayError("pg_controldata does not tell the last segment of the log")
    listed = helper.run("ls", "-1", "--", f"{DATA}/pg_wal").splitlines()
    found = sorted(name for name in listed if _SEGMENT.fullmatch(name))
    # All else was replayed, or waits to be written over. A record may go on in the next one.
    needed = [name for name in found if name >= last[1]][:2]
    if last[1] not in needed:
        raise ReplayError(f"the log has no segment {last[1]}")
    for name in found:
        if name not in needed:
            helper.run("rm", "-f", "--", f"{DATA}/pg_wal/{name}")
    helper.run(*step.argv, user=commands.OS_USER)
    files, size = _count(helper, DATA)
    cache_volumes.finish_cache(helper, context.now(), size, files)


def place_cache(context: ReplayContext, step: Step) -> None:
    """Put a cache in the place of a new server's data, which must hold no database.

    Raises:
        ReplayError: the cache is not what it was, or no server starts on it.
    """
    runner, server = context.runner, context.environment.database
    data, volume = step.target, str(step.staging)
    cached = cache_volumes.read_cache(runner, server.container, volume)
    password = _stored_password(server)
    with cache_volumes.beside_cache(runner, server.container, volume, read_only=True) as helper:
        if _count(helper, DATA) != (cached.files, cached.bytes):
            raise ReplayError(f"kept copy {volume} has not the files that it had")
        stop_database(runner, server)
        others = [word for name in _OWN for word in ("!", "-name", name)]
        inside = ("find", data, "-mindepth", "1", "-maxdepth", "1", *others)
        helper.run(*inside, "-exec", "rm", "-rf", "--", "{}", "+")
        helper.run("cp", "-a", "--reflink=auto", "--", f"{DATA}/.", data)
    start_database(runner, server)
    _give_password(context, data, password)
    runner.check(server.container, step.argv, user=commands.OS_USER)
    cache_volumes.note_use(runner, server.container, volume, context.now())


def discard_cache(context: ReplayContext, step: Step) -> bool:
    """Remove the cache that a step placed; whether it could be."""
    try:
        cache_volumes.remove_cache(
            context.runner, str(step.staging), context.environment.database.container
        )
    except RestoreError:
        return False
    return True


def _stored_password(server: DatabaseServer) -> str | None:
    """The superuser's password as the new server stores it, never in clear.

    Raises:
        ReplayError: the server holds a database.
    """
    with sql.connect(server) as connection:
        held = sql.rows(
            connection,
            "SELECT datname FROM pg_catalog.pg_database"
            " WHERE NOT datistemplate AND datname <> 'postgres'",
        )
        if held:
            raise ReplayError(f"the database server holds database {held[0][0]} already")
        query = "SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolname = %s::name"
        found = sql.rows(connection, query, server.superuser)
    return None if not found or found[0][0] is None else str(found[0][0])


def _give_password(context: ReplayContext, data: str, password: str | None) -> None:
    """Give the superuser the environment's password again, and log in with it.

    It travels in a file that the server's own user alone may read: it is stored as a digest, but
    even that is in no command line.
    """
    runner, server = context.runner, context.environment.database
    statement = sql.compose.SQL("SET log_statement TO none; ALTER ROLE {} PASSWORD {};\n").format(
        sql.compose.Identifier(server.superuser), sql.compose.Literal(password)
    )
    path = f"{data}/{_PASSWORD}"
    archive = single_file(
        _PASSWORD, statement.as_string(None).encode(), _owner(context, data), 0o600
    )
    runner.write_archive(server.container, data, iter((archive,)))
    try:
        argv = commands.run_file(server.superuser, sql.MAINTENANCE, path)
        runner.check(server.container, argv, user=commands.OS_USER)
    finally:
        runner.check(server.container, ("rm", "-f", "--", path), user=commands.OS_USER)
    try:
        with sql.connect(server) as connection:
            connection.execute("SELECT 1")
    except sql.Error as error:
        raise ReplayError(f"the server on a kept copy can't be used: {error}") from error


def _owner(context: ReplayContext, data: str) -> Owner:
    server = context.environment.database
    for member, _ in context.runner.read_archive(server.container, f"{data}/PG_VERSION"):
        return Owner(member.uid, member.gid)
    raise ReplayError("the kept copy has no PG_VERSION")


def _count(helper: Helper, folder: str) -> tuple[int, int]:
    """Number of files in a folder, and their total size in bytes."""
    return commands.count_files(helper.run(*commands.file_sizes(folder)).splitlines())
