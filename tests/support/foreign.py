"""Backups as other tools make them: Odoo's own, the training case's script, pg_dump by hand.

They are made once a session, from the cached production brought back into real servers.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from docker.models.containers import Container

from fixtures.production import DATABASE
from fixtures.site import CONFIGURATION, ERP_ROLE, ODOO_IMAGE, ODOO_UID, Site, new_site, put_files
from restore.adapters.docker.runner import Runner
from restore.model import ArtifactKind, Generation
from tests.support.containers import output_of

BRANCHES = ("specibike_lyon", "specibike_nantes")
"""Databases that keep their documents inside, as that old ERP does."""

# What Odoo's page "backup" runs; the page itself is closed in production.
_ODOO = """
import odoo, sys
from odoo.tools import config
config.parse_config(["--config", sys.argv[1]])
config["list_db"] = True
"""
_ODOO_ZIP = (
    _ODOO
    + """
with open(sys.argv[3], "wb") as file:
    odoo.service.db.dump_db(sys.argv[2], file, "zip")
"""
)
_INTO_DATABASE = (
    _ODOO
    + """
with odoo.api.Environment.manage(), odoo.registry(sys.argv[2]).cursor() as cursor:
    env = odoo.api.Environment(cursor, odoo.SUPERUSER_ID, {})
    env["ir.config_parameter"].set_param("ir_attachment.location", "db")
    env["ir.attachment"].force_storage()
    # That leaves out the pictures of records.
    for one in env["ir.attachment"].search(
        [("store_fname", "!=", False), ("res_field", "!=", False)]
    ):
        one.write({"raw": one.raw, "mimetype": one.mimetype})
"""
)

# The training case's nightly script, without its server's names: one dump a database and day.
_NIGHTLY = """
set -e
mkdir sauvegardesLocales
for base in $(psql -U postgres -Atc "SELECT datname FROM pg_database WHERE datname LIKE '$1'")
do
    pg_dump -U postgres -Fc "$base" > "sauvegardesLocales/$base.dump.$(date +%j)"
done
"""


@dataclass(frozen=True)
class ForeignBackups:
    """Where the backups lie. ``folder`` holds pg_dump's outputs in every form, and a mapping."""

    odoo_zip: Path
    nightly: Path
    folder: Path


@dataclass(frozen=True)
class _Servers:
    """A production that stands, its ERP not started."""

    database: Container
    erp: Container

    def sql(self, statement: str) -> None:
        self.run(self.database, "psql", "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-c", statement)

    def run(self, container: Container, *argv: str, user: str = "postgres") -> None:
        output_of(container, argv, user=user, workdir="/tmp")

    def fetch(self, container: Container, path: str, target: Path) -> None:
        """Copy a file or folder of a container under ``target``, with its times."""
        chunks, _ = container.get_archive(path)
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            archive.extractall(target)  # noqa: S202 - made by the lines above


@pytest.fixture(scope="session")
def foreign_backups(
    docker_runner: Runner,
    production_generation: Generation,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ForeignBackups]:
    """Real backups of a real production. Shared: they are only read."""
    folder = tmp_path_factory.mktemp("foreign")
    with new_site(docker_runner.client) as site:
        servers = _bring_back(site, production_generation)
        made = ForeignBackups(
            folder / f"{DATABASE}.zip", folder / "sauvegardesLocales", folder / "dumps"
        )
        made.folder.mkdir()
        _odoo_zip(servers, folder)
        _pg_dumps(servers, made.folder)
        _nightly(servers, folder)
    yield made


def _bring_back(site: Site, generation: Generation) -> _Servers:
    (facts,) = generation.fingerprint.databases
    (dump,) = generation.artifacts_of(ArtifactKind.DATABASE)
    (documents,) = generation.artifacts_of(ArtifactKind.DOCUMENTS)
    database = site.start_database()
    erp = site.create("erp", ODOO_IMAGE, command=("infinity",), entrypoint="sleep")
    put_files(erp, "/etc/odoo", {"odoo.conf": site.configuration(DATABASE)}, 0o640)
    put_tree(erp, "/var/lib/odoo", f"filestore/{DATABASE}", generation.root / documents.folder)
    erp.start()
    put_tree(database, "/tmp", "dump", generation.root / dump.folder)
    servers = _Servers(database, erp)
    servers.run(database, "chmod", "-R", "a+rX", "/tmp/dump", user="root")
    servers.sql(
        f"CREATE DATABASE {DATABASE} OWNER {ERP_ROLE} TEMPLATE template0"
        f" ENCODING '{facts.encoding}' LC_COLLATE '{facts.collate}' LC_CTYPE '{facts.ctype}'"
    )
    servers.run(database, "pg_restore", "-U", "postgres", "-j2", "-e", "-d", DATABASE, "/tmp/dump")
    return servers


def put_tree(container: Container, parent: str, name: str, source: Path) -> None:
    """Copy a folder into a container, as the ERP's own."""
    buffer = io.BytesIO()

    def owned(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = ODOO_UID
        member.mode = 0o755 if member.isdir() else 0o644
        return member

    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for depth in range(1, name.count("/") + 1):
            above = tarfile.TarInfo("/".join(name.split("/")[:depth]))
            above.type = tarfile.DIRTYPE
            archive.addfile(owned(above))
        archive.add(source, name, filter=owned)
    assert container.put_archive(parent, buffer.getvalue())


def _odoo_zip(servers: _Servers, target: Path) -> None:
    path = f"/tmp/{DATABASE}.zip"
    servers.run(servers.erp, "python3", "-c", _ODOO_ZIP, CONFIGURATION, DATABASE, path, user="odoo")
    servers.fetch(servers.erp, path, target)


def _pg_dumps(servers: _Servers, target: Path) -> None:
    """What an administrator would have in a folder: dumps, globals and documents."""
    shell = ("sh", "-ec")
    database, erp = servers.database, servers.erp
    servers.run(database, *shell, f"pg_dump -U postgres {DATABASE} > {DATABASE}.sql")
    servers.run(database, *shell, "pg_dumpall -U postgres --globals-only > globals.sql")
    for name in (f"{DATABASE}.sql", "globals.sql"):
        servers.fetch(database, f"/tmp/{name}", target)
    tree = "/var/lib/odoo/filestore"
    servers.run(erp, "tar", "-czf", "/tmp/documents.tar.gz", "-C", tree, DATABASE, user="odoo")
    servers.fetch(erp, "/tmp/documents.tar.gz", target)


def _nightly(servers: _Servers, target: Path) -> None:
    first, *others = BRANCHES
    servers.sql(f"CREATE DATABASE {first} OWNER {ERP_ROLE} TEMPLATE {DATABASE}")
    tree = "/var/lib/odoo/filestore"
    servers.run(servers.erp, "cp", "-r", f"{tree}/{DATABASE}", f"{tree}/{first}", user="odoo")
    servers.run(servers.erp, "python3", "-c", _INTO_DATABASE, CONFIGURATION, first, user="odoo")
    for other in others:
        servers.sql(f"CREATE DATABASE {other} OWNER {ERP_ROLE} TEMPLATE {first}")
    servers.sql(f"DROP DATABASE {DATABASE}")
    servers.run(servers.database, "bash", "-c", _NIGHTLY, "nightly", "specibike%")
    servers.fetch(servers.database, "/tmp/sauvegardesLocales", target)
