"""``pra status``: what the nodes of stacks hold."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click

from restore.cli.engines import every_engine
from restore.cli.terminal import Cell, Terminal, document_of
from restore.cli.verbs import Verb
from restore.errors import ExitCode, NotFoundError, RestoreError
from restore.model import Holding, Node, NodeStatus, node_records

if TYPE_CHECKING:
    from restore.adapters.docker.runner import Runner

CODES: Final = {
    Holding.COMPLETE: ExitCode.PASS,
    Holding.MIXED: ExitCode.FAIL,
    Holding.INCOMPLETE: ExitCode.FAIL,
    Holding.EMPTY: ExitCode.UNVERIFIABLE,
}


@click.command("status", cls=Verb)
@click.option("--stack", help="Only this stack; all that stand when it is left out.")
@click.pass_obj
def verb(terminal: Terminal, stack: str | None) -> int:
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
    from restore.adapters.docker.node_records import find_labelled_nodes

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
        standing = find_labelled_nodes(runner)
        if stack is not None and stack not in standing:
            raise NotFoundError(
                f"no container of stack {stack} is there",
                f"stacks that stand: {', '.join(standing) or 'none'}",
            )
        chosen = {name: standing[name] for name in standing if stack in (None, name)}
        statuses = {
            name: tuple(looked_at(runner, node) for node in nodes) for name, nodes in chosen.items()
        }
    documents = []
    for name, nodes in statuses.items():
        rows = [_cells(node) for node in nodes]
        terminal.table_of(f"Stack {name}", rows)
        for node in nodes:
            if node_records.holds(node) is None:
                terminal.print(f"  {node_records.describe_node(node)}")
        terminal.print(node_records.describe_nodes(nodes))
        documents.append(
            {
                "stack": name,
                "holding": node_records.conclude(nodes),
                "message": node_records.describe_nodes(nodes),
                "nodes": [document_of(row) for row in rows],
            }
        )
    if not documents:
        terminal.print("no stack stands")
    terminal.json(documents)
    codes = {CODES[node_records.conclude(nodes)] for nodes in statuses.values()}
    return next(
        (code for code in (ExitCode.FAIL, ExitCode.UNVERIFIABLE) if code in codes), ExitCode.PASS
    )


def looked_at(runner: Runner, node: Node) -> NodeStatus:
    """A node as it is now, and whether its database server was left in bulk mode."""
    from restore.adapters.docker.node_records import read_node_status
    from restore.replay.steps.bulk import bulk_problem

    status = read_node_status(runner, node)
    if node.role not in node_records.DATABASE_ROLES:
        return status
    try:
        bulk = bulk_problem(runner, node.container)
    except (RestoreError, OSError, tarfile.TarError):
        # Whatever can't be looked at is told already.
        return status
    return replace(status, problem="; ".join(filter(None, (status.problem, bulk))))


def _cells(node: NodeStatus) -> tuple[Cell, ...]:
    record = node.record
    generation = record.generation if record else None
    state = "" if node_records.holds(node) else " (not whole)"
    return (
        Cell("role", node.role, "node"),
        Cell("container", node.container, "container"),
        Cell("health", node.health, "health"),
        Cell("generation", generation, "generation", generation and generation + state),
        Cell("state", record and record.state),
        Cell("consistency_point", record and record.consistency_point, "consistency point"),
        Cell("since", record and record.since, "since"),
        Cell("run", (record and record.run) or None, "run"),
        Cell("problem", node.problem or None),
    )
