"""The servers of an ERP, as a profile describes them."""

from __future__ import annotations

from dataclasses import dataclass

from restore.model import Mount


@dataclass(frozen=True, slots=True)
class DatabaseProfile:
    """PostgreSQL as this ERP uses it.

    ``version_variable`` is the image's environment variable that holds the server's version;
    ``databases`` a query that lists the ERP's databases, one name a row.
    """

    image: str
    version_variable: str
    data: str
    superuser: str
    databases: str


@dataclass(frozen=True, slots=True)
class ProxyProfile:
    """How people reach the ERP.

    ``certificate`` is the path of the reverse proxy's one PEM; ``external_url`` a query on the
    ERP's database whose one value is the URL. None is not described.
    """

    certificate: str | None = None
    external_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErpProfile:
    """The ERP server.

    ``series`` are the versions that this profile knows. ``installed_modules`` is a query giving
    name and version; ``available_modules`` an argv that prints a path a line, whose last folder
    is a module's name. ``role_key`` and ``password_key`` are keys of the ERP's configuration;
    an ERP that holds both in the URI of its database has ``uri_key`` instead.
    """

    image: str
    version_variable: str
    release_variable: str | None = None
    series: tuple[str, ...]
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    user: str
    port: int
    health: tuple[str, ...]
    role_key: str | None = None
    password_key: str | None = None
    uri_key: str | None = None
    data: tuple[Mount, ...]
    installed_modules: str
    available_modules: tuple[str, ...]

    @property
    def login_keys(self) -> tuple[str, ...]:
        """The keys of the ERP's configuration that hold its login to PostgreSQL."""
        return tuple(key for key in (self.role_key, self.password_key, self.uri_key) if key)
