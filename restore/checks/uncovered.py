"""What looks dangerous in a copy's database and has no rule, by looking at what is really there."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from restore.adapters.postgres import columns, sql
from restore.checks.base import Check
from restore.model.messages import message
from restore.profile import Neutralisation

CHECK: Final = Check(
    "neutralised.uncovered",
    message("Whatever looks dangerous has a rule"),
    message("no filled column or table whose name tells of other systems is without a rule"),
)

_WORDS: Final = (
    "url", "urls", "uri", "key", "apikey", "token", "tokens", "secret", "password", "passwd",
    "passphrase", "pass", "pwd", "host", "hostname", "server", "smtp", "imap", "ftp", "sftp",
    "webhook", "endpoint", "credential", "credentials", "oauth", "certificate", "cert", "pkcs12",
    "merchant", "salt", "ip",
)  # fmt: skip
_THINGS: Final = (
    "cron", "webhook", "webhooks", "oauth", "credential", "credentials", "connector", "backend",
    "sftp", "ftp", "imap", "smtp", "ebics", "edi", "mailbox", "job", "apikey", "apikeys", "token",
    "tokens", "subscription", "automation",
)  # fmt: skip
_COLUMNS: Final = rf"[.](.*_)?({'|'.join(_WORDS)})(_.*)?$"
_TABLES: Final = rf"^(.*_)?({'|'.join(_THINGS)})(_.*)?$"


def dangers(connection: sql.Connection, neutralisation: Neutralisation) -> tuple[str, ...]:
    """Columns that hold a URL, a key or the like by their names, and tables of jobs and gates.

    What holds nothing is no danger; neither is what a rule covers or the profile calls harmless.
    """
    covered = neutralisation.covered
    known = re.compile(columns.pattern_of(covered))
    held = columns_that_hold(connection, _COLUMNS, lambda name: bool(known.match(name)))
    # A rule that changes a table's rows has thought of that table.
    changed = re.compile(columns.pattern_of([n.split(".")[0] for n in covered if n[:2] != "*."]))
    tables = [
        str(name)
        for (name,) in sql.rows(connection, columns.tables_query(_TABLES))
        if not changed.match(str(name))
    ]
    filled = sql.rows(connection, columns.filled_query(tables)) if tables else []
    return (*held, *(message("{table} has rows", table=name) for (name,) in filled))


def columns_that_hold(
    connection: sql.Connection, pattern: str, without: Callable[[str], bool] = lambda name: False
) -> tuple[str, ...]:
    """The columns of text, ``table.column``, whose name matches a pattern and which hold anything.

    Those are left out for whose name ``without`` is true.
    """
    named = [
        (str(table), str(column))
        for table, column, _ in sql.rows(connection, columns.columns_query(pattern))
        if not without(f"{table}.{column}")
    ]
    found = sql.rows(connection, columns.holding_query(named)) if named else []
    return tuple(name for (name,) in found)
