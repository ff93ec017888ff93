"""What belongs to a database itself: its settings, its roles' settings in it, who may enter it.

A dump holds them, but ``pg_restore`` only tells them together with the database's creation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from restore.adapters.postgres import commands, sql
from restore.adapters.postgres.role_script import split_statements
from restore.context import ReplayContext
from restore.errors import ReplayError
from restore.model import CUSTOM_FILE, ArtifactKind, DumpForm

_HEADER: Final = re.compile(r"-- Name: (?P<name>.*); Type: (?P<type>[A-Z ]+); Schema: ")
_NAME: Final = r'(?:"(?:[^"]|"")*"|[^\s"]+)'
_STATEMENT: Final = re.compile(
    rf"(?P<head>ALTER\s+DATABASE\s+|ALTER\s+ROLE\s+{_NAME}\s+IN\s+DATABASE\s+"
    rf"|(?:GRANT|REVOKE)\s+[A-Z, ]+?\s+ON\s+DATABASE\s+){_NAME}(?P<rest>\s.*)",
    re.S,
)


def restore_properties(context: ReplayContext, database: str, temporary: str, user: str) -> None:
    """Give a restored database, under its temporary name, production's settings and rights.

    Args:
        user: operating system's user who may read the repository in the container.

    Raises:
        ReplayError: the server refuses a statement; names it.
    """
    server = context.environment.database
    for artifact in context.generation.artifacts_of(ArtifactKind.DATABASE, database):
        if artifact.form is DumpForm.PLAIN:
            # It is without them, or they were left out with what makes the database.
            continue
        dump = f"{server.repository}/generations/{context.generation.id}/{artifact.folder}"
        if artifact.form is DumpForm.CUSTOM:
            dump = f"{dump}/{CUSTOM_FILE}"
        argv = commands.show_schema(dump)
        lines = context.runner.lines(server.container, argv, user=user)
        statements = tuple(rename_database(property_statements(lines), temporary))
        with sql.connect(server, temporary) as connection, connection.transaction():
            for statement in statements:
                try:
                    connection.execute(statement.encode())
                except sql.Error as error:
                    reason = error.diag.message_primary or type(error).__name__
                    raise ReplayError(f"{statement}: {reason}") from error


def property_statements(lines: Iterable[str]) -> Iterator[str]:
    """The statements about the database itself in the script that ``pg_restore`` writes."""
    wanted = False
    kept: list[str] = []
    for line in lines:
        if header := _HEADER.match(line):
            kind, name = header["type"], header["name"]
            wanted = kind == "DATABASE PROPERTIES" or (
                kind == "ACL" and name.startswith("DATABASE ")
            )
        elif wanted and not line.startswith("\\"):
            kept.append(line)
    for statement in split_statements("\n".join(kept)):
        if _STATEMENT.fullmatch(statement):
            yield statement


def rename_database(statements: Iterable[str], database: str) -> Iterator[str]:
    """The statements, changed to name another database."""
    name = commands.identifier(database)
    for statement in statements:
        if found := _STATEMENT.fullmatch(statement):
            yield f"{found['head']}{name}{found['rest']}"
