"""Real servers to replay into: PostgreSQL and a container of the ERP's image, on a network.

The database server is started once a session and swept before each test; the ERP's container is
new for each test. All of it carries the label ``pra.stack=test-<hex>`` and is removed afterwards.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from docker.errors import APIError, NotFound
from docker.models.containers import Container
from docker.models.networks import Network
from docker.types import EndpointConfig, Healthcheck, IPAMConfig, IPAMPool, Mount
from psycopg import sql as compose

from restore.adapters.docker.health import wait_healthy
from restore.adapters.docker.helpers import HelperOptions, run_once
from restore.adapters.docker.runner import LABEL, Runner
from restore.adapters.postgres import commands, sql
from restore.adapters.postgres.facts import read_database_facts
from restore.context import ReplayContext
from restore.model import (
    Acceptance,
    DatabaseFacts,
    DatabaseServer,
    Environment,
    EnvironmentFacts,
    ErpServer,
    Generation,
    Progress,
    RestorePlan,
    StepKind,
)
from restore.model.secret import Secret
from restore.plan.blueprint import configuration_texts
from restore.plan.planning import plan
from restore.plan.request import PlanRequest, standing_target
from restore.profile import Profile, load_profile
from restore.replay.replay import replay
from restore.replay.steps.databases import find_databases
from restore.repository import Repository
from restore.repository.folder import FolderRepository
from restore.runs.planning import with_server
from tests.support.repository import (
    DATABASE,
    Contents,
    GenerationFactory,
    small_documents,
    small_fingerprint,
)

SUPERUSER_PASSWORD: Final = Secret("the superuser's p4ss")
ERP_PASSWORD: Final = Secret("the ERP's p4ss {}%'\"")
REPOSITORIES: Final = "/repositories"
SECOND: Final = 1_000_000_000

ROLES: Final = b"""--
-- PostgreSQL database cluster dump
--
SET default_transaction_read_only = off;
SET client_encoding = 'UTF8';
CREATE ROLE odoo;
ALTER ROLE odoo WITH NOSUPERUSER INHERIT NOCREATEROLE CREATEDB LOGIN NOREPLICATION NOBYPASSRLS;
CREATE ROLE postgres;
ALTER ROLE postgres WITH SUPERUSER INHERIT CREATEROLE CREATEDB LOGIN REPLICATION BYPASSRLS;
"""

SCHEMA: Final = """
CREATE TABLE res_partner (id serial PRIMARY KEY, name text NOT NULL);
INSERT INTO res_partner (name) SELECT 'partner ' || n FROM generate_series(1, 12) n;
CREATE TABLE sale_order (
    id serial PRIMARY KEY,
    partner_id integer NOT NULL CONSTRAINT sale_order_partner REFERENCES res_partner,
    amount numeric CONSTRAINT sale_order_amount CHECK (amount > 0)
);
INSERT INTO sale_order (partner_id, amount) SELECT n % 12 + 1, n FROM generate_series(1, 40) n;
CREATE TABLE ir_module_module (id serial PRIMARY KEY, name text, state text, latest_version text);
INSERT INTO ir_module_module (name, state, latest_version)
VALUES ('base', 'installed', '14.0.1.3'), ('sale', 'uninstalled', NULL);
CREATE TABLE ir_attachment (id serial PRIMARY KEY, name text, store_fname text, checksum text);
CREATE VIEW partner_orders AS SELECT partner_id, count(*) FROM sale_order GROUP BY 1;
"""


PROPERTIES = f"""
ALTER DATABASE {DATABASE} SET work_mem TO '7MB';
ALTER ROLE odoo IN DATABASE {DATABASE} SET statement_timeout TO '5min';
REVOKE CONNECT ON DATABASE {DATABASE} FROM PUBLIC;
"""


@dataclass(frozen=True)
class DatabaseLab:
    """The running PostgreSQL server of this session. ``shared`` is this machine's folder that the
    container sees as ``REPOSITORIES``."""

    stack: str
    runner: Runner
    container: str
    network: Network
    address: str
    erp_address: str
    shared: Path

    def server(self, repository: Repository) -> DatabaseServer:
        """The server as an environment describes it."""
        folder = Path(repository.location).resolve().relative_to(self.shared)
        return DatabaseServer(
            container=self.container,
            address=self.address,
            port=5432,
            superuser="postgres",
            password=SUPERUSER_PASSWORD,
            erp_role="odoo",
            erp_password=ERP_PASSWORD,
            repository=f"{REPOSITORIES}/{folder}",
        )

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """An autocommit connection as the superuser."""
        return psycopg.connect(
            host=self.address,
            dbname=database,
            user="postgres",
            password=SUPERUSER_PASSWORD.reveal(),
            autocommit=True,
        )

    def execute(self, statements: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run statements; the rows of the last one."""
        with self.connect(database) as connection:
            cursor = connection.execute(statements.encode())
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []

    def databases(self) -> set[str]:
        """Names of all databases but the templates and ``postgres``."""
        query = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"
        return {name for (name,) in self.execute(query)}

    def sweep(self) -> None:
        """Drop every database that a test made, and loaders of replays that failed."""
        for name in self.databases():
            with self.connect() as connection:
                drop = compose.SQL("DROP DATABASE {} WITH (FORCE)")
                connection.execute(drop.format(compose.Identifier(name)))
        for (name,) in self.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE '%\\_\\_pra\\_%'"
        ):
            self.execute(f'DROP ROLE "{name}"')


@dataclass(frozen=True)
class Source:
    """A small production's database, dumped by the server's own tools, with its documents."""

    facts: DatabaseFacts
    contents: Contents


@dataclass(frozen=True)
class Scene:
    """One generation of the small production and an environment to replay it into."""

    lab: DatabaseLab
    context: ReplayContext
    heard: list[Progress]

    @property
    def erp(self) -> str:
        """The ERP's container."""
        return self.context.environment.erp.container

    def plan(self, **changes: Any) -> RestorePlan:
        """The plan that the engine itself would make for the environment as it stands."""
        return make_plan(self.context, self.lab, **changes)

    def in_erp(self, *argv: str, user: str = "root") -> str:
        """Run a command beside the ERP's container, on its volumes."""
        return run_once(self.context.runner, self.erp, argv, HelperOptions(user=user))

    def replay_database(self) -> None:
        """Replay the database alone, to where people can connect to it."""
        whole = self.plan()
        kinds = (
            StepKind.ROLES,
            StepKind.CREATE_DATABASE,
            StepKind.RESTORE_DATABASE,
            StepKind.PROMOTE_DATABASE,
            StepKind.OPEN_DATABASE,
        )
        steps = tuple(step for step in whole.steps if step.kind in kinds)
        replay(replace(whole, steps=steps), self.context)

    def with_generation(self, generation: Generation) -> Scene:
        """The same scene with another generation of the same repository."""
        return replace(self, context=replace(self.context, generation=generation))


def make_plan(context: ReplayContext, lab: DatabaseLab | None, **changes: Any) -> RestorePlan:
    """Plan as the engine does, for an environment that offers what production had."""
    return plan(replace(make_request(context), **changes))


def make_request(context: ReplayContext) -> PlanRequest:
    """What the engine plans from, for an environment that offers what production had."""
    fingerprint = context.generation.fingerprint
    facts = EnvironmentFacts(fingerprint.postgresql, fingerprint.erp, fingerprint.erp_series)
    with sql.connect(context.environment.database, "postgres") as connection:
        existing = find_databases(connection)
    return PlanRequest(
        generation=context.generation,
        profile=context.profile,
        texts=configuration_texts(context.repository, context.generation, context.profile),
        facts=facts,
        target=with_server(
            context.runner,
            context.environment,
            context.profile,
            standing_target(context.environment, existing),
        ),
    )


@pytest.fixture(scope="session")
def odoo_profile() -> Profile:
    """The profile that ships."""
    return load_profile("odoo")


@pytest.fixture(scope="session")
def database_lab(
    docker_runner: Runner, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DatabaseLab]:
    """PostgreSQL that sees every temporary folder of this session."""
    shared = tmp_path_factory.getbasetemp().resolve()
    # Nothing here is worth surviving a power cut.
    with postgresql_lab(docker_runner, shared, "-c", "fsync=off") as lab:
        yield lab


@contextmanager
def postgresql_lab(
    runner: Runner,
    shared: Path,
    *options: str,
    data: Path | None = None,
    image: str = "pra/postgresql:13",
    **limits: Any,
) -> Iterator[DatabaseLab]:
    """A PostgreSQL server with these options, that sees folder ``shared``.

    Args:
        data: this machine's folder for its data; a volume when None.
        limits: what its container is limited to, as the SDK calls it.
    """
    stack = f"test-{secrets.token_hex(4)}"
    held = [Mount("/var/lib/postgresql/data", str(data), type="bind")] if data else []
    with private_network(runner, stack) as (network, addresses):
        container = runner.client.containers.create(
            image,
            environment={
                "POSTGRES_PASSWORD": SUPERUSER_PASSWORD.reveal(),
                # As with fsync: nothing of a lab survives it.
                "POSTGRES_INITDB_ARGS": "--no-sync",
            },
            command=["postgres", *options, "-c", "listen_addresses=*"],
            mounts=[Mount(REPOSITORIES, str(shared), type="bind", read_only=True), *held],
            # A probe takes a tenth of a second of processor, for as long as the tests run.
            healthcheck=Healthcheck(
                test=["CMD", "pg_isready", "-h", "127.0.0.1", "-U", "postgres"],
                interval=2 * SECOND,
                timeout=5 * SECOND,
                retries=60,
            ),
            **placed(runner, stack, network, addresses[0]),
            **limits,
        )
        try:
            container.start()
            wait_healthy(runner, str(container.id), 120)
            yield DatabaseLab(
                stack, runner, str(container.id), network, addresses[0], addresses[1], shared
            )
        finally:
            container.remove(force=True, v=True)


@pytest.fixture
def clean_lab(database_lab: DatabaseLab) -> Iterator[DatabaseLab]:
    """The database server without any database but its own."""
    database_lab.sweep()
    yield database_lab
    database_lab.sweep()


@pytest.fixture(scope="session")
def source(database_lab: DatabaseLab, odoo_profile: Profile) -> Source:
    """The small production."""
    return make_source(database_lab, odoo_profile)


def make_source(database_lab: DatabaseLab, odoo_profile: Profile, more: str = "") -> Source:
    """Make the small production's database, and ``more`` in it, dump it, drop it."""
    database_lab.sweep()
    with suppress(psycopg.errors.DuplicateObject):
        database_lab.execute("CREATE ROLE odoo LOGIN CREATEDB")
    database_lab.execute(f"CREATE DATABASE {DATABASE} OWNER odoo TEMPLATE template0")
    database_lab.execute("SET ROLE odoo;" + SCHEMA + more, DATABASE)
    database_lab.execute(PROPERTIES)
    documents = small_documents()
    with database_lab.connect(DATABASE) as connection:
        for number, (path, content) in enumerate(documents.items(), 1):
            connection.execute(
                "INSERT INTO ir_attachment (name, store_fname, checksum) VALUES (%s, %s, %s)",
                (f"document {number}", path, hashlib.sha1(content).hexdigest()),  # noqa: S324
            )
        facts = read_database_facts(connection, odoo_profile)
    dump = dump_files(database_lab, DATABASE)
    database_lab.sweep()
    return Source(facts, Contents(documents=documents, dump=dump, roles=ROLES))


@pytest.fixture
def scene_of(
    clean_lab: DatabaseLab,
    source: Source,
    generation_factory: GenerationFactory,
    odoo_profile: Profile,
    erp_container: str,
) -> Callable[..., Scene]:
    """Makes a scene; ``contents`` and ``facts`` replace the small production's."""

    def make(
        contents: Contents | None = None,
        facts: DatabaseFacts | None = None,
        accepted: tuple[Acceptance, ...] = (),
    ) -> Scene:
        fingerprint = replace(small_fingerprint(), databases=(facts or source.facts,))
        generation = generation_factory(contents or source.contents, fingerprint)
        repository: FolderRepository = generation_factory.repository
        made = make_scene(clean_lab, erp_container, repository, generation, odoo_profile)
        return replace(made, context=replace(made.context, accepted=accepted))

    return make


def make_scene(
    lab: DatabaseLab, erp: str, repository: Repository, generation: Generation, profile: Profile
) -> Scene:
    """A generation and the environment that a database lab and an ERP's container make."""
    heard: list[Progress] = []
    context = ReplayContext(
        runner=lab.runner,
        environment=environment_of(lab, repository, erp),
        repository=repository,
        generation=generation,
        profile=profile,
        now=lambda: datetime.now(UTC),
        listener=heard.append,
    )
    return Scene(lab, context, heard)


@pytest.fixture
def scene(scene_of: Callable[..., Scene]) -> Scene:
    """The small production's generation and an empty environment."""
    return scene_of()


@pytest.fixture
def erp_container(clean_lab: DatabaseLab) -> Iterator[str]:
    """A stopped container of the ERP's image that sleeps when it is started."""
    with erp_server(clean_lab, entrypoint=["sleep"], command=["infinity"], health=["true"]) as name:
        yield name


@contextmanager
def erp_server(
    lab: DatabaseLab,
    entrypoint: list[str],
    command: list[str],
    health: list[str],
    data: Path | None = None,
) -> Iterator[str]:
    """A container of the ERP's image, not started, with a volume for its documents.

    Args:
        data: this machine's folder that the volume is; a new one when None.
    """
    volume = lab.runner.client.volumes.create(
        f"{lab.stack}-{secrets.token_hex(4)}",
        labels={LABEL: lab.stack},
        driver_opts={"type": "none", "o": "bind", "device": str(data)} if data else {},
    )
    container: Container | None = None
    try:
        container = lab.runner.client.containers.create(
            "pra/odoo:14.0",
            entrypoint=entrypoint,
            command=command,
            init=True,
            volumes={str(volume.name): {"bind": "/var/lib/odoo", "mode": "rw"}},
            healthcheck=Healthcheck(
                test=["CMD", *health], interval=SECOND, timeout=20 * SECOND, retries=120
            ),
            **placed(lab.runner, lab.stack, lab.network, lab.erp_address),
        )
        yield str(container.id)
    finally:
        if container is not None:
            container.remove(force=True, v=True)
        # A killed replay leaves the container that worked on the volume.
        for helper in lab.runner.client.containers.list(
            all=True, filters={"volume": str(volume.name)}
        ):
            helper.remove(force=True, v=True)
        volume.remove(force=True)


@contextmanager
def production_scene(
    lab: DatabaseLab, repository: FolderRepository, profile: Profile, **more: Any
) -> Iterator[Scene]:
    """The fixtures' production, of a profile of Odoo's, and an empty environment for it.

    Args:
        more: what the context has besides.
    """
    erp = profile.erp
    with erp_server(lab, list(erp.entrypoint), list(erp.command), list(erp.health)) as name:
        context = ReplayContext(
            runner=lab.runner,
            environment=environment_of(lab, repository, name),
            repository=repository,
            generation=repository.load(repository.ids()[-1]),
            profile=profile,
            now=lambda: datetime.now(UTC),
            **more,
        )
        yield Scene(lab, context, [])


def environment_of(lab: DatabaseLab, repository: Repository, erp: str) -> Environment:
    """The environment that a database lab and an ERP's container make."""
    url = f"http://{lab.erp_address}:8069"
    return Environment(
        stack=lab.stack,
        network=str(lab.network.name),
        database=lab.server(repository),
        erp=ErpServer(erp, lab.erp_address, 8069, url),
        external_url=url,
    )


def dump_files(lab: DatabaseLab, database: str) -> dict[str, bytes]:
    """Dump a database with the server's own tools and read the dump."""
    folder = f"/tmp/{secrets.token_hex(4)}"
    request = commands.DumpRequest(database, folder, "postgres", jobs=2)
    lab.runner.check(lab.container, commands.dump_database(request), user="postgres")
    return {
        Path(member.name).name: content.read()
        for member, content in lab.runner.read_archive(lab.container, folder)
        if member.isreg()
    }


@contextmanager
def private_network(runner: Runner, stack: str) -> Iterator[tuple[Network, tuple[str, str]]]:
    """An internal network and two addresses on it."""
    for _ in range(20):
        prefix = f"10.{200 + secrets.randbelow(50)}.{secrets.randbelow(256)}"
        pool = IPAMPool(subnet=f"{prefix}.0/28")
        try:
            network = runner.client.networks.create(
                stack, internal=True, labels={LABEL: stack}, ipam=IPAMConfig(pool_configs=[pool])
            )
            break
        except APIError as error:
            if "overlap" not in str(error):
                raise
    else:
        raise AssertionError("no free subnet was found")
    try:
        yield network, (f"{prefix}.10", f"{prefix}.11")
    finally:
        with suppress(NotFound):
            network.remove()


def placed(runner: Runner, stack: str, network: Network, address: str) -> dict[str, Any]:
    """Arguments that give a new container its label, its network and its address."""
    endpoint: EndpointConfig = runner.client.api.create_endpoint_config(ipv4_address=address)
    return {
        "labels": {LABEL: stack},
        "network": network.name,
        # As in a stack: no name of the outside is resolved, and that is known soon.
        "dns": ["127.0.0.1"],
        "dns_opt": ["timeout:1", "attempts:1"],
        "networking_config": {network.name: endpoint},
    }
