"""What can be told of the inputs of a container that the stack didn't make (`pulumi import`)."""

from __future__ import annotations

from typing import Any

from ..schema import labels_from_docker
from ..values import Props

_BIND_PARTS = 3


def adopted_inputs(container: dict[str, Any], image: dict[str, Any]) -> Props:
    """Inputs that `readback` keeps from the state, recovered as far as Docker knows them.

    What comes from the image is left out. Uploads can't be recovered.
    """
    config, image_config = container["Config"], image.get("Config") or {}
    image_labels = image_config.get("Labels") or {}
    own_labels = {
        name: value
        for name, value in (config.get("Labels") or {}).items()
        if image_labels.get(name) != value
    }
    image_envs = image_config.get("Env") or []
    return {
        "envs": [item for item in config.get("Env") or () if item not in image_envs],
        "labels": labels_from_docker(own_labels),
        "networksAdvanced": _networks(container),
        "volumes": [_volume(item) for item in container["HostConfig"].get("Binds") or ()],
        "mustRun": True,
    }


def _volume(bind: str) -> Props:
    parts = bind.split(":")
    source, path = parts[0], parts[1] if len(parts) > 1 else parts[0]
    modes = parts[2].split(",") if len(parts) >= _BIND_PARTS else []
    volume: Props = {"containerPath": path, "readOnly": "ro" in modes}
    volume["hostPath" if source.startswith("/") else "volumeName"] = source
    return volume


def _networks(container: dict[str, Any]) -> list[Props]:
    networks = (container.get("NetworkSettings") or {}).get("Networks") or {}
    return [
        _network(name, data, container["Id"])
        for name, data in networks.items()
        if name not in ("bridge", "host", "none")
    ]


def _network(name: str, data: dict[str, Any], identity: str) -> Props:
    ipam = data.get("IPAMConfig") or {}
    # Docker itself adds the short ID as an alias.
    aliases = [item for item in data.get("Aliases") or () if not identity.startswith(item)]
    network: Props = {"name": name}
    if aliases:
        network["aliases"] = aliases
    for ours, theirs in (("ipv4Address", "IPv4Address"), ("ipv6Address", "IPv6Address")):
        if ipam.get(theirs):
            network[ours] = ipam[theirs]
    return network
