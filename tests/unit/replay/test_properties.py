"""What belongs to a database itself, found in the script of its dump."""

import pytest

from restore.replay.steps.properties import property_statements, rename_database

SCRIPT = r"""
CREATE DATABASE "Spé-prod" WITH TEMPLATE = template0 ENCODING = 'UTF8';
ALTER DATABASE "Spé-prod" OWNER TO odoo;
\connect -reuse-previous=on "dbname='Spé-prod'"
--
-- Name: DATABASE "Spé-prod"; Type: COMMENT; Schema: -; Owner: odoo
--

COMMENT ON DATABASE "Spé-prod" IS 'Base de production; DATABASE x';

--
-- Name: Spé-prod; Type: DATABASE PROPERTIES; Schema: -; Owner: odoo
--

ALTER DATABASE "Spé-prod" CONNECTION LIMIT = 50;
ALTER DATABASE "Spé-prod" SET search_path TO 'a', 'B; c';
ALTER ROLE "Re porting" IN DATABASE "Spé-prod" SET statement_timeout TO '5min';

\connect -reuse-previous=on "dbname='Spé-prod'"

SET statement_timeout = 0;
--
-- Name: res_partner; Type: TABLE; Schema: public; Owner: odoo
--

CREATE TABLE public.res_partner (id integer);
ALTER DATABASE other SET work_mem TO '1MB';
--
-- Name: DATABASE "Spé-prod"; Type: ACL; Schema: -; Owner: odoo
--

REVOKE CONNECT,TEMPORARY ON DATABASE "Spé-prod" FROM PUBLIC;
GRANT CONNECT ON DATABASE "Spé-prod" TO "Re porting";
--
-- Name: TABLE res_partner; Type: ACL; Schema: public; Owner: odoo
--

GRANT SELECT ON TABLE public.res_partner TO "Re porting";
"""


def test_settings_and_rights_of_the_database_are_found_and_given_to_another() -> None:
    found = property_statements(SCRIPT.splitlines())

    assert list(rename_database(found, 'x"y')) == [
        'ALTER DATABASE "x""y" CONNECTION LIMIT = 50',
        "ALTER DATABASE \"x\"\"y\" SET search_path TO 'a', 'B; c'",
        'ALTER ROLE "Re porting" IN DATABASE "x""y" SET statement_timeout TO \'5min\'',
        'REVOKE CONNECT,TEMPORARY ON DATABASE "x""y" FROM PUBLIC',
        'GRANT CONNECT ON DATABASE "x""y" TO "Re porting"',
    ]


@pytest.mark.parametrize("name", ["prod", '"Prod"'])
def test_names_need_no_quotes(name: str) -> None:
    assert list(rename_database([f"ALTER DATABASE {name} SET work_mem TO '1MB'"], "t")) == [
        "ALTER DATABASE \"t\" SET work_mem TO '1MB'"
    ]
