"""A backup to restore: an Odoo database grown with tables as an ERP has them, and documents.

The same data is kept in three forms: a generation of ours, the folder that click-odoo-contrib
writes, and the zip that Odoo's own database manager writes.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
import secrets
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

import docker
import psycopg
from docker.models.containers import Container

from fixtures.initialised import initialise
from fixtures.site import ODOO_IMAGE, Site, new_site
from restore.adapters.docker.runner import Runner
from restore.adapters.postgres import commands
from restore.adapters.postgres.facts import read_database_facts
from restore.model import (
    Artifact,
    ArtifactKind,
    DatabaseFacts,
    Fingerprint,
    Generation,
    ImageFacts,
    ServerFacts,
)
from restore.profile import load_profile
from restore.repository import create_repository
from restore.repository.base import ArtifactSpec, generation_id
from restore.repository.folder import FolderRepository

DATABASE: Final = "bench"
TABLES: Final = 60
_ROW: Final = 330
"""Bytes of a row with its share of the indexes."""
_FORMAT: Final = 1

_TABLE: Final = """
CREATE TABLE bench_{n} (
    id serial PRIMARY KEY,
    parent_id integer,
    company_id integer NOT NULL,
    name varchar NOT NULL,
    reference varchar,
    note text,
    amount numeric(16, 2),
    state varchar,
    day date,
    create_date timestamp,
    active boolean
);
INSERT INTO bench_{n} (parent_id, company_id, name, reference, note, amount, state, day,
                       create_date, active)
SELECT CASE WHEN {n} > 0 THEN 1 + g % greatest(1, (SELECT count(*) FROM bench_{above})) END,
       1 + g % 3,
       'Record ' || g || ' of the table number {n}',
       'REF/' || upper(left(md5(g::text), 8)),
       CASE WHEN g % 3 = 0 THEN 'Delivered on ' || g % 28 || ', as agreed by telephone. '
            || md5((g * 7)::text) || ' Please call before ' || md5((g * 11)::text) END,
       (g % 99991) / 7.0,
       (ARRAY['draft', 'confirmed', 'done', 'cancelled'])[1 + g % 4],
       date '2016-01-01' + g % 3650,
       timestamp '2016-01-01' + g * interval '1 minute',
       g % 17 <> 0
FROM generate_series(1, {rows}) g;
CREATE INDEX ON bench_{n} (company_id, state);
CREATE INDEX ON bench_{n} (name);
CREATE INDEX ON bench_{n} (day) WHERE active;
ALTER TABLE bench_{n} ADD FOREIGN KEY (parent_id) REFERENCES bench_{above} (id);
CREATE INDEX ON bench_{n} (parent_id);
ALTER TABLE bench_{n} OWNER TO odoo;
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """A prepared backup below ``root``; sizes in bytes."""

    root: Path
    gigabytes: float
    generation: str
    database_size: int
    dump_size: int
    documents: int
    documents_size: int

    @property
    def name(self) -> str:
        """How it is called on the page."""
        return f"{self.gigabytes:g} GB, {self.documents:,} documents"

    def repository(self) -> FolderRepository:
        """Where its generation lies."""
        return FolderRepository.at(self.root / "repository")


def sample_at(root: Path) -> Sample | None:
    """The sample that was prepared there; None when there is none."""
    try:
        document: dict[str, Any] = json.loads((root / "sample.json").read_text("utf-8"))
    except FileNotFoundError:
        return None
    return Sample(**(document | {"root": root}))


def prepare(client: docker.DockerClient, root: Path, gigabytes: float, documents: int) -> Sample:
    """Make a sample; slow, and never measured."""
    root.mkdir(parents=True)
    filestore = root / "folder" / "filestore"
    stored = list(_write_documents(filestore, documents))
    with new_site(client) as site:
        server = site.start_database()
        initialise(site, ODOO_IMAGE, DATABASE, "base")
        with site.connect(server, DATABASE) as connection:
            _fill(connection, gigabytes, stored)
            facts = read_database_facts(cast(Any, connection), load_profile("odoo"))
        runner = Runner(client)
        generation = _capture(runner, server, root, facts)
        _foreign(runner, server, root)
        _write_zip(root)
    artifacts = generation.artifacts
    sample = Sample(
        root=root,
        gigabytes=gigabytes,
        generation=generation.id,
        database_size=facts.size,
        dump_size=_bytes(artifacts, ArtifactKind.DATABASE),
        documents=documents,
        documents_size=_bytes(artifacts, ArtifactKind.DOCUMENTS),
    )
    (root / "sample.json").write_text(json.dumps(asdict(sample) | {"root": ""}), "utf-8")
    return sample


def _bytes(artifacts: tuple[Artifact, ...], kind: ArtifactKind) -> int:
    return sum(item.bytes for item in artifacts if item.kind is kind)


def _write_documents(folder: Path, count: int) -> Iterator[tuple[str, int]]:
    """Documents as Odoo stores them: most are small. Always the same for the same number."""
    chance = random.Random(count)  # noqa: S311 - no secret
    for number in range(count):
        size = min(400_000, int(chance.lognormvariate(7.6, 1.2)))
        content = number.to_bytes(8) + chance.randbytes(size // 2) + bytes(size // 2)
        name = hashlib.sha1(content).hexdigest()  # noqa: S324 - Odoo's own names
        path = folder / name[:2] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        yield f"{name[:2]}/{name}", len(content)


def _fill(
    connection: psycopg.Connection[Any], gigabytes: float, documents: list[tuple[str, int]]
) -> None:
    rows = int(gigabytes * 1e9 / _ROW)
    # A few tables hold most of the rows.
    weights = [1 / (1 + number) for number in range(TABLES)]
    for number, weight in enumerate(weights):
        share = max(100, int(rows * weight / sum(weights)))
        statement = _TABLE.format(n=number, above=max(0, number - 1), rows=share)
        connection.execute(statement.encode())
    with connection.cursor().copy(
        "COPY ir_attachment (name, type, store_fname, checksum, file_size, mimetype, res_model)"
        " FROM STDIN"
    ) as copy:
        for path, size in documents:
            name = path.partition("/")[2]
            copy.write_row(
                (f"{name}.pdf", "binary", path, name, size, "application/pdf", "res.partner")
            )
    connection.execute("VACUUM (ANALYZE, PARALLEL 0)")


def _capture(runner: Runner, server: Container, root: Path, facts: DatabaseFacts) -> Generation:
    repository = create_repository(str(root / "repository"))
    now = datetime.now(UTC)
    with repository.write(generation_id(now, secrets.token_hex(3))) as writer:
        spec = ArtifactSpec(
            f"database-{DATABASE}", ArtifactKind.DATABASE, DATABASE, "bench", f"database/{DATABASE}"
        )
        folder = "/var/tmp/dump"  # noqa: S108 - in a container of ours
        request = commands.DumpRequest(DATABASE, folder, "postgres", 2)
        runner.check(str(server.id), commands.dump_database(request), user="postgres")
        with writer.artifact(spec) as artifact:
            for member, content in runner.read_archive(str(server.id), folder):
                if member.isreg():
                    artifact.add(Path(member.name).name, content)
        roles = runner.check(str(server.id), commands.dump_roles("postgres"), user="postgres")
        with writer.artifact(
            ArtifactSpec("roles", ArtifactKind.ROLES, None, "bench", "roles")
        ) as artifact:
            artifact.add("roles.sql", io.BytesIO(roles.encode()))
        spec = ArtifactSpec(
            f"filestore-{DATABASE}",
            ArtifactKind.DOCUMENTS,
            DATABASE,
            "bench",
            f"documents/filestore/{DATABASE}",
        )
        filestore = root / "folder" / "filestore"
        with writer.artifact(spec) as artifact:
            for path in sorted(path for path in filestore.rglob("*") if path.is_file()):
                with path.open("rb") as file:
                    artifact.add(str(path.relative_to(filestore)), file)
        return writer.finish(
            Generation(
                id=writer.id,
                profile="odoo",
                started=now,
                finished=now,
                consistency_point=now,
                engine_version="bench",
                fingerprint=_fingerprint(runner, facts),
                artifacts=(),
                root=writer.folder,
            )
        )


def _fingerprint(runner: Runner, facts: DatabaseFacts) -> Fingerprint:
    def image(reference: str) -> ImageFacts:
        found = runner.image(reference)
        assert found is not None  # noqa: S101 - set-up made it
        return found.facts

    return Fingerprint(
        ServerFacts("13.16", 130016, None, image("pra/postgresql:13")),
        ServerFacts("14.0", 0, None, image(ODOO_IMAGE)),
        "14.0",
        (facts,),
    )


def _foreign(runner: Runner, server: Container, root: Path) -> None:
    """The dumps of the two other forms."""
    for options, name, target in (
        (("--format=custom",), "db.dump", root / "folder" / "db.dump"),
        (("--format=plain",), "dump.sql", root / "dump.sql"),
    ):
        argv = ("pg_dump", "--no-owner", *options, "-U", "postgres", f"--file=/var/tmp/{name}")
        runner.check(str(server.id), (*argv, DATABASE), user="postgres")
        for _, content in runner.read_archive(str(server.id), f"/var/tmp/{name}"):  # noqa: S108
            with target.open("wb") as file:
                while chunk := content.read(1 << 20):
                    file.write(chunk)
    (root / "folder" / "manifest.json").write_text('{"odoo_dump": "1"}', "utf-8")


def _write_zip(root: Path) -> None:
    """As Odoo's manager does: compressed, the dump as a script."""
    filestore = root / "folder" / "filestore"
    with zipfile.ZipFile(root / "backup.zip", "w", zipfile.ZIP_DEFLATED, allowZip64=True) as made:
        made.write(root / "dump.sql", "dump.sql")
        for path in sorted(path for path in filestore.rglob("*") if path.is_file()):
            made.write(path, f"filestore/{path.relative_to(filestore)}")
    (root / "dump.sql").unlink()


__all__ = ["DATABASE", "Sample", "Site", "prepare", "sample_at"]
