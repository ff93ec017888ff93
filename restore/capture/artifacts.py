"""Stores each part of a production: databases, documents, roles, configuration, certificate.

A database is dumped as of one snapshot, with the server's own tools; files are stored as they are.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import IO, Final, cast

from restore.adapters.docker.facts import read_proxy_facts
from restore.adapters.docker.runner import Runner
from restore.adapters.postgres import commands, objects
from restore.adapters.postgres.facts import one_snapshot, optional_rows, read_database_facts
from restore.adapters.postgres.sql import Connection, connect, rows
from restore.adapters.streams import ChunkReader
from restore.capture.job import Captured, CaptureJob, size_of
from restore.capture.scratch import SYSTEM_USER
from restore.capture.source import required, resolve
from restore.errors import NotFoundError, ReplayError, UsageError
from restore.model import (
    ArtifactKind,
    CertificateFacts,
    DatabaseServer,
    LargeObjects,
    Progress,
    ProxyFacts,
    Role,
)
from restore.plan.equivalence.certificate import judge
from restore.profile import DocumentTree, Profile
from restore.repository import base
from restore.repository.folder_writer import GenerationWriter
from restore.repository.transfer import Members, Meter, store_file, store_tree

_SHOWN: Final = 5
"""Files that are named of those that were not read."""


def capture_database(job: CaptureJob, name: str) -> Captured:
    """Dump a database and count its rows, both as of one moment."""
    job.listener(Progress(label=f"read {name}"))
    with connect(job.source.server, name, as_erp=True) as connection, one_snapshot(connection):
        for setting in ("idle_in_transaction_session_timeout", "statement_timeout"):
            connection.execute(f"SET LOCAL {setting} = 0".encode())
        # Taken before the snapshot: what is promised is never newer than what is held.
        consistency_point = job.now()
        snapshot = str(rows(connection, "SELECT pg_export_snapshot()")[0][0])
        facts = read_database_facts(connection, job.profile)
        large_objects = _large_objects(job, name, snapshot, facts.large_objects)
        trees = tuple(tree for tree in job.profile.documents if _has_rows(connection, tree))
        _dump(job, name, snapshot)
        # No snapshot holds sequences: each dump reads where they stand at some moment in between.
        later = objects.read_sequences(connection)
    sequences = objects.with_later(facts.sequences or (), later)
    facts = replace(facts, sequences=sequences, large_objects=large_objects)
    return Captured(facts, consistency_point, trees)


def _large_objects(
    job: CaptureJob, database: str, snapshot: str, told: LargeObjects | None
) -> LargeObjects | None:
    """Large objects with their bytes, which only a superuser may read, as of the snapshot."""
    if told is None or told.bytes is not None:
        return told
    server = job.source.server
    # Its last result is all that every version of psql shows; the session's end is the end of it.
    statement = (
        "BEGIN ISOLATION LEVEL REPEATABLE READ; "
        f"SET TRANSACTION SNAPSHOT {commands.literal(snapshot)}; {objects.LARGE_OBJECT_BYTES}"
    )
    argv = commands.query(server.superuser, database, statement)
    found = job.runner.check(server.container, argv, user=SYSTEM_USER)
    return replace(told, bytes=int(found))


def _has_rows(connection: Connection, tree: DocumentTree) -> bool:
    if tree.rows is None:
        return False
    # The query is the profile's own.
    found = optional_rows(connection, f"SELECT EXISTS (SELECT FROM ({tree.rows}) AS t)")  # noqa: S608
    return bool(found and found[0][0])


def _dump(job: CaptureJob, database: str, snapshot: str) -> None:
    """Dump with the server's own tools into its container, then read that into the repository."""
    server, folder = job.source.server, f"{job.scratch.folder}/dump"
    request = commands.DumpRequest(
        database, folder, server.superuser, jobs=job.request.jobs, snapshot=snapshot
    )
    job.listener(Progress(label=f"dump {database}"))
    job.runner.check(
        server.container,
        commands.dump_database(request),
        user=SYSTEM_USER,
        environment={"PGAPPNAME": job.writer.id},
    )
    # An unreadable table of contents is found here, not in a drill.
    job.runner.check(server.container, commands.list_dump(folder), user=SYSTEM_USER)
    size = size_of(job, server.container, folder)
    job.writer.require_space(size)
    where = f"postgresql://{server.container}:{server.port}/{database} in {data_folder(job)}"
    meter = Meter(f"store {database}", size, job.listener)
    with job.artifact(base.database_spec(database, where)) as artifact:
        members = job.runner.read_archive(server.container, folder)
        stored = store_tree(members, artifact, meter, origins=False)
    # Docker leaves out of an archive what it can't read, without a word.
    listed = job.runner.lines(server.container, ("find", folder, "-type", "f"), user=SYSTEM_USER)
    if (dumped := sum(1 for _ in listed)) != stored:
        raise ReplayError(
            f"the dump of {database} has {dumped} files, of which {stored} were read",
            "capture again; the Docker engine's own log may say why",
        )
    job.runner.check(server.container, ("rm", "-rf", folder), user=SYSTEM_USER)


def data_folder(job: CaptureJob) -> str:
    """Where the server keeps its databases, as it says itself."""
    ask = commands.query(job.source.server.superuser, "postgres", "SHOW data_directory")
    return job.runner.check(job.source.server.container, ask, user=SYSTEM_USER).strip()


def capture_documents(job: CaptureJob, tree: DocumentTree, captured: Captured) -> None:
    """Store a database's folder of a document tree."""
    database = captured.facts.name
    container = job.source.erp_container
    path = tree.path.replace("{database}", database)
    spec = base.documents_spec(tree.name, database, path)
    actual = resolve(job.runner, container, path)
    meter = Meter(f"documents {spec.name}", size_of(job, container, actual), job.listener)
    unread = _files_in(job, container, actual)
    stored = 0
    with job.artifact(spec) as artifact, suppress(NotFoundError):
        members = job.runner.read_archive(container, actual)
        stored = store_tree(_ticked_off(members, unread), artifact, meter, origins=True)
    # Docker leaves out of an archive what it can't read, without a word; what the ERP has removed
    # meanwhile is no loss.
    if unread and (lost := sorted(unread & _files_in(job, container, actual))):
        raise ReplayError(
            f"{len(lost)} files of folder {path} in container {container} were not read: "
            f"{', '.join(lost[:_SHOWN])}",
            "capture again; the Docker engine's own log may say why",
        )
    if stored or (tree.rows is not None and tree not in captured.trees):
        # Rows that name no document say of an empty folder that it is right.
        return
    if tree in captured.trees:
        raise ReplayError(
            f"database {database} has documents, "
            f"but container {container} has no folder {path}, or nothing in it",
            "is its volume mounted? does the profile name the right path?",
        )
    if not tree.may_be_empty:
        raise ReplayError(
            f"container {container} has no folder {path}, or nothing in it",
            "is its volume mounted? does the profile name the right path? if it is empty at times, "
            f"say may_be_empty: true of tree {tree.name} in the profile",
        )


def _files_in(job: CaptureJob, container: str, folder: str) -> set[str]:
    """The files beneath a folder as the container itself sees them; none where it is not there.

    About 150 bytes for each. One whose path has a line break can't be told and is left out.
    """
    if job.runner.execute(container, ("test", "-d", folder), user="root").exit_code:
        return set()
    argv = ("find", folder, "-type", "f", "!", "-path", "*\n*")
    listed = job.runner.lines(container, argv, user="root")
    return {line.removeprefix(f"{folder}/") for line in listed}


def _ticked_off(members: Members, unread: set[str]) -> Members:
    for item in members:
        unread.discard(item[0].name.partition("/")[2])
        yield item


def capture_roles(job: CaptureJob) -> None:
    """Store the roles, without their passwords."""
    server = job.source.server
    spec = base.roles_spec(f"postgresql://{server.container}:{server.port}")
    lines = job.runner.lines(
        server.container, commands.dump_roles(server.superuser), user=SYSTEM_USER
    )
    pieces = (line.encode(errors="surrogateescape") + b"\n" for line in lines)
    with job.artifact(spec) as artifact:
        artifact.add("roles.sql", cast(IO[bytes], ChunkReader(pieces)))


def capture_configuration(job: CaptureJob, server: Role) -> None:
    """Store the configuration files of a server, byte for byte."""
    container = job.source.erp_container if server is Role.ERP else job.source.server.container
    files = {
        file.name: _configuration_path(job, file.path)
        for file in job.profile.configuration_of(server)
        if not file.keystore
    }
    spec = base.configuration_spec(server, ", ".join(files.values()))
    with job.artifact(spec) as artifact:
        for name, path in files.items():
            with required(container, path):
                members = job.runner.read_archive(container, resolve(job.runner, container, path))
                store_file(members, artifact, name)


def _configuration_path(job: CaptureJob, path: str) -> str:
    """Where a configuration file is, once PostgreSQL has said where its own are."""
    server = job.source.server
    for setting in ("config_file", "hba_file"):
        if f"{{{setting}}}" in path:
            ask = commands.query(server.superuser, "postgres", f"SHOW {setting}")
            answer = job.runner.check(server.container, ask, user=SYSTEM_USER).strip()
            path = path.replace(f"{{{setting}}}", answer)
    return path


NAME: Final = "certificate"
FILE: Final = "certificate.pem"


def capture_proxy(
    runner: Runner, container: str, profile: Profile, writer: GenerationWriter, now: datetime
) -> ProxyFacts:
    """Store the certificate that a reverse proxy serves, byte for byte, and tell of the proxy.

    An expired one is stored as well: a drill will say so.

    Raises:
        UsageError: the profile doesn't say where the certificate is.
        ReplayError: it is not there, or is no certificate with its key.
    """
    path = profile.proxy.certificate
    if path is None:
        raise UsageError(
            f"profile {profile.name} does not say where the reverse proxy's certificate is",
            "add proxy.certificate to the profile, or leave --proxy-container away",
        )
    facts = _certificate(runner, container, path, now)
    spec = base.ArtifactSpec(
        name=NAME, kind=ArtifactKind.CERTIFICATE, database=None, location=path, folder=NAME
    )
    with writer.artifact(spec) as artifact:
        store_file(runner.read_archive(container, resolve(runner, container, path)), artifact, FILE)
    return ProxyFacts(read_proxy_facts(runner, container), facts)


def external_url(
    server: DatabaseServer, databases: tuple[str, ...], profile: Profile
) -> str | None:
    """The URL at which people reach the ERP, as its main database says; None when it is mute."""
    query = profile.proxy.external_url
    if query is None:
        return None
    with connect(server, databases[0], as_erp=True) as connection:
        found = optional_rows(connection, query)
    return str(found[0][0] or "").strip() or None if found else None


def _certificate(runner: Runner, container: str, path: str, now: datetime) -> CertificateFacts:
    try:
        content = runner.read_file(container, resolve(runner, container, path))
    except NotFoundError as error:
        raise ReplayError(
            f"reverse proxy {container} has no certificate {path}",
            "does the profile name the right path? it is one PEM with certificate, key and chain",
        ) from error
    judged = judge(content, None, now)
    if judged.facts is None or not judged.servable:
        wrong = [item.message for item in judged.differences if item.key == "certificate.key"]
        raise ReplayError(
            f"{path} of reverse proxy {container} is no PEM to serve: {'; '.join(wrong)}",
            "put certificate, key and chain into one PEM, in this order",
        )
    return judged.facts
