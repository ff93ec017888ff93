"""The words that every reader of backups made by others uses, and their narrow interface."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final, Protocol

from restore import model
from restore.model.secret import Secret
from restore.model.versions import parse_version
from restore.repository.base import ArtifactSpec, FileOrigin

NOT_IMPORTED: Final = "(not imported)"
"""Engine version of a generation that no engine has written."""


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """A file of a backup. It must be opened before the next one is asked for, and once only.

    ``origin`` is None unless the backup tells all of it: owner, group, mode and time.
    """

    path: str
    open: Callable[[], AbstractContextManager[IO[bytes]]]
    origin: FileOrigin | None = None


Files = Callable[[], Generator[ForeignFile, None, None]]
"""Begins to read the files of an artefact; the iterator must be closed."""


@dataclass(frozen=True, slots=True)
class ForeignArtifact:
    """An artefact of a backup, and how to read it. ``size`` is its bytes, 0 when unknown."""

    spec: ArtifactSpec
    files: Files
    size: int = 0


@dataclass(frozen=True, slots=True)
class ForeignGeneration:
    """A backup made by others: what it says in the engine's words, and its artefacts.

    Its ``generation`` has artefacts without index: nothing vouches for their files.
    """

    generation: model.Generation
    artifacts: tuple[ForeignArtifact, ...]
    release: Callable[[], None] = lambda: None
    """Ends what stands as long as the files are read: some backups need a server."""


@dataclass(frozen=True, slots=True)
class LayoutOptions:
    """What a user asks of a layout beside its place: only some can do it.

    ``at`` is the moment to bring back; ``image`` holds the tools that read the backup;
    ``passphrase`` is that of an encrypted one.
    """

    at: datetime | None = None
    image: str | None = None
    passphrase: Secret = Secret("")  # noqa: RUF009 - it never changes


@dataclass(frozen=True, slots=True)
class DumpFacts:
    """What one dump says of its database; empty or None where it is mute.

    ``created`` is production's wall clock, without a time zone.
    """

    server_version: str
    created: datetime | None = None
    database: str = ""
    owner: str = ""
    encoding: str = ""
    collate: str = ""
    ctype: str = ""
    locale: model.DatabaseLocale | None = None
    extensions: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    tables: tuple[model.TableFacts, ...] = ()
    objects: tuple[model.ObjectFacts, ...] | None = None
    sequences: tuple[model.SequenceFacts, ...] | None = None
    large_objects: model.LargeObjects | None = None
    lacks: tuple[str, ...] | None = None


class Layout(Protocol):
    """Backups made by others, at one place and in one layout."""

    @property
    def location(self) -> str:
        """How the user names it, with its layout."""

    def ids(self) -> tuple[str, ...]:
        """The backups that are there, oldest first."""

    def describe(self, generation_id: str) -> str:
        """Say in a line what one of them is, without reading it."""

    def read(self, generation_id: str) -> ForeignGeneration:
        """Look at the whole of a backup, which is only read.

        Raises:
            NotFoundError: a part of it is not there.
            DamagedGenerationError: a part of it was cut, is damaged, or could do harm.
        """


def database_facts(
    name: str, dump: DumpFacts, modules: Mapping[str, str] | None = None
) -> model.DatabaseFacts:
    """A database's facts, with all that its dump does not tell marked as unknown."""
    texts = {key: getattr(dump, key) for key in ("owner", "encoding", "collate", "ctype")}
    unknown = [key for key, value in texts.items() if not value]
    unknown += ["size", *(["modules"] if modules is None else [])]
    if not dump.tables:
        unknown.append("tables")
    return model.DatabaseFacts(
        name=name,
        **texts,
        collation_version=None,
        locale=dump.locale,
        size=0,
        # A dump names no version of an extension.
        extensions=tuple(model.Versioned(item, "") for item in sorted(set(dump.extensions))),
        modules=tuple(model.Versioned(*item) for item in sorted((modules or {}).items())),
        tables=dump.tables,
        unknown=tuple(unknown),
        objects=dump.objects,
        sequences=dump.sequences,
        large_objects=dump.large_objects,
        lacks=dump.lacks,
    )


def foreign_generation(  # noqa: PLR0913 - all by name
    *,
    id_: str,
    profile: str,
    layout: str,
    path: Path,
    moment: datetime,
    finished: datetime,
    fingerprint: model.Fingerprint,
    roles: tuple[str, ...],
    artifacts: tuple[ForeignArtifact, ...],
    exact: bool = False,
) -> ForeignGeneration:
    """Put a backup into the engine's words, with what it does not hold marked as unknown.

    Args:
        path: where it lay.
        moment: when its earliest dump ended, as its file tells.
        exact: whether that is the very moment of its data.
    """
    # A keystore goes with a reports server, of which no layout knows.
    kinds = {model.ArtifactKind.KEYSTORE, model.ArtifactKind.CERTIFICATE}
    kinds.update(item.spec.kind for item in artifacts)
    unknown = (
        *(() if exact else ("consistency_point",)),
        *(kind.value for kind in model.ArtifactKind if kind not in kinds),
        *(() if fingerprint.erp_series else ("erp",)),
    )
    generation = model.Generation(
        id=id_,
        profile=profile,
        started=moment,
        finished=finished,
        consistency_point=moment,
        engine_version=NOT_IMPORTED,
        fingerprint=fingerprint,
        artifacts=tuple(
            model.Artifact(**asdict(a.spec), index="", index_sha256="", files=0, bytes=a.size)
            for a in artifacts
        ),
        root=path,
        origin=model.Origin(layout, str(path), finished, roles, unknown),
    )
    return ForeignGeneration(generation, artifacts)


def no_server() -> model.ServerFacts:
    """A server of which a backup says nothing."""
    return model.ServerFacts("", 0, None, None)


def server(version: str) -> model.ServerFacts:
    """A PostgreSQL server of which only a dump's words on its version are known."""
    return model.ServerFacts(version, parse_version(version)[1], None, None)


def origin_on_disk(status: os.stat_result) -> FileOrigin:
    """The origin of a file of a backup that lies there as it was."""
    return FileOrigin(status.st_uid, status.st_gid, status.st_mode & 0o777, status.st_mtime)


def earliest(modified: datetime, wall: datetime | None) -> datetime:
    """When a dump was made, never later than it was.

    Args:
        modified: the file's time, which a copy made later may have lost.
        wall: production's clock, whose time zone is not known; read as UTC.
    """
    return modified if wall is None else min(modified, wall.replace(tzinfo=UTC))


def token(*parts: object) -> str:
    """Six hexadecimal digits that are the same for the same backup."""
    return hashlib.sha256("\0".join(map(str, parts)).encode(errors="surrogateescape")).hexdigest()[
        :6
    ]


def utc(seconds: float) -> datetime:
    """A file's time, in whole seconds."""
    return datetime.fromtimestamp(int(seconds), UTC)
