"""The command that shows what the nodes of stacks hold: status."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from typing import Any, Final

import click

from restore.adapters.docker.node_records import find_labelled_nodes, read_node_status
from restore.adapters.docker.runner import Runner
from restore.cli.options import every_engine
from restore.cli.terminal import Terminal
from restore.errors import ExitCode, NotFoundError, RestoreError
from restore.model import Holding, Node, NodeStatus
from restore.model.node_records import (
    DATABASE_ROLES,
    conclude,
    describe_node,
    describe_nodes,
    holds,
)
from restore.replay.steps.bulk import bulk_problem

CODES: Final = {
    Holding.COMPLETE: ExitCode.PASS,
    Holding.MIXED: ExitCode.FAIL,
    Holding.INCOMPLETE: ExitCode.FAIL,
    Holding.EMPTY: ExitCode.UNVERIFIABLE,
}


@click.command("status")
@click.option("--stack", help="Only this stack; all that stand when it is left out.")
@click.pass_obj
def status_command(terminal: Terminal, stack: str | None) -> int:
    """Show which generation each node of a stack holds, and whether it is the same on all.

    Every stack of ours on the Docker engine, and on the Docker hosts that stack files name, is
    found by its labels; neither Pulumi nor a password
    is needed. A restore is complete when every node holds the same generation to the end.

    \b
    Exit code: 0 when every stack shown is complete, 3 when one is mixed or incomplete,
    else 4 when one is empty; 5 when there is no such stack.

    \b
    Examples:
      pra status
      pra --json status --stack rescue
    """
    with every_engine(terminal) as engines:
        own, *others = engines.values()
        runner = own.reaching(
            {
                node.container: engine
                for engine in others
                for nodes in find_labelled_nodes(engine).values()
                for node in nodes
            }
        )
        found = find_labelled_nodes(runner)
        if stack is not None and stack not in found:
            raise NotFoundError(
                f"no container of stack {stack} is there",
                f"stacks that stand: {', '.join(found) or 'none'}",
            )
        chosen = {name: found[name] for name in found if stack in (None, name)}
        statuses = {
            name: tuple(looked_at(runner, node) for node in nodes) for name, nodes in chosen.items()
        }
    for name, nodes in statuses.items():
        _show(terminal, name, nodes)
    if not statuses:
        terminal.print("no stack stands")
    terminal.json([_document(name, nodes) for name, nodes in statuses.items()])
    codes = {CODES[conclude(nodes)] for nodes in statuses.values()}
    return next(
        (code for code in (ExitCode.FAIL, ExitCode.UNVERIFIABLE) if code in codes), ExitCode.PASS
    )


def looked_at(runner: Runner, node: Node) -> NodeStatus:
    """A node as it is now, and whether its database server was left in bulk mode."""
    status = read_node_status(runner, node)
    if node.role not in DATABASE_ROLES:
        return status
    try:
        bulk = bulk_problem(runner, node.container)
    except (RestoreError, OSError, tarfile.TarError):
        # Whatever can't be looked at is told already.
        return status
    return replace(status, problem="; ".join(filter(None, (status.problem, bulk))))


def _show(terminal: Terminal, stack: str, nodes: tuple[NodeStatus, ...]) -> None:
    columns = ("node", "container", "health", "generation", "consistency point", "since", "run")
    terminal.table(f"Stack {stack}", columns, [_row(node) for node in nodes])
    for node in nodes:
        if holds(node) is None:
            terminal.print(f"  {describe_node(node)}")
    terminal.print(describe_nodes(nodes))


def _row(node: NodeStatus) -> tuple[str, ...]:
    record = node.record
    if record is None:
        return (node.role, node.container, node.health, "-", "-", "-", "-")
    point = f"{record.consistency_point:%Y-%m-%d %H:%M}" if record.consistency_point else "-"
    state = "" if holds(node) else " (not whole)"
    return (
        node.role,
        node.container,
        node.health,
        record.generation + state,
        point,
        f"{record.since:%Y-%m-%d %H:%M}",
        record.run or "-",
    )


def _document(stack: str, nodes: tuple[NodeStatus, ...]) -> dict[str, Any]:
    return {
        "stack": stack,
        "holding": conclude(nodes).value,
        "message": describe_nodes(nodes),
        "nodes": [
            {
                "role": node.role.value,
                "container": node.container,
                "health": node.health,
                "generation": record.generation if record else None,
                "state": record.state.value if record else None,
                "consistency_point": record.consistency_point.isoformat()
                if record and record.consistency_point
                else None,
                "since": record.since.isoformat() if record else None,
                "run": (record.run or None) if record else None,
                "problem": node.problem or None,
            }
            for node in nodes
            for record in (node.record,)
        ],
    }
