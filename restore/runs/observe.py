"""Facts of an environment: predicted from its images, observed once it stands."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final

from restore import model
from restore.adapters.docker import facts
from restore.adapters.docker.helpers import run_once
from restore.adapters.docker.runner import ImageDescription, Runner
from restore.adapters.postgres import sql
from restore.adapters.postgres.facts import read_server_facts
from restore.adapters.postgres.locales import list_locales
from restore.adapters.postgres.sql import Connection, connect, rows
from restore.errors import EnvironmentFailure, ReplayError
from restore.model.versions import parse_version
from restore.profile import Profile

# The encodings that databases may have are the first ones; those after are for clients only.
_ENCODINGS: Final = """
    SELECT pg_encoding_to_char(number)
    FROM generate_series(0, 34) AS number WHERE pg_encoding_to_char(number) <> ''
"""


def predict_facts(
    runner: Runner,
    blueprint: model.Blueprint,
    profile: Profile,
    hosts: model.Hosts = model.ALL_LOCAL,
) -> model.EnvironmentFacts:
    """Predict an environment's facts from what its images declare; nothing is made or started.

    Nothing is known of an image that is not present: it will be pulled.

    Raises:
        EnvironmentFailure: a Docker host doesn't answer; names it.
    """
    erp, node = _foreseen(runner, hosts.of(model.Role.ERP), blueprint.erp.image)
    series = erp.variables.get(profile.erp.version_variable, "") if erp else ""
    release = erp.variables.get(profile.erp.release_variable or "", "") if erp else ""
    reports = blueprint.reports
    database, server = _foreseen(runner, hosts.of(model.Role.DATABASE), blueprint.database.image)
    proxy, before = _foreseen(runner, hosts.of(model.Role.PROXY), blueprint.proxy_image)
    return model.EnvironmentFacts(
        postgresql=replace(_predicted_postgresql(database, profile), node=server),
        erp=model.ServerFacts(release or series, 0, None, erp.facts if erp else None, node),
        erp_series=series,
        reports=(
            predict_facts(runner, reports, profile.reports.server, hosts.reports_half())
            if reports and profile.reports
            else None
        ),
        proxy=model.ServerFacts("", 0, None, proxy.facts if proxy else None, before),
    )


def observe_facts(
    runner: Runner, environment: model.Environment, profile: Profile
) -> model.EnvironmentFacts:
    """Ask the servers of an environment; the database server runs, the ERP may be stopped.

    Raises:
        EnvironmentFailure: the database server does not answer, or the ERP's container does not
            say what it holds.
    """
    container = environment.erp.container
    erp, series = facts.read_erp_facts(runner, container, profile)
    server = environment.database
    with connect(server) as connection:
        try:
            return model.EnvironmentFacts(
                postgresql=replace(
                    read_server_facts(
                        connection,
                        facts.read_operating_system(runner, server.container),
                        facts.read_image(runner, server.container),
                    ),
                    node=facts.read_node_facts(runner, server.container, profile.database.data),
                ),
                erp=replace(erp, node=facts.read_node_facts(runner, container)),
                erp_series=series,
                extensions=list_extensions(connection),
                collations=list_locales(connection),
                encodings=tuple(sorted(str(name) for (name,) in rows(connection, _ENCODINGS))),
                modules=(
                    available_modules(runner, container, profile)
                    if profile.erp.available_modules
                    else None
                ),
                reports=(
                    observe_facts(runner, environment.reports, profile.reports.server)
                    if environment.reports and profile.reports
                    else None
                ),
                proxy=facts.read_proxy_facts(runner, environment.proxy)
                if environment.proxy
                else None,
                external_url=environment.external_url,
            )
        except sql.Error as error:
            raise EnvironmentFailure(
                f"PostgreSQL at {server.address}:{server.port} does not say what it offers: "
                f"{str(error).strip()}"
            ) from error


def available_modules(runner: Runner, container: str, profile: Profile) -> tuple[str, ...]:
    """The ERP modules that a container holds, running or not, sorted.

    Raises:
        EnvironmentFailure: the profile's command failed or found none.
    """
    argv = profile.erp.available_modules
    try:
        output = run_once(runner, container, argv)
    except ReplayError as error:
        raise EnvironmentFailure(
            f"the modules of {profile.title} could not be listed: {error.message}",
            "see available_modules of the profile",
        ) from error
    paths = (PurePosixPath(line.strip()) for line in output.splitlines() if line.startswith("/"))
    modules = tuple(sorted({path.parent.name for path in paths}))
    if not modules:
        raise EnvironmentFailure(
            f"{argv[0]} found no module of {profile.title} in container {container[:12]}",
            "see available_modules of the profile",
        )
    return modules


def _foreseen(
    runner: Runner, host: str, reference: str
) -> tuple[ImageDescription | None, model.NodeFacts]:
    """The description of an image on a host, and the facts of that host."""
    if host == model.LOCAL:
        return runner.image(reference), facts.foresee_node_facts(runner)
    with closing(Runner.connect(host)) as there:
        return there.image(reference), facts.foresee_node_facts(there)


def _predicted_postgresql(image: ImageDescription | None, profile: Profile) -> model.ServerFacts:
    if image is None:
        return model.ServerFacts("", 0, None, None)
    version = image.variables.get(profile.database.version_variable, "")
    return model.ServerFacts(*parse_version(version), None, image.facts)


def list_extensions(connection: Connection) -> tuple[model.Versioned, ...]:
    """List the extensions that a database server could create, each with its version, sorted."""
    query = "SELECT name, default_version FROM pg_catalog.pg_available_extensions"
    found = (
        model.Versioned(str(name), str(version or "")) for name, version in rows(connection, query)
    )
    return tuple(sorted(found, key=lambda item: (item.name, item.version)))
