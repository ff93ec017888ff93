"""Which statements of a roles script are applied."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore.adapters.postgres.role_script import role_statements, split_statements
from restore.errors import ReplayError

SCRIPT = """--
-- PostgreSQL database cluster dump; a comment's semicolon
--
\\restrict abc;def
SET default_transaction_read_only = off;
SET client_encoding = 'UTF8';

CREATE ROLE odoo;
ALTER ROLE odoo WITH NOSUPERUSER INHERIT LOGIN VALID UNTIL '2030-01-01; really';
CREATE ROLE "o'brien; ""the"" user";
ALTER ROLE "o'brien; ""the"" user" WITH NOLOGIN;
CREATE ROLE postgres;
ALTER ROLE postgres WITH SUPERUSER PASSWORD 'md5x';
ALTER ROLE "postgres" SET work_mem TO '1MB';
COMMENT ON ROLE odoo IS 'it''s; ours';
ALTER ROLE odoo IN DATABASE "some db" SET work_mem TO '1MB';
ALTER ROLE odoo SET search_path TO 'a', 'b';
GRANT "on call" TO odoo WITH ADMIN OPTION GRANTED BY postgres;
GRANT SELECT ON TABLE x TO odoo;
CREATE TABLESPACE fast OWNER postgres LOCATION '/fast';
DROP ROLE odoo;
"""


def test_only_roles_are_applied_and_never_the_superuser_nor_a_drop() -> None:
    found = role_statements(SCRIPT, "postgres")

    assert found == (
        "CREATE ROLE odoo",
        "ALTER ROLE odoo WITH NOSUPERUSER INHERIT LOGIN VALID UNTIL '2030-01-01; really'",
        'CREATE ROLE "o\'brien; ""the"" user"',
        'ALTER ROLE "o\'brien; ""the"" user" WITH NOLOGIN',
        "CREATE ROLE postgres",
        "COMMENT ON ROLE odoo IS 'it''s; ours'",
        "ALTER ROLE odoo SET search_path TO 'a', 'b'",
        'GRANT "on call" TO odoo WITH ADMIN OPTION GRANTED BY postgres',
    )


def test_a_script_that_was_cut_is_refused() -> None:
    with pytest.raises(ReplayError, match="ends within a statement: ALTER ROLE odoo"):
        tuple(split_statements("CREATE ROLE odoo;\nALTER ROLE odoo WITH PASSWORD 'se"))


def test_texts_of_every_kind_may_hold_semicolons() -> None:
    script = 'SELECT E\'a\\\';b\'; SELECT $x$ ; $x$; SELECT "a;""b" -- ;\n;'

    assert tuple(split_statements(script)) == (
        "SELECT E'a\\';b'",
        "SELECT $x$ ; $x$",
        'SELECT "a;""b"',
    )


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_any_name_is_one_statement(name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'

    found = role_statements(f"CREATE ROLE {quoted};\nALTER ROLE {quoted} WITH LOGIN;\n", "root")

    assert len(found) == (2 if name != "root" else 1)
    assert found[0] == f"CREATE ROLE {quoted}"
