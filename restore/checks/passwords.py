"""Whether a staging copy has passwords of its own: none with which production can be entered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from restore.adapters.postgres import sql
from restore.checks.base import Check, Finding, passed_unless, run_check
from restore.checks.isolation import database_servers, servers_asked
from restore.context import ReplayContext
from restore.model import CheckResult, DatabaseServer, Part, Purpose
from restore.model.secret import Secret
from restore.plan.blueprint import configuration_texts
from restore.plan.configuration.files import value_of

PASSWORDS: Final = Check(
    "staging.passwords",
    "Passwords are the copy's own",
    "no password of production, and none but those that the copy was given",
)

_ENTERED: Final = """
SELECT rolname FROM pg_catalog.pg_authid
WHERE rolpassword IS NOT NULL AND rolname <> ALL(%s) ORDER BY 1
"""


def password_checks(context: ReplayContext) -> tuple[CheckResult, ...]:
    """Look at the roles of every database server; nothing for a recovery."""
    if context.purpose is not Purpose.STAGING:
        return ()
    return (run_check(PASSWORDS, lambda: _asked(context)),)


def roles_with_password(connection: sql.Connection, server: DatabaseServer) -> tuple[str, ...]:
    """The roles that have a password and are neither the superuser nor the ERP's."""
    own = [server.superuser, server.erp_role]
    return tuple(str(name) for (name,) in sql.rows(connection, _ENTERED, own))


def _asked(context: ReplayContext) -> Finding:
    servers = database_servers(context.environment)
    captured = frozenset(captured_secrets(context))
    wrong: list[str] = []
    for role, server in servers.items():
        with sql.connect(server) as connection:
            wrong += (
                f"{role}: role {name} has a password that the copy was not given"
                for name in roles_with_password(connection, server)
            )
        if server.password in captured:
            wrong.append(f"{role}: the superuser's password stands in production's configuration")
        if server.erp_password in captured:
            wrong.append(
                f"{role}: the password of role {server.erp_role} stands in production's "
                "configuration"
            )
    return passed_unless(wrong, servers_asked(len(servers)))


def captured_secrets(context: ReplayContext) -> Iterator[Secret]:
    """The secrets that the generation's configuration files hold."""
    files = {(file.server, file.name): file for file in context.profile.configuration}
    for text in configuration_texts(context.repository, context.generation, context.profile):
        file = files.get((text.server, text.name))
        if text.part is not Part.ERP or file is None or file.keystore:
            continue
        values = (value_of(text.text, file, key) for key in file.secrets)
        yield from (Secret(value) for value in values if value)
