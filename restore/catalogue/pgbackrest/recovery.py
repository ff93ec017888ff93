"""How the throw-away server recovers, and what its log says of it. Pure."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from restore.catalogue.pgbackrest.tool import DATA, RUN, Goal, Point, utc_text
from restore.errors import DamagedGenerationError, EnvironmentFailure, NotFoundError, RestoreError

CONFIG_FILE: Final = f"{RUN}/postgresql.conf"
HBA_FILE: Final = f"{RUN}/pg_hba.conf"
LOG: Final = f"{RUN}/log"

_SETTINGS: Final[dict[str, str]] = {
    # Production's own files are not read: they name its folders, libraries and addresses.
    "config_file": CONFIG_FILE,
    "hba_file": HBA_FILE,
    "ident_file": f"{RUN}/pg_ident.conf",
    # What ALTER SYSTEM wrote came back with the data; a command line wins over it.
    "archive_mode": "off",
    "archive_command": "",
    "archive_cleanup_command": "",
    "recovery_end_command": "",
    "recovery_min_apply_delay": "0",
    "primary_conninfo": "",
    "synchronous_standby_names": "",
    "shared_preload_libraries": "",
    "session_preload_libraries": "",
    "local_preload_libraries": "",
    # Not before the end of recovery: whoever gets in sees the state that was asked for.
    "hot_standby": "off",
    "listen_addresses": "*",
    "port": "5432",
    "unix_socket_directories": "/var/run/postgresql",
    "ssl": "off",
    "password_encryption": "scram-sha-256",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_min_messages": "warning",
    "log_line_prefix": "",
    "lc_messages": "C",
    "log_timezone": "UTC",
    "timezone": "UTC",
    # Memory and workers of this machine, not of production's.
    "shared_buffers": "128MB",
    "huge_pages": "off",
    "max_parallel_workers_per_gather": "0",
    "autovacuum": "off",
    # Nothing here is worth surviving a power cut.
    "fsync": "off",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
_LIMITS: Final = {
    "max_connections setting": "max_connections",
    "max_worker_processes setting": "max_worker_processes",
    "max_wal_senders setting": "max_wal_senders",
    "max_prepared_xacts setting": "max_prepared_transactions",
    "max_locks_per_xact setting": "max_locks_per_transaction",
}
"""Lines of ``pg_controldata``, and the settings that recovery needs at least as high."""
_SEGMENT_SIZE: Final = "Bytes per WAL segment"

_REDO: Final = re.compile(r"redo done at ([0-9A-F]+)/([0-9A-F]+)")
_LAST: Final = re.compile(r"last completed transaction was at log time (\S+ [\d:.]+)\+00")
_STOPPED: Final = re.compile(r"recovery stopping (?:before|after)")
_FATAL: Final = re.compile(r"^(?:FATAL|PANIC):\s+(.*)$", re.MULTILINE)
_ERROR: Final = re.compile(r"^ERROR: (\[\d+\]: .*)$", re.MULTILINE)
_TOO_SHORT: Final = "recovery ended before configured recovery target was reached"
_PROBED: Final = "the database system is"
_CUT: Final = (
    "WAL ends before",
    "could not locate required checkpoint record",
    "could not locate a valid checkpoint record",
)


@dataclass(frozen=True, slots=True)
class Control:
    """What ``pg_controldata`` says of a cluster that was restored."""

    segment_size: int
    limits: tuple[tuple[str, str], ...]


def parse_control(text: str) -> Control:
    """Read the output of ``pg_controldata``.

    Raises:
        DamagedGenerationError: it does not tell.
    """
    fields = {key: value.strip() for key, _, value in (s.partition(":") for s in text.splitlines())}
    try:
        limits = tuple((setting, str(int(fields[key]))) for key, setting in _LIMITS.items())
        return Control(int(fields[_SEGMENT_SIZE]), limits)
    except (KeyError, ValueError) as error:
        raise DamagedGenerationError(
            f"the restored cluster's pg_control can't be read: {error!r}", "choose another backup"
        ) from error


def start(control: Control) -> tuple[str, ...]:
    """``pg_ctl`` that starts the restored cluster; recovery goes on when it returns."""
    settings = {**_SETTINGS, **dict(control.limits)}
    options = " ".join(f"-c {shlex.quote(f'{key}={value}')}" for key, value in settings.items())
    return ("pg_ctl", "start", "--no-wait", f"--pgdata={DATA}", f"--log={LOG}", f"-o {options}")


def consistency_point(log: str, point: Point) -> datetime:
    """The moment of what a recovery that ended well brought back, never later than it was.

    Raises:
        RestoreError: it did not go as far as was asked.
    """
    if point.goal is Goal.MOMENT:
        if not _STOPPED.search(log):
            # Before PostgreSQL 13, a recovery that ends too early is a success.
            raise _too_short(log, point)
        return point.moment
    last = _last(log)
    return max(last, point.backup.begun) if last else point.backup.begun


def require_all_replayed(log: str, control: Control, point: Point) -> None:
    """Refuse a recovery that ended, as at the end of the archive, where a segment is missing.

    Raises:
        DamagedGenerationError: later segments are archived than the last one that was replayed.
    """
    redo = _REDO.search(log)
    if redo is None or point.goal is Goal.BACKUP:
        return
    reached = ((int(redo[1], 16) << 32) + int(redo[2], 16)) // control.segment_size
    a_log = (1 << 32) // control.segment_size
    name = point.backup.newest_wal
    newest = int(name[8:16], 16) * a_log + int(name[16:24], 16)
    if reached < newest:
        missing = f"{name[:8]}{(reached + 1) // a_log:08X}{(reached + 1) % a_log:08X}"
        raise DamagedGenerationError(
            f"WAL segment {missing} can't be had from the archive, which goes on to {name}; "
            + (_tool_error(log) or _last_text(log)),
            "fetch it again from where it was archived; or ask for an earlier moment: --at",
        )


def failure(log: str, control: Control, point: Point) -> RestoreError:
    """Why a server that ended did not recover."""
    # Probes are turned away until recovery ends; what ended the server comes last.
    said = [text for text in _FATAL.findall(log) if _PROBED not in text]
    fatal = said[-1] if said else ""
    if _TOO_SHORT in fatal:
        try:
            require_all_replayed(log, control, point)
        except DamagedGenerationError as error:
            return error
        return _too_short(log, point)
    if any(words in fatal for words in _CUT):
        return DamagedGenerationError(
            f"backup {point.backup.label} can't be made consistent: {_tool_error(log) or fatal}",
            f"WAL up to {point.backup.wal_stop} must be in the archive; choose another backup",
        )
    return EnvironmentFailure(
        "the throw-away server could not recover:\n" + "\n".join(log.strip().splitlines()[-10:]),
        "does its image fit: same PostgreSQL major, same locales?",
    )


def _too_short(log: str, point: Point) -> NotFoundError:
    return NotFoundError(
        f"the archive ends before {utc_text(point.moment)}: {_last_text(log)}",
        "ask for a moment before it, or leave --at away to get all that was archived",
    )


def _tool_error(log: str) -> str:
    """What pgBackRest said last of a segment that it could not fetch; nothing of one not there."""
    found = _ERROR.findall(log)
    return found[-1] if found else ""


def _last(log: str) -> datetime | None:
    found = _LAST.search(log)
    return datetime.fromisoformat(found[1]).replace(tzinfo=UTC) if found else None


def _last_text(log: str) -> str:
    last = _last(log)
    return f"its last transaction is of {utc_text(last)}" if last else "it holds no transaction"
