"""The database server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pulumi
import pulumi_docker as docker

from restore.model import Role
from stacks.outputs import REPOSITORY_PATH
from stacks.secrets import Password
from stacks.server import (
    ServerArgs,
    container_args,
    container_options,
    pulled,
    uploaded,
    volumes,
)

SUPERUSER: Final = "postgres"
PASSWORD_FILE: Final = "/run/secrets/postgres-password"  # noqa: S105 - a path
READY_SECONDS: Final = 180


@dataclass(frozen=True, slots=True)
class DatabaseArgs:
    """A PostgreSQL server, its superuser's password, and the repository that it may read."""

    server: ServerArgs
    password: Password
    repository: Path
    role: Role = Role.DATABASE


class Database(pulumi.ComponentResource):
    """PostgreSQL in a container of the image, configuration and locale of the generation.

    The data's volume lives as long as the cluster in it can serve: another image, other arguments
    of initdb or another superuser's password make a new, empty one; another generation alone
    doesn't, so that the databases that stand are there until the new ones are checked.

    Outputs: ``container`` (its id, given once it is healthy), ``address`` and ``port``.
    """

    container: pulumi.Output[str]
    address: str
    port: int

    def __init__(
        self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("pra:environment:Database", name, None, opts)
        server = args.server
        blueprint = server.blueprint
        baked = pulumi.Output.all(
            blueprint.image, list(blueprint.environment), args.password.revision
        )
        mounts = volumes(
            name,
            args.role,
            server,
            pulumi.ResourceOptions(parent=self, replacement_trigger=baked),
        )
        settings = container_args(args.role, server, pulled(f"{name}-image", blueprint.image, self))
        settings.volumes = [
            *mounts,
            docker.ContainerVolumeArgs(
                host_path=str(args.repository), container_path=REPOSITORY_PATH, read_only=True
            ),
        ]
        # A file that root alone reads: the environment can be seen by whoever sees the container.
        settings.envs = [*blueprint.environment, f"POSTGRES_PASSWORD_FILE={PASSWORD_FILE}"]
        settings.uploads = [
            *(uploaded(upload.path, upload.content) for upload in blueprint.uploads),
            uploaded(PASSWORD_FILE, args.password.value, "0400"),
        ]
        settings.healthcheck = docker.ContainerHealthcheckArgs(
            tests=["CMD", *blueprint.health],
            interval="1s",
            timeout="5s",
            start_period="30s",
            retries=10,
        )
        settings.wait = True
        settings.wait_timeout = READY_SECONDS
        settings.destroy_grace_seconds = 20
        container = docker.Container(name, settings, container_options(self))
        self.container = container.id
        self.address = server.address
        self.port = blueprint.port
        self.register_outputs(
            {"container": self.container, "address": self.address, "port": self.port}
        )
