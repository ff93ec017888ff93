"""A real repository of pgBackRest: the cached production in a cluster that archives its log.

It is made once a session: a full and an incremental backup, and two transactions after them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from docker.models.containers import Container
from docker.types import Mount

from fixtures.production import DATABASE
from fixtures.site import ERP_ROLE, Site, new_site
from restore.adapters.docker.runner import Runner
from restore.model import ArtifactKind, Generation
from restore.model.secret import Secret
from tests.support.containers import output_of
from tests.support.foreign import put_tree

IMAGE = "pra/pgbackrest:13"
STANZA = "erp"
FIRST, SECOND = "Premier client", "Second client"
PASSPHRASE = Secret("a p4ss phrase '\"")

_ARCHIVING = ("-c", "archive_mode=on", "-c", "archive_command=pgbackrest archive-push %p")
_SWITCH = "SELECT pg_switch_wal()"


@dataclass(frozen=True)
class PhysicalBackups:
    """Where the repository lies, and the moment between its two last transactions.

    ``documents`` are those of the database, beside it.
    """

    repository: Path
    between: datetime
    documents: Path


@dataclass(frozen=True)
class Cluster:
    """A server that archives into the repository with pgBackRest."""

    container: Container

    def run(self, *argv: str, user: str = "postgres") -> str:
        """Run a command there, which must succeed."""
        return output_of(self.container, argv, user=user, workdir="/tmp")

    def sql(self, *statements: str, database: str = "postgres") -> str:
        """Run statements, each a transaction of its own."""
        words = [word for text in statements for word in ("-c", text)]
        options = ("-U", "postgres", "-v", "ON_ERROR_STOP=1", "-qAt", "-d", database)
        return self.run("psql", *options, *words).strip()

    def back_up(self, kind: str) -> None:
        """Make a backup."""
        self.run("pgbackrest", "backup", f"--type={kind}", "--start-fast")

    def archived(self) -> None:
        """End the segment and wait until it is archived."""
        name = self.sql("SELECT pg_walfile_name(pg_current_wal_lsn())", _SWITCH).split()[0]
        query = f"SELECT last_archived_wal >= '{name}' FROM pg_stat_archiver"  # noqa: S608
        deadline = time.monotonic() + 60
        while self.sql(query) != "t":
            assert time.monotonic() < deadline, "the segment was not archived"
            time.sleep(0.2)


def start_cluster(site: Site, repository: Path, **settings: str) -> Cluster:
    """Start a server with a stanza of its own in a repository."""
    variables: dict[str, Any] = {
        "POSTGRES_PASSWORD": site.passwords.superuser,
        "PGBACKREST_STANZA": STANZA,
        "PGBACKREST_REPO1_PATH": "/repository",
        "PGBACKREST_PG1_PATH": "/var/lib/postgresql/data",
        "PGBACKREST_LOG_LEVEL_FILE": "off",
        **settings,
    }
    container = site.start(
        "db",
        IMAGE,
        command=("postgres", "-c", "listen_addresses=*", "-c", "fsync=off", *_ARCHIVING),
        environment=variables,
        mounts=[Mount("/repository", str(repository), type="bind")],
    )
    with site.connect(container, "postgres", deadline=60):
        pass
    cluster = Cluster(container)
    # As on a server: only the tool's own user may read what it holds.
    cluster.run("chown", "postgres:", "/repository", user="root")
    cluster.run("chmod", "0750", "/repository", user="root")
    cluster.run("pgbackrest", "stanza-create")
    return cluster


@pytest.fixture(scope="session")
def physical_backups(
    docker_runner: Runner,
    production_generation: Generation,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[PhysicalBackups]:
    """A repository with the real production. Shared: it is only read."""
    repository = tmp_path_factory.mktemp("pgbackrest")
    (documents,) = production_generation.artifacts_of(ArtifactKind.DOCUMENTS)
    with new_site(docker_runner.client) as site:
        cluster = start_cluster(site, repository)
        _bring_back(cluster, production_generation)
        cluster.back_up("full")
        cluster.sql("CREATE TABLE after_full (id int)", database=DATABASE)
        cluster.back_up("incr")
        between = _two_transactions(cluster)
    yield PhysicalBackups(repository, between, production_generation.root / documents.folder)


def _two_transactions(cluster: Cluster) -> datetime:
    """Enter a customer before a moment, and one after it."""
    enter = "INSERT INTO res_partner (name) VALUES ('{}')"
    cluster.sql(enter.format(FIRST), database=DATABASE)
    between = cluster.sql(
        "SELECT pg_sleep(0.2)", "SELECT clock_timestamp()", "SELECT pg_sleep(0.2)"
    )
    cluster.sql(enter.format(SECOND), database=DATABASE)
    cluster.archived()
    return datetime.fromisoformat(between.strip())


def _bring_back(cluster: Cluster, generation: Generation) -> None:
    (facts,) = generation.fingerprint.databases
    (dump,) = generation.artifacts_of(ArtifactKind.DATABASE)
    put_tree(cluster.container, "/tmp", "dump", generation.root / dump.folder)
    cluster.run("chmod", "-R", "a+rX", "/tmp/dump", user="root")
    cluster.sql(
        f"CREATE ROLE {ERP_ROLE} LOGIN CREATEDB",
        "CREATE ROLE reporting LOGIN",
        f"CREATE DATABASE {DATABASE} OWNER {ERP_ROLE} TEMPLATE template0"
        f" ENCODING '{facts.encoding}' LC_COLLATE '{facts.collate}' LC_CTYPE '{facts.ctype}'",
        # What production set must not reach the server that brings it back.
        "ALTER SYSTEM SET primary_conninfo = 'host=production.example'",
        "ALTER SYSTEM SET session_preload_libraries = ''",
    )
    cluster.run("pg_restore", "-U", "postgres", "-j2", "-e", "-d", DATABASE, "/tmp/dump")
