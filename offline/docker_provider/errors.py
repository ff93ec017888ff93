"""What can go wrong, said so that a person can act on it: what failed, on what, and a hint."""

from __future__ import annotations

from dataclasses import dataclass

import requests
from docker import errors as docker_errors


class ProviderError(Exception):
    """An operation failed for a reason that the user can act on.

    `message` says what failed on what, with the Docker daemon's own words; `hint` says what to do.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; hint: {self.hint}" if self.hint else self.message


class Cancelled(ProviderError):
    """The engine asked to stop while an operation was waiting."""


@dataclass(frozen=True, slots=True)
class CheckFailure:
    """One wrong input: its property path (`ports[0].internal`) and the reason."""

    path: str
    reason: str


def daemon_message(error: Exception) -> str:
    """The shortest text that says what the daemon, or the way to it, complained about."""
    if isinstance(error, docker_errors.APIError):
        return str(error.explanation or error).strip()
    if isinstance(error, requests.exceptions.ConnectionError):
        return f"the Docker engine doesn't answer ({error})"
    return str(error).strip() or type(error).__name__


def failed(action: str, error: Exception, hint: str = "") -> ProviderError:
    """A ProviderError for `action` (\"create network x\") that carries the daemon's message.

    An error that is a ProviderError already is returned as it is: it says more.
    """
    if isinstance(error, ProviderError):
        return error
    message = daemon_message(error)
    known = next((known for text, known in _HINTS if text in message), "")
    return ProviderError(f"can't {action}: {message}", hint or known)


_HINTS = (
    ("doesn't answer", "start the Docker engine, or set DOCKER_HOST or `docker:host`"),
    ("Pool overlaps", "another network has these addresses: choose another subnet or remove it"),
    ("port is already allocated", "leave `external` out to get a free port, or choose another"),
    ("address already in use", "something listens there or has this address: choose another"),
    ("Address already in use", "another container has this address: choose another"),
    ("is already in use by container", "leave `name` out to get a unique one, or remove the other"),
    ("already exists", "leave `name` out to get a unique one, import it, or remove the other"),
    ("could not find an available", "remove unused networks (`docker network prune`)"),
    ("no space left", "free some disk space (`docker system df`)"),
    ("user specified IP address is supported only", "give the network `ipamConfigs` with a subnet"),
    ("executable file not found", "check `command` and `entrypoints` against the image"),
)


DOCKER_ERRORS = (docker_errors.DockerException, requests.exceptions.RequestException)
"""What the Docker SDK raises: its own errors, and those of the HTTP layer underneath."""
