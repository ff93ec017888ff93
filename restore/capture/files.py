"""Stores what are files in production: documents, configuration, and the roles as SQL."""

from __future__ import annotations

from contextlib import suppress
from typing import IO, cast

from restore.adapters.postgres import commands
from restore.capture.job import Captured, CaptureJob, size_of
from restore.capture.scratch import SYSTEM_USER
from restore.capture.source import resolve
from restore.errors import NotFoundError, ReplayError
from restore.model import ArtifactKind, Role
from restore.profile import DocumentTree
from restore.repository.base import ArtifactSpec
from restore.repository.transfer import LineReader, Meter, store_file, store_tree


def capture_documents(job: CaptureJob, tree: DocumentTree, captured: Captured) -> None:
    """Store a database's folder of a document tree."""
    database = captured.facts.name
    container = job.source.erp_container
    path = tree.path.replace("{database}", database)
    spec = ArtifactSpec(
        name=f"{tree.name}-{database}",
        kind=ArtifactKind.DOCUMENTS,
        database=database,
        location=path,
        folder=f"documents/{tree.name}/{database}",
    )
    actual = resolve(job.runner, container, path)
    meter = Meter(f"documents {spec.name}", size_of(job, container, actual), job.listener)
    stored = 0
    with job.writer.artifact(spec) as artifact, suppress(NotFoundError):
        members = job.runner.read_archive(container, actual)
        stored = store_tree(members, artifact, meter, origins=True)
    if not stored and tree in captured.trees:
        raise ReplayError(
            f"database {database} has documents, "
            f"but container {container} has no folder {path}, or nothing in it",
            "is its volume mounted? does the profile name the right path?",
        )


def capture_roles(job: CaptureJob) -> None:
    """Store the roles, without their passwords."""
    server = job.source.server
    spec = ArtifactSpec(
        name="roles",
        kind=ArtifactKind.ROLES,
        database=None,
        location=f"postgresql://{server.container}:{server.port}",
        folder="roles",
    )
    lines = job.runner.lines(
        server.container, commands.dump_roles(server.superuser), user=SYSTEM_USER
    )
    with job.writer.artifact(spec) as artifact:
        artifact.add("roles.sql", cast(IO[bytes], LineReader(lines)))


def capture_configuration(job: CaptureJob, server: Role) -> None:
    """Store the configuration files of a server, byte for byte."""
    container = job.source.erp_container if server is Role.ERP else job.source.server.container
    files = {
        file.name: _configuration_path(job, file.path)
        for file in job.profile.configuration_of(server)
        if not file.keystore
    }
    spec = ArtifactSpec(
        name=f"configuration-{server}",
        kind=ArtifactKind.CONFIGURATION,
        database=None,
        location=", ".join(files.values()),
        folder=f"configuration/{server}",
    )
    with job.writer.artifact(spec) as artifact:
        for name, path in files.items():
            try:
                members = job.runner.read_archive(container, resolve(job.runner, container, path))
                store_file(members, artifact, name)
            except NotFoundError as error:
                raise ReplayError(
                    f"container {container} has no configuration file {path}",
                    "does the profile name the right path?",
                ) from error


def _configuration_path(job: CaptureJob, path: str) -> str:
    """Where a configuration file is, once PostgreSQL has said where its own are."""
    server = job.source.server
    for setting in ("config_file", "hba_file"):
        if f"{{{setting}}}" in path:
            ask = commands.query(server.superuser, "postgres", f"SHOW {setting}")
            answer = job.runner.check(server.container, ask, user=SYSTEM_USER).strip()
            path = path.replace(f"{{{setting}}}", answer)
    return path
