"""Connections to Docker engines: by socket, by ``ssh://``, and what is said when one refuses.

The SDK's own names that other packages need are imported from here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import docker
from docker import DockerClient
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.types import Mount

from restore.errors import EnvironmentFailure
from restore.model import LOCAL

__all__ = [
    "APIError", "Container", "DockerClient", "DockerException", "ImageNotFound", "Mount",
    "NotFound", "answers", "connected",
]  # fmt: skip


def connected(host: str | None = None, timeout: float = 600) -> DockerClient:
    """Reach the Docker engine at ``host`` (``DOCKER_HOST`` or the local socket when None).

    Args:
        timeout: of each request, in seconds.

    Raises:
        EnvironmentFailure: no engine answers.
    """
    named = host if host != LOCAL else None
    environment = {**os.environ, **({"DOCKER_HOST": named} if named else {})}
    where = environment.get("DOCKER_HOST", "")
    try:
        # The machine's own ssh knows keys, jump hosts and known hosts.
        client = docker.from_env(
            environment=environment,
            timeout=int(timeout),
            use_ssh_client=where.startswith("ssh://"),
        )
        client.ping()
    except (DockerException, OSError) as error:
        if named is not None:
            raise EnvironmentFailure(
                f"no Docker engine answers at {named}: {error}",
                f"does 'docker -H {named} version' answer? see the stack's setting hosts",
            ) from error
        raise EnvironmentFailure(
            f"no Docker engine answers: {error}", "run 'make setup', or set DOCKER_HOST"
        ) from error
    return client


@contextmanager
def answers(act: str) -> Iterator[None]:
    """Turn what the Docker engine refuses into an error that says what was tried."""
    try:
        yield
    except APIError as error:
        raise EnvironmentFailure(f"could not {act}: {error.explanation or error}") from error
    except (DockerException, OSError) as error:
        raise EnvironmentFailure(
            f"could not {act}: {error}", "does the Docker engine still run? see 'make doctor'"
        ) from error
