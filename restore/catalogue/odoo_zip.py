"""What Odoo's own database manager writes: a zip archive, or a dump in custom format.

    dump.sql         SQL of pg_dump, without owners and grants (or a dump in custom format)
    manifest.json    name of the database, Odoo's version, installed modules
    filestore/       the documents

It holds no roles and no configuration.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from restore.adapters.postgres.pg_archive import MAGIC
from restore.catalogue import foreign
from restore.catalogue.archives import Zip, open_member, opened_zip
from restore.catalogue.dumps import created_at, dump_at, dump_in
from restore.catalogue.originals import open_original
from restore.errors import DamagedGenerationError, NotFoundError, UsageError
from restore.model import Fingerprint, ServerFacts
from restore.profile import DocumentTree, Profile
from restore.repository.base import documents_spec, generation_id

LAYOUT: Final = "odoo-zip"
DOCUMENTS: Final = "filestore/"
MANIFEST: Final = "manifest.json"
DUMPS: Final = ("dump.sql", "dump.dump", "db.dump")

_LONGEST_MANIFEST: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class _Manifest:
    """What ``manifest.json`` says; no modules where there is none."""

    database: str
    version: str
    series: str
    modules: dict[str, str] | None


class OdooZip:
    """One backup in one file; see ``foreign.Layout``."""

    def __init__(self, path: Path, profile: Profile) -> None:
        self._path = path
        self._profile = profile

    @property
    def location(self) -> str:
        """The file, with its layout."""
        return f"{LAYOUT}:{self._path}"

    def ids(self) -> tuple[str, ...]:
        """The one backup that is there."""
        wall = created_at(self._path) if self._is_dump() else self._wall()
        status = self._path.stat()
        digits = foreign.token(LAYOUT, self._path.name, status.st_size, int(status.st_mtime))
        return (generation_id(foreign.earliest(foreign.utc(status.st_mtime), wall), digits),)

    def describe(self, generation_id: str) -> str:
        """The file's name."""
        del generation_id
        return self._path.name

    def read(self, generation_id: str) -> foreign.ForeignGeneration:
        """Look at the whole of the backup; see ``foreign.Layout.read``."""
        if generation_id not in self.ids():
            raise NotFoundError(f"{self.location} holds no {generation_id}")
        documents: tuple[foreign.ForeignArtifact, ...] = ()
        if self._is_dump():
            dump = dump_at(self._path)
            manifest, erp = _Manifest(dump.facts.database, "", "", None), foreign.no_server()
            wall = dump.facts.created
        else:
            with opened_zip(self._path) as archive:
                manifest = _manifest(archive, self._path)
                name = _dump_name(archive, self._path)
                size = archive.size(DOCUMENTS)
            dump = dump_in(lambda: open_member(self._path, name), f"{self._path}: {name}")
            where = f"{self._path}: {DOCUMENTS}"
            spec = documents_spec(_tree(self._profile).name, manifest.database, where)
            documents = (foreign.ForeignArtifact(spec, self._document_files, size),)
            erp, wall = ServerFacts(manifest.version, 0, None, None), self._wall()
        facts = foreign.database_facts(manifest.database, dump.facts, manifest.modules)
        finished = foreign.utc(self._path.stat().st_mtime)
        return foreign.foreign_generation(
            id_=generation_id,
            profile=self._profile.name,
            layout=LAYOUT,
            path=self._path,
            moment=foreign.earliest(finished, wall),
            finished=finished,
            fingerprint=Fingerprint(
                foreign.server(dump.facts.server_version), erp, manifest.series, (facts,)
            ),
            roles=dump.facts.roles,
            artifacts=(dump.artifact(manifest.database, str(self._path)), *documents),
        )

    def _is_dump(self) -> bool:
        with open_original(self._path) as file:
            return file.read(len(MAGIC)) == MAGIC

    def _wall(self) -> datetime | None:
        """When the dump was put into the archive, by production's clock."""
        with opened_zip(self._path) as archive:
            item = archive.members[_dump_name(archive, self._path)]
        try:
            return datetime(*item.date_time, tzinfo=UTC).replace(tzinfo=None)
        except ValueError:
            return None

    def _document_files(self) -> Generator[foreign.ForeignFile, None, None]:
        with opened_zip(self._path) as archive:
            yield from archive.files(DOCUMENTS)


def _tree(profile: Profile) -> DocumentTree:
    """The profile's tree that Odoo's archive holds."""
    name = DOCUMENTS.rstrip("/")
    for tree in profile.documents:
        if tree.name == name:
            return tree
    raise UsageError(
        f"profile {profile.name} has no tree of documents named {name}",
        f"layout {LAYOUT} is of Odoo: use its profile",
    )


def _dump_name(archive: Zip, path: Path) -> str:
    found = [name for name in DUMPS if name in archive.members]
    if len(found) != 1:
        held = ", ".join(found) or "none"
        raise DamagedGenerationError(
            f"{path} holds {held} of {', '.join(DUMPS)}, not one",
            "is it a backup of Odoo's database manager? other files: layout folder",
        )
    return found[0]


def _manifest(archive: Zip, path: Path) -> _Manifest:
    if MANIFEST not in archive.members:
        raise DamagedGenerationError(
            f"{path} holds no {MANIFEST}, which names its database",
            "is it a backup of Odoo's database manager? other files: layout folder",
        )
    with closing(archive.open(MANIFEST)) as file:
        content = file.read(_LONGEST_MANIFEST)
    try:
        data: Any = json.loads(content)
        return _Manifest(
            database=_text(data, "db_name"),
            # Without a release, the version is but the series again.
            version="" if data["version"] == data["major_version"] else _text(data, "version"),
            series=_text(data, "major_version"),
            modules={str(name): str(version) for name, version in data["modules"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedGenerationError(
            f"{path}: {MANIFEST} is not Odoo's: {type(error).__name__} {error}",
            "choose another backup",
        ) from error


def _text(data: dict[str, Any], key: str) -> str:
    value = data[key]
    if not isinstance(value, str) or not value or "/" in value or value in (".", ".."):
        raise ValueError(f"{key} is {value!r}")
    return value
