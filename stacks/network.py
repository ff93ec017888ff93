"""The stack's two networks: one without a way out, and one for the proxy's published port."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
import pulumi_docker as docker

from stacks.labels import Labels


@dataclass(frozen=True, slots=True)
class Addresses:
    """Who has which address of the internal network. All are static: none is ever dealt twice."""

    gateway: str
    database: str
    erp: str
    proxy: str
    reports_database: str
    reports: str


def addresses(subnet: IPv4Network) -> Addresses:
    """Deal a subnet's first six addresses."""
    first = subnet.network_address
    return Addresses(*(str(first + number) for number in range(1, 7)))


@dataclass(frozen=True, slots=True)
class NetworkArgs:
    """Whose networks, and the internal one's subnet."""

    stack: str
    subnet: IPv4Network


class Network(pulumi.ComponentResource):
    """An internal network that every server is on, and an outer one that only the proxy is on.

    Nothing on either reaches the world: the internal network has no route, and the outer one
    doesn't translate addresses. This machine reaches the servers by their addresses.

    Outputs: ``internal`` and ``outer``, the networks' names.
    """

    internal: pulumi.Output[str]
    outer: pulumi.Output[str]

    def __init__(
        self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("pra:environment:Network", name, None, opts)
        internal = docker.Network(
            f"{name}-internal",
            docker.NetworkArgs(
                driver="bridge",
                internal=True,
                # The gateway is said in full because engines differ in whether they show theirs.
                ipam_configs=[
                    docker.NetworkIpamConfigArgs(
                        subnet=str(args.subnet), gateway=addresses(args.subnet).gateway
                    )
                ],
                labels=Labels(args.stack, "network").of_network(),
            ),
            # Two networks can't have overlapping subnets, so the old one goes first.
            pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        outer = docker.Network(
            f"{name}-outer",
            docker.NetworkArgs(
                driver="bridge",
                options={"com.docker.network.bridge.enable_ip_masquerade": "false"},
                labels=Labels(args.stack, "network").of_network(),
            ),
            # Newer engines add options of their own to those that they were given.
            pulumi.ResourceOptions(parent=self, ignore_changes=["options"]),
        )
        self.internal = internal.name
        self.outer = outer.name
        self.register_outputs({"internal": self.internal, "outer": self.outer})
