"""Bulk mode: how PostgreSQL is set while databases are loaded into it, when, by which steps. Pure.

Settings that give up safety for speed (``fsync``) are only for a server that holds nothing yet
which could be lost. What it had is kept beside its data, under ``KEPT``, from before the first
setting changes until after everything is on disk: as long as that file is there, the server
is in bulk mode or was not put right.
"""

from __future__ import annotations

from typing import Final

from restore.adapters.postgres import commands
from restore.model import ArtifactKind, ConfigurationChange, DatabaseFacts, Step, StepKind
from restore.model.messages import message
from restore.plan.request import BulkState, PlanRequest, Resources, temporary_name

KEPT: Final = "pra-bulk-mode.json"
"""File in the server's data that marks it; holds what its settings were."""

FILE: Final = "postgresql.auto.conf"
"""Where ``ALTER SYSTEM`` writes."""

LOST: Final = (
    "its database server was left in bulk mode (fsync off) by a replay that was cut short, and its "
    "machine was restarted since: what it holds may be damaged",
    "make a new one: 'pulumi destroy' and 'pulumi up', or 'pra drill'",
)
"""Reason and hint of the refusal of a server that can't be put right."""

_LEAVE: Final = message("Take the database server out of bulk mode, everything on disk")
_PUT_RIGHT: Final = message(
    "Put right the database server, left in bulk mode by a replay that was cut short",
)

MB: Final = 1 << 20
_GB: Final = 1 << 30
_SMALLEST_MEMORY: Final = 64 * MB
_LARGEST_MEMORY: Final = 1 * _GB
_LARGEST_WAL: Final = 8 * _GB


def bulk_changes(
    resources: Resources, jobs: int, size: int, *, restart: bool
) -> tuple[ConfigurationChange, ...]:
    """The settings of bulk mode for databases of ``size`` bytes, each as a change.

    Memory is for each of ``jobs`` that build indexes at once, and half of it is left to the cache.
    """
    memory = min(max(resources.memory // 8 // max(1, jobs), _SMALLEST_MEMORY), _LARGEST_MEMORY)
    wal = min(max(2 * size, _GB), _LARGEST_WAL)
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
    """Whether these settings take effect only when the server is restarted."""
    return any(change.key == "wal_level" for change in changes)


def statements(changes: tuple[ConfigurationChange, ...]) -> tuple[str, ...]:
    """The SQL statements that set these settings and make the server reload its configuration."""
    settings = (f"ALTER SYSTEM SET {change.key} = '{change.after}'" for change in changes)
    return (*settings, "SELECT pg_catalog.pg_reload_conf()")


def in_bulk_mode(
    request: PlanRequest, databases: tuple[DatabaseFacts, ...], steps: tuple[Step, ...]
) -> tuple[Step, ...]:
    """The steps that load databases, in bulk mode where nothing can be lost by it."""
    left = (_leave(request, ":left", _PUT_RIGHT),) if request.target.bulk is BulkState.LEFT else ()
    # What this plan creates anyway is nothing that could be lost.
    made = {temporary_name(facts.name, request.generation.id) for facts in databases}
    holds_nothing = all(item.ours and item.name in made for item in request.target.existing)
    if not is_large(request, databases) or not holds_nothing:
        return (*left, *steps)
    size = _total(request, databases)
    return (*left, _enter(request, size), *steps, _leave(request))


def is_large(request: PlanRequest, databases: tuple[DatabaseFacts, ...]) -> bool:
    """Whether the databases are large enough for bulk mode to save time."""
    return _total(request, databases) >= request.bulk_from


def _total(request: PlanRequest, databases: tuple[DatabaseFacts, ...]) -> int:
    return sum(size_of(request, facts) for facts in databases)


def size_of(request: PlanRequest, facts: DatabaseFacts) -> int:
    """Bytes of a database; of its dump where the backup does not record the database's size."""
    dumps = request.generation.artifacts_of(ArtifactKind.DATABASE, facts.name)
    return max(facts.size, *(dump.bytes for dump in dumps), 0)


def _enter(request: PlanRequest, size: int) -> Step:
    changes = bulk_changes(
        request.target.resources, request.jobs, size, restart=size >= request.restart_from
    )
    superuser = request.profile.database.superuser
    return Step(
        id="enter-bulk-mode",
        kind=StepKind.ENTER_BULK_MODE,
        title=message("Put the database server into bulk mode"),
        target=request.profile.database.data,
        argv=commands.run_statements(superuser, "postgres", statements(changes)),
        changes=changes,
    )


def _leave(request: PlanRequest, suffix: str = "", title: str = _LEAVE) -> Step:
    data = request.profile.database.data
    return Step(
        id=f"leave-bulk-mode{suffix}",
        kind=StepKind.LEAVE_BULK_MODE,
        title=title,
        target=data,
        argv=commands.sync_cluster(data),
    )
