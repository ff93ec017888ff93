"""A rebuilt environment that stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from restore.model.secret import Secret


class Purpose(StrEnum):
    """Whether what is rebuilt takes production's place, or stands beside it.

    A ``STAGING`` copy is made safe before the ERP starts: nothing in it acts in production's name.
    """

    RECOVERY = "recovery"
    STAGING = "staging"


LOCAL: Final = "local"
"""The Docker host that is the engine's own: what ``DOCKER_HOST`` names, or this machine."""


class Role(StrEnum):
    """The servers of an environment."""

    DATABASE = "database"
    ERP = "erp"
    PROXY = "proxy"
    REPORTS_DATABASE = "reports-database"
    REPORTS = "reports"

    @property
    def setting(self) -> str:
        """How names of settings begin that are about this server: ``reportsDatabase``."""
        first, *others = self.value.split("-")
        return first + "".join(word.capitalize() for word in others)

    @property
    def as_erp(self) -> Role | None:
        """What a server of the reports half is when that half is seen as an ERP; else None."""
        return _AS_ERP.get(self)

    @property
    def of_reports(self) -> Role:
        """The server of the reports half that does what this one does for the ERP."""
        return next(theirs for theirs, mine in _AS_ERP.items() if mine is self)


_AS_ERP: Final = {Role.REPORTS_DATABASE: Role.DATABASE, Role.REPORTS: Role.ERP}


@dataclass(frozen=True, slots=True)
class Hosts:
    """On which Docker host each server stands; ``LOCAL`` unless told otherwise."""

    by_role: Mapping[Role, str] = field(default_factory=dict)

    def of(self, role: Role) -> str:
        """The host of a server."""
        return self.by_role.get(role, LOCAL)

    def distinct(self, roles: Iterable[Role]) -> tuple[str, ...]:
        """The hosts of these servers, each once."""
        return tuple(dict.fromkeys(self.of(role) for role in roles))

    def reports_half(self) -> Hosts:
        """The hosts of the reports server and its database server, in the words of an ERP."""
        return Hosts({mine: self.of(theirs) for theirs, mine in _AS_ERP.items()})


ALL_LOCAL: Final = Hosts()


@dataclass(frozen=True, slots=True)
class Addresses:
    """Who has which address of the internal network. All are static: none is ever dealt twice."""

    gateway: str
    database: str
    erp: str
    proxy: str
    reports_database: str
    reports: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server may use: memory in MiB, processors; None is no limit.

    ``shared_memory_mb`` is the size of its ``/dev/shm``; None is Docker's default.
    """

    memory_mb: int | None = None
    cpus: float | None = None
    shared_memory_mb: int | None = None


@dataclass(frozen=True, slots=True)
class Relay:
    """A container through which this machine reaches an address that only containers see."""

    host: str
    container: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class DatabaseServer:
    """A PostgreSQL server that the engine may use.

    ``superuser`` logs in over ``address``:``port`` with ``password``. ``erp_role`` is the role
    that the ERP server uses, with ``erp_password``. ``repository`` is where the container sees the
    backup repository, read-only. ``host`` is the Docker host whose containers alone see that
    address; None where this machine sees it, too. ``tunnel`` is a port of 127.0.0.1 that leads
    there.
    """

    container: str
    address: str
    port: int
    superuser: str
    password: Secret
    erp_role: str
    erp_password: Secret
    repository: str
    host: str | None = None
    tunnel: int | None = None

    @property
    def endpoint(self) -> tuple[str, int]:
        """Address and port at which this machine reaches it."""
        return (self.address, self.port) if self.tunnel is None else ("127.0.0.1", self.tunnel)


@dataclass(frozen=True, slots=True)
class ErpServer:
    """An ERP server: its container and the URL at which this machine reaches it.

    ``host`` is the container's Docker host, as a database server's. ``relay`` leads to the URL's
    port where this machine can't, and ``tunnel`` is a port of 127.0.0.1 that leads there.
    """

    container: str
    address: str
    port: int
    url: str
    host: str | None = None
    relay: Relay | None = None
    tunnel: int | None = None

    @property
    def endpoint(self) -> str:
        """The URL at which this machine reaches it."""
        if self.tunnel is None:
            return self.url
        return urlsplit(self.url)._replace(netloc=f"127.0.0.1:{self.tunnel}").geturl()


@dataclass(frozen=True, slots=True)
class Environment:
    """A rebuilt environment that stands, as its stack's outputs describe it.

    ``reports`` describes the reports server and its database server in the same words, the reports
    server in the place of the ERP; None where there is none. ``certificate`` is the PEM that the
    reverse proxy ``proxy`` serves, without its key; None where it serves plain HTTP.
    """

    stack: str
    network: str
    database: DatabaseServer
    erp: ErpServer
    external_url: str
    reports: Environment | None = None
    proxy: str | None = None
    certificate: str | None = None
    purpose: Purpose = Purpose.RECOVERY
    """What it is for: nothing else is ever replayed into it."""
    anonymised: bool = False
    """Whether its stack has rules of anonymisation: nothing is replayed into it without."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The ERP account that checks log in with; without one, logged-in checks are unverifiable."""

    login: str
    password: Secret


NO_CERTIFICATE: Final = "none"
"""What is given in place of a path for a reverse proxy that serves plain HTTP."""


@dataclass(frozen=True, slots=True)
class StackOverrides:
    """What a stack is told in place of what the generation says; ``None`` leaves it to that.

    ``images`` are by role; ``certificate`` is the path of the reverse proxy's PEM, ``plain`` a
    proxy without one, for those who have a proxy of their own before it.
    """

    images: Mapping[Role, str] = field(default_factory=dict)
    certificate: Path | None = None
    external_url: str | None = None
    plain: bool = False
    hosts: Hosts = ALL_LOCAL


def certificate_choice(setting: str | None, root: Path) -> tuple[Path | None, bool]:
    """The path that a setting gives, relative to ``root``, and whether it asks for plain HTTP."""
    if setting is None or setting == NO_CERTIFICATE:
        return None, setting is not None
    return root / Path(setting).expanduser(), False
