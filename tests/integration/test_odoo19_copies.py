"""What makes copies of Odoo 19 safe and anonymous, on the database of a real one.

PostgreSQL 18 and a production of their own, so only ``make test-all`` runs it; ``e2e`` has a copy
whose own command runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from restore.adapters.docker.runner import Runner
from restore.anonymise import Anonymisation, load_rules
from restore.anonymise.session import anonymise
from restore.checks import uncovered
from restore.model.secret import Secret
from restore.profile import load_profile
from restore.repository.folder import FolderRepository
from tests.e2e.test_odoo19 import ODOO19
from tests.support import neutral_odoo19
from tests.support.neutral_lab import apply, left, neutralising, plant, restored, unseen
from tests.support.production import cached_production
from tests.support.servers import DatabaseLab, postgresql_lab

pytestmark = [pytest.mark.docker, pytest.mark.heavy]

DATABASE: Final = "specibike_19"
OF_OTHERS: Final = frozenset(
    {
        *(f"res_partner.{kind}_warn_msg" for kind in ("invoice", "sale", "purchase", "picking")),
        *(f"res_partner.{part}" for part in ("street_name", "street_number", "street_number2")),
        "res_partner.contact_address_complete",
        "res_partner.peppol_endpoint",
    }
)
"""Columns that only modules have which the fixtures' production has not installed."""


@pytest.fixture(scope="module")
def lab(docker_runner: Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseLab]:
    """PostgreSQL 18 with the production, as it is and with all that no copy may hold."""
    shared = tmp_path_factory.mktemp("odoo19")
    repository = FolderRepository.at(cached_production(docker_runner, ODOO19))
    options = ("-c", "fsync=off")
    with postgresql_lab(docker_runner, shared, *options, image="pra/postgresql:18") as made:
        restored(made, repository, shared, DATABASE, "odoo")
        made.execute(f"CREATE DATABASE planted TEMPLATE {DATABASE}")
        plant(made, "planted", neutral_odoo19.TABLES, neutral_odoo19.ROWS)
        yield made


def test_a_rule_that_is_removed_is_missed_by_its_proof(lab: DatabaseLab) -> None:
    neutralisation = load_profile("odoo19").neutralisation
    assert neutralisation is not None
    rules = neutralisation.rules
    acts = {name: len(rows) for name, rows in neutral_odoo19.ROWS.items()}
    assert {rule.name: len(rule.acts) for rule in rules} == acts
    with neutralising(lab, "planted") as connection:
        assert unseen(connection, rules) == []
        apply(connection, *rules, *rules)
        assert left(connection, rules) == []
        assert uncovered.dangers(connection, neutralisation) == ()


def test_it_is_anonymised(lab: DatabaseLab) -> None:
    wanted = Anonymisation(load_rules("builtin", "odoo19"), Secret("a key, long enough for tests"))
    columns = "SELECT relname FROM pg_class WHERE relkind = 'r'"
    tables = {name for (name,) in lab.execute(columns, DATABASE)}
    with lab.connect(DATABASE) as connection:
        found = anonymise(connection, wanted, "admin")
    assert found.left == {}
    assert found.originals["email"] > 0
    lacking = {one for one in found.absent if one.partition(".")[0] in tables}
    assert {one for one in lacking if ".social_" not in one} == OF_OTHERS
    ((wrong,),) = lab.execute(
        "SELECT count(*) FROM res_partner p JOIN res_partner c ON c.id = p.commercial_partner_id"
        " WHERE p.commercial_company_name <> c.name",
        DATABASE,
    )
    assert wrong == 0
