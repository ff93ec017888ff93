"""Starting a container and waiting until it runs, is healthy, or has ended."""

from __future__ import annotations

import re
from typing import Any

from ..errors import DOCKER_ERRORS, Cancelled, ProviderError, failed
from ..resource import Context
from ..values import Props

_LOG_LINES = 15
_RUNNING_SECONDS = 15
_LOG_CHARACTERS = 2000
_SECRET_NAME = re.compile(r"PASS|SECRET|TOKEN|KEY|CREDENTIAL", re.IGNORECASE)


def start(context: Context, container: str, inputs: Props) -> None:
    """Start the container and wait as the inputs say.

    Raises ProviderError when it can't start, ends at once though it must run, or doesn't become
    healthy in time; the message carries the last health check's output or the container's own.
    """
    name = inputs["name"]
    try:
        context.client.start(container)
    except DOCKER_ERRORS as error:
        raise failed(f"start container {name}", error) from error
    try:
        if inputs.get("wait"):
            _wait_until_healthy(context, container, inputs)
        elif inputs.get("mustRun", True):
            _wait_until_running(context, container, inputs)
    except Cancelled as error:
        raise Cancelled(f"cancelled while waiting for container {name}") from error


def _wait_until_running(context: Context, container: str, inputs: Props) -> None:
    def running() -> bool:
        state = _state(context, container, inputs)
        if _ended(state):
            raise _ended_early(context, container, inputs, state)
        return bool(state.get("Running"))

    # Something that dies at once is still "running" in the first instant.
    context.waiter.until(lambda: False, 0.1)
    if not context.waiter.until(running, _RUNNING_SECONDS, 0.1):
        raise ProviderError(f"container {inputs['name']} isn't running after {_RUNNING_SECONDS} s")


def _wait_until_healthy(context: Context, container: str, inputs: Props) -> None:
    seconds = inputs.get("waitTimeout", 60)
    last: dict[str, Any] = {}

    def healthy() -> bool:
        state = _state(context, container, inputs)
        if _ended(state):
            raise _ended_early(context, container, inputs, state)
        health = state.get("Health") or {}
        if health.get("Status") in (None, "", "none"):
            raise ProviderError(
                f"can't wait for container {inputs['name']}: it has no health check",
                "give it a `healthcheck`, or leave `wait` out",
            )
        last.update(health)
        if health["Status"] == "unhealthy":
            raise _unhealthy(context, container, inputs, health, "is unhealthy")
        return bool(health["Status"] == "healthy")

    if not context.waiter.until(healthy, seconds):
        raise _unhealthy(context, container, inputs, last, f"isn't healthy after {seconds} s")


def _state(context: Context, container: str, inputs: Props) -> dict[str, Any]:
    try:
        state: dict[str, Any] = context.client.inspect_container(container)["State"]
    except DOCKER_ERRORS as error:
        raise failed(f"look at container {inputs['name']}", error) from error
    return state


def _ended(state: dict[str, Any]) -> bool:
    return state.get("Status") in ("exited", "dead")


def _ended_early(
    context: Context, container: str, inputs: Props, state: dict[str, Any]
) -> ProviderError:
    reason = state.get("Error") or ("out of memory" if state.get("OOMKilled") else "")
    because = f" ({reason})" if reason else ""
    message = f"container {inputs['name']} ended with code {state.get('ExitCode')}{because}"
    return ProviderError(
        message + _quoted("its last output", _log_tail(context, container, inputs)),
        "check `command`, `entrypoints` and `envs`; a job that ends needs `mustRun` false",
    )


def _unhealthy(
    context: Context, container: str, inputs: Props, health: dict[str, Any], what: str
) -> ProviderError:
    log = health.get("Log") or []
    output = f"code {log[-1]['ExitCode']}: {log[-1]['Output']}" if log else "none ran yet"
    message = f"container {inputs['name']} {what} (status {health.get('Status')})"
    return ProviderError(
        message
        + _quoted("last health check", mask(output.strip()[-_LOG_CHARACTERS:], inputs))
        + _quoted("its last output", _log_tail(context, container, inputs)),
        "run the check by hand, or give it more time (`waitTimeout`, `startPeriod`, `retries`)",
    )


def _quoted(title: str, text: str) -> str:
    return f"; {title}: {text}" if text else ""


def _log_tail(context: Context, container: str, inputs: Props) -> str:
    try:
        raw = context.client.logs(container, stdout=True, stderr=True, tail=_LOG_LINES)
    except DOCKER_ERRORS:
        return ""
    text = bytes(raw).decode(errors="replace").strip()
    return mask(text[-_LOG_CHARACTERS:], inputs)


def mask(text: str, inputs: Props) -> str:
    """A text without the values of environment variables whose names tell of a secret."""
    for item in inputs.get("envs") or ():
        name, _, value = item.partition("=")
        if value and _SECRET_NAME.search(name):
            text = text.replace(value, "***")
    return text
