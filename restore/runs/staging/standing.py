"""The stacks of staging copies: their Docker engines, how they are stopped and destroyed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Final

from restore.adapters.docker import leftovers
from restore.adapters.docker.runner import LABEL, Runner
from restore.adapters.pulumi.rebuild import destroy
from restore.adapters.pulumi.stack_file import hosts_if_known, settings_file
from restore.model import LOCAL, ProgressListener, Role

_GRACE: Final = 10
"""Seconds that a server of a copy that failed has to stop."""


@contextmanager
def engines_of(stack: str) -> Iterator[dict[str, Runner]]:
    """The engines of every host that a stack with that file stands on, and this machine's own."""
    with ExitStack() as opened:
        hosts = sorted({LOCAL, *hosts_if_known(stack).distinct(Role)})
        yield {host: opened.enter_context(closing(Runner.connect(host))) for host in hosts}


def stop_servers(stack: str) -> None:
    """Stop every server of a stack: what was stopped doesn't start again with the engine."""
    selector: dict[str, str | list[str] | bool] = {"label": f"{LABEL}={stack}"}
    with engines_of(stack) as engines:
        for engine in engines.values():
            for model in engine.client.containers.list(filters=selector, ignore_removed=True):
                engine.stop(str(model.id), _GRACE)


def destroy_stack(stack: str, listener: ProgressListener) -> None:
    """Destroy a copy's stack, what else carries its label, and its stack file."""
    destroy(stack, listener)
    with engines_of(stack) as engines:
        left = [item for item in leftovers.find_everywhere(engines) if item.stack == stack]
        leftovers.remove(engines[LOCAL], left, engines)
    settings_file(stack).unlink(missing_ok=True)
