"""What containers are made of and have to work with: image, system, processors, memory, disk.

Read alike from production, for the fingerprint, and from a rebuilt environment, for comparison.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import docker

from restore.adapters.docker.engine import answers
from restore.adapters.docker.runner import Runner
from restore.errors import EnvironmentFailure, NotFoundError
from restore.model import ImageFacts, NodeFacts, ServerFacts
from restore.profile import Profile

_LOCAL: Final = "http+docker://localhost"
"""How the SDK names an engine that it reaches by a socket of this machine."""

_OS_FILES: Final = ("/etc/os-release", "/usr/lib/os-release")
"""The first is often a link to the second; an archive of a link holds no content."""

_NGINX_VERSION: Final = "NGINX_VERSION"
"""The variable in which nginx images, official or ours, hold their version."""

_BLOCKS: Final = re.compile(r"\s(\d+)\s+\d+\s+(\d+)\s+\S+\s+/")


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """A file system: its size and what is free of it, in bytes."""

    size: int
    free: int


def read_node_facts(runner: Runner, container: str, folder: str | None = None) -> NodeFacts:
    """Processors, memory, disk and address of a container, running or not.

    Args:
        folder: where its data lies; the disk is measured only while the container runs.

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
        df = runner.execute(container, df_command(folder))
        if df.exit_code == 0 and (space := parse_df(df.stdout)):
            disk, free = space.size, space.free
    return NodeFacts(cpus or None, memory or None, disk, free, address_of(attrs))


def foresee_node_facts(runner: Runner) -> NodeFacts:
    """What a server without limits would get from the engine; the disk only of a local engine."""
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
        # ``3`` or ``0-3``, and several of them.
        ranges = (part.partition("-") for part in str(chosen).split(","))
        limits.append(float(sum(int(z or a) - int(a) + 1 for a, _, z in ranges)))
    return min(limits)


def df_command(folder: str) -> tuple[str, ...]:
    """The command that tells of a folder's file system, in the one format that every ``df`` has."""
    return ("df", "-Pk", folder)


def parse_df(output: str) -> DiskSpace | None:
    """Parse the output of ``df -Pk``; None without a line of data."""
    found = _BLOCKS.search(output)
    return DiskSpace(int(found[1]) << 10, int(found[2]) << 10) if found else None


def read_erp_facts(runner: Runner, container: str, profile: Profile) -> tuple[ServerFacts, str]:
    """Version and series of the ERP in a container, running or not, from its image's variables.

    Raises:
        NotFoundError: there is no such container.
        EnvironmentFailure: its image does not say which series it is.
    """
    image = read_image(runner, container)
    variables = _variables(runner, container)
    series = variables.get(profile.erp.version_variable, "")
    if not series:
        raise EnvironmentFailure(
            f"container {container} does not say which {profile.title} it runs: "
            f"it has no variable {profile.erp.version_variable}",
            "is it the ERP's container, and the right profile?",
        )
    release = variables.get(profile.erp.release_variable or "", "") or series
    return ServerFacts(release, 0, read_operating_system(runner, container), image), series


def read_image(runner: Runner, container: str) -> ImageFacts | None:
    """The image that a container was made from, under the name it was asked by.

    None when that image has been removed since.

    Raises:
        NotFoundError: there is no such container.
    """
    found = runner.container(container)
    # By its content: the name may have moved on to another image since.
    image = runner.image(str(found.attrs["Image"]), beside=container)
    if image is None:
        return None
    reference = str(found.attrs["Config"]["Image"])
    return replace(image.facts, reference=reference)


def read_operating_system(runner: Runner, container: str) -> str | None:
    """The operating system of a container, running or not; None when it does not say."""
    for path in _OS_FILES:
        try:
            text = runner.read_file(container, path).decode("utf-8", errors="replace")
        except NotFoundError:
            continue
        for line in text.splitlines():
            if line.startswith("PRETTY_NAME="):
                return line.partition("=")[2].strip("\"'")
    return None


def read_proxy_facts(runner: Runner, container: str) -> ServerFacts:
    """Version, system, image and resources of a reverse proxy; no version where it isn't nginx.

    Raises:
        NotFoundError: there is no such container.
    """
    return ServerFacts(
        version=_variables(runner, container).get(_NGINX_VERSION, ""),
        version_number=0,
        os=read_operating_system(runner, container),
        image=read_image(runner, container),
        node=read_node_facts(runner, container),
    )


def _variables(runner: Runner, container: str) -> dict[str, str]:
    entries = runner.container(container).attrs["Config"].get("Env") or []
    return {name: value for name, _, value in (entry.partition("=") for entry in entries)}


def _info(client: docker.DockerClient) -> dict[str, Any]:
    with answers("ask the Docker engine for its size"):
        info: dict[str, Any] = client.info()
        return info
