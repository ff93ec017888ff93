"""The equivalent environment, composed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from restore.model import Blueprint, Purpose, Role
from restore.model.environment import Limits
from restore.plan.equivalence.certificate import public_part
from stacks import outputs as names
from stacks.database import Database, DatabaseArgs
from stacks.erp import Erp
from stacks.network import Network, NetworkArgs, addresses
from stacks.placement import Sites, given, relay, roles_of
from stacks.proxy import LOOPBACK, Proxy, ProxyArgs, proxy_blueprint
from stacks.reports import Reports, ReportsArgs, half_outputs
from stacks.secrets import Password
from stacks.server import Place, ServerArgs
from stacks.settings import Settings


@dataclass(frozen=True, slots=True)
class ErpEnvironmentArgs:
    """What the stack is told, and what the generation asks for."""

    settings: Settings
    blueprint: Blueprint


class ErpEnvironment(pulumi.ComponentResource):
    """Networks, database server, ERP server and proxy, as a generation's production had them.

    Outputs: ``outputs``, all that ``stacks.outputs.ENVIRONMENT`` names, and ``REPORTS`` with a
    reports server, ``PURPOSE`` of one that is for no recovery.
    """

    outputs: dict[str, pulumi.Input[Any]]

    def __init__(
        self, name: str, args: ErpEnvironmentArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("pra:environment:ErpEnvironment", name, None, opts)
        settings, blueprint = args.settings, args.blueprint
        inside = pulumi.ResourceOptions(parent=self)
        where = addresses(settings.subnet)
        placement = settings.placement
        sites = Sites(name, placement.hosts, roles_of(blueprint), self)
        network = Network(
            f"{name}-network",
            NetworkArgs(settings.stack, settings.subnet, sites.several, placement.encrypted),
            sites.options(Role.PROXY),
        )
        place = Place(settings.stack, blueprint.generation, network.internal, settings.keep)
        only = f"generations/{blueprint.generation}" if settings.only_generation else ""
        superuser = Password(f"{name}-database-password", settings.database_password, inside)
        erp_role = Password(f"{name}-erp-password", settings.erp_password, inside)
        database = Database(
            f"{name}-database",
            DatabaseArgs(
                ServerArgs(
                    place,
                    Role.DATABASE,
                    blueprint.database,
                    where.database,
                    settings.database_limits,
                ),
                superuser,
                settings.repository_on(Role.DATABASE),
                only,
            ),
            sites.options(Role.DATABASE),
        )
        erp = Erp(
            f"{name}-erp",
            ServerArgs(place, Role.ERP, blueprint.erp, where.erp, settings.erp_limits),
            sites.options(Role.ERP),
        )
        site = proxy_blueprint(
            blueprint.proxy_image,
            f"{where.erp}:{blueprint.erp.port}",
            tls=blueprint.certificate is not None,
        )
        proxy = Proxy(
            f"{name}-proxy",
            ProxyArgs(
                ServerArgs(place, Role.PROXY, site, where.proxy, Limits()),
                network.outer,
                settings.http_port,
                blueprint.certificate,
            ),
            sites.options(Role.PROXY),
        )
        self.outputs = {
            **half_outputs(place, blueprint, database, erp, superuser=superuser, role=erp_role),
            names.ERP_URL: proxy.url,
            names.EXTERNAL_URL: settings.external_url or proxy.url,
            names.PROXY_CONTAINER: proxy.container,
            **given(
                {
                    names.DATABASE_HOST: sites.host(Role.DATABASE),
                    names.ERP_HOST: sites.host(Role.ERP),
                    # It listens on every address of its own.
                    names.RELAY: relay(sites.far(Role.PROXY), proxy.container, LOOPBACK, site.port),
                }
            ),
        }
        if settings.purpose is not Purpose.RECOVERY:
            self.outputs[names.PURPOSE] = settings.purpose.value
        if settings.anonymise is not None:
            self.outputs[names.ANONYMISED] = True
        if blueprint.certificate is not None:
            self.outputs[names.CERTIFICATE] = public_part(blueprint.certificate)
        if blueprint.reports is not None:
            reports = Reports(
                f"{name}-reports",
                ReportsArgs(
                    place,
                    blueprint.reports,
                    where,
                    settings.repository_on(Role.REPORTS_DATABASE),
                    only,
                    sites,
                ),
                inside,
            )
            self.outputs[names.REPORTS] = reports.outputs
        self.register_outputs(dict(self.outputs))
