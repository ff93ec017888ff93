"""Where a staging copy stands: a subnet and a port that nobody else has. Pure."""

from __future__ import annotations

import hashlib
import socket
import struct
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network
from typing import Final

from restore.errors import EnvironmentFailure

POOL: Final = IPv4Network("10.128.0.0/10")
"""Beside the range of drills (10.192.0.0/10), so that none is in another's way."""

PORTS: Final = range(18069, 19069)
"""Below the ports that the kernel deals out by itself."""

_PREFIX: Final = 24


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
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        to, mask = _address(fields[1]), _address(fields[7])
        if mask != "0.0.0.0":  # noqa: S104 - a mask, not an address to listen on
            found.append(IPv4Network(f"{to}/{mask}", strict=False))
    return tuple(found)


def _address(field: str) -> str:
    return socket.inet_ntoa(struct.pack("<L", int(field, 16)))
