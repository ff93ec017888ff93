"""Refuses servers that see another repository than the engine's own."""

from __future__ import annotations

from typing import Final

from restore.adapters.docker.runner import Runner
from restore.errors import NotFoundError, UsageError
from restore.model import Environment, Generation
from restore.repository.base import Repository

_MANIFEST: Final = "manifest.json"


def require_same_repository(
    environment: Environment, generation: Generation, repository: Repository, runner: Runner
) -> None:
    """Refuse a database server whose host shows it another repository, or none.

    Only for servers on other hosts: what this machine mounts is what it reads.

    Raises:
        UsageError: names the host.
        EnvironmentFailure: the host doesn't answer.
    """
    ours = (generation.root / _MANIFEST).read_bytes()
    folder = generation.root.relative_to(repository.location)
    for half in (environment, environment.reports):
        if half is None or half.database.host is None:
            continue
        server = half.database
        path = f"{server.repository}/{folder}/{_MANIFEST}"
        try:
            same = runner.read_file(server.container, path) == ours
        except NotFoundError:
            same = False
        if not same:
            raise UsageError(
                f"Docker host {server.host} does not see generation {generation.id} "
                f"in the repository of container {server.container[:12]}",
                "mount the repository on that host, read-only, and name its path there in the "
                "stack's setting repositoryPaths",
            )
