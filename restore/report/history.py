"""The history: one row a run, in an SQLite file beside the reports; rows are only ever added.

Several processes may append at once: each takes the file's write lock, and waits for it. The
journal is SQLite's ordinary one, not its write-ahead log, so that the history stays one file that
can be copied, and may lie on a network mount.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from restore.errors import EnvironmentFailure, NotFoundError, RestoreError
from restore.model import PastRun, ReplayMode, Report, StepResult, StepStatus, Verdict
from restore.model.codec import decode, encode
from restore.model.messages import message
from restore.plan.cache.policy import Before
from restore.report.document import to_json

FILE: Final = "history.sqlite"
VARIABLE: Final = "PRA_HISTORY"
VERSION: Final = 2
"""Version of the tables, kept in ``user_version``; a newer one is refused."""
WAIT: Final = 15.0
"""Seconds to wait for another process that appends."""
_LOOKED_BACK: Final = 1000
"""Runs among which the last cold one is looked for."""
SHOWN: Final = 29
"""Earlier runs that a report shows beside its own."""

_TABLES: Final = (
    """
    CREATE TABLE runs (
        run TEXT PRIMARY KEY, command TEXT NOT NULL, profile TEXT NOT NULL, base TEXT NOT NULL,
        stack TEXT NOT NULL, generation TEXT, verdict TEXT NOT NULL, started TEXT NOT NULL,
        finished TEXT NOT NULL, rto REAL, rpo REAL, budget REAL, bytes INTEGER, error TEXT,
        engine_version TEXT NOT NULL, signed_by TEXT, report_sha256 TEXT NOT NULL, mode TEXT
    )
    """,
    "CREATE INDEX runs_by_time ON runs (started)",
    """
    CREATE TABLE durations (
        run TEXT NOT NULL REFERENCES runs (run), kind TEXT NOT NULL, position INTEGER NOT NULL,
        id TEXT NOT NULL, title TEXT NOT NULL, status TEXT NOT NULL, seconds REAL NOT NULL,
        PRIMARY KEY (run, kind, position)
    )
    """,
)
_MODE_BEFORE_2: Final = "CASE WHEN rto IS NULL THEN NULL ELSE 'cold' END"
"""Before there were caches, every replay was cold."""
_UPGRADES: Final = {
    1: ("ALTER TABLE runs ADD COLUMN mode TEXT", f"UPDATE runs SET mode = {_MODE_BEFORE_2}"),  # noqa: S608
}
"""What makes the tables of a version those of the next one."""


@dataclass(frozen=True, slots=True)
class RunGroup:
    """What runs have in common that compare with each other; None is any.

    ``base`` is the stack whose settings they have: a drill's stack file, or the stack itself.
    """

    command: str | None = None
    profile: str | None = None
    base: str | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a stage or a step took. ``kind`` is "stage" or "step"."""

    kind: str
    id: str
    title: str
    status: StepStatus
    seconds: float


@dataclass(frozen=True, slots=True)
class Entry:
    """A run in the history. ``report_sha256`` is the digest of its ``report.json``."""

    past: PastRun
    group: RunGroup
    stack: str
    finished: datetime
    error: str | None
    engine_version: str
    signed_by: str | None
    report_sha256: str
    timings: tuple[Timing, ...] = ()


def history_file(reports: Path) -> Path:
    """Where the history is kept: where ``PRA_HISTORY`` says, else beside the reports."""
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else reports / FILE


def append_to_history(report: Report, group: RunGroup, path: Path) -> Report:
    """Append a run to the history, and show the runs before it in its report.

    A history that can't be used is a warning in the report: it never fails a run.

    Returns:
        The report as it must be written: the history holds the digest of its JSON.
    """
    try:
        with _writable(path) as connection:
            past = tuple(one.past for one in _entries(connection, group, SHOWN))
            report = replace(report, history=past)
            _append(connection, entry_of(report, group))
    except RestoreError as error:
        return replace(report, warnings=(*report.warnings, error.message))
    return report


def entries(path: Path, group: RunGroup, last: int) -> tuple[Entry, ...]:
    """The last runs of a history, oldest first, with the durations of their stages and steps.

    Raises:
        NotFoundError: there is no history.
        EnvironmentFailure: it can't be read.
    """
    with _readable(path) as (connection, version):
        if version == 0:
            return ()
        return tuple(
            replace(one, timings=_timings(connection, one.past.run))
            for one in _entries(connection, group, last, version)
        )


@contextmanager
def _readable(path: Path) -> Iterator[tuple[sqlite3.Connection, int]]:
    """A history that is only read, and the version of its tables; 0 has none."""
    if not path.is_file():
        raise NotFoundError(f"there is no history {path}", "run 'pra drill' first")
    address = f"file:{quote(str(path.resolve()))}?mode=ro"
    with _translated(path), closing(sqlite3.connect(address, uri=True)) as connection:
        yield connection, _version(connection, path)


def before(path: Path, group: RunGroup) -> Before:
    """What a history says of the runs before a drill; nothing where it can't be read."""
    try:
        with _readable(path) as (connection, version):
            found = _entries(connection, group, _LOOKED_BACK, version) if version else ()
    except RestoreError:
        return Before()
    past = [one.past for one in reversed(found)]
    cold = (one for one in past if one.mode is ReplayMode.COLD and one.verdict is Verdict.PASS)
    last = past[0] if past else None
    failed = last is not None and last.mode is ReplayMode.CACHED and last.verdict is Verdict.FAIL
    return Before(next((one.started for one in cold), None), failed)


def entry_of(report: Report, group: RunGroup) -> Entry:
    """A report as a row of the history."""
    return Entry(
        past=report.past,
        group=group,
        stack=report.stack,
        finished=report.finished,
        error=report.error,
        engine_version=report.engine_version,
        signed_by=report.signed_by,
        report_sha256=sha256(to_json(report).encode()).hexdigest(),
        timings=(*_timed("stage", report.stages), *_timed("step", report.steps)),
    )


def _timed(kind: str, results: tuple[StepResult, ...]) -> Iterator[Timing]:
    for one in results:
        yield Timing(kind, one.id, one.title, one.status, one.duration)


@contextmanager
def _writable(path: Path) -> Iterator[sqlite3.Connection]:
    """A history under its write lock, its tables made; what the body did is kept when it ends."""
    with _translated(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives the files beside it the same mode.
        path.touch(mode=0o600)
        with closing(sqlite3.connect(path, timeout=WAIT, isolation_level=None)) as connection:
            # The lock comes first: two processes may find the file empty at once.
            connection.execute("BEGIN IMMEDIATE")
            version = _version(connection, path)
            upgrades = (_UPGRADES[older] for older in range(version, VERSION))
            for statement in chain.from_iterable(upgrades) if version else _TABLES:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
            yield connection
            connection.execute("COMMIT")


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError, ValueError) as error:
        raise EnvironmentFailure(
            message("the history {path} can't be used: {error}", path=path, error=error),
            f"name another by {VARIABLE}, or move it away: the next run begins a new one",
        ) from error


def _version(connection: sqlite3.Connection, path: Path) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise EnvironmentFailure(
            message(
                "the history {path} has version {version}; this engine knows up to {known}",
                path=path,
                version=version,
                known=VERSION,
            ),
            "use the engine that wrote it, or a newer one",
        )
    return int(version)


def _append(connection: sqlite3.Connection, entry: Entry) -> None:
    values = encode(entry, _moment)
    timings = values.pop("timings")
    _insert(connection, "runs", {**values.pop("past"), **values.pop("group"), **values})
    for position, timing in enumerate(timings):
        _insert(connection, "durations", {**timing, "run": entry.past.run, "position": position})


def _insert(connection: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    columns, places = ", ".join(row), ", ".join("?" * len(row))
    # Lone surrogates, of file names that are not UTF-8, have no place in a database.
    clean = [v.encode(errors="replace").decode() if isinstance(v, str) else v for v in row.values()]
    connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", clean)  # noqa: S608


def _entries(
    connection: sqlite3.Connection, group: RunGroup, last: int, version: int = VERSION
) -> tuple[Entry, ...]:
    # It is only read here; the next run brings it up to date.
    mode = f", {_MODE_BEFORE_2} AS mode" if version == 1 else ""
    found = connection.execute(
        f"SELECT *{mode} FROM runs "  # noqa: S608 - an expression of this module
        "WHERE (?1 IS NULL OR command = ?1) AND (?2 IS NULL OR profile = ?2) "
        "AND (?3 IS NULL OR base = ?3) ORDER BY started DESC, run DESC LIMIT ?4",
        (group.command, group.profile, group.base, last),
    )
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, row, strict=True)) for row in found]
    return tuple(decode(Entry, {**row, "past": row, "group": row}) for row in reversed(rows))


def _timings(connection: sqlite3.Connection, run: str) -> tuple[Timing, ...]:
    rows = connection.execute(
        "SELECT kind, id, title, status, seconds FROM durations WHERE run = ? ORDER BY position",
        (run,),
    )
    return tuple(Timing(kind, i, title, StepStatus(s), t) for kind, i, title, s, t in rows)


def _moment(when: datetime) -> str:
    """A time as text that sorts as times do."""
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}+00:00"
