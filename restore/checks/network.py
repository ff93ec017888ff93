"""Looks around from inside every container of an environment: nothing outside may be reached."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from restore.adapters.docker.node_records import find_nodes
from restore.adapters.docker.runner import Runner
from restore.checks.base import Finding, about, passed_unless
from restore.context import ReplayContext
from restore.errors import EnvironmentFailure
from restore.model import Node, Role
from restore.model.messages import message, plural

OUTSIDE: Final = "198.51.100.1"
"""An address that is nobody's (RFC 5737): whoever answers for it is on a way out."""
NAME: Final = "example.com"
"""A name that every resolver of the outside knows (RFC 2606)."""

_SMTP: Final = 25
_SHORT: Final = "2"
"""Seconds that are long for a way that exists; what is dropped on the way takes them in full."""
_MASQUERADE: Final = "com.docker.network.bridge.enable_ip_masquerade"


def network_finding(context: ReplayContext) -> Finding:
    """What the containers that belong to the environment reach; all are looked out of at once.

    Raises:
        EnvironmentFailure: a container could not be looked out of.
    """
    runner = context.runner
    nodes = find_nodes(runner, context.environment)
    with ThreadPoolExecutor(max_workers=len(nodes)) as pool:
        found = list(pool.map(lambda node: list(_problems(runner, node)), nodes))
    wrong = [
        about(node.role, problem)
        for node, problems in zip(nodes, found, strict=True)
        for problem in problems
    ]
    return passed_unless(
        wrong, plural(len(nodes), "looked out of {n} container", "looked out of {n} containers")
    )


def next_hop(routes: str) -> str | None:
    """Where this machine itself sends what is for the outside, by its ``/proc/net/route``."""
    for line in routes.splitlines()[1:]:
        _device, to, gateway, *_ = line.split()
        if int(to, 16) == 0 and int(gateway, 16) != 0:
            return socket.inet_ntoa(struct.pack("<L", int(gateway, 16)))
    return None


def _problems(runner: Runner, node: Node) -> Iterator[str]:
    container = node.container
    if runner.container(container).status != "running":
        raise EnvironmentFailure(
            message("node {role} does not run, nobody can look out of it", role=node.role)
        )
    yield from _open_networks(runner, node)
    with ThreadPoolExecutor() as pool:
        ways = {address: pool.submit(_connects, runner, container, address) for address in _far()}
        lookup = ("timeout", _SHORT, "getent", "hosts", NAME)
        resolved = pool.submit(runner.execute, container, lookup)
    for address, way in ways.items():
        if way.result():
            yield message("a connection to {address} finds its way", address=address)
    if resolved.result().exit_code == 0:
        yield message("the name {name} is resolved", name=NAME)


def _far() -> tuple[str, ...]:
    """What lies beyond this machine: nobody, and whoever passes its own packets on."""
    table = Path("/proc/net/route")
    hop = next_hop(table.read_text(encoding="ascii")) if table.is_file() else None
    return (OUTSIDE, hop) if hop else (OUTSIDE,)


def _open_networks(runner: Runner, node: Node) -> Iterator[str]:
    """The networks of a container over which packets get out, or answers back.

    The proxy's published port needs a network that is not internal: one without translation of
    addresses, so that nothing outside can answer.
    """
    found = runner.container(node.container)
    mode = str(found.attrs["HostConfig"]["NetworkMode"])
    if mode == "host" or mode.startswith("container:"):
        yield message("it shares the network of {mode}", mode=mode)
        return
    joined: dict[str, Any] = found.attrs["NetworkSettings"]["Networks"]
    networks = runner.engine_of(node.container).networks
    for name, settings in joined.items():
        network = networks.get(settings["NetworkID"]).attrs
        one_way = (network.get("Options") or {}).get(_MASQUERADE) == "false"
        if not (network["Internal"] or (one_way and node.role is Role.PROXY) or name == "none"):
            yield message("network {name} leads outside", name=name)


def _connects(runner: Runner, container: str, address: str) -> bool:
    """Whether a connection is made, or refused by whoever is at the end of a way.

    An image without bash has no say here; its networks have.
    """
    script = f"exec 3<>/dev/tcp/{address}/{_SMTP}"
    done = runner.execute(container, ("timeout", _SHORT, "bash", "-c", script))
    return done.exit_code == 0 or "refused" in done.stderr
