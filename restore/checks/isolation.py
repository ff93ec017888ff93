"""Whether what was restored could reach production: its archive, its replication, its network.

They are asked of what runs, not of what was written. Files count as well: what they say is what
the server does after its next start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from restore.adapters.postgres import sql
from restore.checks.base import Check, Finding, about, passed_unless, run_check
from restore.checks.network import network_finding
from restore.context import ReplayContext
from restore.model import CheckResult, DatabaseServer, Environment
from restore.model.messages import Message, message, plural

ARCHIVE: Final = Check(
    "isolation.archive",
    message("No write into production's WAL archive"),
    message("archive_mode is off, and no command of an archive is set"),
    decisive=True,
)
REPLICATION: Final = Check(
    "isolation.replication",
    message("No replication from or to production"),
    message("no primary, no standby, no subscription that is enabled"),
    decisive=True,
)
NETWORK: Final = Check(
    "isolation.network",
    message("No way out of the environment's networks"),
    message("no server reaches an address or a name outside"),
    decisive=True,
)

_OFF: Final = ("", "off", "(disabled)")
"""What says that a setting does nothing; ``(disabled)`` is a command that no mode makes run."""

_ARCHIVE_SETTINGS: Final = (
    "archive_mode",
    "archive_command",
    "archive_library",
    "archive_cleanup_command",
    "restore_command",
    "recovery_end_command",
)
_REPLICATION_SETTINGS: Final = (
    "primary_conninfo",
    "primary_slot_name",
    "promote_trigger_file",
    "synchronous_standby_names",
    "sync_replication_slots",
)
_SIGNALS: Final = ("standby.signal", "recovery.signal", "recovery.conf")
"""Files in the folder of the data that make a server follow another, or fetch its WAL."""

_SETTINGS: Final = """
SELECT name, setting, false FROM pg_catalog.pg_settings WHERE name = ANY(%s)
"""
# A key counts with its last line; a line that is overridden by the command line counts too, since
# it says what somebody wants.
_FILES: Final = """
SELECT DISTINCT ON (name) name, setting, true FROM pg_catalog.pg_file_settings
WHERE name = ANY(%s) ORDER BY name, seqno DESC
"""
_SUBSCRIPTIONS: Final = """
SELECT datname, subname FROM pg_catalog.pg_subscription
JOIN pg_catalog.pg_database ON pg_database.oid = subdbid WHERE subenabled ORDER BY 1, 2
"""
_READERS: Final = """
SELECT coalesce(client_addr::text, 'this server'), application_name
FROM pg_catalog.pg_stat_replication ORDER BY 1, 2
"""
_FOLDER: Final = "SELECT name FROM pg_catalog.pg_ls_dir('.') name WHERE name = ANY(%s) ORDER BY 1"
_HAS: Final = "SELECT to_regclass(%s) IS NOT NULL"


def isolation_checks(context: ReplayContext) -> tuple[CheckResult, ...]:
    """Ask every database server, and look around from inside every container."""
    return tuple(run_check(check, partial(PROBES[check], context)) for check in PROBES)


def database_servers(environment: Environment) -> dict[str, DatabaseServer]:
    """The database servers of an environment, by what checks call them."""
    servers = {"database": environment.database}
    if environment.reports is not None:
        servers["reports-database"] = environment.reports.database
    return servers


def _asked(problems: Callable[[sql.Connection], Iterator[str]], context: ReplayContext) -> Finding:
    servers = database_servers(context.environment)
    wrong: list[str] = []
    for role, server in servers.items():
        with sql.connect(server) as connection:
            wrong += (about(role, problem) for problem in problems(connection))
    return passed_unless(wrong, servers_asked(len(servers)))


def servers_asked(number: int) -> Message:
    """How many database servers a check has asked."""
    return plural(number, "{n} database server asked", "{n} database servers asked")


def _replication_problems(connection: sql.Connection) -> Iterator[str]:
    ((recovering,),) = sql.rows(connection, "SELECT pg_catalog.pg_is_in_recovery()")
    if recovering:
        yield message("it is a standby of another server")
    yield from _set(connection, _REPLICATION_SETTINGS)
    for (name,) in sql.rows(connection, _FOLDER, list(_SIGNALS)):
        yield message("{name} lies in its data", name=name)
    if _has(connection, "pg_catalog.pg_subscription"):
        for database, name in sql.rows(connection, _SUBSCRIPTIONS):
            yield message(
                "subscription {name} of database {database} is enabled",
                name=name,
                database=database,
            )
    for address, name in sql.rows(connection, _READERS):
        yield message("{address} reads its WAL", address=f"{address} ({name})")


def _set(connection: sql.Connection, names: tuple[str, ...]) -> Iterator[str]:
    """The settings that do something now, or will after the next start; never with their value.

    Such values often hold passwords.
    """
    found = sql.rows(connection, _SETTINGS, list(names))
    if _has(connection, "pg_catalog.pg_file_settings"):
        found += sql.rows(connection, _FILES, list(names))
    for name, value, later in found:
        if (value or "") not in _OFF:
            yield (
                message("{name} is set, from the next start on", name=name)
                if later
                else message("{name} is set", name=name)
            )


def _has(connection: sql.Connection, relation: str) -> bool:
    ((has,),) = sql.rows(connection, _HAS, relation)
    return bool(has)


PROBES: Final[Mapping[Check, Callable[[ReplayContext], Finding]]] = {
    ARCHIVE: partial(_asked, partial(_set, names=_ARCHIVE_SETTINGS)),
    REPLICATION: partial(_asked, _replication_problems),
    NETWORK: network_finding,
}
"""What is checked in every replay, whatever the generation, and what looks."""
