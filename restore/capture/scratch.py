"""The folder of the database's container in which a dump lies until it is read.

It is on production's own disk, so its free space is asked for before anything is written. What an
earlier capture left there, because it was killed, is removed: that capture's session with the
server is gone, whereas a running one keeps its session open for as long as its folder is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from restore.adapters.docker.facts import df_command, parse_df
from restore.adapters.docker.runner import Runner
from restore.adapters.postgres import commands
from restore.adapters.postgres.sql import connect
from restore.errors import ReplayError
from restore.model import DatabaseServer
from restore.repository.base import is_generation_id

SYSTEM_USER: Final = "postgres"
"""Operating system's user whom PostgreSQL lets in over the local socket."""

USUAL: Final = "/tmp"  # noqa: S108 - a folder is made in it, for its owner alone
_PREFIX: Final = "pra-"
_SESSION: Final = "pra-capture "
"""Begins the name of the session that tells that a capture still lives; its id follows."""

# What a dump holds before it is compressed, indexes left out; with them, large objects.
_SIZE: Final = """
    SELECT coalesce(sum(pg_catalog.pg_table_size(oid)), 0)
    FROM pg_catalog.pg_class WHERE relkind = 'r' AND NOT relisshared
"""


@dataclass(frozen=True, slots=True)
class Scratch:
    """Where the capture ``id`` of a server may lay its dumps: below ``parent``."""

    runner: Runner
    server: DatabaseServer
    id: str
    parent: str = USUAL

    @property
    def folder(self) -> str:
        """The capture's own folder."""
        return f"{self.parent}/{_PREFIX}{self.id}"


@contextmanager
def scratch_folder(scratch: Scratch, databases: Sequence[str]) -> Iterator[None]:
    """Make the capture's folder, with room for each dump; gone at the end with all that uses it.

    Raises:
        ReplayError: the folder can't be made, or what is free there is less than a dump may take.
        EnvironmentFailure: the server does not let the ERP's role in.
    """
    remove_leftovers(scratch)
    _require_room(scratch, databases)
    with connect(scratch.server, "postgres", as_erp=True) as session:
        # It shows that a capture lives, for as long as the session does.
        name = _SESSION + scratch.id
        session.execute("SELECT set_config('application_name', %s, false)", (name,))
        # From PostgreSQL 14 on a server may end sessions that do nothing.
        session.execute(
            "SELECT set_config(name, '0', false) FROM pg_catalog.pg_settings"
            " WHERE name = 'idle_session_timeout'"
        )
        _run(scratch, "mkdir", "-m", "0700", scratch.folder)
        try:
            yield
        finally:
            _remove(scratch, scratch.id, scratch.folder)


def remove_leftovers(scratch: Scratch) -> None:
    """Remove the folders, and end the dumps, of captures that were killed."""
    argv = ("find", *sorted({USUAL, scratch.parent}), "-maxdepth", "1", "-name", f"{_PREFIX}*")
    found = scratch.runner.execute(scratch.server.container, argv, user=SYSTEM_USER).stdout
    left = {path: path.rpartition(f"/{_PREFIX}")[2] for path in found.splitlines()}
    if not any(is_generation_id(name) for name in left.values()):
        return
    sessions = _ask(scratch, "SELECT application_name FROM pg_catalog.pg_stat_activity")
    alive = {n.removeprefix(_SESSION) for n in sessions.splitlines() if n.startswith(_SESSION)}
    for path, name in left.items():
        if is_generation_id(name) and name not in alive:
            _remove(scratch, name, path)


def _require_room(scratch: Scratch, databases: Sequence[str]) -> None:
    """Refuse what would fill production's disk: one dump lies there at a time."""
    told = _run(scratch, *df_command(scratch.parent))
    room = parse_df(told)
    if room is None:
        raise ReplayError(f"df says nothing of {scratch.parent}: {told.strip()!r}")
    for name in databases:
        size = int(_ask(scratch, _SIZE, name))
        if size > room.free:
            raise ReplayError(
                f"container {scratch.server.container} has {room.free} bytes left in "
                f"{scratch.parent}, the dump of {name} may take {size}",
                "free some space there, or name another folder of that container "
                "that user postgres may write to: --scratch",
            )


def _remove(scratch: Scratch, name: str, path: str) -> None:
    # An interrupted exec goes on in its container: end its sessions, then it ends.
    statement = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "  # noqa: S608
        + commands.literal(name)
    )
    ask = commands.query(scratch.server.superuser, "postgres", statement)
    scratch.runner.execute(scratch.server.container, ask, user=SYSTEM_USER)
    _run(scratch, "rm", "-rf", path)


def _ask(scratch: Scratch, statement: str, database: str = "postgres") -> str:
    return _run(scratch, *commands.query(scratch.server.superuser, database, statement))


def _run(scratch: Scratch, *argv: str) -> str:
    return scratch.runner.check(scratch.server.container, argv, user=SYSTEM_USER)
