"""Tiny valid generations made without servers, and the ways to break them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from restore.model import (
    Artifact,
    ArtifactKind,
    DatabaseFacts,
    Fingerprint,
    Generation,
    ImageFacts,
    ServerFacts,
    TableFacts,
    Versioned,
)
from restore.repository import create_repository
from restore.repository.base import ArtifactSpec, FileOrigin, generation_id
from restore.repository.folder import FolderRepository
from restore.repository.manifest import seal_document
from tests.support.foreign_samples import CustomDump

DATABASE = "specibike_prod"
STARTED = datetime(2026, 11, 23, 18, 0, 0, tzinfo=UTC)


def small_documents() -> dict[str, bytes]:
    """Documents as the ERP stores them: each under its SHA-1."""
    contents = [b"a quotation\n", b"an invoice\n" * 40, bytes(range(256)) * 8]
    return {f"{(name := hashlib.sha1(c).hexdigest())[:2]}/{name}": c for c in contents}  # noqa: S324


@dataclass(frozen=True)
class Contents:
    """What a small generation is made of; every part can be replaced."""

    documents: dict[str, bytes] = field(default_factory=small_documents)
    dump: dict[str, bytes] | None = None
    """None: a dump whose table of contents agrees with the fingerprint."""
    roles: bytes = b"CREATE ROLE odoo;\nALTER ROLE odoo WITH LOGIN CREATEDB;\n"
    odoo_conf: bytes = (
        b"[options]\ndb_host = db\ndb_port = 5432\ndb_user = odoo\ndb_password = pw-of-production\n"
        b"data_dir = /var/lib/odoo\n"
    )
    postgresql_conf: bytes = b"max_connections = 100\nshared_buffers = 128MB\n"
    pg_hba_conf: bytes = b"local all all trust\nhost all all all scram-sha-256\n"


def small_fingerprint(database: str = DATABASE) -> Fingerprint:
    """The facts of a small production of Odoo 14.0 on PostgreSQL 13."""
    return Fingerprint(
        postgresql=ServerFacts(
            version="13.16 (Debian 13.16-0+deb11u1)",
            version_number=130016,
            os="Debian GNU/Linux 11 (bullseye)",
            image=ImageFacts("pra/postgresql:13", "sha256:" + "1" * 64),
        ),
        erp=ServerFacts(
            version="14.0.0+dfsg.2-7+deb11u2",
            version_number=0,
            os="Debian GNU/Linux 11 (bullseye)",
            image=ImageFacts("pra/odoo:14.0", "sha256:" + "2" * 64),
        ),
        erp_series="14.0",
        databases=(
            DatabaseFacts(
                name=database,
                owner="odoo",
                encoding="UTF8",
                collate="en_US.utf8",
                ctype="en_US.utf8",
                collation_version="2.31",
                size=61_000_000,
                extensions=(Versioned("plpgsql", "1.0"),),
                modules=(Versioned("base", "14.0.1.3"), Versioned("sale", "14.0.1.1")),
                tables=(
                    TableFacts("public", "ir_attachment", 3),
                    TableFacts("public", "res_partner", 12),
                ),
            ),
        ),
    )


@dataclass
class GenerationFactory:
    """Writes small generations into one repository, an hour apart, and adapts them."""

    repository: FolderRepository
    made: int = 0

    def __call__(
        self,
        contents: Contents | None = None,
        fingerprint: Fingerprint | None = None,
        started: datetime | None = None,
    ) -> Generation:
        """Make a generation through the repository's own writer."""
        contents = contents or Contents()
        started = started or STARTED + timedelta(hours=self.made)
        fingerprint = fingerprint or small_fingerprint()
        self.made += 1
        with self.repository.write(generation_id(started, f"{self.made:06x}")) as writer:
            for spec, files in _parts(contents, fingerprint.databases[0]):
                with writer.artifact(spec) as artifact:
                    origin = FileOrigin(101, 101, 0o644, started.timestamp())
                    for path, content in files.items():
                        dump = spec.kind in (ArtifactKind.DATABASE, ArtifactKind.ROLES)
                        artifact.add(path, io.BytesIO(content), None if dump else origin)
            return writer.finish(
                Generation(
                    id=writer.id,
                    profile="odoo",
                    engine_version="0.1.0",
                    started=started,
                    finished=started + timedelta(seconds=30),
                    consistency_point=started + timedelta(seconds=1),
                    fingerprint=fingerprint,
                    artifacts=(),
                    root=writer.folder,
                )
            )


def small_dump(facts: DatabaseFacts, server: str = "13.16") -> dict[str, bytes]:
    """A dump in directory format that says what the facts say, and holds nothing else."""
    properties = f"ENCODING = '{facts.encoding}' LC_COLLATE = '{facts.collate}'"
    definition = f"CREATE DATABASE x WITH {properties} LC_CTYPE = '{facts.ctype}';\n"
    entries = (
        ("ENCODING", "ENCODING", "SET client_encoding = 'UTF8';\n", "", "", None),
        (facts.name, "DATABASE", definition, "", facts.owner, None),
        *(
            (table.name, "TABLE", f"CREATE TABLE {table.name} ();\n", table.schema, "odoo", None)
            for table in facts.tables
        ),
    )
    table = CustomDump(entries=entries, form=3, database=facts.name, server=server).render()
    return {"toc.dat": table, "3001.dat.gz": b"rows"}


def _parts(
    contents: Contents, facts: DatabaseFacts
) -> Iterable[tuple[ArtifactSpec, dict[str, bytes]]]:
    kind, database = ArtifactKind, facts.name
    yield (
        ArtifactSpec(
            f"database-{database}",
            kind.DATABASE,
            database,
            f"postgresql://db:5432/{database}",
            f"database/{database}",
        ),
        small_dump(facts) if contents.dump is None else contents.dump,
    )
    yield (
        ArtifactSpec("roles", kind.ROLES, None, "postgresql://db:5432", "roles"),
        {"roles.sql": contents.roles},
    )
    yield (
        ArtifactSpec(
            f"filestore-{database}",
            kind.DOCUMENTS,
            database,
            f"/var/lib/odoo/filestore/{database}",
            f"documents/filestore/{database}",
        ),
        contents.documents,
    )
    yield (
        ArtifactSpec("configuration-erp", kind.CONFIGURATION, None, "erp", "configuration/erp"),
        {"odoo.conf": contents.odoo_conf},
    )
    yield (
        ArtifactSpec(
            "configuration-database", kind.CONFIGURATION, None, "db", "configuration/database"
        ),
        {"postgresql.conf": contents.postgresql_conf, "pg_hba.conf": contents.pg_hba_conf},
    )


def writable(path: Path) -> Path:
    """Make a file of a generation, and the folders above it, writable."""
    for folder in path.parents:
        if folder.name in ("generations", "partial"):
            break
        folder.chmod(0o700)
    if path.exists() and not path.is_symlink():
        path.chmod(0o600)
    return path


def flip_byte(path: Path, position: int = 0) -> None:
    """Change one byte of a file in place, its size kept; other generations' links are spared."""
    data = bytearray(writable(path).read_bytes())
    data[position] ^= 0xFF
    path.unlink()
    path.write_bytes(bytes(data))


def remove_file(path: Path) -> None:
    """Remove a file of a generation without a word to the manifest."""
    writable(path).unlink()


def edit_manifest(generation: Generation, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change a manifest's JSON in place, as if it had been written so."""
    path = writable(generation.root / "manifest.json")
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(seal_document(document)))


def edit_index(
    generation: Generation,
    name: str,
    edit: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
) -> None:
    """Change an artefact's index, and the manifest so that it agrees."""
    artifact = next(item for item in generation.artifacts if item.name == name)
    path = writable(generation.root / artifact.index)
    lines = edit([json.loads(line) for line in path.read_text().splitlines()])
    text = "".join(json.dumps(line) + "\n" for line in lines)
    path.write_text(text)
    changed = replace(
        artifact,
        index_sha256=hashlib.sha256(text.encode()).hexdigest(),
        files=len(lines),
        bytes=sum(line["size"] for line in lines),
    )

    def adapt(document: dict[str, Any]) -> None:
        for item in document["artifacts"]:
            if item["name"] == name:
                item.update(
                    index_sha256=changed.index_sha256, files=changed.files, bytes=changed.bytes
                )

    edit_manifest(generation, adapt)


def forget_file(generation: Generation, name: str, path: str) -> None:
    """Remove a file together with all that the manifest says of it: a loss nobody noticed."""
    artifact = next(item for item in generation.artifacts if item.name == name)
    remove_file(generation.root / artifact.folder / path)
    edit_index(generation, name, lambda lines: [line for line in lines if line["path"] != path])


def artifact_of(generation: Generation, kind: ArtifactKind) -> Artifact:
    """The first artefact of a kind."""
    return generation.artifacts_of(kind)[0]


def copy_repository(source: Path, target: Path) -> FolderRepository:
    """A private copy, no file shared with the original: it may be broken."""
    shutil.copytree(source, target, copy_function=shutil.copy2)
    for folder, _, _ in os.walk(target):
        Path(folder).chmod(0o700)
    return FolderRepository.at(target)


def fingerprint(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Every byte, mode and time of a repository."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def repository(tmp_path: Path) -> FolderRepository:
    """An empty repository."""
    return create_repository(str(tmp_path / "repository"))


@pytest.fixture
def generation_factory(repository: FolderRepository) -> GenerationFactory:
    """Makes small generations in ``repository``."""
    return GenerationFactory(repository)


@pytest.fixture
def small_generation(generation_factory: GenerationFactory) -> Generation:
    """One small generation in ``repository``."""
    return generation_factory()
