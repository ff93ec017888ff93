"""docker:index/network:Network"""

from __future__ import annotations

from functools import partial
from typing import Any

from . import checks, schema
from .errors import DOCKER_ERRORS, failed
from .resource import Context, Created, Resource, look_up, remove_when_free
from .values import Props

_REMOVE_SECONDS = 10

_IPAM_CONFIG = {
    "gateway": schema.string(computed=True, validate=checks.address),
    "ipRange": schema.string(validate=checks.subnet),
    "subnet": schema.string(computed=True, validate=checks.subnet),
}

SPEC = schema.ResourceSpec(
    token="docker:index/network:Network",  # noqa: S106 - a resource type's token
    props={
        "attachable": schema.boolean(),
        "driver": schema.string(computed=True),
        "internal": schema.boolean(),
        "ipamConfigs": schema.many(fields=_IPAM_CONFIG, computed=True, refused=("auxAddress",)),
        "labels": schema.labels(),
        "name": schema.string(),
        "options": schema.string_map(computed=True),
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
                labels=schema.labels_to_docker(inputs.get("labels")),
                attachable=inputs.get("attachable"),
            )
        except DOCKER_ERRORS as error:
            raise failed(f"create network {name}", error) from error
        return self.read_made(context, made["Id"], inputs)

    def read(self, context: Context, identity: str, state: Props) -> Created | None:
        """Its outputs now, or None when it's gone."""
        network = look_up(context.client.inspect_network, identity, f"read network {identity}")
        return None if network is None else Created(network["Id"], {**state, **_outputs(network)})

    def delete(self, context: Context, identity: str, state: Props) -> None:
        """Remove it, waiting up to 10 s for endpoints of containers that are just going."""
        error = remove_when_free(
            context,
            partial(context.client.remove_network, identity),
            f"remove network {identity}",
            "has active endpoints",
            _REMOVE_SECONDS,
        )
        if error is not None:
            hint = f"disconnect or remove {_containers(context, identity)} first"
            raise failed(f"remove network {state.get('name', identity)}", error, hint)


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
        "labels": schema.labels_from_docker(network.get("Labels")),
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
