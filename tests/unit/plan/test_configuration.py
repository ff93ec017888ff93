"""Reconciling configuration files: what must change changes, every other byte stays."""

import configparser
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore.errors import UsageError
from restore.model import ConfigurationChange, Role
from restore.model.secret import Secret
from restore.plan.configuration.files import (
    ConfigurationText,
    Target,
    decode,
    encode,
    find_text,
    placeholders,
    presentable,
    reconcile,
)
from restore.plan.configuration.ini import ini_value
from restore.profile import ConfigurationFile

PASSWORD = "s3cr%t;#=:' pass"
TARGET = Target("172.30.0.10", 5432, "odoo", Secret(PASSWORD), "https://erp.example.org")


def file(
    section: str | None = "options", secrets: tuple[str, ...] = ("db_password",), **keys: str
) -> ConfigurationFile:
    return ConfigurationFile(
        "odoo.conf", Role.ERP, "/etc/odoo.conf", section, secrets, tuple(keys.items())
    )


def set_host(text: str, value: str = "new") -> str:
    return reconcile(text, file(db_host=value), {}).text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[options]\ndb_host = old\n", "[options]\ndb_host = new\n"),
        ("[options]\ndb_host=old\n", "[options]\ndb_host=new\n"),
        ("[options]\ndb_host: old\n", "[options]\ndb_host: new\n"),
        ("[options]\nDB_Host = old\n", "[options]\nDB_Host = new\n"),
        ("[options]\n  db_host   =   old  \nx = 1\n", "[options]\n  db_host   =   new  \nx = 1\n"),
        ("[options]\ndb_host = old", "[options]\ndb_host = new"),
        ("[options]\ndb_host =\n", "[options]\ndb_host = new\n"),
        ("[options]\ndb_host =  \n", "[options]\ndb_host =  new\n"),
        ("[options]\ndb_host=\n", "[options]\ndb_host=new\n"),
        ("[options]\r\ndb_host = old\r\n", "[options]\r\ndb_host = new\r\n"),
        # Twice: whoever reads it finds the new value.
        (
            "[options]\ndb_host = a\nx = 1\ndb_host = b\n",
            "[options]\ndb_host = new\nx = 1\ndb_host = new\n",
        ),
        # A value that goes on over indented lines goes as a whole; comments in it stay.
        (
            "[options]\ndb_host = a,\n    b,\n# word\n    c\nx = 1\n",
            "[options]\ndb_host = new\n# word\nx = 1\n",
        ),
    ],
)
def test_a_key_that_is_there_gets_its_value_in_place(before: str, after: str) -> None:
    assert set_host(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "[options]\ndb_host = new\n"),
        ("[options]\n", "[options]\ndb_host = new\n"),
        ("[options]", "[options]\ndb_host = new\n"),
        ("[options]\nx = 1", "[options]\nx = 1\ndb_host = new\n"),
        ("[options]\r\nx = 1\r\n", "[options]\r\nx = 1\r\ndb_host = new\r\n"),
        # Commented out is absent.
        ("[options]\n;db_host = old\nx = 1\n", "[options]\n;db_host = old\nx = 1\ndb_host = new\n"),
        ("[options]\n# db_host = old\n", "[options]\ndb_host = new\n# db_host = old\n"),
        # In its section, whatever the others hold.
        (
            "[options]\nx = 1\n\n# of queue\n[queue]\ndb_host = other\n",
            "[options]\nx = 1\ndb_host = new\n\n# of queue\n[queue]\ndb_host = other\n",
        ),
        (
            "[queue]\ndb_host = other\n",
            "[queue]\ndb_host = other\n[options]\ndb_host = new\n",
        ),
        # After the lines on which the last value goes on.
        (
            "[options]\npath = a,\n  b\n",
            "[options]\npath = a,\n  b\ndb_host = new\n",
        ),
        # What is no key at all is left alone.
        ("garbage\n[options]\nnothing here\n", "garbage\n[options]\nnothing here\ndb_host = new\n"),
    ],
)
def test_a_key_that_is_absent_is_added_to_its_section(before: str, after: str) -> None:
    assert set_host(before) == after


def test_a_key_in_the_continuation_of_another_value_is_no_key() -> None:
    text = "[options]\npath = a\n  db_host = b\n"
    assert set_host(text) == text + "db_host = new\n"


def test_an_indented_section_in_a_value_is_no_section() -> None:
    text = "[options]\npath = a\n  [queue]\nx = 1\n"
    assert ini_value(text, "options", "x") == "1"
    assert ini_value(text, "queue", "x") is None


def test_bytes_of_any_encoding_are_kept() -> None:
    content = "[options]\r\n; Société Générale é\r\ndb_host = où\r\n".encode("latin-1")
    reconciled = reconcile(decode(content), file(db_host="new"), {})
    assert encode(reconciled.text) == content.replace("où".encode("latin-1"), b"new")
    assert reconciled.changes == (ConfigurationChange("odoo.conf", "db_host", "où", "new"),)


def test_nothing_changes_when_all_is_as_it_must_be() -> None:
    text = "[options]\ndb_host = new\n"
    assert reconcile(text, file(db_host="new"), {}) == reconcile(text, file(), {})
    assert reconcile(text, file(db_host="new"), {}).changes == ()


def test_an_empty_value_can_be_set_and_added() -> None:
    assert set_host("[options]\ndb_host = old\n", "") == "[options]\ndb_host = \n"
    assert set_host("[options]\n", "") == "[options]\ndb_host =\n"
    reconciled = reconcile("[options]\ndb_host =\n", file(db_host=""), {})
    assert reconciled.changes == ()


def test_placeholders_of_a_profile() -> None:
    values = placeholders(TARGET, ["a.b", "l%d"])
    keys: dict[str, Any] = {name: "{" + name + "}" for name in values}
    reconciled = reconcile("[options]\n", file(**keys), values)
    shown = {change.key: change.after for change in reconciled.changes}
    assert shown == {
        "database_address": "172.30.0.10",
        "database_port": "5432",
        "database_uri": "***",
        "erp_role": "odoo",
        "erp_password": "***",
        "role": "odoo",
        "password": "***",
        "own_secret": "***",
        "databases": "a.b,l%d",
        "database_filter": r"^(a\.b|l[%]d)$",
        "external_url": "https://erp.example.org",
    }
    assert ini_value(reconciled.text, "options", "erp_password") == PASSWORD
    uri = ini_value(reconciled.text, "options", "database_uri")
    assert uri == "postgresql://odoo:s3cr%25t%3B%23%3D%3A%27%20pass@172.30.0.10:5432/"


OTHER_SECTIONS: dict[str, Any] = {"web/listen": "c", "queue/worker": "False"}


def test_a_key_of_another_section_is_set_there() -> None:
    text = "[options]\nlisten = a\n[web]\nlisten = b\n"
    reconciled = reconcile(text, file(**OTHER_SECTIONS), {})
    assert reconciled.text == (
        "[options]\nlisten = a\n[web]\nlisten = c\n[queue]\nworker = False\n"
    )
    assert [change.key for change in reconciled.changes] == ["web/listen", "queue/worker"]


def test_the_database_filter_matches_those_databases_only() -> None:
    pattern = str(placeholders(TARGET, ["a.b", "l%d"])["database_filter"])
    assert [bool(re.match(pattern, name)) for name in ("a.b", "l%d", "axb", "a.b2", "xa.b")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_secrets_are_masked_before_and_after() -> None:
    text = "[options]\nadmin_passwd = old\ndb_password = older\n"
    known = file(secrets=("admin_passwd",), admin_passwd="plain", db_password="x{erp_password}y")
    reconciled = reconcile(text, known, placeholders(TARGET, ["a"]))
    assert reconciled.changes == (
        ConfigurationChange("odoo.conf", "admin_passwd", "***", "***"),
        ConfigurationChange("odoo.conf", "db_password", "***", "***"),
    )
    assert ini_value(reconciled.text, "options", "db_password") == f"x{PASSWORD}y"


def test_a_secret_that_was_absent_shows_as_absent() -> None:
    (change,) = reconcile("", file(db_password="{p}"), {"p": Secret("x")}).changes
    assert (change.before, change.after) == (None, "***")


def test_an_unknown_placeholder_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"odoo.conf .*\{nothing\}") as caught:
        reconcile("", file(db_host="{nothing}"), placeholders(TARGET, ["a"]))
    assert "{database_address}" in caught.value.hint


@pytest.mark.parametrize("value", ["pw1\npw2", "pw1\r[x]", " pw1", "pw1 ", "pw1\n"])
def test_a_value_that_no_file_can_hold_is_refused_without_being_shown(value: str) -> None:
    with pytest.raises(UsageError, match=r"db_password of odoo\.conf") as caught:
        reconcile("", file(db_password="{p}"), {"p": Secret(value)})
    assert "pw1" not in caught.value.message + caught.value.hint


def test_a_file_without_a_section_is_reconciled_as_postgresql_does() -> None:
    known = ConfigurationFile(
        "x.conf", Role.DATABASE, "/x.conf", None, ("key",), (("port", "5433"), ("key", "k"))
    )
    reconciled = reconcile("port = 5432 # here\nkey = 'old'\n", known, {})
    assert reconciled.text == "port = 5432 # here\nkey = 'old'\nport = 5433\nkey = k\n"
    assert [change.after for change in reconciled.changes] == ["5433", "***"]


def test_text_of_a_profiles_file_is_found_by_server_and_name() -> None:
    text = ConfigurationText("odoo.conf", Role.ERP, "configuration/erp/odoo.conf", "")
    assert find_text((text,), file()) is text
    assert find_text((ConfigurationText("odoo.conf", Role.DATABASE, "x", ""),), file()) is None


def test_what_is_no_utf8_is_shown_as_latin_1() -> None:
    assert presentable(decode(b"\xe9t\xe9")) == "été"
    assert presentable("été") == "été"


# --- properties -----------------------------------------------------------------------------------

WORDS = st.text("abcé%'\"\\ ;#=\udce9", max_size=12).map(str.strip)
OTHER_KEYS = st.sampled_from(["addons_path", "workers", "db_name", "limit", "db_host2"])
OTHER_LINES = st.one_of(
    st.builds("{} = {}".format, OTHER_KEYS, WORDS),
    st.builds("{}={}".format, OTHER_KEYS, WORDS),
    st.builds("; {}".format, WORDS),
    st.builds("#db_host = {}".format, WORDS),
    st.builds("   {}".format, WORDS),
    st.just(""),
)
HOST_LINES = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["db_host", "DB_HOST"]),
    st.sampled_from(["=", " = ", ":", " =", "\t:  "]),
    WORDS,
    st.sampled_from(["", " ", "\t"]),
)
VALUES = st.text("xyzé%'\"\\ ;#=\udce9", max_size=12).map(str.strip)


@st.composite
def texts(draw: st.DrawFn, keys: st.SearchStrategy[str]) -> str:
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    lines = [draw(st.sampled_from(["[options]", "; head", "", "[other]"]))]
    lines += draw(st.lists(st.one_of(OTHER_LINES, keys, st.just("[other]")), max_size=12))
    return newline.join(lines) + draw(st.sampled_from([newline, ""]))


@given(texts(HOST_LINES), VALUES)
def test_reconciling_again_changes_nothing(text: str, value: str) -> None:
    once = reconcile(text, file(db_host="{v}"), {"v": value})
    assert reconcile(once.text, file(db_host="{v}"), {"v": value}).changes == ()
    assert reconcile(once.text, file(db_host="{v}"), {"v": value}).text == once.text


@given(texts(HOST_LINES), VALUES)
def test_the_value_is_there_for_whoever_reads_the_file(text: str, value: str) -> None:
    changed = reconcile(text, file(db_host="{v}"), {"v": value}).text
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        assert ini_value(changed, "options", "db_host") == value
        return
    before = {name: dict(parser[name]) for name in parser.sections()}
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(changed)
    after = {name: dict(parser[name]) for name in parser.sections()}
    before.setdefault("options", {})["db_host"] = value
    assert after == before


@given(texts(st.nothing()), VALUES)
def test_an_added_key_leaves_every_byte_in_place(text: str, value: str) -> None:
    changed = encode(reconcile(text, file(db_host="{v}"), {"v": value}).text)
    original = encode(text)
    start = _common(original, changed)
    end = _common(original[::-1], changed[::-1])
    assert start + end >= len(original), "something else than an insertion happened"


@given(texts(HOST_LINES.filter(lambda line: line.strip(" \t")[-1] not in "=:")), VALUES)
def test_only_lines_of_the_key_differ(text: str, value: str) -> None:
    changed = reconcile(text, file(db_host="{v}"), {"v": value}).text
    assert _others(changed) == _others(text)


def _common(one: bytes, other: bytes) -> int:
    length = 0
    while length < min(len(one), len(other)) and one[length] == other[length]:
        length += 1
    return length


def _others(text: str) -> list[str]:
    """Lines that are neither the key, nor may go on with its value, nor the added section."""
    own = re.compile(r"\s|\[options\]|db_host\s*[=:]", re.IGNORECASE)
    return [line for line in re.split(r"\r\n|\n|\r", text) if line and not own.match(line)]
