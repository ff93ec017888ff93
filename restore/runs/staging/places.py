"""Where a staging copy stands: a subnet and a port that nobody and nothing else has."""

from __future__ import annotations

import hashlib
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

from restore.adapters.docker.engine import answers
from restore.adapters.docker.runner import Runner
from restore.adapters.pulumi.stack_file import raw_settings, stack_names
from restore.errors import EnvironmentFailure, NotFoundError
from restore.runs.staging.copies import StagingCopy

POOL: Final = IPv4Network("10.128.0.0/10")
"""Beside the range of drills (10.192.0.0/10), so that none is in another's way."""

PORTS: Final = range(18069, 19069)
"""Below the ports that the kernel deals out by itself."""

_PREFIX: Final = 24
_ROUTES: Final = Path("/proc/net/route")


def free_subnet(name: str, used: Iterable[IPv4Network]) -> IPv4Network:
    """A /24 that overlaps none of those in use: the first from a place that the name gives.

    Raises:
        EnvironmentFailure: every one is taken.
    """
    taken = [network for network in used if network.overlaps(POOL)]
    count = 1 << (_PREFIX - POOL.prefixlen)
    first = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    for step in range(count):
        number = (first + step) % count
        subnet = IPv4Network((int(POOL.network_address) + (number << (32 - _PREFIX)), _PREFIX))
        if not any(subnet.overlaps(other) for other in taken):
            return subnet
    raise EnvironmentFailure(
        f"no /24 of {POOL} is free", "end other staging copies: 'pra staging list', 'pra gc'"
    )


def free_port(taken: Callable[[int], bool]) -> int:
    """The first port that is not taken.

    Raises:
        EnvironmentFailure: every one is.
    """
    for port in PORTS:
        if not taken(port):
            return port
    raise EnvironmentFailure(
        f"no port from {PORTS.start} to {PORTS.stop - 1} of 127.0.0.1 is free",
        "end other staging copies: 'pra staging list', 'pra gc'",
    )


def routed(table: str) -> tuple[IPv4Network, ...]:
    """The networks that this machine sends somewhere, by its ``/proc/net/route``.

    The way to everything else is none of them.
    """

    def address(field: str) -> str:
        return socket.inet_ntoa(struct.pack("<L", int(field, 16)))

    lines = (line.split() for line in table.splitlines()[1:])
    ways = ((address(fields[1]), address(fields[7])) for fields in lines)
    nowhere = "0.0.0.0"  # noqa: S104 - a mask, not an address to listen on
    return tuple(IPv4Network(way, strict=False) for way in ways if way[1] != nowhere)


def used_subnets(
    engines: Iterable[Runner], copies: Iterable[StagingCopy]
) -> tuple[IPv4Network, ...]:
    """Every network that a new one must not overlap.

    Those of the Docker engines, those that this machine has a route to (a company's network behind
    a VPN, say), those that stack files name, and those of other copies, standing or not.
    """
    return (
        *(network for engine in engines for network in _of_engine(engine)),
        *(routed(_ROUTES.read_text(encoding="ascii")) if _ROUTES.is_file() else ()),
        *_of_stack_files(),
        *(IPv4Network(copy.subnet) for copy in copies),
    )


def port_taken(port: int) -> bool:
    """Whether something listens on a port of 127.0.0.1, or on all addresses."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        # A connection that has just ended holds nothing that Docker would not take either.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def published_ports(engine: Runner) -> frozenset[int]:
    """The ports that containers publish, or will when they are started again."""
    found: set[int] = set()
    with answers("list the containers"):
        models = engine.client.containers.list(all=True, ignore_removed=True)
    for model in models:
        bindings = (model.attrs.get("HostConfig") or {}).get("PortBindings") or {}
        for places in bindings.values():
            found |= {int(place["HostPort"]) for place in places or () if place.get("HostPort")}
    return frozenset(found)


def _of_engine(engine: Runner) -> Iterator[IPv4Network]:
    with answers("list the networks"):
        networks = engine.client.networks.list()
    for network in networks:
        for config in ((network.attrs.get("IPAM") or {}).get("Config")) or ():
            yield from _network(config.get("Subnet"))


def _of_stack_files() -> Iterator[IPv4Network]:
    for stack in stack_names():
        try:
            settings, _ = raw_settings(stack)
        except (NotFoundError, EnvironmentFailure):
            # It goes meanwhile, or is damaged: its own stack will say so.
            continue
        yield from _network(settings.get("subnet"))


def _network(text: str | None) -> Iterator[IPv4Network]:
    try:
        yield IPv4Network(text or "")
    except ValueError:
        # None, an IPv6 network, or a setting that its own stack refuses.
        return
