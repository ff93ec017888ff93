"""The steps that make a staging copy safe, before anything of the ERP runs. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from restore.adapters.postgres import commands
from restore.model import DatabaseFacts, Purpose, Step, StepKind
from restore.plan.neutralise import statements
from restore.plan.placeholders import filled, operation_values
from restore.plan.request import PlanRequest, before_start
from restore.profile import Neutralisation

UNSAFE = (
    "the profile does not say how a copy is neutralised",
    "give it a neutralisation (docs/reference/profiles.md)",
)
"""Why no staging copy is made, and what to do."""

UNSAFE_REPORTS = (
    "the profile does not say how a copy's reports server is neutralised",
    "give its neutralisation a part 'reports' (docs/reference/profiles.md)",
)


def with_staging(
    request: PlanRequest, databases: tuple[DatabaseFacts, ...], steps: tuple[Step, ...]
) -> tuple[Step, ...]:
    """A plan's steps with those that make a copy safe, for ``STAGING`` only.

    They come when all databases and documents have their final names, before post-operations,
    statistics and the ERP's start.
    """
    if request.purpose is not Purpose.STAGING:
        return steps
    return before_start(steps, _safe(request, databases))


def _safe(request: PlanRequest, databases: tuple[DatabaseFacts, ...]) -> Iterator[Step]:
    neutralisation = request.profile.neutralisation
    assert neutralisation is not None  # noqa: S101 - refused before
    names = tuple(facts.name for facts in databases)
    for name in names:
        values = operation_values(request.target.configuration, names, name)
        if neutralisation.command:
            yield _command(request, neutralisation, values["database"])
        superuser = request.profile.database.superuser
        rules = statements(neutralisation, values)
        yield Step(
            id=f"neutralise:{name}",
            kind=StepKind.NEUTRALISE,
            title=f"Neutralise database {name}",
            target=name,
            database=name,
            argv=commands.run_statements(superuser, name, rules),
            items=len(rules),
        )


def _command(request: PlanRequest, neutralisation: Neutralisation, database: str) -> Step:
    """The ERP's own command; its ``owner`` is the user as whom it runs beside the ERP's server."""
    return Step(
        id=f"neutralise:{database}:command",
        kind=StepKind.NEUTRALISE,
        title=f"Neutralise database {database} by the ERP's own command",
        target=database,
        database=database,
        owner=request.profile.erp.user,
        argv=tuple(filled(part, {"database": database}) for part in neutralisation.command),
    )
