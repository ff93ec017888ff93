"""The steps that replay a generation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from restore.model.blueprint import ConfigurationChange
from restore.model.comparison import Difference
from restore.model.generation import Part


class StepKind(StrEnum):
    """What a step of a plan does."""

    STOP_ERP = "stop-erp"
    ROLES = "roles"
    CREATE_DATABASE = "create-database"
    RESTORE_DATABASE = "restore-database"
    GIVE_OWNERSHIP = "give-ownership"
    ANALYZE = "analyze"
    CHECK_DATABASE = "check-database"
    PROMOTE_DATABASE = "promote-database"
    DOCUMENTS = "documents"
    PROMOTE_DOCUMENTS = "promote-documents"
    CONFIGURATION = "configuration"
    START_ERP = "start-erp"
    DATA_SOURCE = "data-source"


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
