"""What every server of a stack has in common: image, addresses, labels, limits, volumes."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from restore.adapters.docker import rights
from restore.model import Mount, Role, ServerBlueprint
from stacks.labels import Labels
from stacks.settings import Limits

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
    blueprint: ServerBlueprint
    address: str
    limits: Limits


def pulled(name: str, reference: str, parent: pulumi.Resource) -> pulumi.Output[str]:
    """Make sure that an image is there, pulled when it isn't, and give its id.

    It stays on the engine when the stack goes: it isn't the stack's own.
    """
    image = docker.RemoteImage(
        name,
        docker.RemoteImageArgs(name=reference, keep_locally=True),
        pulumi.ResourceOptions(parent=parent),
    )
    return image.image_id


def container_args(
    role: Role, server: ServerArgs, image: pulumi.Input[str]
) -> docker.ContainerArgs:
    """The arguments that a server's container has whatever its role."""
    place, blueprint, limits = server.place, server.blueprint, server.limits
    return docker.ContainerArgs(
        image=image,
        entrypoints=list(blueprint.entrypoint) or None,
        command=list(blueprint.command) or None,
        user=blueprint.user,
        envs=list(blueprint.environment) or None,
        labels=Labels(place.stack, role.value, place.generation).of_container(),
        networks_advanced=[
            docker.ContainerNetworksAdvancedArgs(
                name=place.network, ipv4_address=server.address, aliases=[role.value]
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


def volumes(
    name: str, role: Role, server: ServerArgs, opts: pulumi.ResourceOptions
) -> list[docker.ContainerVolumeArgs]:
    """Make the volumes of a server, and the mounts that its container takes."""
    labels = Labels(server.place.stack, role.value).of_volume()
    made = {
        volume: docker.Volume(f"{name}-{volume}", docker.VolumeArgs(labels=labels), opts)
        for volume in dict.fromkeys(mount.volume for mount in server.blueprint.mounts)
    }
    return [_mounted(made[mount.volume], mount) for mount in server.blueprint.mounts]


def _mounted(volume: docker.Volume, mount: Mount) -> docker.ContainerVolumeArgs:
    return docker.ContainerVolumeArgs(volume_name=volume.name, container_path=mount.path)
