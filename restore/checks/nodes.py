"""Whether every node of an environment holds the same generation, to the end."""

from __future__ import annotations

from restore.adapters.docker.node_records import find_nodes, read_node_status
from restore.checks.base import Check, Finding, passed_unless, run_check
from restore.context import ReplayContext
from restore.model import CheckResult, Holding, NodeStatus
from restore.model.messages import message
from restore.model.node_records import conclude, describe_node, describe_nodes, holds


def nodes_check(generation: str) -> Check:
    """The one check that there is."""
    return Check(
        "nodes.generation",
        message("Every node holds the same generation"),
        message("every node holds generation {id}", id=generation),
    )


def check_nodes(context: ReplayContext) -> CheckResult:
    """Ask every node what it holds."""
    wanted = context.generation.id

    def probe() -> Finding:
        nodes = tuple(
            read_node_status(context.runner, node)
            for node in find_nodes(context.runner, context.environment)
        )
        return _judged(nodes, wanted)

    return run_check(nodes_check(wanted), probe)


def _judged(nodes: tuple[NodeStatus, ...], wanted: str) -> Finding:
    wrong = any(holds(node) != wanted for node in nodes)
    if not wrong:
        return passed_unless((), message("{n} nodes hold generation {id}", n=len(nodes), id=wanted))
    details = tuple(map(describe_node, nodes))
    what = describe_nodes(nodes)
    # A set that is complete, but of another generation, has its sentence all the same.
    observed = (
        message("{what}, not {wanted}", what=what, wanted=wanted)
        if conclude(nodes) is Holding.COMPLETE
        else what
    )
    return passed_unless(details, observed)
