"""Production's roles, brought back into another server without touching the engine's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql as compose

from restore.adapters.postgres import sql
from restore.checks.passwords import roles_with_password
from restore.context import ReplayContext
from restore.errors import ReplayError
from restore.model import ArtifactKind, DatabaseServer, Purpose, Step

_OS_USER: Final = "postgres"
_CODING: Final = "utf-8", "surrogateescape"

# The pieces that a semicolon must not be looked for in: quoted texts (with and without
# backslashes), quoted names, dollar-quoted texts, comments; psql's own commands fill a line.
_PIECE: Final = re.compile(
    r"""
      [eE]'(?:[^'\\]|\\.|'')*'
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | (?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?P=tag)
    | (?P<comment>--[^\n]*)
    | (?P<psql>^\\[^\n]*)
    | (?P<end>;)
    | [^\W\d][\w$]*
    | .
    """,
    re.X | re.S | re.M,
)
_NAME: Final = r"""(?:"(?P<quoted>(?:[^"]|"")*)"|(?P<plain>[\w$]+))"""
_CREATE: Final = re.compile(rf"CREATE\s+(?:ROLE|USER|GROUP)\s+{_NAME}", re.I)
_ALTER: Final = re.compile(rf"ALTER\s+(?:ROLE|USER)\s+{_NAME}", re.I)
_QUOTED: Final = re.compile(r'"(?:[^"]|"")*"')
_ALTER_IN_DATABASE: Final = re.compile(r"ALTER\s+(?:ROLE|USER)\s+\S+\s+IN\s+DATABASE\b", re.I)
_MEMBERSHIP: Final = re.compile(r"GRANT\b(?:(?!\bON\b).)*\bTO\b", re.I | re.S)
_COMMENT: Final = re.compile(r"COMMENT\s+ON\s+ROLE\b", re.I)


@dataclass(frozen=True, slots=True)
class RoleStatements:
    """What of a globals script is applied, in order, and how many statements are left out."""

    applied: tuple[str, ...]
    skipped: int


def restore_roles(context: ReplayContext, step: Step) -> None:
    """Create production's roles, then give the ERP's its password of this environment.

    A role that is there already is kept and gets production's attributes, except the superuser
    that the engine works as. No role is ever dropped. What an imported generation only names is
    made without any right. In a staging copy, no other role has a password: a generation that
    others made may hold those of production.
    """
    server = context.environment.database
    with sql.connect(server, "postgres") as connection:
        for script in _scripts(context, step):
            for statement in role_statements(script, server.superuser).applied:
                _apply(connection, statement)
        if step.argv:
            context.runner.check(server.container, step.argv, user=_OS_USER)
        _set_password(connection, server)
        if context.purpose is Purpose.STAGING:
            _take_passwords(connection, server)


def role_statements(script: str, superuser: str) -> RoleStatements:
    """Choose what of ``pg_dumpall``'s script concerns roles, except the superuser's attributes.

    Settings of sessions, tablespaces, databases and psql's own commands are left out.
    """
    every = tuple(split_statements(script))
    applied = tuple(text for text in every if _concerns_roles(text, superuser))
    return RoleStatements(applied, len(every) - len(applied))


def created_roles(script: str) -> frozenset[str]:
    """The names of the roles that ``pg_dumpall``'s script creates."""
    found = (_CREATE.match(statement) for statement in split_statements(script))
    return frozenset(_name_in(match) for match in found if match)


def split_statements(script: str) -> Iterator[str]:
    """Cut a script of SQL into statements, comments left out.

    Names and texts may hold semicolons, quotes and line breaks.
    """
    parts: list[str] = []
    for piece in _PIECE.finditer(script):
        if piece["comment"] is not None or piece["psql"] is not None:
            continue
        if piece["end"] is None:
            parts.append(piece[0])
            continue
        if statement := "".join(parts).strip():
            yield statement
        parts.clear()
    if statement := "".join(parts).strip():
        raise ReplayError(
            f"the roles' script ends within a statement: {_short(statement)} …",
            "the script was cut: choose another generation",
        )


def _concerns_roles(statement: str, superuser: str) -> bool:
    # Names are taken out first: they may hold any word.
    bare = _QUOTED.sub('""', statement)
    if _ALTER_IN_DATABASE.match(bare):
        # The database does not exist yet; its archive holds these settings (see properties).
        return False
    if altered := _ALTER.match(statement):
        return _name_in(altered) != superuser
    return any(pattern.match(bare) is not None for pattern in (_CREATE, _MEMBERSHIP, _COMMENT))


def _name_in(match: re.Match[str]) -> str:
    quoted = match["quoted"]
    return quoted.replace('""', '"') if quoted is not None else match["plain"].lower()


def _apply(connection: sql.Connection, statement: str) -> None:
    try:
        connection.execute(statement.encode(*_CODING))
    except psycopg.errors.DuplicateObject:
        if not _CREATE.match(statement):
            raise
    except psycopg.Error as error:
        # The server's full message quotes the statement, which may hold a password's hash.
        reason = error.diag.message_primary or type(error).__name__
        raise ReplayError(f"{_short(statement)}: {reason}") from None


def _short(statement: str) -> str:
    """The first words of a statement: act and role, never a password."""
    for pattern in (_CREATE, _ALTER):
        if match := pattern.match(statement):
            return match[0]
    return " ".join(statement.split()[:4])


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
    statement = compose.SQL("ALTER ROLE {} WITH LOGIN PASSWORD {}").format(
        compose.Identifier(server.erp_role), compose.Literal(verifier)
    )
    try:
        connection.execute(statement)
    except psycopg.errors.UndefinedObject as error:
        raise ReplayError(
            f"role {server.erp_role} of the ERP is not among the generation's roles",
            "the ERP's configuration and the roles of this generation don't belong together",
        ) from error
    found = connection.execute(
        "SELECT rolcanlogin FROM pg_catalog.pg_roles WHERE rolname = %s", (server.erp_role,)
    ).fetchone()
    if found != (True,):
        raise ReplayError(f"role {server.erp_role} can't log in after it was altered")


def _take_passwords(connection: sql.Connection, server: DatabaseServer) -> None:
    """Let no role log in by password but the engine's and the ERP's."""
    for name in roles_with_password(connection, server):
        connection.execute(
            compose.SQL("ALTER ROLE {} WITH PASSWORD NULL").format(compose.Identifier(name))
        )


def _scripts(context: ReplayContext, step: Step) -> Iterator[str]:
    for artifact in context.generation.artifacts_of(ArtifactKind.ROLES):
        if step.source is not None and not step.source.startswith(artifact.folder):
            continue
        for entry in context.repository.read_index(context.generation, artifact):
            with context.repository.open(context.generation, artifact, entry) as file:
                yield file.read().decode(*_CODING)
