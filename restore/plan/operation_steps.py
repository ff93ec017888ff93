"""The steps of a profile's automated post-operations, in their places. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from restore.adapters.postgres import commands
from restore.model import DatabaseFacts, Part, Step, StepKind
from restore.model.messages import message
from restore.plan.placeholders import filled, filled_sql, operation_values
from restore.plan.request import PlanRequest, before_start
from restore.profile import OperationTime, PostOperation


def with_operations(
    request: PlanRequest, databases: tuple[DatabaseFacts, ...], steps: tuple[Step, ...]
) -> tuple[Step, ...]:
    """A plan's steps with the post-operations: just before the ERP's start, or when all runs.

    What acts on a reports server is left out where the environment has none.
    """
    early = _steps(request, databases, OperationTime.BEFORE_START)
    return (
        *before_start(steps, early),
        *_steps(request, databases, OperationTime.AFTER_START),
    )


def _steps(
    request: PlanRequest, databases: tuple[DatabaseFacts, ...], when: OperationTime
) -> Iterator[Step]:
    names = tuple(facts.name for facts in databases)
    for operation in request.profile.automated:
        if operation.when is not when:
            continue
        if operation.node.as_erp and request.target.reports is None:
            continue
        if operation.sql is None:
            yield _command(request, operation, names)
            continue
        for name in names:
            yield _statement(request, operation, names, name)


def _statement(
    request: PlanRequest, operation: PostOperation, databases: tuple[str, ...], database: str
) -> Step:
    values = operation_values(request.target.configuration, databases, database)
    statement = filled_sql(operation.sql or "", values)
    return Step(
        id=f"post-operation:{operation.name}:{database}",
        kind=StepKind.POST_OPERATION,
        title=message(
            "Post-operation {name} on database {database}", name=operation.name, database=database
        ),
        target=operation.node,
        database=database,
        argv=commands.run_statements(request.profile.database.superuser, database, (statement,)),
    )


def _command(request: PlanRequest, operation: PostOperation, databases: tuple[str, ...]) -> Step:
    values = operation_values(request.target.configuration, databases, None)
    return Step(
        id=f"post-operation:{operation.name}",
        kind=StepKind.POST_OPERATION,
        title=message("Post-operation {name}", name=operation.name),
        target=operation.node,
        owner=operation.user or None,
        argv=tuple(filled(part, values) for part in operation.command),
        part=Part.REPORTS if operation.node.as_erp else Part.ERP,
    )
