"""Bulk mode: how PostgreSQL is set while databases are loaded into it. Pure.

Settings that give up safety for speed (``fsync``) are only for a server that holds nothing yet
which could be lost. What it had is kept beside its data, under ``KEPT``, from before the first
setting changes until after everything is on disk: as long as that file is there, the server
is in bulk mode or was not put right.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from restore.model import ConfigurationChange

KEPT: Final = "pra-bulk-mode.json"
"""File in the server's data that marks it; holds what its settings were."""

FILE: Final = "postgresql.auto.conf"
"""Where ``ALTER SYSTEM`` writes."""

BULK_FROM: Final = 256 << 20
"""Bytes of databases below which nothing is won."""

RESTART_FROM: Final = 1 << 29
"""Bytes of databases from which WAL is worth being made minimal, which needs two restarts."""

MB: Final = 1 << 20
_GB: Final = 1 << 30
_SMALLEST_MEMORY: Final = 64 * MB
_LARGEST_MEMORY: Final = 1 * _GB
_LARGEST_WAL: Final = 8 * _GB


class BulkState(StrEnum):
    """What the file ``KEPT`` of a database server says.

    ``LEFT``: a replay was cut short, and the machine has run ever since: nothing is lost.
    ``LOST``: the machine was restarted meanwhile; what was not on disk may be gone.
    """

    NONE = "none"
    LEFT = "left"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Resources:
    """What a database server may use: memory in bytes, and processors."""

    memory: int
    cores: int


SMALL: Final = Resources(2 * _GB, 2)
"""What is supposed of a machine that can't be asked."""


def bulk_changes(
    resources: Resources, jobs: int, size: int, *, restart: bool
) -> tuple[ConfigurationChange, ...]:
    """The settings of bulk mode for databases of ``size`` bytes, each as a change.

    Memory is for each of ``jobs`` that build indexes at once, and half of it is left to the cache.
    """
    memory = _within(resources.memory // 8 // max(1, jobs), _SMALLEST_MEMORY, _LARGEST_MEMORY)
    wal = _within(2 * size, _GB, _LARGEST_WAL)
    settings = {
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "autovacuum": "off",
        "checkpoint_timeout": "1h",
        "max_wal_size": f"{wal // MB}MB",
        "maintenance_work_mem": f"{memory // MB}MB",
    }
    if restart:
        # A table's rows then go to its file only: all of them are made in the transaction that
        # fills them. Archiving is off in every restored server.
        settings |= {"wal_level": "minimal", "max_wal_senders": "0"}
    return tuple(ConfigurationChange(FILE, key, None, value) for key, value in settings.items())


def needs_restart(changes: tuple[ConfigurationChange, ...]) -> bool:
    """Whether these settings hold from the server's next start only."""
    return any(change.key == "wal_level" for change in changes)


def statements(changes: tuple[ConfigurationChange, ...]) -> tuple[str, ...]:
    """The statements that make the settings, and the server read them."""
    settings = (f"ALTER SYSTEM SET {change.key} = '{change.after}'" for change in changes)
    return (*settings, "SELECT pg_catalog.pg_reload_conf()")


def _within(value: int, least: int, most: int) -> int:
    return max(least, min(value, most))
