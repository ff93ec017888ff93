"""What tools say is shown without secrets, rows and controls, and still says what is wrong."""

from __future__ import annotations

import pytest

from restore.adapters.tool_output import presentable
from restore.model.secret import Secret

SAID = {
    'psql:<stdin>:12: ERROR:  invalid input syntax for type integer: "Anna Muster"\n'
    'CONTEXT:  COPY hr_employee, line 3, column age: "Anna Muster"': (
        'psql:<stdin>:12: ERROR:  invalid input syntax for type integer: "…"\n'
        "CONTEXT:  COPY hr_employee, line 3, column age: …"
    ),
    "pg_restore: error: could not execute query: ERROR:  duplicate key\n"
    "DETAIL:  Key (email)=(anna@muster.example\nsecond line) already exists.\n"
    "CONTEXT:  COPY res_users, line 7\n"
    "Command was: INSERT INTO res_users VALUES (1, 'Anna\n''Muster', 'x');\n"
    "pg_restore: warning: errors ignored": (
        "pg_restore: error: could not execute query: ERROR:  duplicate key\n"
        "DETAIL:  …\n"
        "CONTEXT:  COPY res_users, line 7: …\n"
        "Command was: INSERT INTO res_users VALUES (1, '…', '…');\n"
        "pg_restore: warning: errors ignored"
    ),
    "ERREUR:  valeur en double\nDÉTAIL : La clé « (email)=(anna@muster.example) » existe": (
        "ERREUR:  valeur en double\nDÉTAIL : …"
    ),
    "pg_restore: error: \x1b]0;title\x07\x1b[2Jcould not\u202e find it": (
        "pg_restore: error: �]0;title��[2Jcould not� find it"
    ),
    'ERROR:  relation "res_partner" does not exist\nHINT:  look\nLINE 1: SELECT': (
        'ERROR:  relation "res_partner" does not exist\nHINT:  look\nLINE 1: SELECT'
    ),
}


@pytest.mark.parametrize("said", SAID)
def test_rows_and_controls_are_cut(said: str) -> None:
    assert presentable(said) == SAID[said]


def test_a_secret_is_masked_wherever_it_stands() -> None:
    Secret("s3cret of production")
    said = 'FATAL:  "s3cret of production" is no role\nhost=x password=s3cret%20of%20production'
    assert "s3cret" not in presentable(said)
