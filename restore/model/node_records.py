"""What nodes say they hold, as text and back, and what they hold together. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from restore import model
from restore.errors import ReplayError
from restore.model.codec import decode, encode, time_with_offset
from restore.model.messages import message

FORMAT: Final = 1
"""Version of a record's layout; a reader refuses a newer one."""

MARK: Final = "pra: restored from generation "
"""How the comment of a database begins that the engine made; the generation's id follows."""

DATABASE_ROLES: Final = frozenset({model.Role.DATABASE, model.Role.REPORTS_DATABASE})


def nodes_of(
    environment: model.Environment, proxy: model.Node | None = None
) -> tuple[model.Node, ...]:
    """The nodes of an environment, in the order of their roles; its outputs name no proxy."""
    database, erp = model.Role.DATABASE, model.Role.ERP
    found = [*_half(environment, database, erp)]
    if proxy is not None:
        found.append(proxy)
    if environment.reports is not None:
        found += _half(environment.reports, model.Role.REPORTS_DATABASE, model.Role.REPORTS)
    return tuple(found)


def _half(
    environment: model.Environment, database: model.Role, server: model.Role
) -> tuple[model.Node, model.Node]:
    return (
        model.Node(database, environment.database.container, environment.database.superuser),
        model.Node(server, environment.erp.container),
    )


def record_text(record: model.NodeRecord) -> str:
    """A record as a line of JSON; the same line for the same record."""
    document = {"format": FORMAT, **encode(record, time_with_offset)}
    return json.dumps(document, ensure_ascii=False)


def parse_record(text: str) -> model.NodeRecord:
    """A record from its line.

    Raises:
        ReplayError: the text is no record; one that was cut while it was written is none either.
    """
    try:
        document: dict[str, Any] = json.loads(text)
        if document["format"] > FORMAT:
            raise ReplayError(
                "its record was written by a newer engine", "look with that one, or a newer one"
            )
        return decode(model.NodeRecord, document)
    except (ValueError, KeyError, TypeError) as error:
        raise ReplayError(
            message("its record can't be read: it was cut while it was written"),
            "replay the node again",
        ) from error


def conclude(nodes: Sequence[model.NodeStatus]) -> model.Holding:
    """What the nodes of one environment hold together."""
    # A proxy has no data: what it serves comes with its container.
    if not any(node.record or node.problem for node in nodes if node.role is not model.Role.PROXY):
        return model.Holding.EMPTY
    if len({node.record.generation for node in nodes if node.record}) > 1:
        return model.Holding.MIXED
    whole = all(holds(node) is not None for node in nodes)
    return model.Holding.COMPLETE if whole else model.Holding.INCOMPLETE


def holds(node: model.NodeStatus) -> str | None:
    """The generation that a node holds to the end; None when it does not."""
    if node.record is None or node.problem or node.record.state is not model.NodeState.COMPLETE:
        return None
    return node.record.generation


def describe_node(node: model.NodeStatus) -> str:
    """What a node holds, in a sentence."""
    if node.record is None:
        return (
            message("node {role}: {problem}", role=node.role, problem=node.problem)
            if node.problem
            else message("node {role} is empty", role=node.role)
        )
    generation = node.record.generation
    if node.problem:
        return message(
            "node {role} held generation {id}, but {problem}",
            role=node.role,
            id=generation,
            problem=node.problem,
        )
    if node.record.state is model.NodeState.REPLAYING:
        return message(
            "node {role}: the replay of generation {id} by run {run} did not end",
            role=node.role,
            id=generation,
            run=node.record.run,
        )
    return message("node {role} holds generation {id}", role=node.role, id=generation)


def describe_nodes(nodes: Sequence[model.NodeStatus]) -> str:
    """What the nodes hold together, in a sentence."""
    match conclude(nodes):
        case model.Holding.COMPLETE:
            held = {holds(node) for node in nodes}
            return message("complete: every node holds generation {id}", id=held.pop())
        case model.Holding.MIXED:
            groups: dict[str, list[str]] = {}
            for node in nodes:
                name = node.record.generation if node.record else "nothing"
                groups.setdefault(name, []).append(node.role)
            parts = (f"{', '.join(roles)}: {name}" for name, roles in sorted(groups.items()))
            return message("mixed: nodes hold different generations; {what}", what="; ".join(parts))
        case model.Holding.INCOMPLETE:
            wrong = ", ".join(node.role for node in nodes if holds(node) is None)
            return message("incomplete: no whole generation on {roles}", roles=wrong)
        case model.Holding.EMPTY:
            return message("empty: no node holds a generation")
