"""The stack's two networks: one without a way out, and one for the proxy's published port."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
import pulumi_docker as docker

from restore.model.environment import Addresses
from stacks.labels import labels


def addresses(subnet: IPv4Network) -> Addresses:
    """Deal a subnet's first six addresses."""
    first = subnet.network_address
    return Addresses(*(str(first + number) for number in range(1, 7)))


@dataclass(frozen=True, slots=True)
class NetworkArgs:
    """Whose networks, and the internal one's subnet."""

    stack: str
    subnet: IPv4Network
    several_hosts: bool = False
    encrypted: bool = True


def own_addresses(subnet: IPv4Network) -> IPv4Network:
    """The half of a subnet from which Docker takes addresses for itself, none of them a server's.

    An overlay network has one on each host.
    """
    _, upper = subnet.subnets()
    return upper


class Network(pulumi.ComponentResource):
    """An internal network that every server is on, and an outer one that only the proxy is on.

    Nothing on either reaches the world: the internal network has no route, and the outer one
    doesn't translate addresses. This machine reaches the servers by their addresses. With several
    hosts the internal network is an overlay that spans them, and this machine isn't on it.

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
            _internal(args),
            # Two networks can't have overlapping subnets, so the old one goes first.
            pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        outer = docker.Network(
            f"{name}-outer",
            docker.NetworkArgs(
                driver="bridge",
                options={"com.docker.network.bridge.enable_ip_masquerade": "false"},
                labels=labels(docker.NetworkLabelArgs, args.stack, "network"),
            ),
            # Newer engines add options of their own to those that they were given.
            pulumi.ResourceOptions(parent=self, ignore_changes=["options"]),
        )
        self.internal = internal.name
        self.outer = outer.name
        self.register_outputs({"internal": self.internal, "outer": self.outer})


def _internal(args: NetworkArgs) -> docker.NetworkArgs:
    spread, span = args.several_hosts, str(own_addresses(args.subnet))
    return docker.NetworkArgs(
        driver="overlay" if spread else "bridge",
        internal=True,
        attachable=True if spread else None,
        options={"encrypted": ""} if spread and args.encrypted else None,
        # The gateway is said in full because engines differ in whether they show theirs.
        ipam_configs=[
            docker.NetworkIpamConfigArgs(
                subnet=str(args.subnet),
                gateway=addresses(args.subnet).gateway,
                ip_range=span if spread else None,
            )
        ],
        labels=labels(docker.NetworkLabelArgs, args.stack, "network"),
    )
