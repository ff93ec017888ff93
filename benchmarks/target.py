"""Where a sample is restored: a new PostgreSQL server and a container of Odoo's image."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import docker
from docker.types import Healthcheck, Mount

from benchmarks.disk import new_disk
from benchmarks.sample import DATABASE, Sample
from fixtures.site import CONFIGURATION, ERP_ROLE, ODOO_IMAGE, Site, new_site, put_files
from restore.adapters.docker.runner import Runner

REPOSITORY: Final = "/srv/repository"
BACKUPS: Final = "/backups"
WHEELS: Final = "/wheels"
FILESTORE: Final = f"/var/lib/odoo/filestore/{DATABASE}"
_SECOND: Final = 1_000_000_000
_POSTGRESQL: Final = "pra/postgresql:13"

_CONFIGURATION: Final = """\
[options]
addons_path = /usr/lib/python3/dist-packages/odoo/addons
data_dir = /var/lib/odoo
db_host = db
db_user = {role}
db_password = {password}
list_db = True
"""


@dataclass(frozen=True, slots=True)
class Target:
    """Two servers that stand and hold nothing yet."""

    site: Site
    runner: Runner
    database: str
    erp: str
    address: str

    def in_database(self, *argv: str) -> str:
        """Run a command in PostgreSQL's container, as a user who may read the repository."""
        return self.runner.check(self.database, argv, user="root")

    def in_erp(self, *argv: str, user: str = "root", path: str = "") -> str:
        """Run a command in the container of Odoo's image."""
        environment = {"PYTHONPATH": path} if path else {}
        return self.runner.check(self.erp, argv, user=user, environment=environment)

    def require_restored(self, sample: Sample) -> None:
        """Hold what is there against the sample: nothing that lost something is measured."""
        query = ("psql", "-U", "postgres", "-At", "-d", DATABASE, "-c")
        rows = self.in_database(*query, "SELECT count(*) FROM ir_attachment WHERE name ~ '[.]pdf$'")
        indexes = self.in_database(
            *query, "SELECT count(*) FROM pg_indexes WHERE tablename ~ '^bench_'"
        )
        files = self.in_erp("find", FILESTORE, "-type", "f", "-printf", "x\\n").count("x")
        found = (int(rows) >= sample.documents, int(indexes), files >= sample.documents)
        if found != (True, 300, True):
            raise RuntimeError(f"what was restored is not the sample: {rows} {indexes} {files}")


@contextmanager
def target(
    client: docker.DockerClient,
    sample: Sample,
    wheels: Path,
    options: tuple[str, ...],
    foreign: bool,
) -> Iterator[Target]:
    """A new target whose PostgreSQL has these options; gone at the end."""
    with (
        new_disk(sample.root) as disk,
        new_site(client) as site,
        _backups(sample, foreign) as backups,
    ):
        site.disk = disk
        repository = Mount(REPOSITORY, str(sample.root / "repository"), "bind", read_only=True)
        database = site.start(
            "db",
            _POSTGRESQL,
            command=("postgres", "-c", "listen_addresses=*", *options),
            environment={"POSTGRES_PASSWORD": site.passwords.superuser},
            mounts=[repository],
            healthcheck=Healthcheck(
                test=["CMD", "pg_isready", "-h", "127.0.0.1", "-U", "postgres"],
                interval=_SECOND,
                timeout=5 * _SECOND,
                retries=60,
            ),
        )
        with site.connect(database, "postgres", deadline=120) as connection:
            statement = f"CREATE ROLE {ERP_ROLE} LOGIN CREATEDB PASSWORD '{site.passwords.erp}'"
            connection.execute(statement.encode())
        erp = site.create(
            "erp",
            ODOO_IMAGE,
            entrypoint=["sleep"],
            command=("infinity",),
            init=True,
            mounts=[
                repository,
                Mount(BACKUPS, str(backups), "bind"),
                Mount(WHEELS, str(wheels), "bind", read_only=True),
            ],
        )
        text = _CONFIGURATION.format(role=ERP_ROLE, password=site.passwords.erp)
        put_files(erp, "/etc/odoo", {Path(CONFIGURATION).name: text.encode()}, 0o640)
        erp.start()
        runner = Runner(client)
        made = Target(site, runner, str(database.id), str(erp.id), site.address(database))
        made.in_erp("mkdir", "-p", "/var/lib/odoo/filestore")
        made.in_erp("chown", "-R", "odoo:odoo", "/var/lib/odoo", BACKUPS)
        # What the one before left to be written is no part of this one's time.
        os.sync()
        yield made


@contextmanager
def _backups(sample: Sample, foreign: bool) -> Iterator[Path]:
    """A copy of the two foreign forms: click-odoo-contrib moves the documents out of its own."""
    folder = sample.root / "backups"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    # Hard links: no byte is copied.
    for name in ("folder", "backup.zip") if foreign else ():
        subprocess.run(("cp", "-al", str(sample.root / name), str(folder / name)), check=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
