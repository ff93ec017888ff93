"""What every place where generations live offers, and the words used for what is wrong there.

One module a backend, the same narrow interface; nothing above this package knows a backend.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Final, Protocol

from restore.errors import DamagedGenerationError
from restore.model import (
    Artifact,
    ArtifactKind,
    DumpForm,
    FileEntry,
    Generation,
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


class ArtifactWriter(Protocol):
    """Takes the files of one artefact, one after the other."""

    def add(self, path: str, content: IO[bytes], origin: FileOrigin | None = None) -> FileEntry:
        """Store a file, read once to its end, and return what the index says of it.

        Raises:
            ReplayError: the path is unsafe or taken, or the repository can't take it.
        """

    def add_link(self, path: str, target: str, origin: FileOrigin | None = None) -> FileEntry:
        """Store under ``path`` the content already stored under ``target``."""


class GenerationWriter(Protocol):
    """A generation being written; it exists for readers only once ``finish`` returned."""

    @property
    def id(self) -> str:
        """The generation's id."""

    @property
    def folder(self) -> Path:
        """Its temporary place."""

    def artifact(self, spec: ArtifactSpec) -> AbstractContextManager[ArtifactWriter]:
        """Begin an artefact; at the end of the context its index is complete."""

    def require_space(self, size: int) -> None:
        """Refuse early what would not fit.

        Raises:
            ReplayError: the repository has less than ``size`` bytes left.
        """

    def finish(self, generation: Generation) -> Generation:
        """Write the manifest, bring all to disk, then make the generation appear at once.

        ``generation`` says all but what the writer knows: id, artefacts and root.
        """


class Repository(Protocol):
    """A place where generations live."""

    @property
    def location(self) -> str:
        """How the user names it."""

    def ids(self) -> tuple[str, ...]:
        """Complete generations, oldest first."""

    def load(self, generation_id: str) -> Generation:
        """Read a generation's manifest.

        Raises:
            NotFoundError: there is no such generation.
            DamagedGenerationError: its manifest is unreadable, wrong, unsafe or of a newer format.
        """

    def read_index(self, generation: Generation, artifact: Artifact) -> Iterator[FileEntry]:
        """Yield an artefact's files in constant memory.

        Raises:
            DamagedFileError: the index is not the one of the manifest, has a bad line or an
                unsafe path, or lists another number of files or bytes.
        """

    def open(self, generation: Generation, artifact: Artifact, entry: FileEntry) -> IO[bytes]:
        """Open a file of a generation for reading.

        Raises:
            DamagedFileError: it is missing, unsafe or unreadable.
        """

    def reader(
        self, generation: Generation, artifact: Artifact
    ) -> AbstractContextManager[Callable[[FileEntry], IO[bytes]]]:
        """What opens files as ``open`` does, quicker where many lie in one folder.

        Only for one thread, and in the order of the index.
        """

    def stored(self, generation: Generation) -> Iterator[tuple[str, bool]]:
        """Yield the path, relative to the generation, of all that is stored under it.

        The second value is False for what is no regular file (links, devices): unsafe.
        """

    def write(self, generation_id: str) -> AbstractContextManager[GenerationWriter]:
        """Begin a generation; it vanishes unless ``finish`` was reached.

        Raises:
            ReplayError: the id is taken, or the repository can't be written.
        """
