"""From inputs to what Docker's API takes, and from what it says of a container to outputs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..durations import format_duration, parse_duration
from ..schema import labels_to_docker
from ..values import Props
from .inputs import canonical_capability

MEGABYTE = 1024 * 1024


def create_body(inputs: Props) -> dict[str, Any]:
    """The body of "create container"; what isn't given is left out, for Docker to decide."""
    ports, volumes = inputs.get("ports") or (), inputs.get("volumes") or ()
    body = {
        "Image": inputs["image"],
        "Env": inputs.get("envs"),
        "Cmd": inputs.get("command"),
        "Entrypoint": inputs.get("entrypoints"),
        "User": inputs.get("user"),
        "Labels": labels_to_docker(inputs.get("labels")),
        "ExposedPorts": {_port_key(port): {} for port in ports},
        "Volumes": {item["containerPath"]: {} for item in volumes},
        "HostConfig": _host_config(inputs),
    }
    if inputs.get("healthcheck"):
        body["Healthcheck"] = _healthcheck(inputs["healthcheck"])
    return _without_none(body)


def update_arguments(inputs: Props) -> dict[str, Any]:
    """The arguments of the SDK's `update_container`; what isn't given stays as it is."""
    memory = inputs.get("memory")
    arguments = {
        "cpu_period": inputs.get("cpuPeriod"),
        "cpu_quota": inputs.get("cpuQuota"),
        "mem_limit": _bytes(memory),
        # Docker refuses a limit above the swap limit that an earlier one implied.
        "memswap_limit": _bytes(2 * memory) if memory else None,
        "restart_policy": _restart_policy(inputs),
    }
    return {name: value for name, value in arguments.items() if value}


def _host_config(inputs: Props) -> dict[str, Any]:
    capabilities = inputs.get("capabilities") or {}
    return _without_none(
        {
            "Binds": [bind for bind in map(_bind, inputs.get("volumes") or ()) if bind],
            "CapAdd": [canonical_capability(name) for name in capabilities.get("adds") or ()],
            "CapDrop": [canonical_capability(name) for name in capabilities.get("drops") or ()],
            "CpuPeriod": inputs.get("cpuPeriod"),
            "CpuQuota": inputs.get("cpuQuota"),
            "Dns": inputs.get("dns"),
            "DnsOptions": inputs.get("dnsOpts"),
            "Init": inputs.get("init"),
            "Memory": _bytes(inputs.get("memory")),
            "NetworkMode": "bridge",
            "PortBindings": _port_bindings(inputs.get("ports") or ()),
            "RestartPolicy": _restart_policy(inputs),
            "SecurityOpt": inputs.get("securityOpts"),
            "ShmSize": _bytes(inputs.get("shmSize")),
        }
    )


def _bind(volume: Props) -> str | None:
    # A volume with neither name nor host path is anonymous: it's in `Volumes` only.
    source = volume.get("hostPath") or volume.get("volumeName")
    mode = "ro" if volume.get("readOnly") else "rw"
    return f"{source}:{volume['containerPath']}:{mode}" if source else None


_PERIODS = {"interval": "Interval", "timeout": "Timeout", "startPeriod": "StartPeriod"}


def _healthcheck(healthcheck: Props) -> dict[str, Any]:
    return {
        "Test": healthcheck.get("tests"),
        "Retries": healthcheck.get("retries", 0),
        **{theirs: parse_duration(healthcheck.get(o, "0s")) for o, theirs in _PERIODS.items()},
    }


def _restart_policy(inputs: Props) -> dict[str, Any]:
    return {"Name": inputs.get("restart", "no"), "MaximumRetryCount": 0}


def _port_key(port: Props) -> str:
    return f"{port['internal']}/{port.get('protocol', 'tcp')}"


def _port_bindings(ports: Iterable[Props]) -> dict[str, list[dict[str, str]]]:
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in ports:
        binding = {
            "HostIp": port.get("ip") or "0.0.0.0",  # noqa: S104 - upstream's default
            "HostPort": str(port.get("external") or ""),
        }
        bindings.setdefault(_port_key(port), []).append(binding)
    return bindings


def _bytes(megabytes: int | None) -> int | None:
    return None if megabytes is None else megabytes * MEGABYTE


def _without_none(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def outputs(container: dict[str, Any], state: Props) -> Props:
    """The outputs that Docker tells; what it doesn't tell stays as it is in `state`.

    As upstream, `envs`, `labels`, `uploads`, `volumes` and `networksAdvanced` are kept from the
    inputs: the image's own are mixed into Docker's answer.
    """
    config, host = container["Config"], container["HostConfig"]
    settings = container.get("NetworkSettings") or {}
    adds, drops = host.get("CapAdd") or [], host.get("CapDrop") or []
    return {
        **state,
        "bridge": settings.get("Bridge", ""),
        "capabilities": {"adds": adds, "drops": drops} if adds or drops else None,
        "command": config.get("Cmd") or [],
        "cpuPeriod": host.get("CpuPeriod", 0),
        "cpuQuota": host.get("CpuQuota", 0),
        "dns": host.get("Dns") or [],
        "dnsOpts": host.get("DnsOptions") or [],
        "entrypoints": config.get("Entrypoint") or [],
        "envs": state.get("envs", []),
        "healthcheck": _healthcheck_output(config.get("Healthcheck")),
        "image": container["Image"],
        "init": bool(host.get("Init")),
        "labels": state.get("labels", []),
        "memory": host.get("Memory", 0) // MEGABYTE,
        "name": container["Name"].lstrip("/"),
        "networkDatas": [
            _network_data(name, data) for name, data in (settings.get("Networks") or {}).items()
        ],
        "ports": _ports(settings.get("Ports") or {}, state.get("ports") or []),
        "restart": (host.get("RestartPolicy") or {}).get("Name") or "no",
        "securityOpts": host.get("SecurityOpt") or [],
        "shmSize": host.get("ShmSize", 0) // MEGABYTE,
        "user": config.get("User", ""),
        **_life(container["State"], state),
    }


def _life(docker_state: dict[str, Any], state: Props) -> Props:
    """As upstream, a container that stopped though it must run shows `mustRun` false: a change."""
    if docker_state["Running"] or docker_state["Status"] == "created":
        return {"exitCode": None}
    life: Props = {"exitCode": docker_state["ExitCode"]}
    if state.get("mustRun"):
        life["mustRun"] = False
    return life


def _healthcheck_output(healthcheck: dict[str, Any] | None) -> Props | None:
    if not healthcheck:
        return None
    return {
        "tests": healthcheck.get("Test") or [],
        "retries": healthcheck.get("Retries", 0),
        **{ours: format_duration(healthcheck.get(t, 0)) for ours, t in _PERIODS.items()},
    }


def _network_data(name: str, data: dict[str, Any]) -> Props:
    return {
        "networkName": name,
        "ipAddress": data.get("IPAddress", ""),
        "ipPrefixLength": data.get("IPPrefixLen", 0),
        "gateway": data.get("Gateway", ""),
        "globalIpv6Address": data.get("GlobalIPv6Address", ""),
        "globalIpv6PrefixLength": data.get("GlobalIPv6PrefixLen", 0),
        "ipv6Gateway": data.get("IPv6Gateway", ""),
        "macAddress": data.get("MacAddress", ""),
    }


def _ports(published: dict[str, Any], declared: list[Props]) -> list[Props]:
    """Published ports, in the order of the inputs.

    A declared port that Docker doesn't publish stays as it was: a stopped container publishes none,
    and on an internal network publishing has no effect.
    """
    found = [
        {
            "internal": int(key.split("/")[0]),
            "external": int(binding["HostPort"]),
            "ip": binding["HostIp"],
            "protocol": key.split("/")[1],
        }
        for key, bindings in published.items()
        for binding in bindings or ()
    ]
    ports = [_published(port, found) for port in declared]
    return ports + ([] if declared else found)


def _published(port: Props, found: list[Props]) -> Props:
    wanted = {"ip": "0.0.0.0", "protocol": "tcp", **port}  # noqa: S104 - upstream's default
    same = [
        item
        for item in found
        if all(item[name] == wanted[name] for name in ("internal", "ip", "protocol"))
    ]
    exact = [item for item in same if item["external"] == port.get("external")]
    return next(iter(exact or same), wanted)
