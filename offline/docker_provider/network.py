"""docker:index/network:Network"""

from __future__ import annotations

from typing import Any

from docker import errors as docker_errors

from . import checks
from .errors import DOCKER_ERRORS, daemon_message, failed
from .resource import Context, Created, Resource
from .schema import (
    ResourceSpec,
    boolean,
    labels,
    labels_from_docker,
    labels_to_docker,
    many,
    string,
    string_map,
)
from .values import Props

_REMOVE_SECONDS = 10

_IPAM_CONFIG = {
    "gateway": string(computed=True, validate=checks.address),
    "ipRange": string(validate=checks.subnet),
    "subnet": string(computed=True, validate=checks.subnet),
}

SPEC = ResourceSpec(
    token="docker:index/network:Network",  # noqa: S106 - a resource type's token
    props={
        "attachable": boolean(),
        "driver": string(computed=True),
        "internal": boolean(),
        "ipamConfigs": many(_IPAM_CONFIG, computed=True, refused=("auxAddress",)),
        "labels": labels(),
        "name": string(),
        "options": string_map(computed=True),
    },
    refused=("ingress", "ipamDriver", "ipamOptions", "ipv6"),
    outputs=("scope",),
    autonamed=True,
)


class Network(Resource):
    """A Docker network. Its identity is the network's ID."""

    spec = SPEC

    def create(self, context: Context, inputs: Props) -> Created:
        """Create it, and read back what Docker chose."""
        name = inputs["name"]
        try:
            made = context.client.create_network(
                name,
                driver=inputs.get("driver"),
                options=inputs.get("options"),
                ipam=_ipam(inputs),
                check_duplicate=True,
                internal=inputs.get("internal", False),
                labels=labels_to_docker(inputs.get("labels")),
                attachable=inputs.get("attachable"),
            )
        except DOCKER_ERRORS as error:
            raise failed(f"create network {name}", error) from error
        return self.read_made(context, made["Id"], inputs)

    def read(self, context: Context, identity: str, state: Props) -> Created | None:
        """Its outputs now, or None when it's gone."""
        try:
            network = context.client.inspect_network(identity)
        except docker_errors.NotFound:
            return None
        except DOCKER_ERRORS as error:
            raise failed(f"read network {identity}", error) from error
        return Created(network["Id"], {**state, **_outputs(network)})

    def delete(self, context: Context, identity: str, state: Props) -> None:
        """Remove it, waiting up to 10 s for endpoints of containers that are just going."""
        last: list[Exception] = []

        def gone() -> bool:
            try:
                context.client.remove_network(identity)
            except docker_errors.NotFound:
                return True
            except DOCKER_ERRORS as error:
                if "has active endpoints" not in daemon_message(error):
                    raise failed(f"remove network {identity}", error) from error
                last[:] = [error]
                return False
            return True

        if not context.waiter.until(gone, _REMOVE_SECONDS):
            users = _containers(context, identity)
            raise failed(
                f"remove network {state.get('name', identity)}",
                last[0],
                f"disconnect or remove {users} first",
            )


def _ipam(inputs: Props) -> Any:
    configs = [
        {
            "Subnet": item.get("subnet", ""),
            "IPRange": item.get("ipRange", ""),
            "Gateway": item.get("gateway", ""),
        }
        for item in inputs.get("ipamConfigs") or ()
    ]
    return {"Driver": "default", "Config": configs}


def _outputs(network: dict[str, Any]) -> Props:
    ipam = network.get("IPAM") or {}
    return {
        "attachable": network["Attachable"],
        "driver": network["Driver"],
        "internal": network["Internal"],
        "ipamConfigs": [_ipam_output(item) for item in ipam.get("Config") or ()],
        "labels": labels_from_docker(network.get("Labels")),
        "name": network["Name"],
        "options": network.get("Options") or {},
        "scope": network["Scope"],
    }


def _ipam_output(config: dict[str, Any]) -> Props:
    names = {"subnet": "Subnet", "ipRange": "IPRange", "gateway": "Gateway"}
    return {ours: config[theirs] for ours, theirs in names.items() if config.get(theirs)}


def _containers(context: Context, identity: str) -> str:
    try:
        network = context.client.inspect_network(identity)
    except DOCKER_ERRORS:
        return "its containers"
    names = [item.get("Name", "?") for item in (network.get("Containers") or {}).values()]
    return f"container {', '.join(sorted(names))}" if names else "its containers"
