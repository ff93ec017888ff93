"""The words for what is stored in a repository, and for what is wrong there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from restore.errors import DamagedGenerationError
from restore.model import (
    ArtifactKind,
    DumpForm,
    Part,
)

_ID: Final = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]{6}")
_ID_TIME: Final = "%Y%m%dT%H%M%SZ"


def generation_id(started: datetime, token: str) -> str:
    """The id of a generation begun at ``started``; ``token`` is six hexadecimal digits."""
    name = f"{started.astimezone(UTC).strftime(_ID_TIME)}-{token}"
    if not _ID.fullmatch(name):
        raise ValueError(f"{name!r} is no generation id")
    return name


def is_generation_id(name: str) -> bool:
    """Whether ``name`` has the form of an id."""
    return started_of(name) is not None


def started_of(name: str) -> datetime | None:
    """When the generation with this id was begun; None when ``name`` is no id."""
    match = _ID.fullmatch(name)
    try:
        return datetime.strptime(match[1], _ID_TIME).replace(tzinfo=UTC) if match else None
    except ValueError:
        return None


class ProblemKind(StrEnum):
    """In which way a generation's file is not what its manifest says."""

    MISSING = "missing"
    EXTRA = "extra"
    CHANGED = "changed"
    SIZE = "size"
    UNREADABLE = "unreadable"
    UNSAFE = "unsafe"
    CONTRADICTS = "contradicts"
    """Its bytes are those that were captured, but it says something else than the manifest."""


class DamagedFileError(DamagedGenerationError):
    """One file of a generation is not what its manifest says.

    ``path`` is relative to the generation's root.
    """

    def __init__(self, generation: str, path: str, kind: ProblemKind, detail: str) -> None:
        super().__init__(
            f"generation {generation} is damaged: {path}: {detail}",
            "'pra verify' lists all damage; choose another generation",
        )
        self.path = path
        self.kind = kind
        self.detail = detail


@dataclass(frozen=True, slots=True)
class ArtifactSpec:
    """An artefact about to be written; same meanings as in ``model.Artifact``."""

    name: str
    kind: ArtifactKind
    database: str | None
    location: str
    folder: str
    form: DumpForm = DumpForm.DIRECTORY
    part: Part = Part.ERP


def database_spec(name: str, location: str, form: DumpForm = DumpForm.DIRECTORY) -> ArtifactSpec:
    """The artefact of a database's dump."""
    kind, folder = ArtifactKind.DATABASE, f"database/{name}"
    return ArtifactSpec(f"database-{name}", kind, name, location, folder, form)


def documents_spec(tree: str, database: str, location: str) -> ArtifactSpec:
    """The artefact of a database's folder in a tree of documents."""
    kind, folder = ArtifactKind.DOCUMENTS, f"documents/{tree}/{database}"
    return ArtifactSpec(f"{tree}-{database}", kind, database, location, folder)


def roles_spec(location: str) -> ArtifactSpec:
    """The artefact of a database server's roles."""
    return ArtifactSpec("roles", ArtifactKind.ROLES, None, location, "roles")


def configuration_spec(server: str, location: str) -> ArtifactSpec:
    """The artefact of a server's configuration files."""
    kind, name = ArtifactKind.CONFIGURATION, f"configuration-{server}"
    return ArtifactSpec(name, kind, None, location, f"configuration/{server}")


@dataclass(frozen=True, slots=True)
class FileOrigin:
    """What production said of a file; recorded in the index, not applied to the stored copy."""

    owner: int
    group: int
    mode: int
    modified: float


@dataclass(frozen=True, slots=True)
class Partial:
    """What an interrupted (or a running) capture left. ``active`` when its writer still lives.

    ``modified`` is when something was last added at its top, in UTC.
    """

    id: str
    path: Path
    modified: datetime
    active: bool
