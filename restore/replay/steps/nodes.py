"""Nodes marked as being replayed, then as complete; and operations that are run on them after."""

from __future__ import annotations

from restore import __version__
from restore.adapters.docker.health import read_health
from restore.adapters.docker.node_records import find_nodes, write_record
from restore.adapters.postgres.commands import OS_USER
from restore.checks.operation_checks import applies
from restore.context import ReplayContext
from restore.errors import ReplayError
from restore.model import Node, NodeRecord, NodeState, Part, Role, Step, StepKind
from restore.model.node_records import DATABASE_ROLES


def mark_node(context: ReplayContext, step: Step) -> None:
    """Mark a node as being replayed into, or as holding the whole generation."""
    begins = step.kind is StepKind.BEGIN_NODE
    node = find_node(context, step.node)
    model = context.runner.container(node.container)
    if node.role is Role.PROXY:
        health = read_health(context.runner, node.container)
        if health != "healthy":
            raise ReplayError(f"the reverse proxy is {health}")
    half = context.of(step.part)
    known = (facts.name for facts in half.generation.fingerprint.databases)
    # Some of the ERP's databases were replayed there, all of a reports server's.
    wanted = context.databases if step.part is Part.ERP else ()
    replayed = tuple(name for name in known if not wanted or name in wanted)
    record = NodeRecord(
        role=node.role,
        state=NodeState.REPLAYING if begins else NodeState.COMPLETE,
        generation=context.generation.id,
        profile=context.generation.profile,
        consistency_point=context.generation.consistency_point,
        run=context.run,
        since=context.now(),
        engine_version=__version__,
        container=str(model.id),
        databases=replayed if node.role in DATABASE_ROLES else (),
    )
    mounts = half.profile.erp.data if node.role in (Role.ERP, Role.REPORTS) else ()
    write_record(context.runner, node, record, mounts[0].path if mounts else None)


def find_node(context: ReplayContext, role: Role) -> Node:
    """The node of an environment with that role.

    Raises:
        ReplayError: it has none.
    """
    for node in find_nodes(context.runner, context.environment):
        if node.role is role:
            return node
    raise ReplayError(f"the environment has no node {role}")


def run_operation(context: ReplayContext, step: Step) -> None:
    """Run an operation's statement or command. Whether it did what it should, a check tells."""
    name = step.id.split(":")[1]
    operation = next(one for one in context.profile.automated if one.name == name)
    if step.database is not None and not applies(context, operation, step.database):
        return
    node = find_node(context, step.node)
    default = OS_USER if node.role in DATABASE_ROLES else ""
    context.runner.check(node.container, step.argv, user=step.owner or default)
