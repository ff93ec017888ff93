"""What every server of a stack has in common: image, addresses, labels, limits, volumes."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from restore.adapters.docker import rights
from restore.model import Role, ServerBlueprint
from restore.model.environment import Limits
from stacks.labels import labels

_CPU_PERIOD = 100_000
_NO_RESOLVER = "127.0.0.1"
"""Inside a container, where nothing listens."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the servers of a stack stand, and for which generation.

    ``network`` is the internal network's name; ``keep`` makes servers come back with the engine.
    """

    stack: str
    generation: str
    network: pulumi.Input[str]
    keep: bool


@dataclass(frozen=True, slots=True)
class ServerArgs:
    """One server: what it is made of, its static address on the internal network, its limits."""

    place: Place
    role: Role
    blueprint: ServerBlueprint
    address: str
    limits: Limits


class Server(pulumi.ComponentResource):
    """A server in its container.

    Outputs: ``container`` (its id), ``address`` and ``port``.
    """

    container: pulumi.Output[str]
    address: str
    port: int

    def contain(self, name: str, server: ServerArgs, settings: docker.ContainerArgs) -> None:
        """Make the container, and tell of it."""
        self.container = docker.Container(name, settings, container_options(self)).id
        self.address = server.address
        self.port = server.blueprint.port
        self.register_outputs(
            {"container": self.container, "address": self.address, "port": self.port}
        )


def container_args(name: str, server: ServerArgs, parent: pulumi.Resource) -> docker.ContainerArgs:
    """The arguments that a server's container has whatever its role.

    Its image is pulled when it isn't there, and stays on the engine when the stack goes: it isn't
    the stack's own.
    """
    place, blueprint, limits = server.place, server.blueprint, server.limits
    image = docker.RemoteImage(
        f"{name}-image",
        docker.RemoteImageArgs(name=blueprint.image, keep_locally=True),
        pulumi.ResourceOptions(parent=parent),
    )
    return docker.ContainerArgs(
        image=image.image_id,
        entrypoints=list(blueprint.entrypoint) or None,
        command=list(blueprint.command) or None,
        user=blueprint.user,
        envs=list(blueprint.environment) or None,
        labels=labels(docker.ContainerLabelArgs, place.stack, server.role.value, place.generation),
        networks_advanced=[
            docker.ContainerNetworksAdvancedArgs(
                name=place.network, ipv4_address=server.address, aliases=[server.role.value]
            )
        ],
        uploads=[uploaded(upload.path, upload.content) for upload in blueprint.uploads] or None,
        # No name of the outside is resolved, and who asks for one soon knows: older engines
        # would ask this machine's own resolver, even for a network without a way out.
        dns=[_NO_RESOLVER],
        dns_opts=["timeout:1", "attempts:1"],
        security_opts=list(rights.SECURITY),
        capabilities=capabilities(rights.kept_by(blueprint.user)),
        restart="unless-stopped" if place.keep else "no",
        memory=limits.memory_mb,
        cpu_period=None if limits.cpus is None else _CPU_PERIOD,
        cpu_quota=None if limits.cpus is None else round(limits.cpus * _CPU_PERIOD),
        shm_size=limits.shared_memory_mb,
    )


def capabilities(kept: tuple[str, ...]) -> docker.ContainerCapabilitiesArgs:
    """No right but these."""
    return docker.ContainerCapabilitiesArgs(drops=list(rights.DROPPED), adds=list(kept) or None)


def uploaded(
    path: str, content: pulumi.Input[str], permissions: str | None = None
) -> docker.ContainerUploadArgs:
    """A file put into a container before it starts.

    Its content is a secret to Pulumi: configuration files of a production may hold passwords.
    """
    return docker.ContainerUploadArgs(
        file=path, content=pulumi.Output.secret(content), permissions=permissions
    )


def container_options(parent: pulumi.Resource) -> pulumi.ResourceOptions:
    """How containers are kept in the state.

    The old container goes before the new one comes, for they share an address and volumes. Docker
    sets a limit of memory and swap of its own beside a limit of memory, which is no change to
    make; a new limit of memory needs a new container, since the old one's swap is in the way.
    """
    return pulumi.ResourceOptions(
        parent=parent,
        delete_before_replace=True,
        ignore_changes=["memorySwap"],
        replace_on_changes=["memory"],
        additional_secret_outputs=["uploads"],
    )


def healthcheck(
    server: ServerArgs, interval: str, timeout: str, start_period: str, retries: int
) -> docker.ContainerHealthcheckArgs:
    """The server's own probe; it may fail as often as one likes in the start period."""
    tests = ["CMD", *server.blueprint.health]
    return docker.ContainerHealthcheckArgs(
        tests=tests, interval=interval, timeout=timeout, start_period=start_period, retries=retries
    )


def interval(server: ServerArgs, thrown_away: str) -> str:
    """The interval of a probe, each of which takes a tenth of a second of processor.

    What stays keeps that of its first day: another one would replace its servers.
    """
    return "1s" if server.place.keep else thrown_away


def volumes(
    name: str, server: ServerArgs, opts: pulumi.ResourceOptions
) -> list[docker.ContainerVolumeArgs]:
    """Make the volumes of a server, and the mounts that its container takes."""
    whose = labels(docker.VolumeLabelArgs, server.place.stack, server.role.value)
    made = {
        volume: docker.Volume(f"{name}-{volume}", docker.VolumeArgs(labels=whose), opts)
        for volume in dict.fromkeys(mount.volume for mount in server.blueprint.mounts)
    }
    return [
        docker.ContainerVolumeArgs(volume_name=made[mount.volume].name, container_path=mount.path)
        for mount in server.blueprint.mounts
    ]
