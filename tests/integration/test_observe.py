"""What real images and servers offer, and a real server on production's reconciled settings."""

from __future__ import annotations

import io
import secrets
import tarfile
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from docker.types import Healthcheck

from fixtures.plans.cases import database, generation
from restore.adapters.docker.health import wait_healthy
from restore.adapters.docker.runner import LABEL, Runner
from restore.adapters.postgres import commands
from restore.adapters.postgres.sql import connect
from restore.errors import EnvironmentFailure
from restore.model import (
    Blueprint,
    DatabaseServer,
    Environment,
    ErpServer,
    Role,
    ServerFacts,
    Upload,
    Versioned,
)
from restore.model.secret import Secret
from restore.model.versions import parse_version
from restore.plan.blueprint import blueprint
from restore.plan.configuration.files import ConfigurationText
from restore.plan.equivalence.compare import compare
from restore.profile import Profile
from restore.runs.observe import available_modules, observe_facts, predict_facts
from tests.support.debian_conf import DEBIAN
from tests.support.servers import SECOND, SUPERUSER_PASSWORD, DatabaseLab, private_network

pytestmark = pytest.mark.docker

MADE = generation(database("specibike_prod"))
ERP_PASSWORD = Secret("the erp's")


@pytest.fixture
def environment(clean_lab: DatabaseLab, erp_container: str) -> Environment:
    """The lab's database server and a stopped container of the ERP's image."""
    return Environment(
        stack=clean_lab.stack,
        network=str(clean_lab.network.name),
        database=DatabaseServer(
            container=clean_lab.container,
            address=clean_lab.address,
            port=5432,
            superuser="postgres",
            password=SUPERUSER_PASSWORD,
            erp_role="odoo",
            erp_password=ERP_PASSWORD,
            repository="/srv/repository",
        ),
        erp=ErpServer(erp_container, clean_lab.erp_address, 8069, "http://erp.invalid"),
        external_url="http://erp.invalid",
    )


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("13.16-0+deb11u1", ("13.16", 130016)),
        ("13.23-1.pgdg120+1", ("13.23", 130023)),
        ("16.2", ("16.2", 160002)),
        ("9.6.24-0+deb9u1", ("9.6.24", 90624)),
        ("13", ("", 0)),
        ("17~beta1-1", ("", 0)),
        ("17.0beta1", ("", 0)),
        ("", ("", 0)),
    ],
)
def test_versions_of_packages(text: str, version: tuple[str, int]) -> None:
    assert parse_version(text) == version


def test_images_foretell_versions(docker_runner: Runner, odoo_profile: Profile) -> None:
    facts = predict_facts(docker_runner, blueprint(MADE, odoo_profile, ()), odoo_profile)
    assert facts.postgresql.version.startswith("13.")
    assert 130000 < facts.postgresql.version_number < 140000
    assert facts.erp_series == "14.0"
    assert facts.erp.version.startswith("14.0")
    assert facts.postgresql.image is not None
    assert facts.postgresql.image.id.startswith("sha256:")
    assert (facts.modules, facts.extensions, facts.collations) == (None, None, None)
    assert not [item for item in compare(MADE.fingerprint, facts) if item.blocks]


def test_of_an_absent_image_nothing_is_known(docker_runner: Runner, odoo_profile: Profile) -> None:
    absent = {Role.DATABASE: "pra/absent:0", Role.ERP: "pra/absent:0"}
    facts = predict_facts(docker_runner, blueprint(MADE, odoo_profile, (), absent), odoo_profile)
    node = facts.erp.node
    assert node is not None and node.cpus and node.memory
    for server in (facts.postgresql, facts.erp):
        assert server.node is not None
        # What is free may change from one look to the next.
        looked = replace(server.node, disk_free=node.disk_free)
        assert replace(server, node=looked) == ServerFacts("", 0, None, None, node)
    assert compare(MADE.fingerprint, facts) == ()


def test_servers_say_what_they_offer(
    docker_runner: Runner, odoo_profile: Profile, environment: Environment
) -> None:
    facts = observe_facts(docker_runner, environment, odoo_profile)
    assert 130000 < facts.postgresql.version_number < 140000
    assert facts.postgresql.os == facts.erp.os == "Debian GNU/Linux 11 (bullseye)"
    assert facts.postgresql.image is not None
    assert facts.postgresql.image.reference == "pra/postgresql:13"
    assert "UTF8" in (facts.encodings or ())
    assert "BIG5" not in (facts.encodings or ()), "an encoding for clients only"
    collations = {item.name: item.version for item in facts.collations or ()}
    assert collations["fr_FR.utf8"] == collations["en_US.utf8"] == "2.31"
    assert {"plpgsql", "unaccent"} <= {item.name for item in facts.extensions or ()}
    assert {"base", "sale", "account"} <= set(facts.modules or ())
    assert "addons" not in (facts.modules or ())


def test_observed_facts_of_an_equivalent_environment_block_nothing(
    docker_runner: Runner, odoo_profile: Profile, environment: Environment
) -> None:
    facts = observe_facts(docker_runner, environment, odoo_profile)
    assert not [item for item in compare(MADE.fingerprint, facts) if item.blocks]


def test_observed_facts_show_what_is_lacking(
    docker_runner: Runner, odoo_profile: Profile, environment: Environment
) -> None:
    demanding = replace(
        database("specibike_prod"),
        collate="de_CH.utf8",
        extensions=(Versioned("timescaledb", "2.0"),),
        modules=(Versioned("own_module", "1.0"),),
    )
    facts = observe_facts(docker_runner, environment, odoo_profile)
    found = compare(generation(demanding).fingerprint, facts)
    assert {item.key for item in found if item.blocks} == {
        "postgresql.collation:de_CH.utf8",
        "postgresql.extension:timescaledb",
        "erp.module:own_module",
    }


def test_a_server_that_does_not_answer_is_an_error(
    docker_runner: Runner,
    odoo_profile: Profile,
    environment: Environment,
) -> None:
    elsewhere = replace(environment, database=replace(environment.database, password=Secret("no")))
    with pytest.raises(EnvironmentFailure, match="refused role postgres") as caught:
        observe_facts(docker_runner, elsewhere, odoo_profile)
    assert SUPERUSER_PASSWORD.reveal() not in str(caught.value)


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (("find", "/no/such/folder"), "could not be listed"),
        (("true",), "found no module"),
    ],
)
def test_an_erp_whose_modules_cannot_be_listed_is_an_error(
    docker_runner: Runner,
    odoo_profile: Profile,
    erp_container: str,
    argv: tuple[str, ...],
    reason: str,
) -> None:
    profile = replace(odoo_profile, erp=replace(odoo_profile.erp, available_modules=argv))
    with pytest.raises(EnvironmentFailure, match=reason):
        available_modules(docker_runner, erp_container, profile)


# --- a server on production's own settings --------------------------------------------------------


def _archive(uploads: tuple[Upload, ...]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for upload in uploads:
            content = upload.content.encode()
            member = tarfile.TarInfo(upload.path.lstrip("/"))
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def reconciled(
    docker_runner: Runner, odoo_profile: Profile
) -> Iterator[tuple[Blueprint, DatabaseServer]]:
    """PostgreSQL made as the blueprint of a Debian production says."""
    # The library that production loads at start comes with the image, as it must.
    text = ConfigurationText(
        "postgresql.conf", Role.DATABASE, "configuration/database/postgresql.conf", DEBIAN
    )
    intended = blueprint(MADE, odoo_profile, (text,))
    server = intended.database
    stack = f"test-observe-{secrets.token_hex(4)}"
    with private_network(docker_runner, stack) as (network, (address, _)):
        container = docker_runner.client.containers.create(
            server.image,
            command=list(server.command),
            environment=[
                *server.environment,
                f"POSTGRES_PASSWORD={SUPERUSER_PASSWORD.reveal()}",
            ],
            healthcheck=Healthcheck(
                test=["CMD", *server.health],
                interval=SECOND // 2,
                timeout=5 * SECOND,
                retries=60,
            ),
            labels={LABEL: stack},
            network=network.name,
            networking_config={
                stack: docker_runner.client.api.create_endpoint_config(ipv4_address=address)
            },
        )
        try:
            docker_runner.write_archive(str(container.id), "/", iter((_archive(server.uploads),)))
            container.start()
            wait_healthy(docker_runner, str(container.id), 120)
            yield (
                intended,
                DatabaseServer(
                    container=str(container.id),
                    address=address,
                    port=server.port,
                    superuser="postgres",
                    password=SUPERUSER_PASSWORD,
                    erp_role="odoo",
                    erp_password=ERP_PASSWORD,
                    repository="/srv/repository",
                ),
            )
        finally:
            container.remove(force=True, v=True)


def test_a_server_starts_on_production_s_reconciled_settings(
    reconciled: tuple[Blueprint, DatabaseServer],
) -> None:
    query = """
        SELECT name, setting FROM pg_settings WHERE name IN
        ('archive_mode', 'primary_conninfo', 'synchronous_standby_names', 'max_connections',
         'shared_preload_libraries', 'lc_messages', 'ssl', 'config_file', 'listen_addresses')
    """
    with connect(reconciled[1], "postgres") as connection:
        assert dict(connection.execute(query).fetchall()) == {
            "archive_mode": "off",
            "primary_conninfo": "",
            "synchronous_standby_names": "",
            "max_connections": "200",
            "shared_preload_libraries": "pg_stat_statements",
            "lc_messages": "fr_FR.UTF-8",
            "ssl": "off",
            "config_file": "/etc/postgresql/postgresql.conf",
            "listen_addresses": "*",
        }
        errors = "SELECT name, error FROM pg_file_settings WHERE error IS NOT NULL"
        assert connection.execute(errors).fetchall() == []
        rules = "SELECT type, auth_method, error FROM pg_hba_file_rules"
        assert connection.execute(rules).fetchall() == [
            ("local", "trust", None),
            ("host", "scram-sha-256", None),
        ]


def test_its_cluster_has_production_s_locale(
    reconciled: tuple[Blueprint, DatabaseServer],
) -> None:
    query = """
        SELECT pg_encoding_to_char(encoding), datcollate, datctype
        FROM pg_database WHERE datname = 'template1'
    """
    with connect(reconciled[1], "postgres") as connection:
        assert connection.execute(query).fetchone() == ("UTF8", "fr_FR.UTF-8", "fr_FR.UTF-8")


def test_a_role_logs_in_over_the_network_with_its_password_only(
    reconciled: tuple[Blueprint, DatabaseServer],
) -> None:
    server = reconciled[1]
    with connect(server, "postgres") as connection:
        connection.execute("DROP ROLE IF EXISTS odoo")
        connection.execute("CREATE ROLE odoo LOGIN PASSWORD 'the erp''s'")
    with connect(server, "postgres", as_erp=True) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("odoo",)
    wrong = replace(server, erp_password=Secret("other"))
    with (
        pytest.raises(EnvironmentFailure, match="refused role odoo"),
        connect(wrong, "postgres", as_erp=True, deadline=0),
    ):
        pass


def test_commands_work_with_the_server_s_own_tools(
    docker_runner: Runner, reconciled: tuple[Blueprint, DatabaseServer]
) -> None:
    """A database of an awkward name is dumped, restored aside and promoted over the original."""
    server = reconciled[1]
    name, temporary = 'l\'été="2026" \\', "temporary"

    def run(argv: commands.Argv) -> str:
        return docker_runner.check(server.container, argv, user="postgres")

    run(
        commands.run_statements(
            "postgres", "postgres", [f"CREATE DATABASE {commands.identifier(name)}"]
        )
    )
    run(commands.run_statements("postgres", name, ["CREATE TABLE t AS SELECT 1 AS a"]))
    assert "CREATE ROLE postgres" in run(commands.dump_roles("postgres"))
    run(commands.dump_database(commands.DumpRequest(name, "/tmp/dump", "postgres", 2)))
    assert "TABLE DATA public t" in run(commands.list_dump("/tmp/dump"))
    new = commands.NewDatabase(temporary, "postgres", "UTF8", "C", "C", "it's \\ ours")
    run(commands.create_database("postgres", new))
    run(commands.create_database("postgres", new))
    run(commands.restore_database("postgres", temporary, "/tmp/dump", 2))
    run(commands.analyze("postgres", temporary, 2))
    # A session on the old one does not stand in the way.
    with psycopg.connect(
        host=server.address, dbname=name, user="postgres", password=server.password.reveal()
    ):
        run(commands.promote_database("postgres", commands.Promotion(temporary, name, "aside")))
    query = "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database"
    with connect(server, "postgres") as connection:
        found = dict(connection.execute(query).fetchall())
    assert found[name] == "it's \\ ours"
    assert not {temporary, "aside"} & set(found)
