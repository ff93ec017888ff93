"""Stops and starts a database server during a replay."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from restore.adapters.docker.health import wait_healthy
from restore.adapters.docker.runner import Runner
from restore.errors import EnvironmentFailure
from restore.model import DatabaseServer

_GRACE: Final = 600
"""Seconds that a server may take to write all that it holds when it stops."""
_ASKED: Final = 20
_START_DEADLINE: Final = 300


def stop_database(runner: Runner, server: DatabaseServer) -> None:
    """Stop a server cleanly; nothing happens when it is stopped already."""
    runner.stop(server.container, grace=_GRACE)


def start_database(runner: Runner, server: DatabaseServer) -> None:
    """Start a server unless it runs, and wait until it answers, whatever its passwords are.

    It does so before its own probe says it, which is asked once in a while only.

    Raises:
        EnvironmentFailure: it does not start; holds its last words.
    """
    runner.start(server.container)
    ready = ("pg_isready", "--quiet", "--host=127.0.0.1", f"--username={server.superuser}")
    asked = Retrying(
        retry=retry_if_result(lambda done: done.exit_code != 0),
        stop=stop_after_delay(_ASKED),
        wait=wait_fixed(0.1),
    )
    # A server that has ended can't be asked.
    with suppress(RetryError, EnvironmentFailure):
        asked(runner.execute, server.container, ready)
        return
    wait_healthy(runner, server.container, _START_DEADLINE)
