"""The database server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import pulumi
import pulumi_docker as docker

from stacks import server as servers
from stacks.outputs import REPOSITORY_PATH
from stacks.secrets import Password

SUPERUSER: Final = "postgres"
PASSWORD_FILE: Final = "/run/secrets/postgres-password"  # noqa: S105 - a path
READY_SECONDS: Final = 180


@dataclass(frozen=True, slots=True)
class DatabaseArgs:
    """A PostgreSQL server, its superuser's password, and the repository that it may read.

    ``only`` is the path in the repository of all that it may read there; empty: all of it.
    """

    server: servers.ServerArgs
    password: Password
    repository: Path
    only: str = ""


class Database(servers.Server):
    """PostgreSQL in a container of the image, configuration and locale of the generation.

    The data's volume lives as long as the cluster in it can serve: another image, other arguments
    of initdb or another superuser's password make a new, empty one; another generation alone
    doesn't, so that the databases that stand are there until the new ones are checked.

    The output ``container`` is given once it is healthy.
    """

    def __init__(
        self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("pra:environment:Database", name, None, opts)
        server = args.server
        blueprint = server.blueprint
        baked = pulumi.Output.all(
            blueprint.image, list(blueprint.environment), args.password.revision
        )
        opts = pulumi.ResourceOptions(parent=self, replacement_trigger=baked)
        mounts = servers.volumes(name, server, opts)
        settings = servers.container_args(name, server, self)
        settings.volumes = [
            *mounts,
            docker.ContainerVolumeArgs(
                host_path=str(args.repository / args.only),
                container_path=str(PurePosixPath(REPOSITORY_PATH, args.only)),
                read_only=True,
            ),
        ]
        # A file that root alone reads: the environment can be seen by whoever sees the container.
        settings.envs = [*blueprint.environment, f"POSTGRES_PASSWORD_FILE={PASSWORD_FILE}"]
        settings.uploads = [
            *(servers.uploaded(upload.path, upload.content) for upload in blueprint.uploads),
            servers.uploaded(PASSWORD_FILE, args.password.value, "0400"),
        ]
        settings.healthcheck = servers.healthcheck(
            server, servers.interval(server, "2s"), "5s", "30s", 10
        )
        settings.wait = True
        settings.wait_timeout = READY_SECONDS
        settings.destroy_grace_seconds = 20
        self.contain(name, server, settings)
