"""``postgresql.conf``: read as PostgreSQL reads it, and made safe beside production."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore.model import ConfigurationChange
from restore.plan.configuration.postgresql_conf import (
    append_lines,
    hide,
    leave_out,
    postgresql_value,
    quote,
    unquote,
)
from restore.plan.configuration.postgresql_safe import reconcile_postgresql
from tests.support.debian_conf import DEBIAN

DATA, HBA = "/var/lib/postgresql/data", "/etc/hba"


def values(text: str | None) -> Callable[[str], str | None]:
    reconciled = reconcile_postgresql(text, DATA, HBA, 130016)
    return lambda key: postgresql_value(reconciled.text, key)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("port = 5433", "5433"),
        ("port 5433", "5433"),
        ("  PORT=5433# here", "5433"),
        ("port'5433'", "5433"),
        ("port = '54''33' # x", "54'33"),
        ("port = 'a\\'b\\nc'", "a'b\nc"),
        ("port = '#5433'", "#5433"),
        ("port = -1", "-1"),
        ("port = 128kB\r", "128kB"),
        ("#port = 5433", None),
        ("port2 = 5433", None),
        ("x.port = 5433", None),
        ("port", None),
    ],
)
def test_a_line_is_read_as_postgresql_reads_it(line: str, value: str | None) -> None:
    assert postgresql_value(f"{line}\n", "port") == value


def test_the_last_of_two_wins() -> None:
    assert postgresql_value("port = 1\nport = 2\n", "port") == "2"


@given(st.text(st.characters(codec="utf-8", exclude_characters="\n")))
def test_what_is_quoted_reads_as_it_was(value: str) -> None:
    assert unquote(quote(value)) == value
    assert postgresql_value(f"key = {quote(value)} # c\n", "key") == value


def test_lines_are_added_on_lines_of_their_own() -> None:
    assert append_lines("a", ["b"]) == "a\nb\n"
    assert append_lines("a\r\n", ["b", "c"]) == "a\r\nb\r\nc\r\n"
    assert append_lines("", ["b"]) == "b\n"


def test_lines_are_commented_out_with_a_reason() -> None:
    text, gone = leave_out("a = 1\r\ninclude 'x'\r\n", frozenset({"include"}), "why")
    assert text == "a = 1\r\n# why\r\n#include 'x'\r\n"
    assert gone == (("include", "x"),)


def test_hidden_values_are_gone_even_from_comments() -> None:
    text, gone = hide("#a = 'pw'\n a = 'pw2'\n#a = ''\nb = 1\n", frozenset({"a"}), "why")
    assert text == "# a: why\n# a: why\n#a = ''\nb = 1\n"
    assert gone == frozenset({"a"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("archive_mode", "off"),
        ("archive_command", ""),
        ("restore_command", ""),
        ("primary_conninfo", ""),
        ("primary_slot_name", ""),
        ("synchronous_standby_names", ""),
        ("listen_addresses", "*"),
        ("port", "5432"),
        ("ssl", "off"),
        ("logging_collector", "off"),
        ("log_destination", "stderr"),
        ("external_pid_file", ""),
        ("data_directory", DATA),
        ("hba_file", HBA),
        ("ident_file", f"{DATA}/pg_ident.conf"),
        ("unix_socket_directories", "/var/run/postgresql"),
        ("password_encryption", "scram-sha-256"),
        ("stats_temp_directory", "pg_stat_tmp"),
        # Production's own, kept.
        ("max_connections", "200"),
        ("shared_buffers", "128MB"),
        ("shared_preload_libraries", "pg_stat_statements"),
        ("lc_messages", "fr_FR.UTF-8"),
        ("include_if_exists", "more.conf"),
        # Files that are not there.
        ("include_dir", None),
        ("include", None),
    ],
)
def test_a_restored_server_stands_apart_from_production(key: str, value: Any) -> None:
    assert values(DEBIAN)(key) == value


@pytest.mark.parametrize("key", ["archive_mode", "primary_conninfo", "synchronous_standby_names"])
def test_each_added_setting_says_why(key: str) -> None:
    lines = reconcile_postgresql(DEBIAN, DATA, HBA, 130016).text.splitlines()
    place = max(n for n, line in enumerate(lines) if line.startswith(f"{key} = "))
    assert lines[place - 1].startswith("# Restored server: it ")


def test_production_s_lines_stay_as_they_are() -> None:
    text = reconcile_postgresql(DEBIAN, DATA, HBA, 130016).text
    for line in DEBIAN.splitlines():
        if "pw-" not in line and not line.startswith(("include_dir", "include ")):
            assert line in text.splitlines()


def test_no_secret_of_production_is_left() -> None:
    reconciled = reconcile_postgresql(DEBIAN, DATA, HBA, 130016)
    assert "pw-" not in reconciled.text + repr(reconciled.changes)
    before = {change.key: change.before for change in reconciled.changes}
    assert before["primary_conninfo"] == before["archive_command"] == "***"


def test_changes_show_what_was_left_out_and_what_is_loaded() -> None:
    changes = reconcile_postgresql(DEBIAN, DATA, HBA, 130016).changes
    name = "postgresql.conf"
    assert ConfigurationChange(name, "include_dir", "conf.d", "(left out)") in changes
    library = "pg_stat_statements"
    assert ConfigurationChange(name, "shared_preload_libraries", library, library) in changes
    assert ConfigurationChange(name, "archive_mode", "on", "off") in changes


def test_reconciling_again_changes_no_byte() -> None:
    once = reconcile_postgresql(DEBIAN, DATA, HBA, 130016).text
    assert reconcile_postgresql(once, DATA, HBA, 130016).text == once


def test_it_is_rendered_when_the_generation_holds_none() -> None:
    reconciled = reconcile_postgresql(None, DATA, HBA, 130016)
    assert reconciled.text.startswith("# Written by the restore engine")
    assert values(None)("archive_mode") == "off"


@pytest.mark.parametrize(
    ("version", "known"), [(90624, False), (110022, False), (130016, True), (0, False)]
)
def test_a_server_gets_no_key_that_it_does_not_know(version: int, known: bool) -> None:
    text = reconcile_postgresql("", DATA, HBA, version).text
    assert (postgresql_value(text, "primary_conninfo") is not None) is known
    assert postgresql_value(text, "archive_library") is None
    assert postgresql_value(text, "stats_temp_directory") is None
    assert postgresql_value(text, "archive_mode") == "off"


def test_a_key_of_a_newer_server_is_made_safe_where_it_stands() -> None:
    text = reconcile_postgresql("archive_library = 'basic'\n", DATA, HBA, 170000).text
    assert postgresql_value(text, "archive_library") == ""
