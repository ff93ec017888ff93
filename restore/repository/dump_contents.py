"""Compares the table of contents of each dump with the manifest, before anything is restored.

A checksum proves that a file is the one that was written, not that it holds what the manifest says.
Compared are database, encoding, locale, owners, tables, extensions and data files. Rows and
constraints, which a table of contents does not tell, are checked in the restored database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import IO, Final

from restore import model
from restore.adapters.postgres import pg_archive
from restore.adapters.postgres.dump_text import DatabaseProperties, database_properties
from restore.adapters.postgres.role_script import created_roles
from restore.errors import DamagedGenerationError, ReplayError
from restore.model.messages import message
from restore.model.parts import reports_generation
from restore.model.versions import parse_version
from restore.repository.base import DamagedFileError
from restore.repository.folder import FolderRepository

_CONTENTS_FILES: Final = {
    model.DumpForm.DIRECTORY: pg_archive.TABLE_OF_CONTENTS,
    model.DumpForm.CUSTOM: model.CUSTOM_FILE,
}
"""The file of a dump that holds its table of contents."""

_SUFFIXES: Final = ("", ".gz", ".lz4", ".zst")
_SYSTEM_ROLES: Final = "pg_"
_LONGEST_ROLES: Final = 16 << 20
_SHOWN_PROBLEMS: Final = 20
"""Problems that are reported of one dump, at most."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A file of an artefact that says something else than the manifest."""

    artifact: model.Artifact
    path: str
    detail: str


def contradictions(
    repository: FolderRepository, generation: model.Generation, damaged: Collection[str] = ()
) -> Iterator[Contradiction]:
    """Yield every way in which a dump's table of contents contradicts the manifest.

    Skipped are dumps in a form that only a newer PostgreSQL knows, and plain dumps, which were read
    from end to end when they were imported.

    Args:
        damaged: folders of artefacts whose files are known to be damaged; they are skipped.
    """
    for one in (generation, reports_generation(generation)):
        if one is not None:
            sound = tuple(item for item in one.artifacts if item.folder not in damaged)
            yield from _part_contradictions(repository, replace(one, artifacts=sound))


def _part_contradictions(
    repository: FolderRepository, generation: model.Generation
) -> Iterator[Contradiction]:
    roles: frozenset[str] | None = None
    for artifact in generation.artifacts_of(model.ArtifactKind.ROLES):
        roles = roles or frozenset()
        try:
            for entry in repository.read_index(generation, artifact):
                with repository.open(generation, artifact, entry) as file:
                    script = file.read(_LONGEST_ROLES).decode("utf-8", "surrogateescape")
                roles |= created_roles(script)
        except (DamagedGenerationError, ReplayError, OSError) as error:
            yield Contradiction(artifact, artifact.folder, _error_text(error))
            return
    for facts in generation.fingerprint.databases:
        for artifact in generation.artifacts_of(model.ArtifactKind.DATABASE, facts.name):
            subject = _Subject(generation, facts, None if generation.origin else roles)
            yield from _dump_contradictions(repository, artifact, subject)


@dataclass(frozen=True, slots=True)
class _Subject:
    """What the manifest says of a dump. ``roles`` are those that the generation makes, if known."""

    generation: model.Generation
    facts: model.DatabaseFacts
    roles: frozenset[str] | None


def _dump_contradictions(
    repository: FolderRepository, artifact: model.Artifact, subject: _Subject
) -> Iterator[Contradiction]:
    wanted = _CONTENTS_FILES.get(artifact.form)
    if wanted is None:
        return
    path = f"{artifact.folder}/{wanted}"
    try:
        entries = {e.path: e for e in repository.read_index(subject.generation, artifact)}
        if wanted not in entries:
            yield Contradiction(artifact, path, message("the dump has no such file"))
            return
        with repository.open(subject.generation, artifact, entries[wanted]) as file:
            for detail in _dump_problems(file, entries, subject):
                yield Contradiction(artifact, path, detail)
    except (DamagedGenerationError, OSError) as error:
        yield Contradiction(artifact, path, _error_text(error))


def _dump_problems(
    file: IO[bytes], stored: dict[str, model.FileEntry], subject: _Subject
) -> Iterator[str]:
    start = file.read(len(pg_archive.MAGIC) + 2)
    if (
        start.startswith(pg_archive.MAGIC)
        and tuple(start[len(pg_archive.MAGIC) :]) > pg_archive.NEWEST
    ):
        return
    file.seek(0)
    reader = pg_archive.ArchiveReader(file, "it")
    entries = list(reader.entries())
    found = [
        *_head_problems(reader.head, subject),
        *_property_problems(entries, subject.facts),
        *_entry_problems(entries, subject),
        *_file_problems(entries, stored),
    ]
    yield from found[:_SHOWN_PROBLEMS]


def _head_problems(head: pg_archive.ArchiveHead, subject: _Subject) -> Iterator[str]:
    # An imported database has the name that its importer gave it.
    if subject.generation.origin is None and head.database not in ("", subject.facts.name):
        yield message(
            "it is the dump of database {found}, not of {wanted}",
            found=head.database,
            wanted=subject.facts.name,
        )
    server = subject.generation.fingerprint.postgresql
    dumped = parse_version(head.server_version)[1] // 10000
    if dumped and server.version_number and dumped != server.version_number // 10000:
        yield message(
            "it comes from PostgreSQL {found}, the manifest says {wanted}",
            found=head.server_version,
            wanted=server.version,
        )


def _property_problems(
    entries: Iterable[pg_archive.ArchiveEntry], facts: model.DatabaseFacts
) -> Iterator[str]:
    for entry in entries:
        if entry.kind != "DATABASE":
            continue
        said = database_properties(entry.definition) or DatabaseProperties()
        for name, here, wanted in (
            (message("encoding"), said.encoding, facts.encoding),
            (message("collation"), said.collate, facts.collate),
            (message("character type"), said.ctype, facts.ctype),
        ):
            if here and wanted and here != wanted:
                yield message(
                    "its database has {name} {found}, the manifest says {wanted}",
                    name=name,
                    found=here,
                    wanted=wanted,
                )


def _entry_problems(entries: Iterable[pg_archive.ArchiveEntry], subject: _Subject) -> Iterator[str]:
    facts = subject.facts
    tables = {(table.schema, table.name) for table in facts.tables}
    extensions = {item.name for item in facts.extensions}
    owners: set[str] = set()
    for entry in entries:
        owners.add(entry.owner)
        known = "tables" in facts.unknown or (entry.schema, entry.name) in tables
        if pg_archive.is_plain_table(entry) and not known:
            yield message(
                "it holds table {name}, which the manifest does not name",
                name=f"{entry.schema}.{entry.name}",
            )
        if entry.kind == "EXTENSION" and entry.name not in extensions:
            yield message(
                "it uses extension {name}, which the manifest does not name", name=entry.name
            )
    if subject.roles is None:
        return
    for name in sorted(owners - subject.roles - {""}):
        if not name.startswith(_SYSTEM_ROLES):
            yield message(
                "role {name} owns something in it, and the generation's roles lack it", name=name
            )


def _file_problems(
    entries: Iterable[pg_archive.ArchiveEntry], stored: dict[str, model.FileEntry]
) -> Iterator[str]:
    for entry in entries:
        if entry.file and not any(entry.file + suffix in stored for suffix in _SUFFIXES):
            yield message(
                "{file}, the data of {name}, is not in the generation",
                file=entry.file,
                name=f"{entry.kind} {entry.name}",
            )


def _error_text(error: Exception) -> str:
    if isinstance(error, DamagedFileError):
        return error.detail
    return error.message if isinstance(error, DamagedGenerationError | ReplayError) else str(error)
