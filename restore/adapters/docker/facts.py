"""What a server has to work with: processors, memory, disk, address. Asked of the Docker engine."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

import docker
from docker.errors import DockerException

from restore.adapters.docker.disk import df_command, parse_df
from restore.adapters.docker.runner import Runner
from restore.errors import EnvironmentFailure
from restore.model import NodeFacts

_LOCAL: Final = "http+docker://localhost"
"""How the SDK names an engine that it reaches by a socket of this machine."""


def node_of(runner: Runner, container: str, folder: str | None = None) -> NodeFacts:
    """What a container has, running or not.

    Args:
        folder: where its data lies; its disk is looked at when the container runs.

    Raises:
        NotFoundError: there is no such container.
    """
    attrs = runner.container(container).attrs
    host, engine = attrs["HostConfig"], _info(runner.engine_of(container))
    cpus, memory = _cpus(host, engine), int(engine.get("MemTotal") or 0)
    if limit := int(host.get("Memory") or 0):
        memory = min(memory or limit, limit)
    disk = free = None
    if folder and attrs["State"]["Running"]:
        disk, free = _disk(runner, container, folder)
    return NodeFacts(cpus or None, memory or None, disk, free, address_of(attrs))


def foreseen_node(runner: Runner) -> NodeFacts:
    """What the engine could give a server without limits. The disk is known of a local engine."""
    engine = _info(runner.client)
    root = Path(str(engine.get("DockerRootDir") or ""))
    disk = free = None
    if runner.client.api.base_url == _LOCAL and root.is_absolute() and root.is_dir():
        usage = shutil.disk_usage(root)
        disk, free = usage.total, usage.free
    return NodeFacts(
        float(engine.get("NCPU") or 0) or None, int(engine.get("MemTotal") or 0) or None, disk, free
    )


def address_of(attrs: dict[str, Any]) -> str | None:
    """A container's own address: a static one if it has one, else its first network's."""
    networks = attrs["NetworkSettings"]["Networks"] or {}
    static = [(item.get("IPAMConfig") or {}).get("IPv4Address") for item in networks.values()]
    dealt = [networks[name].get("IPAddress") for name in sorted(networks)]
    return next((str(address) for address in (*static, *dealt) if address), None)


def _cpus(host: dict[str, Any], engine: dict[str, Any]) -> float:
    limits = [float(engine.get("NCPU") or 0)]
    if nano := host.get("NanoCpus"):
        limits.append(nano / 1e9)
    if (quota := host.get("CpuQuota") or 0) > 0:
        limits.append(quota / (host.get("CpuPeriod") or 100_000))
    if chosen := host.get("CpusetCpus"):
        limits.append(float(sum(_width(part) for part in str(chosen).split(","))))
    return min(limits)


def _width(part: str) -> int:
    """How many processors ``3`` or ``0-3`` are."""
    first, dash, last = part.partition("-")
    return int(last) - int(first) + 1 if dash else 1


def _disk(runner: Runner, container: str, folder: str) -> tuple[int | None, int | None]:
    """Size of a folder's file system and what is left of it; unknown when ``df`` can't tell."""
    done = runner.execute(container, df_command(folder))
    room = parse_df(done.stdout) if done.exit_code == 0 else None
    return (room.size, room.free) if room else (None, None)


def _info(client: docker.DockerClient) -> dict[str, Any]:
    try:
        found: dict[str, Any] = client.info()
    except DockerException as error:
        raise EnvironmentFailure(f"the Docker engine does not tell its size: {error}") from error
    return found
