"""docker:index/network:Network"""

from __future__ import annotations

from typing import Any

from docker import errors as docker_errors

from . import checks
from .errors import DOCKER_ERRORS, ProviderError, daemon_message, failed
from .resource import Context, Created, known_inputs
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
    "auxAddress": string_map(computed=True),
    "gateway": string(computed=True, validate=checks.address),
    "ipRange": string(validate=checks.subnet),
    "subnet": string(computed=True, validate=checks.subnet),
}

SPEC = ResourceSpec(
    token="docker:index/network:Network",  # noqa: S106 - a resource type's token
    props={
        "attachable": boolean(),
        "driver": string(computed=True),
        "ingress": boolean(),
        "internal": boolean(),
        "ipamConfigs": many(_IPAM_CONFIG, computed=True),
        "ipamDriver": string(default="default"),
        "ipamOptions": string_map(computed=True),
        "ipv6": boolean(),
        "labels": labels(),
        "name": string(),
        "options": string_map(computed=True),
    },
    refused={},
    outputs=("scope",),
    autonamed=True,
)


class Network:
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
                enable_ipv6=inputs.get("ipv6", False),
                attachable=inputs.get("attachable"),
                ingress=inputs.get("ingress"),
            )
        except DOCKER_ERRORS as error:
            raise failed(f"create network {name}", error) from error
        found = self.read(context, made["Id"], known_inputs(inputs))
        if found is None:
            raise ProviderError(f"network {name} vanished right after it was created")
        return found

    def read(self, context: Context, identity: str, state: Props) -> Created | None:
        """Its outputs now, or None when it's gone."""
        try:
            network = context.client.inspect_network(identity)
        except docker_errors.NotFound:
            return None
        except DOCKER_ERRORS as error:
            raise failed(f"read network {identity}", error) from error
        return Created(network["Id"], {**state, **_outputs(network)})

    def update(self, context: Context, identity: str, state: Props, news: Props) -> Props:
        """Nothing of a network changes in place; only bookkeeping does."""
        found = self.read(context, identity, known_inputs(news))
        if found is None:
            raise ProviderError(f"network {identity} is gone", "run `pulumi refresh`, then again")
        return found.outputs

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

    def normalise(self, context: Context, state: Props, old_inputs: Props, news: Props) -> Props:
        """Nothing to ask the daemon about."""
        return news


def _ipam(inputs: Props) -> Any:
    configs = [
        {
            "Subnet": item.get("subnet", ""),
            "IPRange": item.get("ipRange", ""),
            "Gateway": item.get("gateway", ""),
            "AuxiliaryAddresses": item.get("auxAddress", {}),
        }
        for item in inputs.get("ipamConfigs") or ()
    ]
    return {
        "Driver": inputs.get("ipamDriver", "default"),
        "Config": configs,
        "Options": inputs.get("ipamOptions") or {},
    }


def _outputs(network: dict[str, Any]) -> Props:
    ipam = network.get("IPAM") or {}
    return {
        "attachable": network["Attachable"],
        "driver": network["Driver"],
        "ingress": network["Ingress"],
        "internal": network["Internal"],
        "ipamConfigs": [_ipam_output(item) for item in ipam.get("Config") or ()],
        "ipamDriver": ipam.get("Driver"),
        "ipamOptions": ipam.get("Options") or {},
        "ipv6": network["EnableIPv6"],
        "labels": labels_from_docker(network.get("Labels")),
        "name": network["Name"],
        "options": network.get("Options") or {},
        "scope": network["Scope"],
    }


def _ipam_output(config: dict[str, Any]) -> Props:
    names = {
        "subnet": "Subnet",
        "ipRange": "IPRange",
        "gateway": "Gateway",
        "auxAddress": "AuxiliaryAddresses",
    }
    return {ours: config[theirs] for ours, theirs in names.items() if config.get(theirs)}


def _containers(context: Context, identity: str) -> str:
    try:
        network = context.client.inspect_network(identity)
    except DOCKER_ERRORS:
        return "its containers"
    names = [item.get("Name", "?") for item in (network.get("Containers") or {}).values()]
    return f"container {', '.join(sorted(names))}" if names else "its containers"
