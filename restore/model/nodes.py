"""The nodes of an environment, and the generation that each says it holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from restore.model.environment import Role


class NodeState(StrEnum):
    """How far the replay of the generation that a node names has come there."""

    REPLAYING = "replaying"
    """It was begun: what the node holds is a mixture until it ends."""
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """What a node says of itself, kept with its data so that it goes when they go.

    ``consistency_point`` is None where only a label tells of the generation. ``container`` is the
    id of the container that was replayed into: a server made anew since has lost what was not on a
    volume. ``databases`` are those of a database server.
    """

    role: Role
    state: NodeState
    generation: str
    profile: str
    consistency_point: datetime | None
    run: str
    since: datetime
    engine_version: str
    container: str
    databases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """A server of an environment: its role, and its container by name or id."""

    role: Role
    container: str
    superuser: str = "postgres"
    """Of a database server: whom its record is written and read as."""


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """A node as it was found.

    ``health`` is the container's own probe's (``healthy``, ``exited``, …). ``problem`` says why the
    record is not to be believed, or could not be read; a node without record and problem is empty.
    """

    role: Role
    container: str
    health: str
    record: NodeRecord | None
    problem: str = ""


class Holding(StrEnum):
    """What the nodes of an environment hold together."""

    COMPLETE = "complete"
    """Every node holds the same generation, to the end."""
    MIXED = "mixed"
    """Nodes hold different generations."""
    INCOMPLETE = "incomplete"
    """A node holds nothing, a replay that did not end, or can't be read."""
    EMPTY = "empty"
    """No node holds anything."""
