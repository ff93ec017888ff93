"""A folder of pg_dump's outputs with documents, as a mapping says what is what."""

from __future__ import annotations

import io
import re
from collections.abc import Generator, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

from restore.adapters.streams import CHUNK
from restore.catalogue import foreign
from restore.catalogue.archives import judge_tar, tar_files
from restore.catalogue.dumps import Dump, created_at, dump_at, tree_files
from restore.catalogue.mapping import MappedDatabase, MappedDocuments, Mapping, load_mapping
from restore.catalogue.originals import open_original
from restore.errors import DamagedGenerationError, NotFoundError, UsageError
from restore.model import Fingerprint, Role, ServerFacts
from restore.profile import Profile
from restore.repository import base

LAYOUT: Final = "folder"
ROLES_FILE: Final = "roles.sql"

_TEXT: Final = b"\0"
_PASSWORD: Final = re.compile(
    rb"^((?:ALTER|CREATE) (?:ROLE|USER) [^\n]*?) PASSWORD (?:'(?:[^']|'')*'|NULL)", re.M
)


class MappedFolder:
    """One backup, described by a mapping; see ``foreign.Layout``."""

    def __init__(self, path: Path, profile: Profile) -> None:
        self._profile = profile
        self._mapping = load_mapping(path, profile)
        if self._mapping.pgbackrest is not None:
            raise UsageError(
                f"mapping {path} names a repository of pgBackRest, no dumps",
                f"use layout pgbackrest: pgbackrest:{path}",
            )

    @property
    def location(self) -> str:
        """The mapping, with its layout."""
        return f"{LAYOUT}:{self._mapping.path}"

    def ids(self) -> tuple[str, ...]:
        """The one backup that the mapping describes."""
        names = [f"{item.name} {item.dump.name}" for item in self._mapping.databases]
        moment = self._moment()
        return (base.generation_id(moment, foreign.token(LAYOUT, *names, moment)),)

    def describe(self, generation_id: str) -> str:
        """The databases that the mapping names."""
        del generation_id
        return ", ".join(item.name for item in self._mapping.databases)

    def read(self, generation_id: str) -> foreign.ForeignGeneration:
        """Look at every file of the backup; see ``foreign.Layout.read``."""
        if generation_id not in self.ids():
            raise NotFoundError(f"{self.location} holds no {generation_id}")
        mapping = self._mapping
        dumps = [(item, _completed(dump_at(item.dump), item)) for item in mapping.databases]
        artifacts = (
            *(dump.artifact(item.name, str(item.dump)) for item, dump in dumps),
            *(mapped_documents(item) for item in mapping.documents),
            *_roles(mapping.roles),
            *mapped_configuration(mapping),
        )
        return foreign.foreign_generation(
            id_=generation_id,
            profile=self._profile.name,
            layout=LAYOUT,
            path=mapping.path,
            moment=self._moment(),
            finished=max(foreign.utc(_newest(item.dump)) for item in mapping.databases),
            fingerprint=Fingerprint(
                postgresql=foreign.server(dumps[0][1].facts.server_version),
                erp=ServerFacts(mapping.version, 0, None, None),
                erp_series=mapping.series,
                databases=tuple(foreign.database_facts(i.name, d.facts) for i, d in dumps),
            ),
            roles=tuple(sorted({role for _, d in dumps for role in d.facts.roles})),
            artifacts=artifacts,
            # A time that was given is known.
            exact=mapping.time is not None,
        )

    def _moment(self) -> datetime:
        """The time that the mapping gives, else the earliest that the dumps tell."""
        if self._mapping.time is not None:
            return self._mapping.time.astimezone(UTC)
        dumps = [item.dump for item in self._mapping.databases]
        return min(foreign.earliest(foreign.utc(_newest(dump)), created_at(dump)) for dump in dumps)


def _newest(path: Path) -> float:
    """When a dump, a file or a folder of files, was last written."""
    if not path.is_dir():
        return path.lstat().st_mtime
    return max((item.lstat().st_mtime for item in path.iterdir()), default=path.lstat().st_mtime)


def _completed(dump: Dump, item: MappedDatabase) -> Dump:
    """A dump with what the mapping says where the dump itself is mute."""
    facts: foreign.DumpFacts = dump.facts
    given = {
        "owner": item.owner,
        "encoding": item.encoding,
        "collate": item.locale,
        "ctype": item.locale,
    }
    missing: dict[str, Any] = {
        key: value for key, value in given.items() if value and not getattr(facts, key)
    }
    return replace(dump, facts=replace(facts, **missing))


def mapped_documents(item: MappedDocuments) -> foreign.ForeignArtifact:
    """Documents that a mapping names, looked at to their end."""
    size = 0
    if item.path.is_dir() and not item.path.is_symlink():
        root = item.path / item.within
        files = partial(tree_files, root, origins=True)
        for found in files():
            with found.open() as file:
                size += file.seek(0, 2)
    else:
        size = judge_tar(item.path, item.within)
        files = partial(tar_files, item.path, item.within)
    spec = base.documents_spec(item.tree, item.database, str(item.path))
    return foreign.ForeignArtifact(spec, files, size)


def _roles(path: Path | None) -> Iterable[foreign.ForeignArtifact]:
    if path is None:
        return
    _require_text(path)
    yield foreign.ForeignArtifact(
        base.roles_spec(str(path)), partial(_roles_file, path), path.stat().st_size
    )


def _roles_file(path: Path) -> Generator[foreign.ForeignFile, None, None]:
    def opened() -> IO[bytes]:
        with open_original(path) as file:
            return io.BytesIO(without_passwords(file.read()))

    yield foreign.ForeignFile(ROLES_FILE, opened)


def without_passwords(script: bytes) -> bytes:
    """A script of ``pg_dumpall`` without the hashes of passwords: no generation holds any."""
    return _PASSWORD.sub(rb"\1", script)


def _require_text(path: Path) -> None:
    """Refuse what is no SQL, such as an archive named by mistake."""
    with open_original(path) as file:
        if _TEXT in file.read(CHUNK):
            raise DamagedGenerationError(
                f"{path} is no text: roles are read from what pg_dumpall --globals-only writes",
                "decompress it, or leave roles out of the mapping",
            )


def mapped_configuration(mapping: Mapping) -> Iterable[foreign.ForeignArtifact]:
    """The configuration files that a mapping names, one artefact a server."""
    for role in (Role.ERP, Role.DATABASE):
        files = tuple((f.name, f.path) for f in mapping.configuration if f.server is role)
        if files:
            spec = base.configuration_spec(role, ", ".join(str(path) for _, path in files))
            yield foreign.ForeignArtifact(spec, partial(_single, files))


def _single(files: tuple[tuple[str, Path], ...]) -> Generator[foreign.ForeignFile, None, None]:
    for name, path in files:
        origin = foreign.origin_on_disk(path.stat())
        yield foreign.ForeignFile(name, partial(open_original, path), origin)
