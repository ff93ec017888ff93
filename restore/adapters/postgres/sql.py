"""Connections to PostgreSQL, and the names of its SDK that other packages need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import psycopg.sql
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from restore.adapters import logs
from restore.adapters.tool_output import presentable
from restore.errors import EnvironmentFailure
from restore.model import DatabaseServer
from restore.model.secret import Secret

Connection = psycopg.Connection[tuple[Any, ...]]
Error = psycopg.Error
errors = psycopg.errors
"""The errors by the server's own code."""
compose = psycopg.sql
"""Statements made of parts, each quoted as the server wants it."""

SILENCE: Final = 60
"""Seconds after which a connection is given up whose other side is not there any more.

Its machine's kernel answers, however long the server itself takes for a query or a slow disk.
"""
MAINTENANCE: Final = "postgres"
"""The database that every server has: one connects to it to make, rename and ask about others."""

_CONNECT: Final = 30
"""Seconds that a server may take to let somebody in: it may have to wait for its disk."""


@contextmanager
def connect(
    server: DatabaseServer,
    database: str = MAINTENANCE,
    *,
    as_erp: bool = False,
    deadline: float = 10,
    options: Secret | None = None,
) -> Iterator[Connection]:
    """Open an autocommit connection as the superuser, or as the ERP's own role.

    Args:
        deadline: seconds during which a server that doesn't answer yet is asked again.
        options: settings of the session, as ``PGOPTIONS`` has them.

    Raises:
        EnvironmentFailure: no connection in time; holds the server's last answer.
    """
    role, password = (
        (server.erp_role, server.erp_password) if as_erp else (server.superuser, server.password)
    )
    # A database that production had set read-only is one for its users, not for the engine's work.
    given = [] if as_erp else ["-c default_transaction_read_only=off"]
    if options:
        given.append(options.reveal())
    host, port = server.endpoint
    attempts = Retrying(
        retry=retry_if_exception_type(psycopg.OperationalError),
        stop=stop_after_delay(deadline),
        wait=wait_fixed(0.25),
        reraise=True,
    )
    at = f"{server.address}:{server.port}"
    with logs.timed("connect to database", server=at, database=database, role=role):
        try:
            connection = attempts(
                psycopg.connect,
                host=host,
                port=port,
                dbname=database,
                user=role,
                password=password.reveal(),
                options=" ".join(given) or None,
                connect_timeout=_CONNECT,
                keepalives_idle=SILENCE // 2,
                keepalives_interval=max(1, SILENCE // 6),
                keepalives_count=3,
                tcp_user_timeout=SILENCE * 1000,
                autocommit=True,
                application_name="pra",
            )
        except psycopg.Error as error:
            text = presentable(str(error).strip())
            # Every language that PostgreSQL speaks has this word, and only for what it says itself.
            did = "refused" if "FATAL" in text else "does not answer"
            closed = "not currently accepting connections" in text
            raise EnvironmentFailure(
                f"PostgreSQL at {at} {did} role {role} on database {database}: {text}",
                "a replay into it was cut short: run it again, it opens the database at its end"
                if closed
                else "",
            ) from error
    with connection:
        yield connection


def rows(connection: Connection, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Run a query that comes from the engine or a profile and return every row."""
    return connection.execute(query.encode(), parameters or None).fetchall()


def quoted(*parts: str) -> compose.Identifier:
    """A (qualified) name, quoted."""
    return compose.Identifier(*parts)
