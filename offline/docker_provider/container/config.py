"""From inputs to what Docker's "create container" and "update container" calls take."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from ..durations import parse_duration
from ..schema import labels_to_docker
from ..values import Props
from .inputs import canonical_capability

MEGABYTE = 1024 * 1024
_NANO_CPUS = 10**9


def create_body(inputs: Props) -> dict[str, Any]:
    """The body of "create container"; what isn't given is left out, for Docker to decide."""
    volumes = inputs.get("volumes") or []
    body = {
        "Image": inputs["image"],
        "Hostname": inputs.get("hostname"),
        "Domainname": inputs.get("domainname"),
        "Tty": inputs.get("tty", False),
        "OpenStdin": inputs.get("stdinOpen", False),
        "Env": inputs.get("envs"),
        "Cmd": inputs.get("command"),
        "Entrypoint": inputs.get("entrypoints"),
        "User": inputs.get("user"),
        "WorkingDir": inputs.get("workingDir"),
        "Labels": labels_to_docker(inputs.get("labels")),
        "StopSignal": inputs.get("stopSignal"),
        "StopTimeout": inputs.get("stopTimeout"),
        "ExposedPorts": {_port_key(port): {} for port in inputs.get("ports") or ()},
        "Volumes": {item["containerPath"]: {} for item in volumes if item.get("containerPath")},
        "HostConfig": _host_config(inputs),
    }
    if inputs.get("healthcheck"):
        body["Healthcheck"] = _healthcheck(inputs["healthcheck"])
    return _without_none(body)


def update_arguments(inputs: Props) -> dict[str, Any]:
    """The arguments of the SDK's `update_container`; what isn't given stays as it is."""
    swap = inputs.get("memorySwap")
    if not swap and inputs.get("memory"):
        # Docker refuses a limit above the swap limit that an earlier one implied (twice as much).
        swap = 2 * inputs["memory"]
    arguments = {
        "cpu_period": inputs.get("cpuPeriod"),
        "cpu_quota": inputs.get("cpuQuota"),
        "cpu_shares": inputs.get("cpuShares"),
        "cpuset_cpus": inputs.get("cpuSet"),
        "mem_limit": _bytes(inputs.get("memory")),
        "mem_reservation": _bytes(inputs.get("memoryReservation")),
        "memswap_limit": _swap(swap) if swap else None,
        "restart_policy": _restart_policy(inputs),
    }
    return {name: value for name, value in arguments.items() if value}


def _host_config(inputs: Props) -> dict[str, Any]:
    capabilities = inputs.get("capabilities") or {}
    return _without_none(
        {
            **_limits(inputs),
            **_storage(inputs),
            "AutoRemove": inputs.get("rm", False),
            "CapAdd": [canonical_capability(name) for name in capabilities.get("adds") or ()],
            "CapDrop": [canonical_capability(name) for name in capabilities.get("drops") or ()],
            "Dns": inputs.get("dns"),
            "DnsOptions": inputs.get("dnsOpts"),
            "DnsSearch": inputs.get("dnsSearches"),
            "ExtraHosts": [f"{item['host']}:{item['ip']}" for item in inputs.get("hosts") or ()],
            "GroupAdd": inputs.get("groupAdds"),
            "Init": inputs.get("init"),
            "IpcMode": inputs.get("ipcMode"),
            "LogConfig": _log_config(inputs),
            "NetworkMode": inputs.get("networkMode"),
            "PidMode": inputs.get("pidMode"),
            "PortBindings": _port_bindings(inputs.get("ports") or ()),
            "Privileged": inputs.get("privileged", False),
            "PublishAllPorts": inputs.get("publishAllPorts", False),
            "ReadonlyRootfs": inputs.get("readOnly", False),
            "RestartPolicy": _restart_policy(inputs),
            "Runtime": inputs.get("runtime"),
            "SecurityOpt": inputs.get("securityOpts"),
            "Sysctls": inputs.get("sysctls"),
            "Ulimits": [
                {"Name": item["name"], "Soft": item["soft"], "Hard": item["hard"]}
                for item in inputs.get("ulimits") or ()
            ],
        }
    )


def _limits(inputs: Props) -> dict[str, Any]:
    cpus = inputs.get("cpus")
    return {
        "CpuPeriod": None if cpus else inputs.get("cpuPeriod"),
        "CpuQuota": None if cpus else inputs.get("cpuQuota"),
        "CpuShares": inputs.get("cpuShares"),
        "CpusetCpus": inputs.get("cpuSet"),
        "Memory": _bytes(inputs.get("memory")),
        "MemoryReservation": _bytes(inputs.get("memoryReservation")),
        "MemorySwap": _swap(inputs["memorySwap"]) if inputs.get("memorySwap") else None,
        "NanoCpus": int(Decimal(cpus) * _NANO_CPUS) if cpus else None,
        "ShmSize": _bytes(inputs.get("shmSize")),
    }


def _storage(inputs: Props) -> dict[str, Any]:
    volumes = inputs.get("volumes") or []
    return {
        "Binds": [bind for bind in map(_bind, volumes) if bind],
        "Mounts": [_mount(item) for item in inputs.get("mounts") or ()],
        "Tmpfs": inputs.get("tmpfs"),
        "VolumesFrom": [
            item["fromContainer"] + (":ro" if item.get("readOnly") else "")
            for item in volumes
            if item.get("fromContainer")
        ],
    }


def _bind(volume: Props) -> str | None:
    # A volume with neither name nor host path is anonymous: it's in `Volumes` only.
    source = volume.get("hostPath") or volume.get("volumeName")
    if not source or not volume.get("containerPath"):
        return None
    modes = ["ro" if volume.get("readOnly") else "rw"]
    if volume.get("selinuxRelabel"):
        modes.append(volume["selinuxRelabel"])
    return f"{source}:{volume['containerPath']}:{','.join(modes)}"


def _mount(item: Props) -> dict[str, Any]:
    mount = {
        "Type": item["type"],
        "Target": item["target"],
        "Source": item.get("source", ""),
        "ReadOnly": item.get("readOnly", False),
    }
    bind, volume, tmpfs = (
        item.get(name) or {} for name in ("bindOptions", "volumeOptions", "tmpfsOptions")
    )
    if item["type"] == "bind" and bind:
        mount["BindOptions"] = _without_none({"Propagation": bind.get("propagation")})
    if item["type"] == "volume" and volume:
        mount["VolumeOptions"] = _mount_volume_options(volume)
    if item["type"] == "tmpfs" and tmpfs:
        sizes = {"SizeBytes": tmpfs.get("sizeBytes"), "Mode": tmpfs.get("mode")}
        mount["TmpfsOptions"] = _without_none(sizes)
    return mount


def _mount_volume_options(options: Props) -> dict[str, Any]:
    body: dict[str, Any] = {
        "NoCopy": options.get("noCopy", False),
        "Labels": labels_to_docker(options.get("labels")),
    }
    if options.get("driverName") or options.get("driverOptions"):
        driver = {"Name": options.get("driverName"), "Options": options.get("driverOptions")}
        body["DriverConfig"] = _without_none(driver)
    return body


def _healthcheck(healthcheck: Props) -> dict[str, Any]:
    return {
        "Test": healthcheck.get("tests"),
        "Interval": parse_duration(healthcheck.get("interval", "0s")),
        "Timeout": parse_duration(healthcheck.get("timeout", "0s")),
        "StartPeriod": parse_duration(healthcheck.get("startPeriod", "0s")),
        "Retries": healthcheck.get("retries", 0),
    }


def _log_config(inputs: Props) -> dict[str, Any] | None:
    if not inputs.get("logDriver") and not inputs.get("logOpts"):
        return None
    return {"Type": inputs.get("logDriver", ""), "Config": inputs.get("logOpts") or {}}


def _restart_policy(inputs: Props) -> dict[str, Any]:
    return {
        "Name": inputs.get("restart", "no"),
        "MaximumRetryCount": inputs.get("maxRetryCount", 0),
    }


def _port_key(port: Props) -> str:
    return f"{port['internal']}/{port.get('protocol', 'tcp')}"


def _port_bindings(ports: Iterable[Props]) -> dict[str, list[dict[str, str]]]:
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in ports:
        external = port.get("external")
        binding = {
            "HostIp": port.get("ip") or "0.0.0.0",  # noqa: S104 - upstream's default
            "HostPort": str(external) if external else "",
        }
        bindings.setdefault(_port_key(port), []).append(binding)
    return bindings


def _bytes(megabytes: int | None) -> int | None:
    return None if megabytes is None else megabytes * MEGABYTE


def _swap(megabytes: int) -> int:
    return megabytes * MEGABYTE if megabytes > 0 else megabytes


def _without_none(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}
