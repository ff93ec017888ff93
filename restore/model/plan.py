"""The steps that replay a generation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final, Self

from restore.model.blueprint import ConfigurationChange
from restore.model.comparison import Difference
from restore.model.environment import Role
from restore.model.generation import Part


class Lane(Enum):
    """What runs beside what: databases beside documents, the ERP's start beside statistics."""

    DATABASES = "databases"
    DOCUMENTS = "documents"
    START = "start"
    STATISTICS = "statistics"


class Effect(Enum):
    """What a kind of step means for the node that it is about."""

    LOADS = "loads"
    """Its command says how a database's data were made: part of a cache's key."""
    CHANGES = "changes"
    """It changes what the node holds. What is made aside changes nothing of it."""
    AROUND = "around"
    """It is done whichever node of the half is replayed: nothing writes meanwhile."""
    AFTERWARDS = "afterwards"
    """It is done on a node that is complete."""


_DATABASE: Final = Role.DATABASE
_ERP: Final = Role.ERP


class StepKind(StrEnum):
    """What a step of a plan does: its name in a plan, its node, its lane, its effect.

    The node is the ERP's, seen from its half; None: the step's target names it. A kind without a
    lane runs alone.
    """

    _value_: str
    node: Role | None
    lane: Lane | None
    effect: Effect | None

    def __new__(
        cls, name: str, node: Role | None, lane: Lane | None = None, effect: Effect | None = None
    ) -> Self:
        kind = str.__new__(cls, name)
        kind._value_, kind.node, kind.lane, kind.effect = name, node, lane, effect
        return kind

    STOP_ERP = "stop-erp", _ERP, None, Effect.AROUND
    # Documents need no role of a database server.
    ROLES = "roles", _DATABASE, Lane.DATABASES, Effect.LOADS
    # Bulk mode leaves nothing behind.
    ENTER_BULK_MODE = "enter-bulk-mode", _DATABASE, Lane.DATABASES
    LEAVE_BULK_MODE = "leave-bulk-mode", _DATABASE, Lane.DATABASES
    CREATE_DATABASE = "create-database", _DATABASE, Lane.DATABASES, Effect.LOADS
    RESTORE_DATABASE = "restore-database", _DATABASE, Lane.DATABASES, Effect.LOADS
    GIVE_OWNERSHIP = "give-ownership", _DATABASE, Lane.DATABASES, Effect.LOADS
    ANALYZE = "analyze", _DATABASE, Lane.DATABASES, Effect.LOADS
    STATISTICS = "statistics", _DATABASE, Lane.STATISTICS, Effect.AFTERWARDS
    CHECK_DATABASE = "check-database", _DATABASE, Lane.DATABASES
    KEEP_CACHE = "keep-copy", _DATABASE, Lane.DATABASES
    PLACE_CACHE = "place-copy", _DATABASE, Lane.DATABASES
    PROMOTE_DATABASE = "promote-database", _DATABASE, None, Effect.CHANGES
    OPEN_DATABASE = "open-database", _DATABASE
    DOCUMENTS = "documents", _ERP, Lane.DOCUMENTS
    PROMOTE_DOCUMENTS = "promote-documents", _ERP, None, Effect.CHANGES
    CONFIGURATION = "configuration", _ERP, None, Effect.CHANGES
    START_ERP = "start-erp", _ERP, Lane.START, Effect.AROUND
    # Asked of the reports server, kept in its database.
    DATA_SOURCE = "data-source", _DATABASE, None, Effect.CHANGES
    NEUTRALISE = "neutralise", _DATABASE
    ANONYMISE = "anonymise", _DATABASE
    ANONYMISE_DOCUMENTS = "anonymise-documents", _ERP
    POST_OPERATION = "post-operation", None, None, Effect.AFTERWARDS
    BEGIN_NODE = "begin-node", None
    COMPLETE_NODE = "complete-node", None


@dataclass(frozen=True, slots=True)
class Step:
    """One act of a plan, complete: execution consumes nothing else.

    ``argv`` is the command, where the step is one; ``target`` what it changes; ``source`` the path
    inside the generation that it reads. ``staging`` is the temporary name or folder under which
    ``target`` is made before it is promoted; ``owner`` the user of the target's files. ``bytes``
    and ``items`` are what it moves, for progress. ``part`` is where it acts.
    """

    id: str
    kind: StepKind
    title: str
    target: str
    database: str | None = None
    source: str | None = None
    staging: str | None = None
    owner: str | None = None
    argv: tuple[str, ...] = ()
    bytes: int = 0
    items: int = 0
    changes: tuple[ConfigurationChange, ...] = ()
    part: Part = Part.ERP

    @property
    def node(self) -> Role:
        """The node whose content the step is about."""
        node = self.kind.node
        if node is None:
            return Role(self.target)
        return node if self.part is Part.ERP else node.of_reports


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """The steps that replay a generation into an environment, in order."""

    generation: str
    profile: str
    environment: str
    databases: tuple[str, ...]
    differences: tuple[Difference, ...]
    steps: tuple[Step, ...]
    bytes: int
