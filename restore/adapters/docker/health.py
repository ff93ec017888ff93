"""Container health: probe status, exit reason, last log lines."""

from __future__ import annotations

from typing import Final

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from restore.adapters.docker.engine import answers
from restore.adapters.docker.runner import TAIL_LINES, Runner, tail
from restore.errors import EnvironmentFailure

_INTERVAL: Final = 0.25
"""Seconds between two looks at a probe."""

_KILLED: Final = 137
"""Exit code of a container that was ended by SIGKILL."""


def wait_healthy(runner: Runner, container: str, deadline: float) -> None:
    """Wait until a container's own health check passes.

    Args:
        deadline: in seconds.

    Raises:
        EnvironmentFailure: it stopped, or was not healthy in time; quotes its last log lines.
    """
    wait = Retrying(
        retry=retry_if_result(lambda state: state not in ("healthy", "exited")),
        stop=stop_after_delay(deadline),
        wait=wait_fixed(_INTERVAL),
    )
    try:
        state = wait(read_health, runner, container)
    except RetryError as error:
        raise EnvironmentFailure(
            f"container {container[:12]} was not healthy within {deadline:.0f} s: "
            + _last_words(runner, container)
        ) from error
    if state == "exited":
        end, words = describe_end(runner, container), _last_words(runner, container)
        raise EnvironmentFailure(f"container {container[:12]} {end}: {words}")


def read_health(runner: Runner, container: str) -> str:
    """The status of a container's health check: ``healthy``, ``starting`` or ``unhealthy``.

    ``exited`` when it does not run, ``none`` when it has no health check.
    """
    state = runner.container(container).attrs["State"]
    if state["Status"] in ("exited", "dead"):
        return "exited"
    return str(state.get("Health", {}).get("Status", "none"))


def describe_end(runner: Runner, container: str) -> str:
    """Say why a container stopped, as the end of a sentence that begins with its name."""
    attrs = runner.container(container).attrs
    state, limit = attrs["State"], int(attrs["HostConfig"].get("Memory") or 0) >> 20
    told = f" (its limit is {limit} MiB)" if limit else ""
    if state.get("OOMKilled"):
        return f"was killed, out of memory{told}"
    # The engine misses some of the kernel's notices that memory ran out.
    if state.get("ExitCode") == _KILLED:
        return f"was killed, perhaps out of memory{told}" if limit else "was killed"
    return "stopped"


def _last_words(runner: Runner, container: str) -> str:
    found = runner.container(container)
    probes = found.attrs["State"].get("Health", {}).get("Log") or [{}]
    probe = str(probes[-1].get("Output", "")).strip() or "no probe output"
    with answers(f"read the log of container {container[:12]}"):
        log = found.logs(tail=TAIL_LINES).decode(errors="replace")
    return f"{tail(probe)}\nlast lines of its log:\n{tail(log)}"
