"""Production's ``postgresql.conf``, made safe for a server that stands beside production. Pure.

The restored server must reach nothing of production's: no archive, no primary, no standby. And it
must start where production's folders, certificates and addresses are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from restore.model import ConfigurationChange
from restore.model.secret import MASK
from restore.plan.configuration.files import Reconciled, Setting, set_postgresql
from restore.plan.configuration.postgresql_conf import hide, leave_out, postgresql_value

NAME: Final = "postgresql.conf"

LEFT_OUT: Final = "(left out)"
"""What an ``include`` becomes in the list of changes."""

_HIDDEN: Final = frozenset({
    "primary_conninfo", "archive_command", "restore_command", "archive_cleanup_command",
    "recovery_end_command", "ssl_passphrase_command",
})  # fmt: skip
"""Keys whose values often hold passwords: none may reach the stack's state."""

_INCLUDES: Final = frozenset({"include", "include_dir"})
_KEPT_AND_SHOWN: Final = (
    "shared_preload_libraries",
    "session_preload_libraries",
    "local_preload_libraries",
)


@dataclass(frozen=True, slots=True)
class _Rule:
    """A setting that must have one value.

    ``since`` is the first ``server_version_num`` that knows the key; a server does not start on a
    key that it doesn't know. None: only where production's file has the key.
    """

    key: str
    value: str
    why: str
    since: int | None = 0


_SAFETY: Final = (
    _Rule("archive_mode", "off", "it must never write into production's WAL archive"),
    _Rule("archive_command", "", "it must never write into production's WAL archive"),
    _Rule("archive_library", "", "it must never write into production's WAL archive", None),
    _Rule("restore_command", "", "it must not fetch production's WAL", 120000),
    _Rule("archive_cleanup_command", "", "it must not clean production's archive", 120000),
    _Rule("recovery_end_command", "", "it must not run production's scripts", 120000),
    _Rule("primary_conninfo", "", "it must not follow production", 120000),
    _Rule("primary_slot_name", "", "it must not use a slot of production", 120000),
    _Rule("sync_replication_slots", "off", "it has no primary", None),
    _Rule("synchronized_standby_slots", "", "it has no standby, commits would wait", None),
    _Rule("synchronous_standby_names", "", "it has no standby, commits would wait for ever"),
)
"""What could reach production, or wait for it."""

_PLACE: Final = (
    _Rule("listen_addresses", "*", "it listens inside its own network"),
    _Rule("port", "5432", "its container's own port"),
    _Rule("unix_socket_directories", "/var/run/postgresql", "its image's own folder"),
    _Rule("unix_socket_group", "", "production's group may not exist here", None),
    _Rule("unix_socket_permissions", "0777", "its image's own default", None),
    _Rule("external_pid_file", "", "production's folder does not exist here"),
    _Rule("stats_temp_directory", "pg_stat_tmp", "production's folder does not exist here", None),
    _Rule("ssl", "off", "production's certificate is not part of a generation"),
    _Rule("huge_pages", "try", "this host may have none reserved", None),
    _Rule("log_destination", "stderr", "the container's log is where the engine looks"),
    _Rule("logging_collector", "off", "the container's log is where the engine looks"),
    _Rule("temp_tablespaces", "", "tablespaces are not part of a generation", None),
    _Rule("default_tablespace", "", "tablespaces are not part of a generation", None),
    _Rule("password_encryption", "scram-sha-256", "what pg_hba.conf asks for", 100000),
)
"""What makes it start and be reached where it now stands."""


def reconcile_postgresql(text: str | None, data: str, hba: str, version: int) -> Reconciled:
    """Make a ``postgresql.conf`` fit for a restored server.

    Production's lines stay as they are; what must be otherwise is added at the end, where it wins,
    each with the reason in a comment. Included files are not part of a generation: those lines
    are commented out. Libraries that are loaded at start are kept, and listed among the changes.

    Args:
        text: production's file; None when the generation holds none.
        data: the folder of the restored server's data, in its container.
        hba: its file of who may connect, there.
        version: ``server_version_num`` of the dump's server; 0 when unknown.
    """
    original = text or _HEADER
    kept, gone = leave_out(
        original, _INCLUDES, "Left out by the restore engine: not part of a generation."
    )
    kept, hidden = hide(kept, _HIDDEN, "left out by the restore engine, as it may hold a secret")
    settings = (
        Setting("data_directory", data, "Restored server: its own data."),
        Setting("hba_file", hba, "Restored server: written by the restore engine."),
        Setting("ident_file", f"{data}/pg_ident.conf", "Restored server: its own file."),
        *_settings(original, version),
    )
    reconciled = set_postgresql(kept, NAME, settings)
    changes = (
        *(ConfigurationChange(NAME, key, value, LEFT_OUT) for key, value in gone),
        *(replace(c, before=MASK) if c.key in hidden else c for c in reconciled.changes),
        *_shown(original),
    )
    return Reconciled(reconciled.text, changes)


_HEADER: Final = "# Written by the restore engine: the generation holds no postgresql.conf.\n"


def _settings(text: str, version: int) -> Iterator[Setting]:
    for rule in (*_SAFETY, *_PLACE):
        present = postgresql_value(text, rule.key) is not None
        if present or (rule.since is not None and version >= rule.since):
            yield Setting(rule.key, rule.value, f"Restored server: {rule.why}.")


def _shown(text: str) -> Iterator[ConfigurationChange]:
    for key in _KEPT_AND_SHOWN:
        value = postgresql_value(text, key)
        if value:
            yield ConfigurationChange(NAME, key, value, value)
