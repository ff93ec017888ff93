"""Production's roles, brought back into another server without touching the engine's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from restore.adapters.postgres import sql
from restore.adapters.postgres.commands import OS_USER
from restore.adapters.postgres.role_script import CREATE_ROLE, first_words, role_statements
from restore.checks.passwords import roles_with_password
from restore.context import ReplayContext
from restore.errors import ReplayError
from restore.model import ArtifactKind, DatabaseServer, Purpose, Step

_CODING: Final = "utf-8", "surrogateescape"


def restore_roles(context: ReplayContext, step: Step) -> None:
    """Create production's roles, then give the ERP's its password of this environment.

    A role that is there already is kept and gets production's attributes, except the superuser
    that the engine works as. No role is ever dropped. What an imported generation only names is
    made without any right. In a staging copy, no other role has a password: a generation that
    others made may hold those of production.
    """
    server = context.environment.database
    with sql.connect(server) as connection:
        for script in _scripts(context, step):
            for statement in role_statements(script, server.superuser):
                _apply(connection, statement)
        if step.argv:
            context.runner.check(server.container, step.argv, user=OS_USER)
        _set_password(connection, server)
        if context.purpose is Purpose.STAGING:
            # No role may log in by password but the engine's and the ERP's.
            for name in roles_with_password(connection, server):
                without = sql.compose.SQL("ALTER ROLE {} WITH PASSWORD NULL")
                connection.execute(without.format(sql.compose.Identifier(name)))


def _apply(connection: sql.Connection, statement: str) -> None:
    try:
        connection.execute(statement.encode(*_CODING))
    except sql.errors.DuplicateObject:
        if not CREATE_ROLE.match(statement):
            raise
    except sql.Error as error:
        # The server's full message quotes the statement, which may hold a password's hash.
        reason = error.diag.message_primary or type(error).__name__
        raise ReplayError(f"{first_words(statement)}: {reason}") from None


def _set_password(connection: sql.Connection, server: DatabaseServer) -> None:
    """Let the ERP's role log in with the environment's password.

    The server is sent a verifier, so that its log can't hold the password.
    """
    if server.erp_role == server.superuser:
        if server.erp_password != server.password:
            raise ReplayError(
                f"role {server.erp_role} is both the ERP's and the superuser, "
                "with two different passwords",
                "give both the same password",
            )
        return
    verifier = connection.pgconn.encrypt_password(
        server.erp_password.reveal().encode(), server.erp_role.encode(), b"scram-sha-256"
    ).decode()
    statement = sql.compose.SQL("ALTER ROLE {} WITH LOGIN PASSWORD {}").format(
        sql.compose.Identifier(server.erp_role), sql.compose.Literal(verifier)
    )
    try:
        connection.execute(statement)
    except sql.errors.UndefinedObject as error:
        raise ReplayError(
            f"role {server.erp_role} of the ERP is not among the generation's roles",
            "the ERP's configuration and the roles of this generation don't belong together",
        ) from error
    found = connection.execute(
        "SELECT rolcanlogin FROM pg_catalog.pg_roles WHERE rolname = %s", (server.erp_role,)
    ).fetchone()
    if found != (True,):
        raise ReplayError(f"role {server.erp_role} can't log in after it was altered")


def _scripts(context: ReplayContext, step: Step) -> Iterator[str]:
    for artifact in context.generation.artifacts_of(ArtifactKind.ROLES):
        if step.source is not None and not step.source.startswith(artifact.folder):
            continue
        for entry in context.repository.read_index(context.generation, artifact):
            with context.repository.open(context.generation, artifact, entry) as file:
                yield file.read().decode(*_CODING)
