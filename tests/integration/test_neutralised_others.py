"""The rules for Tryton, on a real one's database; OpenERP's and JasperServer's, on tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest

from restore.checks import uncovered
from restore.profile import Neutralisation, load_profile
from restore.repository.folder import FolderRepository
from tests.support import neutral_openerp, neutral_reports, neutral_tryton
from tests.support.neutral_lab import (
    ACCOUNT,
    Connection,
    Rows,
    apply,
    left,
    neutralising,
    plant,
    present,
    restored,
    unseen,
)
from tests.support.servers import DatabaseLab

pytestmark = pytest.mark.docker

TRYTON: Final = "specibike_tryton"
REPORTS: Final = "jasperserver"
OPENERP: Final = {
    "openerp_7": (neutral_openerp.SEVEN + neutral_openerp.DATA_7, neutral_openerp.ROWS_7),
    "openerp_6": (neutral_openerp.SIX + neutral_openerp.DATA_6, neutral_openerp.ROWS_6),
}
OF_REPORTS: Final = (neutral_reports.TABLES, neutral_reports.ROWS)
ROWS: Final[dict[str, Rows]] = {
    TRYTON: neutral_tryton.ROWS,
    REPORTS: neutral_reports.ROWS,
    **{name: rows for name, (_, rows) in OPENERP.items()},
}


def rules_of(database: str) -> Neutralisation:
    if database == REPORTS:
        reports = load_profile("openprod").reports
        assert reports is not None
        rules = reports.server.neutralisation
    else:
        rules = load_profile("tryton" if database == TRYTON else "openerp").neutralisation
    assert rules is not None
    return rules


@pytest.fixture(scope="module")
def made(
    database_lab: DatabaseLab,
    tryton_repository: FolderRepository,
    tmp_path_factory: pytest.TempPathFactory,
) -> DatabaseLab:
    """A server with all these databases, and in each all that no copy may hold."""
    database_lab.sweep()
    folder = tmp_path_factory.mktemp("neutralised")
    restored(database_lab, tryton_repository, folder, TRYTON, "odoo")
    plant(database_lab, TRYTON, neutral_tryton.TABLES, neutral_tryton.ROWS)
    for name, (tables, rows) in {**OPENERP, REPORTS: OF_REPORTS}.items():
        database_lab.execute(f"CREATE DATABASE {name}")
        plant(database_lab, name, tables, rows)
    return database_lab


@pytest.fixture(params=ROWS)
def connection(made: DatabaseLab, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """A session that neutralises one of them; what it changes is taken back."""
    own = replace(ACCOUNT, login=neutral_reports.LOGIN) if request.param == REPORTS else ACCOUNT
    with neutralising(made, request.param, own) as opened:
        yield opened


def planted(database: str, acts: set[tuple[str, int]]) -> bool:
    """Whether exactly the acts that a database has something for have rows."""
    by_rule = {name: len(rows) for name, rows in ROWS[database].items()}
    return by_rule == {rule: sum(name == rule for name, _ in acts) for rule, _ in acts}


def test_a_rule_that_is_removed_is_missed_by_its_proof(connection: Connection) -> None:
    rules = rules_of(connection.info.dbname).rules
    assert planted(connection.info.dbname, present(connection, rules))
    assert unseen(connection, rules) == []


def test_rules_may_be_run_again_and_nothing_dangerous_is_without_one(
    connection: Connection,
) -> None:
    rules = rules_of(connection.info.dbname)
    before = left(connection, rules.rules)
    assert {line.split(":")[0] for line in before} == set(ROWS[connection.info.dbname])
    apply(connection, *rules.rules, *rules.rules)
    assert left(connection, rules.rules) == []
    assert uncovered.dangers(connection, rules) == ()


def test_every_act_of_openerp_has_something_to_change_in_one_of_its_versions(
    made: DatabaseLab,
) -> None:
    rules = rules_of("openerp_7").rules
    seen: set[tuple[str, int]] = set()
    for name in OPENERP:
        with neutralising(made, name) as connection:
            seen |= present(connection, rules)
    assert seen == {(rule.name, n) for rule in rules for n in range(len(rule.acts))}
