"""The rules that ship for Tryton, on a real one's database, and for OpenERP, on its tables."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Final

import pytest

from restore.anonymise import Anonymisation, load_rules
from restore.anonymise.layouts import LAYOUTS
from restore.anonymise.placeholders import placeholders
from restore.anonymise.session import Outcome, anonymise
from restore.model.secret import Secret
from restore.repository.folder import FolderRepository
from tests.support import anonymise_samples, neutral_openerp
from tests.support.neutral_lab import restored
from tests.support.servers import DatabaseLab

pytestmark = pytest.mark.docker

KEY: Final = Secret("a key of the tests, long enough")
TRYTON: Final = "specibike_tryton"
SEVEN: Final = neutral_openerp.SEVEN + neutral_openerp.DATA_7 + anonymise_samples.OPENERP_7
SIX: Final = neutral_openerp.SIX + neutral_openerp.DATA_6 + anonymise_samples.OPENERP_6
OF_OTHERS: Final = {
    "tryton": {
        # Addresses in parts came with 7.2; telephones with module authentication_sms.
        *(f"party_address.{part}" for part in ("building_name", "building_number", "street_name",
          "unit_number", "floor_number", "room_number", "post_box", "private_bag")),
        "res_user.mobile",
    },
    "openerp": {
        "hr_employee.image_medium", "hr_employee.image_small", "hr_employee.photo",
        "hr_employee.place_of_birth", "res_company.logo", "res_partner.date", "res_partner.photo",
        "poweremail_mailbox.pem_cc", "poweremail_mailbox.pem_bcc",
        "poweremail_mailbox.pem_body_html",
        "res_partner.siret", "res_partner.invoice_warn_msg", "res_partner.picking_warn_msg",
        "res_partner.purchase_warn_msg", "res_partner.sale_warn_msg",
    },
}  # fmt: skip
"""Columns of tables that are there which only other modules or versions have."""


@pytest.fixture(scope="module")
def made(
    database_lab: DatabaseLab,
    tryton_repository: FolderRepository,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DatabaseLab]:
    """A server with Tryton's and OpenERP's databases, before and after."""
    lab, folder = database_lab, tmp_path_factory.mktemp("anonymise")
    lab.sweep()
    restored(lab, tryton_repository, folder, TRYTON, "odoo")
    lab.execute(anonymise_samples.TRYTON, TRYTON)
    for name, tables in (("seven", SEVEN), ("six", SIX)):
        lab.execute(f"CREATE DATABASE {name}")
        lab.execute(tables, name)
    for name in (TRYTON, "seven", "six"):
        lab.execute(f"CREATE DATABASE {name}_before TEMPLATE {name}")
    yield lab
    lab.sweep()


def run(lab: DatabaseLab, database: str, profile: str) -> Outcome:
    with lab.connect(database) as connection:
        wanted = Anonymisation(load_rules("builtin", profile), KEY)
        return anonymise(connection, wanted, "admin")


def lacking(lab: DatabaseLab, database: str, found: Outcome) -> set[str]:
    """Columns that rules name and a table that is there does not have."""
    rows = lab.execute("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')", database)
    tables = {name for (name,) in rows}
    return {name for name in found.absent if name.partition(".")[0] in tables and "." in name}


def columns(lab: DatabaseLab, database: str) -> set[str]:
    """Every column of a database, ``table.column``."""
    query = (
        "SELECT table_name || '.' || column_name FROM information_schema.columns"
        " WHERE table_schema = 'public'"
    )
    return {name for (name,) in lab.execute(query, database)}


def test_a_real_tryton_is_anonymised(made: DatabaseLab) -> None:
    found = run(made, TRYTON, "tryton")

    assert (found.left, found.swept) == ({}, {})
    assert found.originals == {"email": 5, "iban": 1}
    assert lacking(made, TRYTON, found) == OF_OTHERS["tryton"]
    # Joins and duplicates: one mechanism of each party; equal addresses and phones stay equal.
    query = """
        SELECT count(DISTINCT p.name), count(DISTINCT m.value), count(DISTINCT m.value_compact),
            bool_and(a.party_name = p.name) FROM party_party p
        JOIN party_contact_mechanism m ON m.party = p.id JOIN party_address a ON a.party = p.id
        WHERE m.type = %(type)s"""
    for kind in ("email", "phone"):
        asked = query.replace("%(type)s", f"'{kind}'")
        assert made.execute(asked, TRYTON) == made.execute(asked, f"{TRYTON}_before")
    ((kept,),) = made.execute("SELECT count(*) FROM party_party WHERE name LIKE 'Client %'", TRYTON)
    assert kept == 0
    # What a search looks for is what is shown, without its form.
    ((same,),) = made.execute(
        "SELECT bool_and(value_compact = replace(value, ' ', '')) FROM party_contact_mechanism"
        " WHERE type = 'phone'",
        TRYTON,
    )
    assert same
    files = {layout_name for (layout_name,) in made.execute(_FILES, TRYTON)}
    assert files and files <= set(LAYOUTS["tryton"].files())


_FILES: Final = f"SELECT {LAYOUTS['tryton'].path} FROM ir_attachment WHERE file_id IS NOT NULL"  # noqa: S608


def test_openerps_tables_are_anonymised(made: DatabaseLab) -> None:
    seven, six = run(made, "seven", "openerp"), run(made, "six", "openerp")

    for found in (seven, six):
        assert (found.left, found.swept) == ({}, {})
        assert (found.originals["email"], found.originals["iban"]) == (7, 1)
    missing = lacking(made, "seven", seven) | lacking(made, "six", six)
    there = columns(made, "seven") | columns(made, "six")
    assert missing - there == OF_OTHERS["openerp"]
    # The same address is the same one, in whatever table, version and ERP.
    one = "SELECT email, phone FROM {} WHERE id = {}"
    contact = made.execute(one.format("res_partner", 3), "seven")
    assert contact == made.execute(one.format("res_partner_address", 2), "six")
    ((shown, person, company),) = made.execute(
        "SELECT c.display_name, c.name, p.name FROM res_partner c"
        " JOIN res_partner p ON p.id = c.parent_id",
        "seven",
    )
    assert shown == f"{company}, {person}"
    ((content, name),) = made.execute(
        "SELECT db_datas, datas_fname FROM ir_attachment WHERE db_datas IS NOT NULL", "seven"
    )
    assert base64.b64decode(content) == placeholders()["pdf"].content
    assert name.startswith("document-") and name.endswith(".pdf")
    ((file,),) = made.execute("SELECT store_fname FROM ir_attachment WHERE id = 3", "seven")
    assert file == placeholders()["png"].file
