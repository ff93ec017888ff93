"""The ERP server."""

from __future__ import annotations

import pulumi

from stacks.server import Server, ServerArgs, container_args, healthcheck, volumes


class Erp(Server):
    """The ERP server in a container that is made but not started.

    The engine starts it when databases, documents and configuration are back: against an absent
    database, an ERP may well create one. Started or not, the container is as Pulumi wants it.
    """

    def __init__(
        self, name: str, server: ServerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("pra:environment:Erp", name, None, opts)
        settings = container_args(name, server, self)
        settings.volumes = volumes(name, server, pulumi.ResourceOptions(parent=self))
        settings.start = False
        settings.must_run = False
        # Report generators leave children behind that an ERP doesn't wait for.
        settings.init = True
        settings.healthcheck = healthcheck(server, "2s", "10s", "50s", 30)
        settings.destroy_grace_seconds = 5
        self.contain(name, server, settings)
