"""Two Docker hosts of the tests' own, started once a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures import tryton
from fixtures.site import POSTGRESQL_IMAGE
from restore.adapters.docker.runner import Runner
from tests.support.docker_hosts import DockerHost, docker_hosts
from tests.support.production import alone, cache_folder

PROXY_IMAGE = "pra/nginx:1.18"


@pytest.fixture(scope="session")
def two_hosts(docker_runner: Runner) -> Iterator[list[DockerHost]]:
    """A host with the database server's image, and one with those of Tryton and the proxy."""
    images = {"one": (POSTGRESQL_IMAGE,), "two": (tryton.IMAGE, PROXY_IMAGE)}
    with alone(cache_folder() / "fixtures", "hosts"), docker_hosts(docker_runner, images) as hosts:
        yield hosts
