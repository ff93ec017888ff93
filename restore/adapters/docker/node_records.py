"""Reads and writes the record of which generation a server holds; it is kept with the data.

A database server has it as the comment of its database ``postgres``; what it says is held against
the marks of the databases themselves. A server has it in a small file on the volume of its data, or
in its container where it has no volume; the file names the container, since configuration lies
there. A proxy has no data: its site comes with its container, whose label names the generation
until a replay into the environment that stands writes another.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Final

from docker.models.containers import Container

from restore.adapters.docker.health import read_health
from restore.adapters.docker.runner import LABEL, Runner
from restore.adapters.docker.tar import Owner, single_file
from restore.adapters.postgres import commands
from restore.errors import NotFoundError, ReplayError, RestoreError
from restore.model import Environment, Node, NodeRecord, NodeState, NodeStatus, Role
from restore.model.messages import joined, message
from restore.model.node_records import DATABASE_ROLES, MARK, nodes_of, parse_record, record_text

FILE: Final = ".pra-node.json"
"""The record's file, on the volume of a server's data."""
PLACE: Final = "/var/lib/pra/node.json"
"""The record's file in a container that keeps its data in itself."""

ROLE: Final = "pra.role"
GENERATION: Final = "pra.generation"

_OURS: Final = "pra: node "
"""How the comment begins that is a record."""
_COMMENTS: Final = (
    "SELECT pg_catalog.json_object_agg(datname, pg_catalog.shobj_description(oid, 'pg_database'))"
    " FROM pg_catalog.pg_database WHERE NOT datistemplate"
)


def find_nodes(runner: Runner, environment: Environment) -> tuple[Node, ...]:
    """The nodes of an environment; its proxy is found by its labels, if it has one."""
    found = find_labelled_nodes(runner, environment.stack).get(environment.stack, ())
    proxy = next((node for node in found if node.role is Role.PROXY), None)
    return nodes_of(environment, proxy)


def find_labelled_nodes(runner: Runner, stack: str | None = None) -> Mapping[str, tuple[Node, ...]]:
    """The nodes of every stack that stands, or of one, by their containers' labels."""
    order = list(Role)
    ours = LABEL if stack is None else f"{LABEL}={stack}"
    selector: dict[str, str | list[str] | bool] = {"label": [ours, ROLE]}
    stacks: dict[str, list[Node]] = {}
    found = (
        container
        for client in runner.clients
        for container in client.containers.list(all=True, filters=selector, ignore_removed=True)
    )
    for container in found:
        role = container.labels[ROLE]
        if role in order:
            nodes = stacks.setdefault(container.labels[LABEL], [])
            nodes.append(Node(Role(role), str(container.id)))
    return {
        name: tuple(sorted(nodes, key=lambda node: order.index(node.role)))
        for name, nodes in sorted(stacks.items())
    }


def write_record(runner: Runner, node: Node, record: NodeRecord, folder: str | None) -> None:
    """Write a node's record and read it back.

    Args:
        folder: where the volume of a server's data is mounted; None where it has none.

    Raises:
        ReplayError: the node doesn't say what was written.
    """
    text = record_text(record)
    if node.role in DATABASE_ROLES:
        statement = f"COMMENT ON DATABASE postgres IS {commands.literal(_OURS + text)}"
        argv = commands.run_statements(node.superuser, "postgres", (statement,))
        runner.check(node.container, argv, user=commands.OS_USER)
    else:
        base, name = (folder, FILE) if folder else ("/", PLACE.lstrip("/"))
        runner.write_archive(node.container, base, iter((_archive(name, text),)))
    if _read(runner, node) != record:
        raise ReplayError(f"node {node.role} does not say what was written into its record")


def find_begun_nodes(runner: Runner, nodes: Iterable[Node]) -> frozenset[Role]:
    """The roles of the nodes whose record says that a replay has begun and not ended."""
    statuses = (read_node_status(runner, node) for node in nodes)
    return frozenset(
        status.role
        for status in statuses
        if status.record is not None and status.record.state is NodeState.REPLAYING
    )


def read_node_status(runner: Runner, node: Node) -> NodeStatus:
    """Read health and record of a node; what can't be read becomes the status's ``problem``."""
    name, health = node.container[:12], "unknown"
    try:
        container = runner.container(node.container)
        name, health = str(container.name), read_health(runner, node.container)
        record = _read(runner, node)
        problem = _problem(runner, node, container, record) if record else ""
    except (RestoreError, OSError, tarfile.TarError) as error:
        message = error.message if isinstance(error, RestoreError) else str(error)
        return NodeStatus(node.role, name, health, None, message)
    return NodeStatus(node.role, name, health, record, problem)


def _read(runner: Runner, node: Node) -> NodeRecord | None:
    """A node's record as it is; None where it has none."""
    if node.role in DATABASE_ROLES:
        comment = _comments(runner, node).get("postgres") or ""
        return parse_record(comment.removeprefix(_OURS)) if comment.startswith(_OURS) else None
    container = runner.container(node.container)
    mounts: list[dict[str, Any]] = container.attrs["Mounts"]
    volumes = sorted(one["Destination"] for one in mounts if one["Type"] == "volume")
    for path in (*(str(PurePosixPath(folder, FILE)) for folder in volumes), PLACE):
        try:
            text = runner.read_file(node.container, path).decode(errors="replace")
        except NotFoundError:
            continue
        return parse_record(text)
    return _label_record(container) if node.role is Role.PROXY else None


def _problem(runner: Runner, node: Node, container: Container, record: NodeRecord) -> str:
    """Why a record does not match what the node really holds; empty when it does."""
    if record.role is not node.role:
        return f"it is that of node {record.role}"
    if node.role not in DATABASE_ROLES:
        made_anew = record.container != str(container.id)
        return message("its container was made anew since") if made_anew else ""
    if record.state is not NodeState.COMPLETE:
        return ""
    comments = _comments(runner, node)
    wrong = [
        _other_origin(name, comments.get(name))
        if name in comments
        else message("database {name} is gone", name=name)
        for name in record.databases
        if comments.get(name) != MARK + record.generation
    ]
    return joined(", ", wrong)


def _other_origin(name: str, comment: str | None) -> str:
    found = (comment or "").removeprefix(MARK)
    if found and found != comment:
        return message("database {name} is from generation {id}", name=name, id=found)
    return message("database {name} is not the restored one", name=name)


def _comments(runner: Runner, node: Node) -> dict[str, str | None]:
    """The comments of a server's databases, asked for inside its container, without password."""
    argv = commands.query(node.superuser, "postgres", _COMMENTS)
    found: dict[str, str | None] = json.loads(
        runner.check(node.container, argv, user=commands.OS_USER)
    )
    return found


def _label_record(container: Container) -> NodeRecord | None:
    generation = container.labels.get(GENERATION)
    if not generation:
        return None
    return NodeRecord(
        role=Role.PROXY,
        state=NodeState.COMPLETE,
        generation=generation,
        profile="",
        consistency_point=None,
        run="",
        since=datetime.fromisoformat(str(container.attrs["Created"])).replace(microsecond=0),
        engine_version="",
        container=str(container.id),
    )


def _archive(name: str, text: str) -> bytes:
    """A tar archive of the file, with the folder above it where it has one."""
    file = single_file(name, text.encode() + b"\n", Owner(0, 0), 0o644)
    if "/" not in name:
        return file
    folder = tarfile.TarInfo(str(PurePosixPath(name).parent))
    folder.type, folder.mode = tarfile.DIRTYPE, 0o755
    return folder.tobuf() + file
