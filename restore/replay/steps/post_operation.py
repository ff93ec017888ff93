"""Automated post-operations."""

from __future__ import annotations

from restore.adapters.postgres.commands import OS_USER
from restore.checks.operation_checks import applies
from restore.context import ReplayContext
from restore.model import Step
from restore.model.node_records import DATABASE_ROLES
from restore.replay.steps.nodes import find_node


def run_operation(context: ReplayContext, step: Step) -> None:
    """Run an operation's statement or command. Whether it did what it should, a check tells."""
    name = step.id.split(":")[1]
    operation = next(one for one in context.profile.automated if one.name == name)
    if step.database is not None and not applies(context, operation, step.database):
        return
    node = find_node(context, step.node)
    default = OS_USER if node.role in DATABASE_ROLES else ""
    context.runner.check(node.container, step.argv, user=step.owner or default)
