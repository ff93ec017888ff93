"""What a reverse proxy is: read alike from production and from a rebuilt environment."""

from __future__ import annotations

from typing import Final

from restore.adapters.docker.facts import node_of
from restore.adapters.docker.runner import Runner
from restore.adapters.postgres.facts import image_of, operating_system
from restore.model import ServerFacts

_VERSION: Final = "NGINX_VERSION"
"""The variable in which nginx images, official or ours, hold their version."""


def proxy_facts(runner: Runner, container: str) -> ServerFacts:
    """What a reverse proxy's container says; the version is empty where it is no nginx.

    Raises:
        NotFoundError: there is no such container.
    """
    variables = runner.container(container).attrs["Config"].get("Env") or []
    version = [item.partition("=")[2] for item in variables if item.startswith(f"{_VERSION}=")]
    return ServerFacts(
        version=version[0] if version else "",
        version_number=0,
        os=operating_system(runner, container),
        image=image_of(runner, container),
        node=node_of(runner, container),
    )
