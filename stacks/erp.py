"""The ERP server."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from restore.model import Role
from stacks.server import ServerArgs, container_args, container_options, pulled, volumes


@dataclass(frozen=True, slots=True)
class ErpArgs:
    """An ERP server."""

    server: ServerArgs
    role: Role = Role.ERP


class Erp(pulumi.ComponentResource):
    """The ERP server in a container that is made but not started.

    The engine starts it when databases, documents and configuration are back: against an absent
    database, an ERP may well create one. Started or not, the container is as Pulumi wants it.

    Outputs: ``container`` (its id), ``address`` and ``port``.
    """

    container: pulumi.Output[str]
    address: str
    port: int

    def __init__(
        self, name: str, args: ErpArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("pra:environment:Erp", name, None, opts)
        server = args.server
        blueprint = server.blueprint
        settings = container_args(args.role, server, pulled(f"{name}-image", blueprint.image, self))
        settings.volumes = volumes(name, args.role, server, pulumi.ResourceOptions(parent=self))
        settings.start = False
        settings.must_run = False
        # Report generators leave children behind that an ERP doesn't wait for.
        settings.init = True
        settings.healthcheck = docker.ContainerHealthcheckArgs(
            tests=["CMD", *blueprint.health],
            interval="2s",
            timeout="10s",
            start_period="50s",
            retries=30,
        )
        settings.destroy_grace_seconds = 5
        container = docker.Container(name, settings, container_options(self))
        self.container = container.id
        self.address = server.address
        self.port = blueprint.port
        self.register_outputs(
            {"container": self.container, "address": self.address, "port": self.port}
        )
