"""The environment that a generation asks for, before it is made."""

from __future__ import annotations

from dataclasses import dataclass

from restore.model.secret import Secret


@dataclass(frozen=True, slots=True)
class ConfigurationChange:
    """One key of a configuration file that the new environment needs otherwise.

    ``before`` is None when the key was absent. Secret values are masked.
    """

    file: str
    key: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class Upload:
    """A text file that the stack puts into a container before it starts."""

    path: str
    content: str


@dataclass(frozen=True, slots=True)
class Mount:
    """A named volume of the environment and where a container sees it."""

    volume: str
    path: str


@dataclass(frozen=True, slots=True)
class ServerBlueprint:
    """What the stack must know to rebuild one server as the generation had it.

    ``health`` is the probe's argv, run inside the container. ``user`` is the image's own when None.
    """

    image: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    port: int
    health: tuple[str, ...]
    mounts: tuple[Mount, ...]
    uploads: tuple[Upload, ...] = ()
    environment: tuple[str, ...] = ()
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Blueprint:
    """The equivalent environment that a generation asks for, computed before anything is made.

    ``changes`` are the keys of production's PostgreSQL configuration that had to become others.
    ``reports`` is the same for the reports server and its database server; None without one.
    ``certificate`` is the whole PEM that the reverse proxy serves; None for plain HTTP.
    """

    generation: str
    profile: str
    erp_role: str
    database: ServerBlueprint
    erp: ServerBlueprint
    proxy_image: str
    changes: tuple[ConfigurationChange, ...] = ()
    reports: Blueprint | None = None
    certificate: Secret | None = None
