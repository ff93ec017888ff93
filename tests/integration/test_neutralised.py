"""Each rule that neutralises a copy, on the database of a real Odoo: removed, its proof fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest

from restore.checks import uncovered
from restore.profile import Neutralisation, Profile
from restore.repository.folder import FolderRepository
from tests.support.neutral_lab import Connection, apply, left, neutralising, plant, restored, unseen
from tests.support.neutral_samples import ROWS, TABLES
from tests.support.servers import DatabaseLab

pytestmark = pytest.mark.docker

DATABASE: Final = "specibike_prod"


@pytest.fixture(scope="module")
def database(
    database_lab: DatabaseLab,
    production_repository: FolderRepository,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """The fixtures' production with tables of other modules, and all that no copy may hold."""
    database_lab.sweep()
    folder = tmp_path_factory.mktemp("neutralised")
    restored(database_lab, production_repository, folder, DATABASE, "odoo", "reporting")
    plant(database_lab, DATABASE, TABLES, ROWS)
    return DATABASE


@pytest.fixture
def connection(database_lab: DatabaseLab, database: str) -> Iterator[Connection]:
    """A session that neutralises; what it changes is taken back."""
    with neutralising(database_lab, database) as opened:
        yield opened


def neutralisation_of(profile: Profile) -> Neutralisation:
    assert profile.neutralisation is not None
    return profile.neutralisation


def test_every_act_has_something_to_change_here(odoo_profile: Profile) -> None:
    rules = neutralisation_of(odoo_profile).rules
    assert {rule.name: len(rule.acts) for rule in rules} == {
        name: len(rows) for name, rows in ROWS.items()
    }


def test_a_rule_that_is_removed_is_missed_by_its_proof(
    connection: Connection, odoo_profile: Profile
) -> None:
    """Every rule, and every act of it: without it all others leave something dangerous."""
    assert unseen(connection, neutralisation_of(odoo_profile).rules) == []


def test_rules_may_be_run_again(connection: Connection, odoo_profile: Profile) -> None:
    rules = neutralisation_of(odoo_profile).rules
    apply(connection, *rules, *rules)
    assert left(connection, rules) == []
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
