"""The inputs of a container: those that are supported, and those that are refused by name."""

from __future__ import annotations

from collections.abc import Iterator

from .. import checks
from ..durations import canonical_duration
from ..errors import CheckFailure
from ..schema import (
    Prop,
    ResourceSpec,
    boolean,
    integer,
    labels,
    many,
    one,
    string,
    string_map,
    strings,
)
from ..values import UNKNOWN, Props, has_unknown


def canonical_capability(name: str) -> str:
    """`net_admin` and `CAP_NET_ADMIN` are the same capability; `ALL` has no prefix."""
    upper = name.upper()
    return upper if upper == "ALL" or upper.startswith("CAP_") else f"CAP_{upper}"


def _canonical_network_mode(mode: str) -> str:
    # `docker run` writes "default" where the default network is meant.
    return "bridge" if mode == "default" else mode


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

_HOST = {
    "host": string(required=True),
    "ip": string(required=True),
}

_MOUNT_VOLUME_OPTIONS = {
    "driverName": string(),
    "driverOptions": string_map(),
    "labels": labels(),
    "noCopy": boolean(),
}

_MOUNT = {
    "bindOptions": one(
        {
            "propagation": string(
                validate=checks.one_of(
                    "private", "rprivate", "shared", "rshared", "slave", "rslave"
                )
            )
        }
    ),
    "readOnly": boolean(),
    "source": string(),
    "target": string(required=True),
    "tmpfsOptions": one({"mode": integer(), "sizeBytes": integer()}),
    "type": string(required=True, validate=checks.one_of("bind", "volume", "tmpfs")),
    "volumeOptions": one(
        _MOUNT_VOLUME_OPTIONS,
        refused={"subpath": "it needs a newer Docker engine; mount the whole volume"},
    ),
}

_NETWORK = {
    "aliases": strings(unordered=True),
    "ipv4Address": string(validate=checks.address),
    "ipv6Address": string(validate=checks.address),
    "name": string(required=True),
}

_NETWORK_REFUSED = {
    "driverOpts": "give the options to the network",
    "gwPriority": "it needs a newer Docker engine",
    "linkLocalIps": "use ipv4Address or ipv6Address",
    "macAddress": "Docker chooses it",
}

_PORT = {
    "external": integer(computed=True, validate=checks.port),
    "internal": integer(required=True, validate=checks.port),
    "ip": string(default="0.0.0.0", validate=checks.address),  # noqa: S104 - upstream's default
    "protocol": string(default="tcp", validate=checks.one_of("tcp", "udp", "sctp")),
}

_ULIMIT = {
    "hard": integer(required=True),
    "name": string(required=True),
    "soft": integer(required=True),
}

_UPLOAD = {
    "content": string(),
    "contentBase64": string(validate=checks.base64_text),
    "executable": boolean(),
    "file": string(required=True),
    "permissions": string(validate=checks.matching("0[0-7]{3}", "octal such as '0644'")),
    "source": string(),
    "sourceHash": string(),
}

_VOLUME = {
    "containerPath": string(),
    "fromContainer": string(),
    "hostPath": string(validate=checks.matching("/.*", "an absolute path")),
    "readOnly": boolean(),
    "selinuxRelabel": string(validate=checks.one_of("z", "Z")),
    "volumeName": string(),
}

# Docker can change these on a container that exists. Upstream does so for the same ones, but Docker
# doesn't lift a limit: it takes zero for "leave it".
_UPDATED_IN_PLACE = {
    "cpuPeriod": integer(replaces=False, stays=True, validate=checks.at_least(0)),
    "cpuQuota": integer(replaces=False, stays=True, validate=checks.at_least(0)),
    "cpuSet": string(
        replaces=False,
        stays=True,
        validate=checks.matching(r"\d+([,-]\d+)*", "CPUs such as '0-1' or '0,2'"),
    ),
    "cpuShares": integer(replaces=False, stays=True, validate=checks.at_least(0)),
    "maxRetryCount": integer(replaces=False, validate=checks.at_least(0)),
    "memory": integer(replaces=False, stays=True, validate=checks.at_least(0)),
    "memoryReservation": integer(replaces=False, stays=True, validate=checks.at_least(0)),
    "memorySwap": integer(replaces=False, stays=True, computed=True, validate=checks.at_least(-1)),
    "restart": string(
        replaces=False,
        default="no",
        validate=checks.one_of("no", "on-failure", "always", "unless-stopped"),
    ),
}

# These say what the plug-in does; the container itself doesn't know them.
_PLUGIN_BEHAVIOUR = {
    "attach": boolean(replaces=False, default=False),
    "containerReadRefreshTimeoutMilliseconds": integer(
        replaces=False, default=15000, validate=checks.at_least(1)
    ),
    "destroyGraceSeconds": integer(replaces=False, validate=checks.at_least(0)),
    "logs": boolean(replaces=False, default=False),
    "mustRun": boolean(replaces=False, default=True),
    "removeVolumes": boolean(replaces=False, default=True),
    "start": boolean(replaces=False, default=True),
    "wait": boolean(replaces=False, default=False),
    "waitTimeout": integer(replaces=False, default=60, validate=checks.at_least(1)),
}

# `healthcheck`, `init`, `rm` and `tmpfs` don't replace upstream, where their change has no effect
# on the container at all. Here they do: a change that is asked for must be seen.
_FIXED_AT_CREATION = {
    "capabilities": one(_CAPABILITIES),
    "command": strings(computed=True, validate=checks.no_empty),
    "cpus": string(validate=checks.decimal, canonical=float),
    "dns": strings(unordered=True),
    "dnsOpts": strings(unordered=True),
    "dnsSearches": strings(unordered=True),
    "domainname": string(),
    "entrypoints": strings(computed=True),
    "envs": strings(unordered=True, computed=True, validate=checks.assignments),
    "groupAdds": strings(unordered=True),
    "healthcheck": one(
        _HEALTHCHECK,
        computed=True,
        refused={
            "startInterval": "it needs a newer Docker engine; use startPeriod and a short interval",
        },
    ),
    "hostname": string(computed=True),
    "hosts": many(_HOST),
    "image": string(required=True),
    "init": boolean(computed=True),
    "ipcMode": string(computed=True),
    "labels": labels(computed=True),
    "logDriver": string(computed=True),
    "logOpts": string_map(computed=True),
    "mounts": many(_MOUNT),
    "name": string(),
    "networkMode": string(default="bridge", canonical=_canonical_network_mode),
    "networksAdvanced": many(_NETWORK, refused=_NETWORK_REFUSED),
    "pidMode": string(),
    "ports": many(_PORT),
    "privileged": boolean(),
    "publishAllPorts": boolean(),
    "readOnly": boolean(default=False),
    "rm": boolean(default=False),
    "runtime": string(computed=True),
    "securityOpts": strings(unordered=True, computed=True),
    "shmSize": integer(computed=True, validate=checks.at_least(0)),
    "stdinOpen": boolean(default=False),
    "stopSignal": string(computed=True),
    "stopTimeout": integer(computed=True, validate=checks.at_least(0)),
    "sysctls": string_map(),
    "tmpfs": string_map(),
    "tty": boolean(default=False),
    "ulimits": many(_ULIMIT),
    "uploads": many(_UPLOAD),
    "user": string(computed=True),
    "volumes": many(_VOLUME),
    "workingDir": string(computed=True),
}

_REFUSED = {
    "cgroupParent": "leave the cgroup to Docker",
    "cgroupnsMode": "leave the cgroup namespace to the engine's default",
    "deviceReadBps": "limit the disk outside Docker",
    "deviceReadIops": "limit the disk outside Docker",
    "deviceRequests": "no devices reach containers of this plug-in",
    "deviceWriteBps": "limit the disk outside Docker",
    "deviceWriteIops": "limit the disk outside Docker",
    "devices": "no devices reach containers of this plug-in",
    "gpus": "no devices reach containers of this plug-in",
    "platform": "images are those of the engine's own platform",
    "storageOpts": "limit the size by the volume's or the engine's own means",
    "usernsMode": "leave the user namespace to the engine's default",
}


def cross_check(inputs: Props) -> Iterator[CheckFailure]:
    """What is wrong between inputs of a container."""
    yield from _check_uploads(inputs)
    yield from _check_volumes(inputs)
    if inputs.get("logs") is True and inputs.get("attach") is False:
        yield CheckFailure("logs", "`logs` needs `attach`: output is saved when the container ends")
    if inputs.get("attach") is True and inputs.get("mustRun") is True:
        reason = "`attach` waits for the end of the container: set `mustRun` to false"
        yield CheckFailure("attach", reason)
    if inputs.get("wait") is True and inputs.get("start") is False:
        yield CheckFailure("wait", "`wait` needs `start`: nothing gets healthy before it starts")


def _check_uploads(inputs: Props) -> Iterator[CheckFailure]:
    uploads = inputs.get("uploads")
    for index, upload in enumerate(uploads if isinstance(uploads, list) else ()):
        if upload is UNKNOWN:
            continue
        sources = [upload.get(name) for name in ("content", "contentBase64", "source")]
        if has_unknown(sources):
            continue
        if sum(1 for source in sources if source) != 1:
            reason = "exactly one of `content`, `contentBase64` and `source` must be given"
            path = f"uploads[{index}]"
            yield CheckFailure(path, f"`{path}` ({upload.get('file')}): {reason}, and not empty")


def _check_volumes(inputs: Props) -> Iterator[CheckFailure]:
    volumes = inputs.get("volumes")
    for index, volume in enumerate(volumes if isinstance(volumes, list) else ()):
        if volume is UNKNOWN:
            continue
        if bool(volume.get("containerPath")) == bool(volume.get("fromContainer")):
            path = f"volumes[{index}]"
            reason = f"`{path}`: exactly one of `containerPath` and `fromContainer` must be given"
            yield CheckFailure(path, reason)


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
