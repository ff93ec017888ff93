"""The Docker SDK's names that other packages need, and what is said when an engine refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from docker import DockerClient
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.types import Mount

from restore.errors import EnvironmentFailure

__all__ = [
    "APIError", "Container", "DockerClient", "DockerException", "ImageNotFound", "Mount",
    "NotFound", "answers",
]  # fmt: skip


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
