"""When databases are loaded in bulk mode, and the steps around them that do it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from restore.adapters.postgres import commands
from restore.model import ArtifactKind, DatabaseFacts, Step, StepKind
from restore.plan.bulk import BulkState, bulk_changes, statements
from restore.plan.request import PlanRequest, temporary_name

LOST: Final = (
    "its database server was left in bulk mode (fsync off) by a replay that was cut short, and its "
    "machine was restarted since: what it holds may be damaged",
    "make a new one: 'pulumi destroy' and 'pulumi up', or 'pra drill'",
)
"""Reason and hint of the refusal of a server that can't be put right."""


def in_bulk_mode(
    request: PlanRequest, databases: tuple[DatabaseFacts, ...], steps: tuple[Step, ...]
) -> tuple[Step, ...]:
    """The steps that load databases, in bulk mode where nothing can be lost by it."""
    left = tuple(_put_right(request))
    if not is_large(request, databases) or not _holds_nothing(request, databases):
        return (*left, *steps)
    size = _total(request, databases)
    return (*left, _enter(request, size), *steps, _leave(request))


def is_large(request: PlanRequest, databases: tuple[DatabaseFacts, ...]) -> bool:
    """Whether databases are of a size from which time can be won."""
    return _total(request, databases) >= request.bulk_from


def _total(request: PlanRequest, databases: tuple[DatabaseFacts, ...]) -> int:
    return sum(size_of(request, facts) for facts in databases)


def size_of(request: PlanRequest, facts: DatabaseFacts) -> int:
    """Bytes of a database; of its dump where a backup does not tell."""
    dumps = request.generation.artifacts_of(ArtifactKind.DATABASE, facts.name)
    return max(facts.size, *(dump.bytes for dump in dumps), 0)


def _holds_nothing(request: PlanRequest, databases: tuple[DatabaseFacts, ...]) -> bool:
    """Whether the server has no database but those that this plan makes anew anyway."""
    made = {temporary_name(facts.name, request.generation.id) for facts in databases}
    return all(item.ours and item.name in made for item in request.target.existing)


def _put_right(request: PlanRequest) -> Iterator[Step]:
    if request.target.bulk is BulkState.LEFT:
        yield Step(
            id="leave-bulk-mode:left",
            kind=StepKind.LEAVE_BULK_MODE,
            title="Put right the database server, left in bulk mode by a replay that was cut short",
            target=request.profile.database.data,
            argv=commands.sync_cluster(request.profile.database.data),
        )


def _enter(request: PlanRequest, size: int) -> Step:
    changes = bulk_changes(
        request.target.resources, request.jobs, size, restart=size >= request.restart_from
    )
    superuser = request.profile.database.superuser
    return Step(
        id="enter-bulk-mode",
        kind=StepKind.ENTER_BULK_MODE,
        title="Put the database server into bulk mode",
        target=request.profile.database.data,
        argv=commands.run_statements(superuser, "postgres", statements(changes)),
        changes=changes,
    )


def _leave(request: PlanRequest) -> Step:
    data = request.profile.database.data
    return Step(
        id="leave-bulk-mode",
        kind=StepKind.LEAVE_BULK_MODE,
        title="Take the database server out of bulk mode, everything on disk",
        target=data,
        argv=commands.sync_cluster(data),
    )
