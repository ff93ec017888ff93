"""From what Docker says of a container to outputs."""

from __future__ import annotations

from typing import Any

from ..durations import format_duration
from ..schema import labels_from_docker
from ..values import Props
from .config import MEGABYTE


def outputs(container: dict[str, Any], state: Props) -> Props:
    """The outputs that Docker tells; what it doesn't tell stays as it is in `state`.

    As upstream, `envs`, `labels`, `uploads`, `volumes` and `networksAdvanced` are kept from the
    inputs: the image's own are mixed into Docker's answer.
    """
    known = {
        **state,
        **_process(container["Config"]),
        **_host(container["HostConfig"]),
        **_network(container.get("NetworkSettings") or {}, state),
        "image": container["Image"],
        "name": container["Name"].lstrip("/"),
        "envs": state.get("envs", []),
        "labels": state.get("labels", []),
    }
    return {**known, **_life(container["State"], state)}


def _life(docker_state: dict[str, Any], state: Props) -> Props:
    """As upstream, a container that stopped though it must run shows `mustRun` false: a change."""
    if docker_state["Running"] or docker_state["Status"] == "created":
        return {"exitCode": None}
    life: Props = {"exitCode": docker_state["ExitCode"]}
    if state.get("mustRun"):
        life["mustRun"] = False
    return life


def _process(config: dict[str, Any]) -> Props:
    return {
        "command": config.get("Cmd") or [],
        "domainname": config.get("Domainname", ""),
        "entrypoints": config.get("Entrypoint") or [],
        "healthcheck": _healthcheck(config.get("Healthcheck")),
        "hostname": config.get("Hostname", ""),
        "stdinOpen": config.get("OpenStdin", False),
        "stopSignal": config.get("StopSignal") or "",
        "stopTimeout": config.get("StopTimeout"),
        "tty": config.get("Tty", False),
        "user": config.get("User", ""),
        "workingDir": config.get("WorkingDir", ""),
    }


def _healthcheck(healthcheck: dict[str, Any] | None) -> Props | None:
    if not healthcheck:
        return None
    return {
        "tests": healthcheck.get("Test") or [],
        "interval": format_duration(healthcheck.get("Interval", 0)),
        "timeout": format_duration(healthcheck.get("Timeout", 0)),
        "startPeriod": format_duration(healthcheck.get("StartPeriod", 0)),
        "retries": healthcheck.get("Retries", 0),
    }


def _host(host: dict[str, Any]) -> Props:
    logs = host.get("LogConfig") or {}
    restart = host.get("RestartPolicy") or {}
    return {
        **_limits(host),
        "capabilities": _capabilities(host),
        "dns": host.get("Dns") or [],
        "dnsOpts": host.get("DnsOptions") or [],
        "dnsSearches": host.get("DnsSearch") or [],
        "groupAdds": host.get("GroupAdd") or [],
        "hosts": [_extra_host(item) for item in host.get("ExtraHosts") or ()],
        "init": bool(host.get("Init")),
        "ipcMode": host.get("IpcMode", ""),
        "logDriver": logs.get("Type", ""),
        "logOpts": logs.get("Config") or {},
        "maxRetryCount": restart.get("MaximumRetryCount", 0),
        "mounts": [_mount(item) for item in host.get("Mounts") or ()],
        "networkMode": host.get("NetworkMode", ""),
        "pidMode": host.get("PidMode", ""),
        "privileged": host.get("Privileged", False),
        "publishAllPorts": host.get("PublishAllPorts", False),
        "readOnly": host.get("ReadonlyRootfs", False),
        "restart": restart.get("Name") or "no",
        "rm": host.get("AutoRemove", False),
        "runtime": host.get("Runtime", ""),
        "securityOpts": host.get("SecurityOpt") or [],
        "sysctls": host.get("Sysctls") or {},
        "tmpfs": host.get("Tmpfs") or {},
        "ulimits": [
            {"name": item["Name"], "soft": item["Soft"], "hard": item["Hard"]}
            for item in host.get("Ulimits") or ()
        ],
    }


def _limits(host: dict[str, Any]) -> Props:
    swap = host.get("MemorySwap", 0)
    return {
        "cpuPeriod": host.get("CpuPeriod", 0),
        "cpuQuota": host.get("CpuQuota", 0),
        "cpuSet": host.get("CpusetCpus", ""),
        "cpuShares": host.get("CpuShares", 0),
        "memory": host.get("Memory", 0) // MEGABYTE,
        "memoryReservation": host.get("MemoryReservation", 0) // MEGABYTE,
        "memorySwap": swap // MEGABYTE if swap > 0 else swap,
        "shmSize": host.get("ShmSize", 0) // MEGABYTE,
    }


def _capabilities(host: dict[str, Any]) -> Props | None:
    adds, drops = host.get("CapAdd") or [], host.get("CapDrop") or []
    return {"adds": adds, "drops": drops} if adds or drops else None


def _extra_host(text: str) -> Props:
    host, _, address = text.partition(":")
    return {"host": host, "ip": address}


def _mount(mount: dict[str, Any]) -> Props:
    item: Props = {
        "target": mount["Target"],
        "source": mount.get("Source", ""),
        "type": mount["Type"],
        "readOnly": mount.get("ReadOnly", False),
    }
    if mount.get("BindOptions"):
        item["bindOptions"] = {"propagation": mount["BindOptions"].get("Propagation", "")}
    if mount.get("VolumeOptions"):
        options = mount["VolumeOptions"]
        driver = options.get("DriverConfig") or {}
        item["volumeOptions"] = {
            "noCopy": options.get("NoCopy", False),
            "labels": labels_from_docker(options.get("Labels")),
            "driverName": driver.get("Name", ""),
            "driverOptions": driver.get("Options") or {},
        }
    if mount.get("TmpfsOptions"):
        options = mount["TmpfsOptions"]
        sizes = {"sizeBytes": options.get("SizeBytes", 0), "mode": options.get("Mode", 0)}
        item["tmpfsOptions"] = sizes
    return item


def _network(settings: dict[str, Any], state: Props) -> Props:
    return {
        "bridge": settings.get("Bridge", ""),
        "networkDatas": [
            _network_data(name, data) for name, data in (settings.get("Networks") or {}).items()
        ],
        "ports": _ports(settings.get("Ports") or {}, state.get("ports") or []),
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
