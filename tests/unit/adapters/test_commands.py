"""Argument vectors: what reaches PostgreSQL's tools, and what never does."""

import dataclasses

import pytest

from restore.adapters.postgres import commands
from restore.adapters.postgres.commands import DumpRequest, NewDatabase, Promotion
from restore.model import DatabaseLocale
from restore.model.secret import Secret

ODD = 'l\'été "2026" \\ a=b'


def test_dump_is_a_parallel_directory_of_one_snapshot() -> None:
    request = DumpRequest("specibike_prod", "/tmp/d", "postgres", 4, "00000003-1")
    assert commands.dump_database(request) == (
        "pg_dump",
        "--format=directory",
        "--jobs=4",
        "--snapshot=00000003-1",
        "--no-password",
        "--username=postgres",
        "--dbname=specibike_prod",
        "--file=/tmp/d",
    )


def test_dump_takes_its_own_snapshot_when_none_is_given() -> None:
    request = DumpRequest("a", "/d", "postgres", 1)
    assert not [word for word in commands.dump_database(request) if "snapshot" in word]


def test_roles_come_without_passwords() -> None:
    argv = commands.dump_roles("admin")
    assert argv[:3] == ("pg_dumpall", "--roles-only", "--no-role-passwords")
    assert "--username=admin" in argv


def test_restore_stops_at_the_first_error() -> None:
    assert commands.restore_database("postgres", "a__pra_0a1b2c", "/srv/d", 2) == (
        "pg_restore",
        "--jobs=2",
        "--exit-on-error",
        "--no-password",
        "--username=postgres",
        "--dbname=a__pra_0a1b2c",
        "/srv/d",
    )


def test_every_tool_fails_rather_than_asks_for_a_password() -> None:
    vectors = [
        commands.dump_database(DumpRequest("a", "/d", "postgres", 1)),
        commands.dump_roles("postgres"),
        commands.restore_database("postgres", "a", "/d", 1),
        commands.analyze("postgres", "a", 1),
        commands.run_file("postgres", "a", "-"),
        commands.run_statements("postgres", "a", ("SELECT 1",)),
        commands.promote_database("postgres", Promotion("t", "f")),
    ]
    assert all("--no-password" in argv for argv in vectors)
    assert commands.list_dump("/d") == ("pg_restore", "--list", "/d")


def test_no_argument_is_a_secret() -> None:
    for kind in (DumpRequest, NewDatabase, Promotion):
        assert Secret not in {field.type for field in dataclasses.fields(kind)}


def test_psql_stops_at_its_first_error_and_reads_no_settings() -> None:
    argv = commands.run_file("postgres", "a", "/roles.sql")
    assert argv[:4] == ("psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1")
    assert argv[-1] == "--file=/roles.sql"


def test_new_database_has_its_own_locale_owner_and_mark() -> None:
    new = NewDatabase("t", "odoo", "UTF8", "fr_FR.UTF-8", "C", "ours")
    statements = _statements(commands.create_database("postgres", new))
    assert statements == [
        'DROP DATABASE IF EXISTS "t"',
        'CREATE DATABASE "t" OWNER "odoo" TEMPLATE template0 ENCODING \'UTF8\''
        " LC_COLLATE 'fr_FR.UTF-8' LC_CTYPE 'C'",
        "COMMENT ON DATABASE \"t\" IS 'ours'",
    ]


CLOSED_RENAME = 'ALTER DATABASE "t" ALLOW_CONNECTIONS false; ALTER DATABASE "t" RENAME TO "f"'


def test_promotion_is_one_rename() -> None:
    statements = _statements(commands.promote_database("postgres", Promotion("t", "f")))
    # Closed in the same transaction: nobody sees it before all that belongs to it is there.
    assert statements[-1] == CLOSED_RENAME
    assert "pg_terminate_backend" in statements[0]
    assert not [text for text in statements if "DROP" in text]


def test_a_database_already_there_goes_aside_in_the_same_transaction() -> None:
    statements = _statements(commands.promote_database("postgres", Promotion("t", "f", "old")))
    assert statements[2] == f'ALTER DATABASE "f" RENAME TO "old"; {CLOSED_RENAME}'
    assert statements[3] == 'DROP DATABASE "old"'


def test_a_promoted_database_is_opened() -> None:
    (statement,) = _statements(commands.open_database("postgres", 'o"f'))
    assert statement == 'ALTER DATABASE "o""f" ALLOW_CONNECTIONS true'


@pytest.mark.parametrize(
    ("text", "quoted"),
    [("a", "'a'"), ("it's", "'it''s'"), ("a\\b'", "E'a\\\\b'''"), ("", "''")],
)
def test_literals(text: str, quoted: str) -> None:
    assert commands.literal(text) == quoted


def test_identifiers() -> None:
    assert commands.identifier('a"b') == '"a""b"'


@pytest.mark.parametrize(
    ("database", "argument"),
    [
        ("plain", "plain"),
        ("-x", "-x"),
        ("a=b", "dbname='a=b'"),
        ("a='\\", "dbname='a=\\'\\\\'"),
        ("postgresql://h/d", "dbname='postgresql://h/d'"),
    ],
)
def test_a_database_name_is_never_read_as_connection_options(database: str, argument: str) -> None:
    assert commands.connection_name(database) == argument
    assert f"--dbname={argument}" in commands.analyze("postgres", database, 1)


def _statements(argv: tuple[str, ...]) -> list[str]:
    return [word.removeprefix("--command=") for word in argv if word.startswith("--command=")]


@pytest.mark.parametrize(
    ("locale", "given"),
    [
        (None, ""),
        (DatabaseLocale("libc"), ' LOCALE_PROVIDER "libc"'),
        (DatabaseLocale("icu", "fr-FR"), " LOCALE_PROVIDER \"icu\" ICU_LOCALE 'fr-FR'"),
        (
            DatabaseLocale("icu", "und", "&a < 'b'"),
            " LOCALE_PROVIDER \"icu\" ICU_LOCALE 'und' ICU_RULES '&a < ''b'''",
        ),
        (
            DatabaseLocale("builtin", "C.UTF-8"),
            " LOCALE_PROVIDER \"builtin\" BUILTIN_LOCALE 'C.UTF-8'",
        ),
    ],
)
def test_a_database_sorts_by_the_rules_that_production_had(
    locale: DatabaseLocale | None, given: str
) -> None:
    new = NewDatabase("t", "odoo", "UTF8", "C", "C", "ours", locale=locale)
    argv = commands.create_database("postgres", new)
    (made,) = [word for word in argv if word.startswith("--command=CREATE DATABASE")]
    assert made.endswith(f"ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'{given}")
