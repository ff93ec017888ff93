"""Databases: restored under a temporary name, promoted at once when they are right."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from restore import model
from restore.adapters.postgres import commands, plain_dump, sql
from restore.adapters.postgres.commands import OS_USER
from restore.checks.base import about, is_untold, with_acceptances
from restore.checks.database import database_checks
from restore.context import ReplayContext
from restore.errors import ReplayError, RestoreError
from restore.model.messages import joined, message
from restore.model.node_records import MARK
from restore.plan.request import ExistingDatabase, is_ours
from restore.replay.steps.properties import restore_properties

READER: Final = "root"
"""User who reads the repository there: a generation's files are closed to all but their owner."""

_POLL: Final = 0.5
_ENDING: Final = 10
"""Seconds that sessions may take to end."""

_TAIL: Final = 4096
"""Bytes at the end of a plain dump in which pg_dump's last words stand."""

_DATABASES: Final = """
SELECT datname, coalesce(pg_catalog.shobj_description(oid, 'pg_database'), '')
FROM pg_catalog.pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY datname
"""

_CLOSED: Final = "SELECT datname FROM pg_catalog.pg_database WHERE NOT datallowconn"
_IS_OPEN: Final = "SELECT datallowconn FROM pg_catalog.pg_database WHERE datname = %s::name"

_TABLES: Final = """
SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%'
  AND n.nspname <> 'information_schema'
"""


def find_databases(connection: sql.Connection) -> tuple[ExistingDatabase, ...]:
    """List the databases of a server, and which of them this engine restored."""
    closed = {name for (name,) in sql.rows(connection, _CLOSED)}
    return tuple(
        ExistingDatabase(
            name,
            is_ours(comment),
            comment.removeprefix(MARK) if is_ours(comment) else "",
            closed=name in closed,
        )
        for name, comment in sql.rows(connection, _DATABASES)
    )


def create_database(context: ReplayContext, step: model.Step) -> None:
    """Make the temporary database; one of the same name must be a leftover of ours."""
    name = step.target
    server = context.environment.database
    with sql.connect(server) as connection:
        existing = dict(sql.rows(connection, _DATABASES))
        # What we didn't make is not dropped. A crash may have left ours empty, before its mark.
        if name in existing and not is_ours(existing[name]) and _tables(context, name) > 0:
            raise ReplayError(
                f"database {name} holds tables and was not made by this engine",
                "rename or drop it yourself",
            )
        _end_sessions(connection, name)
        _run(context, step)
        found = connection.execute(
            "SELECT pg_catalog.pg_get_userbyid(datdba),"
            " pg_catalog.shobj_description(oid, 'pg_database')"
            " FROM pg_catalog.pg_database WHERE datname = %s",
            (name,),
        ).fetchone()
    owner = _facts(context, step).owner or server.erp_role
    wanted = (owner, _mark(context))
    if found != wanted:
        raise ReplayError(f"database {name} was created, but its owner or its mark is {found}")


def restore_database(context: ReplayContext, step: model.Step) -> None:
    """Run ``pg_restore`` or ``psql`` into the temporary database."""
    name = step.target
    facts = _facts(context, step)
    plain = _plain_dump(context, step)
    try:
        with _watched_size(context, step, facts.size):
            if plain is None:
                _run(context, step, user=READER)
            else:
                _load_plain(context, step, *plain)
    except BaseException:
        # An interrupted pg_restore goes on inside the container as long as its sessions do; and
        # half a database must not fill the disk of an ERP that goes on with its old one.
        with (
            suppress(RestoreError, sql.Error),
            sql.connect(context.environment.database) as connection,
        ):
            _drop(connection, name)
        raise
    if (facts.tables or facts.unknown) and _tables(context, name) == 0:
        raise ReplayError(f"{step.argv[0]} ended well, but database {name} has no table")


def give_ownership(context: ReplayContext, step: model.Step) -> None:
    """Give what the loader role owns to the ERP's role, and see that the loader is gone."""
    _run(context, step)
    loader = step.target
    with sql.connect(context.environment.database) as connection:
        query = "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = %s::name"
        if sql.rows(connection, query, loader):
            raise ReplayError(f"role {loader}, as which the dump was loaded, is still there")


def _plain_dump(
    context: ReplayContext, step: model.Step
) -> tuple[model.Artifact, model.FileEntry] | None:
    """The file of a plain dump; None when it has another form. One that was cut is refused."""
    for artifact in context.generation.artifacts_of(model.ArtifactKind.DATABASE, step.database):
        if artifact.form is not model.DumpForm.PLAIN:
            continue
        for entry in context.repository.read_index(context.generation, artifact):
            with context.repository.open(context.generation, artifact, entry) as file:
                file.seek(max(0, entry.size - _TAIL))
                if plain_dump.END not in file.read(_TAIL):
                    raise ReplayError(
                        f"{artifact.folder}/{entry.path} was cut: pg_dump's last line is missing",
                        "import the backup again, or choose another generation",
                    )
            return artifact, entry
    return None


def _load_plain(
    context: ReplayContext, step: model.Step, artifact: model.Artifact, entry: model.FileEntry
) -> None:
    """Feed a plain dump to psql, each line once it is known to hold no command for it."""
    server, runner = context.environment.database, context.runner
    probe = runner.execute(
        server.container, commands.knows_restrict(server.superuser), user=OS_USER
    )
    restrict = secrets.token_hex(16) if probe.exit_code == 0 else None
    with context.repository.open(context.generation, artifact, entry) as file:
        lines = plain_dump.guarded(file, f"{artifact.folder}/{entry.path}", restrict)
        runner.feed(server.container, step.argv, lines, user=OS_USER)


def analyze_database(context: ReplayContext, step: model.Step) -> None:
    """Gather the planner's statistics, which no dump holds."""
    _run(context, step)
    name = step.target
    if not any(table.rows for table in _facts(context, step).tables):
        return
    with sql.connect(context.environment.database, name) as connection:
        if sql.rows(connection, "SELECT EXISTS (SELECT FROM pg_catalog.pg_stats)") != [(True,)]:
            raise ReplayError(f"database {name} has no statistics after ANALYZE")


def check_database(context: ReplayContext, step: model.Step) -> tuple[model.CheckResult, ...]:
    """Compare the temporary database with the generation. The caller must judge the results."""
    results = database_checks(context.environment.database, _facts(context, step), step.target)
    return with_acceptances(results, context.accepted)


def require_passed(results: tuple[model.CheckResult, ...]) -> None:
    """Refuse to promote a database whose checks failed, or could not be made.

    Raises:
        ReplayError: names the checks.
    """
    bad = (model.CheckStatus.FAILED, model.CheckStatus.UNVERIFIABLE)
    refused = [one for one in results if one.status in bad and not is_untold(one)]
    if refused:
        lines = (
            about(one.id, joined("; ", one.details) or one.reason or one.observed)
            for one in refused
        )
        wrong = any(one.status is model.CheckStatus.FAILED for one in refused)
        problem = (
            message("the restored database is not production's:")
            if wrong
            else message("the restored database could not be checked:")
        )
        raise ReplayError(
            joined("\n", (problem, *lines)),
            message("nothing was promoted; --accept CHECK --reason … ignores a check"),
        )


def promote_database(context: ReplayContext, step: model.Step) -> None:
    """Give the restored database production's settings and rights, then its final name, closed.

    Not before it is checked: production's time limits are not made for that.
    """
    restore_properties(context, step.database or "", step.staging or "", READER)
    _run(context, step)
    with sql.connect(context.environment.database) as connection:
        found = dict(sql.rows(connection, _DATABASES))
    if found.get(step.target) != _mark(context) or step.staging in found:
        raise ReplayError(f"{step.target} is not the database that was restored")


def open_database(context: ReplayContext, step: model.Step) -> None:
    """Allow connections to a promoted database, once all that belongs to it is in place."""
    _run(context, step)
    with sql.connect(context.environment.database) as connection:
        opened = sql.rows(connection, _IS_OPEN, step.target)
    if opened != [(True,)]:
        raise ReplayError(f"database {step.target} takes no connections after it was opened")


def _mark(context: ReplayContext) -> str:
    return MARK + context.generation.id


def _facts(context: ReplayContext, step: model.Step) -> model.DatabaseFacts:
    return context.facts_of(step.database or "")


def _run(context: ReplayContext, step: model.Step, user: str = OS_USER) -> None:
    context.runner.check(context.environment.database.container, step.argv, user=user)


def _tables(context: ReplayContext, name: str) -> int:
    with sql.connect(context.environment.database, name) as connection:
        return int(sql.rows(connection, _TABLES)[0][0])


def _end_sessions(connection: sql.Connection, name: str) -> None:
    connection.execute(
        "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity"
        " WHERE datname = %s AND pid <> pg_catalog.pg_backend_pid()",
        (name,),
    )


def _drop(connection: sql.Connection, name: str) -> None:
    """Drop a database of ours. Sessions that are ended are gone a moment later."""
    for attempt in Retrying(
        retry=retry_if_exception_type(sql.errors.ObjectInUse),
        stop=stop_after_delay(_ENDING),
        wait=wait_fixed(0.2),
        reraise=True,
    ):
        with attempt:
            _end_sessions(connection, name)
            connection.execute(sql.compose.SQL("DROP DATABASE {}").format(sql.quoted(name)))


@contextmanager
def _watched_size(context: ReplayContext, step: model.Step, expected: int) -> Iterator[None]:
    """Tell the listener how large the database has become, until the body ends."""
    done = threading.Event()

    def watch() -> None:
        with (
            suppress(RestoreError, sql.Error),
            sql.connect(context.environment.database) as connection,
        ):
            while not done.wait(_POLL):
                if context.stopping.is_set():
                    # The tool ends with its sessions.
                    _end_sessions(connection, step.target)
                query = "SELECT pg_catalog.pg_database_size(%s::name)"
                size = int(sql.rows(connection, query, step.target)[0][0])
                context.listener(model.Progress(step.title, min(size, expected), expected))

    thread = threading.Thread(target=watch, name="pra-restore-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
