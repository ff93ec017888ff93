"""A generation and its artefacts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from restore.model.fingerprint import Fingerprint


class ArtifactKind(StrEnum):
    """What an artefact holds."""

    DATABASE = "database"
    ROLES = "roles"
    DOCUMENTS = "documents"
    CONFIGURATION = "configuration"
    KEYSTORE = "keystore"
    CERTIFICATE = "certificate"


class Part(StrEnum):
    """The halves of an environment: each a server with a PostgreSQL server of its own."""

    ERP = "erp"
    REPORTS = "reports"


class DumpForm(StrEnum):
    """In which form a database's artefact holds its dump."""

    DIRECTORY = "directory"
    """``pg_dump -Fd``: what a capture makes."""
    CUSTOM = "custom"
    """``pg_dump -Fc``: one file, ``CUSTOM_FILE``."""
    PLAIN = "plain"
    """``pg_dump -Fp``: one file of SQL, ``PLAIN_FILE``."""


CUSTOM_FILE: Final = "dump"


PLAIN_FILE: Final = "dump.sql"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of an artefact, as its index records it.

    ``path`` is relative to the artefact's folder, with ``/`` separators. ``owner``, ``group`` and
    ``mode`` are those of production (numeric), for documents and configuration; ``modified`` is
    in seconds since the epoch.
    """

    path: str
    size: int
    sha256: str
    owner: int | None = None
    group: int | None = None
    mode: int | None = None
    modified: float | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """One part of a generation: a folder of files with an index.

    ``folder`` and ``index`` are relative to the generation's root. ``location`` is where the files
    lived in production; ``part`` is whose it is. The files' list itself is read from the index as a
    stream (``repository.read_index``), since there can be millions. ``form`` is a database's alone.
    """

    name: str
    kind: ArtifactKind
    database: str | None
    location: str
    folder: str
    index: str
    index_sha256: str
    files: int
    bytes: int
    form: DumpForm = DumpForm.DIRECTORY
    part: Part = Part.ERP


@dataclass(frozen=True, slots=True)
class Origin:
    """The backup made by others that a generation was imported from.

    ``layout`` is how it was laid out and ``path`` where it lay. ``roles`` are those that its dumps
    name; nothing but their names is known. ``unknown`` names what the whole backup does not tell.
    """

    layout: str
    path: str
    imported: datetime
    roles: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ManifestSignature:
    """By which key a manifest's seal was signed, and the signature in base64."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Generation:
    """One consistent set of artefacts. ``root`` is its folder; it is only ever read.

    ``origin`` is None for what the engine captured itself. ``seal`` is the checksum that the
    manifest carries of itself; None for one that was written before manifests had any.
    ``signature`` vouches for the seal; None where no key was there.
    """

    id: str
    profile: str
    started: datetime
    finished: datetime
    consistency_point: datetime
    engine_version: str
    fingerprint: Fingerprint
    artifacts: tuple[Artifact, ...]
    root: Path
    origin: Origin | None = None
    seal: str | None = field(default=None, compare=False)
    signature: ManifestSignature | None = field(default=None, compare=False)

    @property
    def bytes(self) -> int:
        """Size of all artefacts."""
        return sum(artifact.bytes for artifact in self.artifacts)

    def artifacts_of(self, kind: ArtifactKind, database: str | None = None) -> tuple[Artifact, ...]:
        """The ERP's artefacts of a kind; of one database when it is named."""
        return tuple(
            artifact
            for artifact in self.artifacts
            if artifact.kind is kind
            and artifact.part is Part.ERP
            and database in (None, artifact.database)
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """Which generation, of which repository, read by which profile."""

    repository: Path
    generation: str
    profile: str
    databases: tuple[str, ...] = field(default=())
    """Restore only these; empty means all."""
