"""Profiles are data; every error in one is reported at once, with its path."""

from pathlib import Path

import pytest
import yaml

from restore.errors import NotFoundError, UsageError
from restore.model import Role
from restore.model.locations import ROOT
from restore.profile import load_profile, parse_profile, profile_names

TEXT = (ROOT / "restore" / "profile" / "builtin" / "odoo.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", profile_names())
def test_shipped_profiles_are_valid(name: str) -> None:
    assert load_profile(name).name == name


def test_a_profile_is_read_by_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(TEXT.replace("name: odoo\n", "name: mine\n", 1), encoding="utf-8")
    profile = load_profile(str(path))
    assert profile.name == "mine"
    assert [file.name for file in profile.configuration_of(Role.DATABASE)] == [
        "postgresql.conf",
        "pg_hba.conf",
    ]


def test_an_unknown_profile_names_those_that_ship() -> None:
    with pytest.raises(NotFoundError) as caught:
        load_profile("dolibarr")
    assert "odoo" in caught.value.hint
    with pytest.raises(NotFoundError):
        load_profile("/nowhere/x.yaml")


def test_all_errors_come_at_once_each_with_its_path() -> None:
    document = yaml.safe_load(TEXT)
    document["colour"] = "blue"
    document["erp"]["port"] = "8069"
    document["web"]["steps"][1]["sla"] = 0
    del document["database"]["image"]
    with pytest.raises(UsageError) as caught:
        parse_profile(yaml.safe_dump(document), "mine")
    for part in ("'colour'", "erp.port", "web.steps[1].sla", "database: 'image'"):
        assert part in caught.value.message


def test_text_that_is_no_yaml_is_refused() -> None:
    with pytest.raises(UsageError, match="not valid YAML"):
        parse_profile("a: [", "mine")
