"""A production that runs: where its servers are, and as whom the ERP speaks to its database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from restore.adapters.docker.engine import Container
from restore.adapters.docker.runner import Runner
from restore.adapters.postgres.sql import connect, rows
from restore.errors import EnvironmentFailure, NotFoundError, ReplayError
from restore.model import DatabaseServer, Role
from restore.model.secret import Secret
from restore.plan.configuration.erp_login import erp_login
from restore.plan.configuration.files import decode
from restore.profile import Profile

PORT: Final = 5432


@dataclass(frozen=True, slots=True)
class Source:
    """The two servers of a production. Only the ERP's role and password of ``server`` are known."""

    server: DatabaseServer
    erp_container: str


def find_source(
    runner: Runner, profile: Profile, database_container: str, erp_container: str
) -> Source:
    """Look a production up by its containers; the ERP's own configuration gives the login.

    Raises:
        NotFoundError: a container does not exist.
        EnvironmentFailure: one does not run or has no address.
        ReplayError: the ERP's configuration names no role or no password.
    """
    database = _running(runner, database_container)
    erp = _running(runner, erp_container)
    role, password = _login(runner, erp_container, profile)
    return Source(
        server=DatabaseServer(
            container=database_container,
            address=_address(database, erp),
            port=PORT,
            superuser=profile.database.superuser,
            password=Secret(""),
            erp_role=role,
            erp_password=password,
            repository="",
        ),
        erp_container=erp_container,
    )


def list_databases(source: Source, profile: Profile, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The ERP's databases: all that the profile's query finds, or those that are wanted.

    Raises:
        NotFoundError: there is none, or a wanted one does not exist.
    """
    with connect(source.server, "postgres", as_erp=True) as connection:
        found = tuple(str(row[0]) for row in rows(connection, profile.database.databases))
    where = f"the server in container {source.server.container}"
    if missing := [name for name in wanted if name not in found]:
        raise NotFoundError(
            f"{where} has no database {', '.join(missing)}",
            f"it has {', '.join(found) or 'none'}",
        )
    if not found:
        raise NotFoundError(
            f"{where} has no database of an ERP",
            "is it the right container, and the right profile?",
        )
    return tuple(dict.fromkeys(wanted)) or found


@contextmanager
def required(container: str, path: str) -> Iterator[None]:
    """Read a configuration file in the body.

    Raises:
        ReplayError: there is none.
    """
    try:
        yield
    except NotFoundError as error:
        raise ReplayError(
            f"container {container} has no configuration file {path}",
            "does the profile name the right path?",
        ) from error


def resolve(runner: Runner, container: str, path: str) -> str:
    """Where a path of a running container leads when links are followed; itself if to nowhere."""
    done = runner.execute(container, ("readlink", "-f", path), user="root")
    return done.stdout if done.exit_code == 0 and done.stdout else path


def _running(runner: Runner, name: str) -> Container:
    container = runner.container(name)
    if not container.attrs["State"]["Running"]:
        raise EnvironmentFailure(
            f"container {name} is not running but {container.status}",
            "capture reads a production that runs: start it",
        )
    return container


def _address(database: Container, erp: Container) -> str:
    """The database server's address, on a network that the ERP shares if there is one."""
    own, shared = (item.attrs["NetworkSettings"]["Networks"] for item in (database, erp))
    addresses = {name: network["IPAddress"] for name, network in own.items()}
    usable = [name for name in sorted(addresses, key=lambda n: n not in shared) if addresses[name]]
    if usable:
        return str(addresses[usable[0]])
    if database.attrs["HostConfig"]["NetworkMode"] == "host":
        return "127.0.0.1"
    raise EnvironmentFailure(
        f"container {database.name} is on no network", "connect it to the ERP's network"
    )


def _login(runner: Runner, container: str, profile: Profile) -> tuple[str, Secret]:
    files = profile.configuration_of(Role.ERP)
    for file in files:
        with required(container, file.path):
            content = runner.read_file(container, resolve(runner, container, file.path))
        login = erp_login(decode(content), file, profile.erp)
        if login.role and login.password:
            return login.role, login.password
    keys = profile.erp.login_keys
    wanted = f"both {' and '.join(keys)}" if len(keys) > 1 else f"role and password in {keys[0]}"
    raise ReplayError(
        f"no configuration file of container {container} "
        f"({', '.join(file.path for file in files)}) has {wanted}",
        "the capture logs in as the ERP does: set them there",
    )
