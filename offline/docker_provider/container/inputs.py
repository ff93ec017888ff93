"""The inputs of a container: those that `stacks/` uses, and those that are refused by name."""

from __future__ import annotations

from collections.abc import Iterator

from .. import checks
from ..durations import canonical_duration
from ..errors import CheckFailure
from ..schema import Prop, ResourceSpec, boolean, integer, labels, many, one, string, strings
from ..values import UNKNOWN, Props


def canonical_capability(name: str) -> str:
    """`net_admin` and `CAP_NET_ADMIN` are the same capability; `ALL` has no prefix."""
    upper = name.upper()
    return upper if upper == "ALL" or upper.startswith("CAP_") else f"CAP_{upper}"


def _duration() -> Prop:
    return string(default="0s", validate=checks.duration, canonical=canonical_duration)


_CAPABILITIES = {
    "adds": strings(unordered=True, canonical=canonical_capability),
    "drops": strings(unordered=True, canonical=canonical_capability),
}

_HEALTHCHECK = {
    "interval": _duration(),
    "retries": integer(default=0, validate=checks.at_least(0)),
    "startPeriod": _duration(),
    "tests": strings(computed=True),
    "timeout": _duration(),
}

_NETWORK = {
    "aliases": strings(unordered=True),
    "ipv4Address": string(validate=checks.address),
    "name": string(required=True),
}

_PORT = {
    "external": integer(computed=True, validate=checks.port),
    "internal": integer(required=True, validate=checks.port),
    "ip": string(default="0.0.0.0", validate=checks.address),  # noqa: S104 - upstream's default
    "protocol": string(default="tcp", validate=checks.one_of("tcp", "udp", "sctp")),
}

_UPLOAD = {
    "content": string(),
    "file": string(required=True),
    "permissions": string(validate=checks.matching("0[0-7]{3}", "octal such as '0644'")),
}

_VOLUME = {
    "containerPath": string(),
    "hostPath": string(validate=checks.matching("/.*", "an absolute path")),
    "readOnly": boolean(),
    "volumeName": string(),
}

# Docker can change these on a container that exists. Upstream does so for the same ones, but Docker
# doesn't lift a limit: it takes zero for "leave it".
_UPDATED_IN_PLACE = {
    "cpuPeriod": integer(replaces=False, stays=True, validate=checks.at_least(0)),
    "cpuQuota": integer(replaces=False, stays=True, validate=checks.at_least(0)),
    "memory": integer(replaces=False, stays=True, validate=checks.at_least(0)),
    "restart": string(
        replaces=False,
        default="no",
        validate=checks.one_of("no", "on-failure", "always", "unless-stopped"),
    ),
}

# These say what the plug-in does; the container itself doesn't know them.
_PLUGIN_BEHAVIOUR = {
    "destroyGraceSeconds": integer(replaces=False, validate=checks.at_least(0)),
    "mustRun": boolean(replaces=False, default=True),
    "start": boolean(replaces=False, default=True),
    "wait": boolean(replaces=False, default=False),
    "waitTimeout": integer(replaces=False, default=60, validate=checks.at_least(1)),
}

# `healthcheck` and `init` don't replace upstream, where their change has no effect on the container
# at all. Here they do: a change that is asked for must be seen.
_FIXED_AT_CREATION = {
    "capabilities": one(fields=_CAPABILITIES),
    "command": strings(computed=True, validate=checks.no_empty),
    "dns": strings(unordered=True),
    "dnsOpts": strings(unordered=True),
    "entrypoints": strings(computed=True),
    "envs": strings(unordered=True, computed=True, validate=checks.assignments),
    "healthcheck": one(fields=_HEALTHCHECK, computed=True, refused=("startInterval",)),
    "image": string(required=True),
    "init": boolean(computed=True),
    "labels": labels(computed=True),
    "name": string(),
    "networksAdvanced": many(
        fields=_NETWORK,
        refused=("driverOpts", "gwPriority", "ipv6Address", "linkLocalIps", "macAddress"),
    ),
    "ports": many(fields=_PORT),
    "securityOpts": strings(unordered=True, computed=True),
    "shmSize": integer(computed=True, validate=checks.at_least(0)),
    "uploads": many(
        fields=_UPLOAD, refused=("contentBase64", "executable", "source", "sourceHash")
    ),
    "user": string(computed=True),
    "volumes": many(fields=_VOLUME, refused=("fromContainer", "selinuxRelabel")),
}

_REFUSED = (
    *("attach", "cgroupParent", "cgroupnsMode", "containerReadRefreshTimeoutMilliseconds"),
    *("cpuSet", "cpuShares", "cpus", "deviceReadBps", "deviceReadIops", "deviceRequests"),
    *("deviceWriteBps", "deviceWriteIops", "devices", "dnsSearches", "domainname", "gpus"),
    *("groupAdds", "hostname", "hosts", "ipcMode", "logDriver", "logOpts", "logs"),
    *("maxRetryCount", "memoryReservation", "memorySwap", "mounts", "networkMode", "pidMode"),
    *("platform", "privileged", "publishAllPorts", "readOnly", "removeVolumes", "rm", "runtime"),
    *("stdinOpen", "stopSignal", "stopTimeout", "storageOpts", "sysctls", "tmpfs", "tty"),
    *("ulimits", "usernsMode", "workingDir"),
)


def cross_check(inputs: Props) -> Iterator[CheckFailure]:
    """What is wrong between inputs of a container."""
    for name, field in (("uploads", "content"), ("volumes", "containerPath")):
        items = inputs.get(name)
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if item is not UNKNOWN and not item.get(field):
                path = f"{name}[{index}]"
                yield CheckFailure(path, f"`{path}`: `{field}` must be given, and not empty")
    if inputs.get("wait") is True and inputs.get("start") is False:
        yield CheckFailure("wait", "`wait` needs `start`: nothing gets healthy before it starts")


SPEC = ResourceSpec(
    token="docker:index/container:Container",  # noqa: S106 - a resource type's token
    props={**_FIXED_AT_CREATION, **_UPDATED_IN_PLACE, **_PLUGIN_BEHAVIOUR},
    refused=_REFUSED,
    outputs=("bridge", "containerLogs", "exitCode", "networkDatas"),
    autonamed=True,
    # Upstream's bridge says so too: static addresses and host ports can't be held twice.
    delete_before_replace=True,
    cross_check=cross_check,
)

UPDATED_IN_PLACE = tuple(_UPDATED_IN_PLACE)
"""Inputs that `docker update` can change."""
