"""When a plan makes a cache of a database server's data, or places one. Pure.

A cache is made once the databases are loaded and checked under their temporary names, and before
anything is promoted. Placed, it stands for the steps that loaded them: all that comes before it was
taken but the checks, which are made anew.
"""

from __future__ import annotations

from restore.adapters.postgres import commands
from restore.model import Step, StepKind
from restore.model.cache import DATA
from restore.model.messages import message
from restore.plan.request import PlanRequest


def with_cache(
    request: PlanRequest, roles: tuple[Step, ...], made: tuple[Step, ...]
) -> tuple[Step, ...]:
    """The steps up to databases that are checked under their temporary names.

    Args:
        roles: the steps that make roles; they run again, for a cache has the passwords of another
            environment.
        made: the steps that make the databases from their dumps.
    """
    use = request.target.cache
    if use is None:
        return (*roles, *made)
    size = sum(step.bytes for step in made)
    data = request.profile.database.data
    if use.volume is None:
        return (
            *roles,
            *made,
            Step(
                id="keep-copy",
                kind=StepKind.KEEP_CACHE,
                title=message("Keep a copy of the database server's data"),
                target=use.key,
                staging=data,
                argv=commands.sync_cluster(DATA),
            ),
        )
    place = Step(
        id="place-copy",
        kind=StepKind.PLACE_CACHE,
        title=message("Place a kept copy of the database server's data"),
        target=data,
        staging=use.volume,
        argv=commands.sync_cluster(data),
        bytes=size,
    )
    return (place, *roles, *(step for step in made if step.kind is StepKind.CHECK_DATABASE))
