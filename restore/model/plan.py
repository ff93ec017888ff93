"""The steps that replay a generation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from restore.model.blueprint import ConfigurationChange
from restore.model.comparison import Difference
from restore.model.environment import Role
from restore.model.generation import Part


class StepKind(StrEnum):
    """What a step of a plan does."""

    STOP_ERP = "stop-erp"
    ROLES = "roles"
    ENTER_BULK_MODE = "enter-bulk-mode"
    LEAVE_BULK_MODE = "leave-bulk-mode"
    CREATE_DATABASE = "create-database"
    RESTORE_DATABASE = "restore-database"
    GIVE_OWNERSHIP = "give-ownership"
    ANALYZE = "analyze"
    STATISTICS = "statistics"
    CHECK_DATABASE = "check-database"
    KEEP_CACHE = "keep-copy"
    PLACE_CACHE = "place-copy"
    PROMOTE_DATABASE = "promote-database"
    OPEN_DATABASE = "open-database"
    DOCUMENTS = "documents"
    PROMOTE_DOCUMENTS = "promote-documents"
    CONFIGURATION = "configuration"
    START_ERP = "start-erp"
    DATA_SOURCE = "data-source"
    NEUTRALISE = "neutralise"
    ANONYMISE = "anonymise"
    ANONYMISE_DOCUMENTS = "anonymise-documents"
    POST_OPERATION = "post-operation"
    BEGIN_NODE = "begin-node"
    COMPLETE_NODE = "complete-node"


_OF_DATABASE_SERVERS: Final = frozenset(
    {
        StepKind.ROLES,
        StepKind.ENTER_BULK_MODE,
        StepKind.LEAVE_BULK_MODE,
        StepKind.CREATE_DATABASE,
        StepKind.RESTORE_DATABASE,
        StepKind.GIVE_OWNERSHIP,
        StepKind.ANALYZE,
        StepKind.STATISTICS,
        StepKind.CHECK_DATABASE,
        StepKind.KEEP_CACHE,
        StepKind.PLACE_CACHE,
        StepKind.PROMOTE_DATABASE,
        StepKind.OPEN_DATABASE,
        StepKind.NEUTRALISE,
        StepKind.ANONYMISE,
        # Asked of the reports server, kept in its database.
        StepKind.DATA_SOURCE,
    }
)
_TARGET_IS_NODE: Final = frozenset(
    {StepKind.POST_OPERATION, StepKind.BEGIN_NODE, StepKind.COMPLETE_NODE}
)


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
        if self.kind in _TARGET_IS_NODE:
            return Role(self.target)
        if self.kind in _OF_DATABASE_SERVERS:
            return Role.DATABASE if self.part is Part.ERP else Role.REPORTS_DATABASE
        return Role.ERP if self.part is Part.ERP else Role.REPORTS


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
