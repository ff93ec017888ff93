"""As whom an ERP speaks to PostgreSQL: two keys, or a URI."""

from __future__ import annotations

from dataclasses import replace

import pytest

from restore.model import Role
from restore.model.secret import Secret
from restore.plan.configuration.erp_login import ErpLogin, erp_login
from restore.plan.configuration.files import Target, placeholders, reconcile
from restore.profile import ConfigurationFile, load_profile

ODOO = load_profile("odoo").erp
TRYTON = load_profile("tryton").erp
PASSWORD = "p4:s/s@w%rd é?#"


def file(section: str) -> ConfigurationFile:
    return ConfigurationFile("x.conf", Role.ERP, "/etc/x.conf", section, (), ())


def test_two_keys_hold_role_and_password() -> None:
    text = "[options]\ndb_user = odoo\ndb_password = pw%41\n"
    assert erp_login(text, file("options"), ODOO) == ErpLogin("odoo", Secret("pw%41"))
    assert erp_login("[options]\ndb_user = odoo\n", file("options"), ODOO) == ErpLogin("odoo", None)
    assert erp_login("", file("options"), ODOO) == ErpLogin(None, None)


@pytest.mark.parametrize(
    ("uri", "login"),
    [
        ("postgresql://tryton:pw@db:5432/", ErpLogin("tryton", Secret("pw"))),
        ("postgresql://tr%40yton:p%3Aw@db/", ErpLogin("tr@yton", Secret("p:w"))),
        ("postgresql://tryton@db/", ErpLogin("tryton", None)),
        ("postgresql:///", ErpLogin(None, None)),
        ("sqlite://", ErpLogin(None, None)),
        ("postgresql://[", ErpLogin(None, None)),
        ("", ErpLogin(None, None)),
    ],
)
def test_a_uri_holds_both(uri: str, login: ErpLogin) -> None:
    assert erp_login(f"[database]\nuri = {uri}\n", file("database"), TRYTON) == login


def test_a_key_may_stand_in_a_section_of_its_own() -> None:
    erp = replace(ODOO, role_key="login/role", password_key="login/secret")
    text = "[options]\nrole = other\n[login]\nrole = odoo\nsecret = pw\n"
    assert erp_login(text, file("options"), erp) == ErpLogin("odoo", Secret("pw"))


def test_the_uri_that_is_written_is_the_uri_that_is_read() -> None:
    target = Target("10.0.0.2", 5432, "o'd:oo", Secret(PASSWORD), "http://x")
    known = replace(file("database"), set=(("uri", "{database_uri}"),), secrets=("uri",))
    written = reconcile("[database]\nuri = sqlite://\n", known, placeholders(target, ["a"]))
    assert erp_login(written.text, known, TRYTON) == ErpLogin("o'd:oo", Secret(PASSWORD))
    assert PASSWORD not in written.text
    (change,) = written.changes
    assert (change.key, change.before, change.after) == ("uri", "***", "***")
