"""Each rule that neutralises a copy, on the database of a real Odoo: removed, its proof fails."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from restore import commands
from restore.checks import uncovered
from restore.checks.neutralised import proved
from restore.model import ArtifactKind, Credentials
from restore.neutralise import administrator, session_options, statements
from restore.profile import Neutralisation, NeutralisationRule, Profile
from restore.repository.folder import FolderRepository
from restore.secret import Secret
from tests.fix_servers import REPOSITORIES, SUPERUSER_PASSWORD, DatabaseLab
from tests.neutral_samples import ROWS, TABLES

pytestmark = pytest.mark.docker

DATABASE: Final = "specibike_prod"
ACCOUNT: Final = administrator(Credentials("admin", Secret("of the copy")), b"0123456789abcdef")
VALUES: Final = {"database": DATABASE, "external_url": "https://copie.example:8443"}

Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture(scope="module")
def database(
    database_lab: DatabaseLab,
    production_repository: FolderRepository,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """The fixtures' production with tables of other modules, and all that no copy may hold."""
    generation = production_repository.load(production_repository.ids()[-1])
    (artifact,) = generation.artifacts_of(ArtifactKind.DATABASE, DATABASE)
    dump = tmp_path_factory.mktemp("dump") / "dump"
    folder = Path(production_repository.location) / "generations" / generation.id
    shutil.copytree(folder / artifact.folder, dump)
    seen = f"{REPOSITORIES}/{dump.resolve().relative_to(database_lab.shared)}"
    database_lab.sweep()
    for argv in (
        commands.create_roles("postgres", ("odoo", "reporting")),
        ("createdb", "--username=postgres", "--owner=odoo", DATABASE),
        commands.restore_database("postgres", DATABASE, seen, 2),
    ):
        # As root, who reads what a repository allows to nobody else.
        database_lab.runner.check(database_lab.container, argv, user="root")
    database_lab.execute(TABLES, DATABASE)
    for planted in filter(None, (sql for rows in ROWS.values() for sql in rows)):
        database_lab.execute(planted, DATABASE)
    return DATABASE


@pytest.fixture
def connection(database_lab: DatabaseLab, database: str) -> Iterator[Connection]:
    """A session that neutralises; what it changes is taken back."""
    with psycopg.connect(
        host=database_lab.address,
        dbname=database,
        user="postgres",
        password=SUPERUSER_PASSWORD.reveal(),
        options=session_options(ACCOUNT).reveal(),
    ) as opened:
        yield opened
        opened.rollback()


def neutralisation_of(profile: Profile) -> Neutralisation:
    assert profile.neutralisation is not None
    return profile.neutralisation


def apply(connection: Connection, *rules: NeutralisationRule) -> None:
    for statement in statements(Neutralisation(rules), VALUES):
        connection.execute(statement.encode())


@contextmanager
def taken_back(connection: Connection) -> Iterator[None]:
    connection.execute("SAVEPOINT before")
    yield
    connection.execute("ROLLBACK TO SAVEPOINT before")


def test_every_act_has_something_to_change_here(odoo_profile: Profile) -> None:
    rules = neutralisation_of(odoo_profile).rules
    assert {rule.name: len(rule.acts) for rule in rules} == {
        name: len(rows) for name, rows in ROWS.items()
    }


def test_a_rule_that_is_removed_is_missed_by_its_proof(
    connection: Connection, odoo_profile: Profile
) -> None:
    """Every rule, and every act of it: without it all others leave something dangerous."""
    rules = neutralisation_of(odoo_profile).rules
    unseen: list[str] = []
    for rule in rules:
        with taken_back(connection):
            apply(connection, *(other for other in rules if other is not rule))
            for number, act in enumerate(rule.acts):
                if not proved(connection, replace(rule, acts=(act,)), VALUES)[1]:
                    unseen.append(f"{rule.name}[{number}]")
            apply(connection, rule)
            assert proved(connection, rule, VALUES) == (len(rule.acts), ()), rule.name
    assert unseen == []


def test_rules_may_be_run_again(connection: Connection, odoo_profile: Profile) -> None:
    rules = neutralisation_of(odoo_profile).rules
    apply(connection, *rules, *rules)
    assert [rule.name for rule in rules if proved(connection, rule, VALUES)[1]] == []
    (banners,) = connection.execute(
        "SELECT count(*) FROM ir_ui_view WHERE key = 'pra.staging_banner'"
    ).fetchall()
    assert banners == (1,)


def test_what_is_there_and_has_no_rule_is_named(
    connection: Connection, odoo_profile: Profile
) -> None:
    rules = neutralisation_of(odoo_profile)
    apply(connection, *rules.rules)
    assert uncovered.dangers(connection, rules) == ()
    connection.execute(
        """CREATE TABLE loyalty_gateway (id serial, api_key varchar, empty_token varchar);
        CREATE TABLE fleet_webhook (id serial, name varchar);
        CREATE TABLE empty_webhook (id serial, url varchar);
        INSERT INTO loyalty_gateway (api_key) VALUES ('k');
        INSERT INTO fleet_webhook (name) VALUES ('x');
        ALTER TABLE res_partner ADD portal_password varchar;
        UPDATE res_partner SET portal_password = 'p'"""
    )
    assert set(uncovered.dangers(connection, rules)) == {
        "loyalty_gateway.api_key",
        "res_partner.portal_password",
        "fleet_webhook has rows",
    }
    without = replace(rules, rules=tuple(r for r in rules.rules if r.name != "incoming-mail"))
    assert "fetchmail_server.server_type" in uncovered.dangers(connection, without)
