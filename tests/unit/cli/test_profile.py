"""``pra profile``: from a commented template to a profile that is known to be right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from restore.cli.main import run
from restore.errors import ExitCode
from restore.model.schema import schema
from restore.profile import load_profile, parse_profile, profile_names, profile_text
from restore.profile.lint import profile_errors
from restore.profile.text import profile_yaml, template

Capture = pytest.CaptureFixture[str]


def test_what_ships_is_listed(capsys: Capture) -> None:
    assert run(["profile", "list"]) == ExitCode.PASS
    text = capsys.readouterr().out
    assert all(name in text for name in ("odoo", "odoo19", "openerp", "tryton"))
    assert run(["--json", "profile", "list"]) == ExitCode.PASS
    listed = {item["name"]: item for item in json.loads(capsys.readouterr().out)}
    assert set(listed) == set(profile_names())
    assert listed["tryton"]["series"] == ["7.0"]


@pytest.mark.parametrize("name", profile_names())
def test_what_ships_is_right_and_so_is_what_is_shown_of_it(name: str, capsys: Capture) -> None:
    assert run(["profile", "check", name]) == ExitCode.PASS
    assert "valid" in capsys.readouterr().out
    assert run(["profile", "show", name]) == ExitCode.PASS
    assert parse_profile(capsys.readouterr().out, name) == load_profile(name)
    assert run(["--json", "profile", "show", name]) == ExitCode.PASS
    assert parse_profile(capsys.readouterr().out, name) == load_profile(name)


def test_texts_of_several_lines_are_shown_as_such() -> None:
    assert "      for path in pathlib" not in profile_yaml(load_profile("odoo"))
    assert "\n    for path in pathlib" in profile_yaml(load_profile("tryton"))


def test_a_new_profile_is_valid_and_describes_every_option(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "dolibarr.yaml"
    assert run(["profile", "new", "dolibarr", "--output", str(file)]) == ExitCode.PASS
    assert run(["profile", "check", str(file)]) == ExitCode.PASS
    assert f"{file}: valid" in capsys.readouterr().out
    assert load_profile(str(file)).name == "dolibarr"
    text = " ".join(file.read_text(encoding="utf-8").replace("#", " ").split())
    options = schema("profile")["properties"]
    for option in (*options.values(), *options["erp"]["properties"].values()):
        assert " ".join(option["description"].split()) in text


def test_every_option_of_the_template_can_be_switched_on() -> None:
    """What stands behind a "#" is well-formed YAML in its place, too."""
    text = template("x", "x.yaml")
    for line in text.splitlines():
        bare = line.strip()
        if bare.startswith("# ") and ": " in bare and bare[2].islower():
            lines = [one.replace("# ", "", 1) if one == line else one for one in text.splitlines()]
            assert isinstance(yaml.safe_load("\n".join(lines)), dict), line


def test_placeholders_of_a_reports_server_are_checked_too() -> None:
    document = yaml.safe_load(profile_text("openprod"))
    assert profile_errors(yaml.safe_dump(document)) == ()
    reports = document["reports"]
    reports["data_source"]["connectionUrl"] = "jdbc:postgresql://{server}/{database}"
    number, file = next((n, f) for n, f in enumerate(reports["configuration"]) if f.get("set"))
    file["set"]["dbHost"] = "{database}"
    errors = [error.partition(";")[0] for error in profile_errors(yaml.safe_dump(document))]
    assert errors == [
        f"reports.configuration[{number}].set.dbHost: no {{database}}",
        "reports.data_source.connectionUrl: no {server}",
    ]


def test_a_new_profile_may_begin_as_a_copy(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    assert (
        run(["profile", "new", "tryton-fr", "--from", "tryton", "--output", str(file)])
        == ExitCode.PASS
    )
    expected = profile_text("tryton").replace("name: tryton\n", "name: tryton-fr\n", 1)
    assert file.read_text(encoding="utf-8") == expected


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("precious")
    assert run(["profile", "new", "mine", "--output", str(file)]) == ExitCode.USAGE
    assert "exists already" in capsys.readouterr().err
    assert file.read_text() == "precious"
    nowhere = tmp_path / "nowhere" / "mine.yaml"
    assert run(["profile", "new", "mine", "--output", str(nowhere)]) == ExitCode.USAGE


def test_a_name_that_is_none_writes_nothing(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "mine.yaml"
    assert run(["profile", "new", "My ERP", "--output", str(file)]) == ExitCode.USAGE
    assert "name:" in capsys.readouterr().err
    assert not file.exists()


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path, capsys: Capture) -> None:
    document = yaml.safe_load(profile_text("tryton"))
    document["erp"]["role_key"] = "db_user"
    document["documents"][0]["fetch"]["method"] = "PUT"
    document["web"]["steps"][1]["sla"] = 0
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    assert run(["--json", "profile", "check", str(file)]) == ExitCode.USAGE
    found = json.loads(capsys.readouterr().out)
    assert not found["valid"]
    paths = {error["path"]: error["message"] for error in found["errors"]}
    assert set(paths) == {"erp.role_key", "documents[0].fetch.method", "web.steps[1].sla"}
    assert paths["erp.role_key"] == "may not stand here"
    assert run(["profile", "check", str(file)]) == ExitCode.USAGE
    assert "3 errors" in capsys.readouterr().out


def test_either_two_keys_or_a_uri_hold_the_login() -> None:
    document = yaml.safe_load(profile_text("tryton"))
    del document["erp"]["uri_key"]
    assert profile_errors(yaml.safe_dump(document)) == (
        "erp: 'role_key' is a required property",
        "erp: 'password_key' is a required property",
    )


def test_names_and_patterns_that_lead_nowhere_are_found() -> None:
    document = yaml.safe_load(profile_text("tryton"))
    file, (tree,), steps = (
        document["configuration"][0],
        document["documents"],
        document["web"]["steps"],
    )
    file["set"]["uri"] = "{databas_uri}"
    del file["section"]
    tree["path"] = "/srv/{database}"
    tree["fetch"]["base64"] = "no group"
    steps[1]["capture"] = {"user": "([", "session": "x"}
    steps[1]["credentials"] = False
    steps[2]["headers"] = {"Authorization": "{sesion}"}
    steps[3]["name"] = steps[2]["name"]
    document["erp"]["data"] *= 2
    errors = profile_errors(yaml.safe_dump(document))
    for start in (
        "configuration[0].set.uri: no {databas_uri}; known: database_address",
        "configuration: no file of the ERP server has a section to read uri from",
        "documents[0].path: on no volume",
        "documents[0].fetch.base64: has no group",
        "erp.data: documents stands there 2 times",
        "web.steps: preferences stands there 2 times",
        "web.steps[1]: uses the account",
        "web.steps[1].capture.user: no regular expression",
        "web.steps[1].capture.session: has no group",
        "web.steps[2]: no earlier step captures {sesion}",
    ):
        assert [error for error in errors if error.startswith(start)], start
    # The account is used with a session in every step after the login, too; those have it.
    assert len(errors) == 10


def test_a_fetch_needs_rows_and_what_the_scenario_captured() -> None:
    document = yaml.safe_load(profile_text("odoo"))
    document["documents"][0]["fetch"] = "/web/{token}/{id}"
    del document["documents"][0]["rows"]
    lost = "documents[0].fetch: no step of the web scenario captures {token}"
    assert profile_errors(yaml.safe_dump(document)) == (
        "documents[0].fetch: needs rows, which tells what to fetch",
        lost,
    )
    document["documents"][0]["rows"] = "SELECT 1, 'a', 'b'"
    assert profile_errors(yaml.safe_dump(document)) == (lost,)


def test_what_is_no_yaml_or_no_text_or_not_there(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("a: [", encoding="utf-8")
    assert run(["profile", "check", str(file)]) == ExitCode.USAGE
    assert "not valid YAML" in capsys.readouterr().out
    file.write_bytes(b"\xff\xfe\xff")
    assert run(["profile", "check", str(file)]) == ExitCode.USAGE
    assert "no UTF-8" in capsys.readouterr().err
    assert run(["profile", "check", str(tmp_path / "other.yaml")]) == ExitCode.NOT_FOUND
    assert run(["profile", "show", "sap"]) == ExitCode.NOT_FOUND
