"""A rebuilt environment that stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from restore.secret import Secret


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


@dataclass(frozen=True, slots=True)
class DatabaseServer:
    """A PostgreSQL server that the engine may use.

    ``superuser`` logs in over ``address``:``port`` with ``password``. ``erp_role`` is the role
    that the ERP server uses, with ``erp_password``. ``repository`` is where the container sees the
    backup repository, read-only.
    """

    container: str
    address: str
    port: int
    superuser: str
    password: Secret
    erp_role: str
    erp_password: Secret
    repository: str


@dataclass(frozen=True, slots=True)
class ErpServer:
    """An ERP server: its container and the URL at which this machine reaches it."""

    container: str
    address: str
    port: int
    url: str


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


@dataclass(frozen=True, slots=True)
class Credentials:
    """The ERP account that checks log in with; without one, logged-in checks are unverifiable."""

    login: str
    password: Secret
