"""Anonymisation on a real PostgreSQL, of a real Odoo's database."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from restore.anonymise import Anonymisation, Rules, load_rules
from restore.anonymise.reading import parse_rules
from restore.anonymise.session import Outcome, anonymise
from restore.errors import ReplayError, UsageError
from restore.model import ArtifactKind
from restore.model.secret import Secret
from restore.repository.folder import FolderRepository
from tests.support.repository import copy_repository
from tests.support.servers import REPOSITORIES, DatabaseLab

pytestmark = pytest.mark.docker

KEY = Secret("a key of the tests, long enough")
OTHER = Secret("another key, as long as the first")
ORIGINAL = "anonymise_original"

TRIAL_BALANCE = """
SELECT a.code, sum(l.debit), sum(l.credit) FROM account_move_line l
JOIN account_account a ON a.id = l.account_id GROUP BY 1 ORDER BY 1
"""
FOREIGN_KEYS = """
SELECT conrelid::regclass::text, conname, convalidated FROM pg_constraint
WHERE contype = 'f' ORDER BY 1, 2
"""
INDEXES = """
SELECT i.indexdef, obj_description(i.indexname::regclass, 'pg_class'), c.contype,
    obj_description(c.oid, 'pg_constraint')
FROM pg_indexes i LEFT JOIN pg_constraint c ON c.conindid = i.indexname::regclass
    AND c.conrelid = i.tablename::regclass
WHERE i.schemaname = 'public' ORDER BY 1, 2, 3, 4
"""
CONTENT = """
SELECT p.id, p.name, p.email, p.phone, p.city, b.acc_number
FROM res_partner p LEFT JOIN res_partner_bank b ON b.partner_id = p.id ORDER BY p.id
"""


@pytest.fixture(scope="module")
def original(
    database_lab: DatabaseLab,
    production_repository: FolderRepository,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DatabaseLab]:
    """A server with the production's database, restored once; each test changes a copy."""
    lab = database_lab
    lab.sweep()
    for role in ("odoo", "reporting"):
        with suppress(psycopg.errors.DuplicateObject):
            lab.execute(f"CREATE ROLE {role}")
    folder = tmp_path_factory.mktemp("anonymise")
    repository = copy_repository(Path(production_repository.location), folder / "repository")
    generation = repository.load(repository.ids()[-1])
    (artifact,) = generation.artifacts_of(ArtifactKind.DATABASE)
    seen = folder.resolve().relative_to(lab.shared)
    dump = f"{REPOSITORIES}/{seen}/repository/generations/{generation.id}/{artifact.folder}"
    lab.execute(f"CREATE DATABASE {ORIGINAL} TEMPLATE template0")
    lab.runner.check(
        lab.container,
        ("pg_restore", "--username=postgres", "--jobs=2", f"--dbname={ORIGINAL}", dump),
        user="root",
    )
    lab.execute(PLANTED, ORIGINAL)
    yield lab
    lab.sweep()


# A module without rules, which copies addresses into columns of every type; IBANs of a bank
# account as people write it; logins that are addresses; rows that no statement may change.
PLANTED = """
UPDATE res_users SET login = 'Client1@specibike.example' WHERE id = 6;
INSERT INTO res_partner_bank (acc_number, sanitized_acc_number, partner_id, acc_holder_name)
VALUES ('FR76 3000 6000 0112 3456 7890 189', 'FR7630006000011234567890189', 40, 'Dupont'),
    ('GB82WEST12345698765432', 'GB82WEST12345698765432', 41, 'Smith');
CREATE TABLE specibike_loan (id serial PRIMARY KEY, short varchar(60), note text, data jsonb,
    old json, feed xml, people text[], company_id integer REFERENCES res_company);
INSERT INTO specibike_loan (short, note, data, old, feed, people, company_id) VALUES (
    'client3@specibike.example',
    'Payer sur FR76 3000 6000 0112 3456 7890 189, répondre à Client3@SPECIBIKE.example.',
    '{"to": ["client3@specibike.example"], "n": 1}', '{"iban": "FR7630006000011234567890189"}',
    '<a mail="client3@specibike.example"/>', '{client3@specibike.example,"x y"}', 1);
CREATE MATERIALIZED VIEW specibike_mails AS SELECT email FROM res_partner;
"""


@pytest.fixture
def copy_of(original: DatabaseLab) -> Iterator[Callable[[], str]]:
    """Makes copies of the database, by name."""
    made: list[str] = []

    def make() -> str:
        made.append(f"anonymise_{secrets.token_hex(4)}")
        original.execute(f"CREATE DATABASE {made[-1]} TEMPLATE {ORIGINAL}")
        return made[-1]

    yield make
    for name in made:
        original.execute(f"DROP DATABASE {name} WITH (FORCE)")


def run(lab: DatabaseLab, database: str, rules: Rules | None = None, key: Secret = KEY) -> Outcome:
    wanted = Anonymisation(rules or load_rules("builtin", "odoo"), key)
    with lab.connect(database) as connection:
        return anonymise(connection, wanted, "admin")


def test_what_counts_survives_and_the_key_alone_decides(
    original: DatabaseLab, copy_of: Callable[[], str]
) -> None:
    first, second, third = copy_of(), copy_of(), copy_of()

    found = run(original, first)
    run(original, second)
    run(original, third, key=OTHER)

    assert found.left == {}
    assert found.originals["email"] > 300
    assert found.originals["iban"] == 2
    assert "crm_lead" in found.absent
    # The same key gives the same replacements in every database, another one others.
    once = original.execute(CONTENT, first)
    assert once == original.execute(CONTENT, second)
    assert once != original.execute(CONTENT, third)
    # No row, no foreign key, no index and no amount has changed.
    for query in (TRIAL_BALANCE, FOREIGN_KEYS, INDEXES, ROWS):
        assert original.execute(query, first) == original.execute(query, ORIGINAL), query
    names = original.execute("SELECT name FROM res_partner WHERE name <> ''", ORIGINAL)
    kept = original.execute("SELECT name FROM res_partner", first)
    assert not set(names) & set(kept)
    # Duplicates stay duplicates, and columns that joined still do.
    for query in (DISTINCT, JOINED):
        assert original.execute(query, first) == original.execute(query, ORIGINAL), query
    # A rule that old rows break is as it was.
    assert original.execute(
        "SELECT convalidated FROM pg_constraint WHERE conname = 'specibike_reference'", first
    ) == [(False,)]


ROWS = """
SELECT table_name, (xpath('/row/n/text()', query_to_xml(
    format('SELECT count(*) AS n FROM %I', table_name), false, true, '')))[1]::text
FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
ORDER BY 1
"""
DISTINCT = """
SELECT count(DISTINCT email), count(DISTINCT email_normalized), count(DISTINCT phone),
    count(DISTINCT name), count(DISTINCT city), count(email), count(NULLIF(phone, ''))
FROM res_partner
"""
JOINED = """
SELECT (SELECT count(*) FROM res_partner WHERE lower(email) = email_normalized),
    (SELECT count(*) FROM mail_message m JOIN res_partner p
        ON p.id = m.author_id AND position(lower(p.email) IN lower(m.email_from)) > 0),
    (SELECT count(*) FROM res_users u JOIN res_partner p ON lower(u.login) LIKE '%' || p.email),
    (SELECT count(*) FROM account_move m JOIN res_partner p
        ON p.id = m.partner_id AND p.display_name = m.invoice_partner_display_name),
    (SELECT count(*) FROM res_partner p JOIN res_partner q
        ON q.id = p.parent_id AND p.display_name = q.name || ', ' || p.name),
    (SELECT count(*) FROM res_partner_bank
        WHERE regexp_replace(acc_number, '[^A-Z0-9]', '', 'g') = sanitized_acc_number)
"""


def test_accounts_are_valid_again_and_keep_their_country_and_form(
    original: DatabaseLab, copy_of: Callable[[], str]
) -> None:
    name = copy_of()
    run(original, name)
    query = "SELECT acc_number FROM res_partner_bank ORDER BY id"
    account, french, british = (row[0] for row in original.execute(query, name))

    assert re.fullmatch(r"\d\d-\d\d-\d\d \d{8}", account)
    assert re.fullmatch(r"FR\d\d( \d{4}){5} \d{3}", french)
    assert re.fullmatch(r"GB\d\d[A-Z]{4}\d{14}", british)
    assert "3000 6000" not in french
    assert "WEST" not in british
    for iban in (french, british):
        compact = iban.replace(" ", "")
        assert int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1


def test_addresses_without_a_rule_are_replaced_in_columns_of_every_type_and_told(
    original: DatabaseLab, copy_of: Callable[[], str]
) -> None:
    name = copy_of()
    found = run(original, name)

    assert {one for one in found.swept if one.startswith("specibike_loan")} == {
        f"specibike_loan.{column}" for column in ("short", "note", "data", "old", "feed", "people")
    }
    assert found.swept["specibike_loan.note"] == {"email": 1, "iban": 1}
    ((short, note, data, old, feed, people),) = original.execute(
        "SELECT short, note, data, old, feed::text, people FROM specibike_loan", name
    )
    partners = original.execute("SELECT email FROM res_partner", name)
    ((iban,),) = original.execute(
        "SELECT acc_number FROM res_partner_bank WHERE partner_id = 40", name
    )
    assert (short,) in partners
    # Everything else of a text is left.
    assert note == f"Payer sur {iban}, répondre à {short}."
    assert data == {"to": [short], "n": 1}
    assert old == {"iban": iban.replace(" ", "")}
    assert feed == f'<a mail="{short}"/>'
    assert people == [short, "x y"]
    assert (short,) in original.execute("SELECT email FROM specibike_mails", name)


def test_the_scan_names_where_an_original_is_left_and_never_which(
    original: DatabaseLab, copy_of: Callable[[], str]
) -> None:
    name = copy_of()
    # What a careless rule writes.
    rules = parse_rules(
        """
name: careless
tables:
  res_partner:
    columns:
      email: email
      comment: {constant: "see client7@specibike.example"}
""",
        "it",
    )

    found = run(original, name, rules)

    ((number,),) = original.execute("SELECT count(*) FROM res_partner", name)
    assert found.left == {"res_partner.comment": {"email": number}}


def test_a_statement_that_is_refused_changes_nothing_and_quotes_no_row(
    original: DatabaseLab, copy_of: Callable[[], str]
) -> None:
    name = copy_of()
    rules = parse_rules(
        """
name: clash
tables:
  res_partner: {columns: {email: email}}
  res_users: {columns: {login: {constant: everybody}}}
""",
        "it",
    )

    with pytest.raises(ReplayError) as refused:
        run(original, name, rules)

    assert refused.value.message == (
        "could not keep the tables' constraints: UniqueViolation, constraint res_users_login_key"
    )
    assert original.execute(CONTENT, name) == original.execute(CONTENT, ORIGINAL)


def test_rules_that_do_not_fit_are_refused_before_anything_all_at_once(
    original: DatabaseLab, copy_of: Callable[[], str]
) -> None:
    original.execute("ALTER TABLE specibike_loan ADD tiny varchar(20)", name := copy_of())
    rules = parse_rules(
        "name: odd\ntables: {specibike_loan: {columns: {data: person, tiny: email, id: zip}}}", "it"
    )

    with pytest.raises(UsageError) as refused:
        run(original, name, rules)

    for place in ("data: it is jsonb", "id: it is integer", "tiny: an address at"):
        assert f"specibike_loan.{place}" in refused.value.message


def test_neither_the_key_nor_an_original_reaches_the_servers_log(
    original: DatabaseLab, copy_of: Callable[[], str]
) -> None:
    name = copy_of()
    original.execute(f"ALTER DATABASE {name} SET log_statement TO 'all'")
    original.execute(f"ALTER DATABASE {name} SET log_min_duration_statement TO 0")
    key = Secret("key-" + secrets.token_hex(16))
    container = original.runner.container(original.container)
    before = len(container.logs())

    run(original, name, key=key)

    log = container.logs()[before:].decode()
    assert key.reveal() not in log
    assert key.reveal().encode().hex() not in log
    assert "specibike.example" not in log
    # It is written by others, so that its silence tells something.
    original.execute("SELECT 'seen by all'", name)
    assert "seen by all" in container.logs().decode()


def test_many_numbers_stay_as_many(original: DatabaseLab, copy_of: Callable[[], str]) -> None:
    name = copy_of()
    original.execute(
        """
CREATE TABLE many (id integer PRIMARY KEY, mail varchar(50) UNIQUE, phone text UNIQUE,
    zip text, iban text UNIQUE, short text UNIQUE);
INSERT INTO many SELECT n, 'c' || n || '@client.fr', '+33 4 00 ' || to_char(n, 'FM00" "00" "00"'),
    to_char(n, 'FM00000'), 'FR76' || to_char(n, 'FM00000000000000000000000'),
    to_char(n, 'FM00000') FROM generate_series(1, 3000) AS n
""",
        name,
    )
    rules = parse_rules(
        """
name: many
tables:
  many: {columns: {mail: email, phone: phone, zip: zip, iban: iban, short: iban}}
""",
        "it",
    )

    found = run(original, name, rules)

    assert found.rows == 3000
    counts = original.execute(
        "SELECT count(DISTINCT mail), count(DISTINCT phone), count(DISTINCT zip),"
        " count(DISTINCT iban), count(DISTINCT short),"
        " bool_and(phone ~ '^[+]33 4 ([0-9][0-9] ){3}[0-9][0-9]$')"
        " FROM many",
        name,
    )
    assert counts == [(3000, 3000, 3000, 3000, 3000, True)]


def test_phones_and_addresses_written_in_several_ways_stay_the_same(
    original: DatabaseLab, copy_of: Callable[[], str]
) -> None:
    name = copy_of()
    original.execute(
        """
CREATE TABLE forms (id integer PRIMARY KEY, phone text, mail text);
INSERT INTO forms VALUES (1, '+33 6 12 34 56 78', 'Anne <anne@client.fr>'),
    (2, '06.12.34.56.78', 'ANNE@client.fr'), (3, '0033612345678 (Anne)', 'anne@client.fr; b@c.fr'),
    (4, '', ''), (5, 'no', 'nobody'), (6, NULL, NULL)
""",
        name,
    )
    rules = parse_rules(
        "name: forms\ntables: {forms: {columns: {phone: phone, mail: email}}}", "it"
    )

    run(original, name, replace(rules, email_domain="x.invalid"))

    rows = original.execute("SELECT phone, mail FROM forms ORDER BY id", name)
    phones = [re.sub(r"\D", "", phone or "") for phone, _ in rows]
    assert phones[0][-9:] == phones[1][-9:] == phones[2][-9:] != "612345678"
    assert rows[1][0] == ".".join(re.findall("..", phones[1]))
    assert rows[2][0].endswith(" ()")
    address = rows[1][1]
    assert re.fullmatch(r"a0[0-9a-f]{18}@x\.invalid", address)
    assert rows[0][1].endswith(f"<{address}>")
    assert "Anne" not in rows[0][1]
    assert rows[2][1].startswith(f"{address}, a0")
    assert rows[3] == ("", "")
    assert rows[4][0] == ""
    assert rows[4][1].endswith("@x.invalid")
    assert rows[5] == (None, None)
