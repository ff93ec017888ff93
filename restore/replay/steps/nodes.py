"""Nodes marked as being replayed, then as complete."""

from __future__ import annotations

from restore import __version__
from restore.adapters.docker.health import read_health
from restore.adapters.docker.node_records import find_nodes, write_record
from restore.context import ReplayContext
from restore.errors import ReplayError
from restore.model import Node, NodeRecord, NodeState, Part, Role, Step
from restore.model.node_records import DATABASE_ROLES


def begin_node(context: ReplayContext, step: Step) -> None:
    """Mark a node as being replayed into."""
    _write(context, step, NodeState.REPLAYING)


def complete_node(context: ReplayContext, step: Step) -> None:
    """Mark a node as holding the whole generation."""
    _write(context, step, NodeState.COMPLETE)


def _write(context: ReplayContext, step: Step, state: NodeState) -> None:
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
        state=state,
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
