"""The reports server with its own database server, beside the ERP."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi

from restore.model import Blueprint, Role
from restore.model.environment import Addresses, Limits
from stacks import outputs as names
from stacks.database import SUPERUSER, Database, DatabaseArgs
from stacks.erp import Erp
from stacks.placement import Sites, given, relay
from stacks.secrets import Password
from stacks.server import Place, ServerArgs


@dataclass(frozen=True, slots=True)
class ReportsArgs:
    """Where a reports server stands and what it is made of; ``blueprint`` is its own half's."""

    place: Place
    blueprint: Blueprint
    addresses: Addresses
    repository: Path
    only: str
    sites: Sites


def half_outputs(  # noqa: PLR0913 - the parts of a half
    place: Place,
    blueprint: Blueprint,
    database: Database,
    server: Erp,
    *,
    superuser: Password,
    role: Password,
) -> dict[str, pulumi.Input[Any]]:
    """What ``stacks.outputs.ENVIRONMENT`` names of a server with its database server, but URLs."""
    return {
        names.STACK: place.stack,
        names.NETWORK: place.network,
        names.DATABASE_CONTAINER: database.container,
        names.DATABASE_ADDRESS: database.address,
        names.DATABASE_PORT: database.port,
        names.DATABASE_SUPERUSER: SUPERUSER,
        names.DATABASE_PASSWORD: pulumi.Output.secret(superuser.value),
        names.ERP_CONTAINER: server.container,
        names.ERP_ADDRESS: server.address,
        names.ERP_PORT: server.port,
        names.ERP_ROLE: blueprint.erp_role,
        names.ERP_ROLE_PASSWORD: pulumi.Output.secret(role.value),
        names.REPOSITORY_MOUNT: names.REPOSITORY_PATH,
    }


class Reports(pulumi.ComponentResource):
    """A reports server, made but not started, and the PostgreSQL server of its repository.

    Outputs: ``outputs``, in the words of ``stacks.outputs.ENVIRONMENT``, the reports server in the
    place of the ERP.
    """

    outputs: dict[str, pulumi.Input[Any]]

    def __init__(self, name: str, args: ReportsArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pra:environment:Reports", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        place, blueprint, where, sites = args.place, args.blueprint, args.addresses, args.sites
        superuser = Password(f"{name}-database-password", None, inside)
        role = Password(f"{name}-password", None, inside)
        database = Database(
            f"{name}-database",
            DatabaseArgs(
                ServerArgs(
                    place,
                    Role.REPORTS_DATABASE,
                    blueprint.database,
                    where.reports_database,
                    Limits(),
                ),
                superuser,
                args.repository,
                args.only,
            ),
            sites.options(Role.REPORTS_DATABASE, self),
        )
        server = Erp(
            f"{name}-server",
            ServerArgs(place, Role.REPORTS, blueprint.erp, where.reports, Limits()),
            sites.options(Role.REPORTS, self),
        )
        url = f"http://{server.address}:{server.port}"
        self.outputs = {
            **half_outputs(place, blueprint, database, server, superuser=superuser, role=role),
            names.ERP_URL: url,
            names.EXTERNAL_URL: url,
            **given(
                {
                    names.DATABASE_HOST: sites.host(Role.REPORTS_DATABASE),
                    names.ERP_HOST: sites.host(Role.REPORTS),
                    names.RELAY: relay(
                        sites.host(Role.REPORTS), server.container, server.address, server.port
                    ),
                }
            ),
        }
        self.register_outputs({"outputs": self.outputs})
