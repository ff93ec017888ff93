"""On which Docker host each server stands, and how Pulumi speaks to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final

import pulumi
import pulumi_docker as docker

from restore.model import LOCAL, Blueprint, Hosts, Role
from stacks.values import Values

_URL: Final = re.compile(r"(ssh://[^\s/@]+(@[^\s/]+)?|unix://(/[^\s/]+)+)/?")
_DATABASES: Final = (Role.DATABASE, Role.REPORTS_DATABASE)


@dataclass(frozen=True, slots=True)
class Placement:
    """The host of each server, and where hosts see the backup repository.

    ``encrypted`` is whether traffic between hosts is.
    """

    hosts: Hosts = field(default_factory=Hosts)
    repository_paths: Mapping[Role, str] = field(default_factory=dict)
    encrypted: bool = True


def read_placement(values: Values) -> Placement:
    """Read the settings; what is wrong is noted in ``values``."""
    hosts = _by_role(values, "hosts", tuple(Role))
    for role, host in hosts.items():
        if host != LOCAL and not _URL.fullmatch(host):
            values.wrong(
                f"hosts.{role.setting}",
                f"must be {LOCAL}, ssh://user@host or unix:///path, not {host!r}",
            )
    paths = _by_role(values, "repositoryPaths", _DATABASES)
    for role, path in paths.items():
        if not PurePosixPath(path).is_absolute():
            values.wrong(f"repositoryPaths.{role.setting}", f"must be absolute, not {path!r}")
    encrypted = values.boolean("encryptOverlay", True)
    return Placement(Hosts(MappingProxyType(hosts)), MappingProxyType(paths), encrypted)


def _by_role(values: Values, name: str, roles: tuple[Role, ...]) -> dict[Role, str]:
    found = values.fields(name, tuple(role.setting for role in roles))
    return {role: found[role.setting] for role in roles if role.setting in found}


def roles_of(blueprint: Blueprint) -> tuple[Role, ...]:
    """The servers that an environment has."""
    reports = (Role.REPORTS_DATABASE, Role.REPORTS) if blueprint.reports else ()
    return (Role.DATABASE, Role.ERP, Role.PROXY, *reports)


class Sites:
    """The hosts of one environment and a Pulumi provider for each that isn't the engine's own."""

    def __init__(
        self, name: str, hosts: Hosts, roles: Iterable[Role], parent: pulumi.Resource
    ) -> None:
        self._hosts = hosts
        self._parent = parent
        distinct = hosts.distinct(roles)
        self.several = len(distinct) > 1
        # A network of several hosts is seen by none of them, nor by this machine.
        self.remote = distinct != (LOCAL,)
        self._providers = {
            host: docker.Provider(
                f"{name}-host-{number}",
                host=host,
                opts=pulumi.ResourceOptions(parent=parent),
            )
            for number, host in enumerate(distinct, 1)
            if host != LOCAL
        }

    def options(self, role: Role, parent: pulumi.Resource | None = None) -> pulumi.ResourceOptions:
        """Options of a component that makes a server: it stands on the server's host."""
        provider = self._providers.get(self._hosts.of(role))
        inside = parent or self._parent
        if provider is None:
            return pulumi.ResourceOptions(parent=inside)
        return pulumi.ResourceOptions(parent=inside, providers=[provider])

    def host(self, role: Role) -> str | None:
        """The host of a server, for outputs; None where this machine sees every server."""
        return self._hosts.of(role) if self.remote else None

    def far(self, role: Role) -> str | None:
        """The host of a server; None where it is this machine's own engine."""
        host = self._hosts.of(role)
        return None if host == LOCAL else host


def relay(
    host: str | None, container: pulumi.Input[str], address: str, port: int
) -> dict[str, pulumi.Input[object]] | None:
    """The output ``stacks.outputs.RELAY``; None for an address on this machine's own host."""
    if host is None:
        return None
    return {"host": host, "container": container, "address": address, "port": port}


def given(outputs: Mapping[str, pulumi.Input[object] | None]) -> dict[str, pulumi.Input[object]]:
    """The outputs that there are."""
    return {name: value for name, value in outputs.items() if value is not None}
