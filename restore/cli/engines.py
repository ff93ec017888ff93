"""The Docker engines that a command looks at: this machine's, and those that stack files name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

from restore.cli.terminal import Terminal
from restore.errors import EnvironmentFailure

if TYPE_CHECKING:
    from restore.adapters.docker.runner import Runner


@contextmanager
def every_engine(terminal: Terminal) -> Iterator[dict[str, Runner]]:
    """This machine's engine, first, and those of ``other_engines``, by host; closed at the end.

    Raises:
        EnvironmentFailure: this machine's doesn't answer.
    """
    from restore.adapters.docker.runner import Runner
    from restore.model import LOCAL

    with ExitStack() as opened:
        engines = {LOCAL: Runner.connect(), **other_engines(terminal)}
        for engine in engines.values():
            opened.enter_context(closing(engine))
        yield engines


def other_engines(terminal: Terminal) -> dict[str, Runner]:
    """The engines of the Docker hosts that stack files name; one that doesn't answer is told."""
    from restore.adapters.docker.runner import Runner
    from restore.adapters.pulumi.stack_file import known_hosts

    engines: dict[str, Runner] = {}
    for host in known_hosts():
        try:
            engines[host] = Runner.connect(host)
        except EnvironmentFailure as error:
            terminal.print(f"not looked at: {error.message}")
    return engines
