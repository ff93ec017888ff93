"""Makes a generation from a running ERP, which may go on working.

Each database is dumped as of one snapshot, with its row counts read in that very snapshot; then
come the documents, so that no document of the dump can be missing because it was stored later;
last the roles and the configuration. Everything streams into the repository.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import IO, cast

from restore import __version__, commands
from restore.capture_reports import PartWriter, capture_keystore, reports_facts
from restore.capture_scratch import SYSTEM_USER, USUAL, Scratch, scratch_folder
from restore.errors import NotFoundError, ReplayError, UsageError
from restore.facts import (
    database_facts,
    erp_facts,
    image_of,
    one_snapshot,
    operating_system,
    optional_rows,
    server_facts,
)
from restore.model import (
    ArtifactKind,
    DatabaseFacts,
    Fingerprint,
    Generation,
    Progress,
    ProgressListener,
    ReportsFacts,
    Role,
    ServerFacts,
    ignore_progress,
)
from restore.profile import DocumentTree, Profile
from restore.repository.base import (
    ArtifactSpec,
    GenerationSummary,
    GenerationWriter,
    Repository,
    generation_id,
)
from restore.runner import Runner
from restore.source import Source, find_source, list_databases, resolve
from restore.sql import Connection, connect, rows
from restore.transfer import LineReader, Meter, store_file, store_tree


@dataclass(frozen=True, slots=True)
class ReportsContainers:
    """The containers of a production's reports server and of its own database server."""

    database: str
    server: str


@dataclass(frozen=True, slots=True)
class CaptureRequest:
    """What to capture: the two containers of a production, and how the profile reads them.

    ``databases`` limits it to these; empty means all. ``jobs`` is the dump's parallelism.
    ``reports`` are the containers of the reports server, where there is one. ``scratch`` is the
    folder of the database's container in which a dump lies until it is read.
    """

    profile: Profile
    database_container: str
    erp_container: str
    databases: tuple[str, ...] = ()
    jobs: int = 2
    reports: ReportsContainers | None = None
    scratch: str = USUAL


@dataclass(frozen=True, slots=True)
class _Capture:
    """What every part of a capture needs."""

    runner: Runner
    request: CaptureRequest
    source: Source
    writer: GenerationWriter
    now: Callable[[], datetime]
    listener: ProgressListener

    @property
    def profile(self) -> Profile:
        return self.request.profile

    @property
    def scratch(self) -> Scratch:
        """Where dumps lie until they are read."""
        return Scratch(self.runner, self.source.server, self.writer.id, self.request.scratch)


@dataclass(frozen=True, slots=True)
class _Captured:
    """A database that has been dumped; ``trees`` are those of which it has document rows."""

    facts: DatabaseFacts
    consistency_point: datetime
    trees: tuple[DocumentTree, ...]


def capture(
    runner: Runner,
    repository: Repository,
    request: CaptureRequest,
    *,
    now: Callable[[], datetime],
    listener: ProgressListener = ignore_progress,
) -> Generation:
    """Capture a generation; it appears in the repository when it is complete, or not at all.

    Args:
        now: the clock, in UTC.

    Raises:
        NotFoundError: a container or database does not exist.
        EnvironmentFailure: a server does not run or does not answer.
        ReplayError: a dump, a document or a file could not be read or stored.
    """
    started = now()
    source = find_source(runner, request.profile, request.database_container, request.erp_container)
    names = list_databases(source, request.profile, request.databases)
    # Asked first of all: the wrong container should not cost a dump.
    erp = erp_facts(runner, request.erp_container, request.profile)
    with repository.write(generation_id(started, secrets.token_hex(3))) as writer:
        job = _Capture(runner, request, source, writer, now, listener)
        fingerprint, consistency_point = _capture_part(job, names, erp)
        if request.reports is not None:
            reports, other_point = _capture_reports(job, request.reports)
            fingerprint = replace(fingerprint, reports=reports)
            consistency_point = min(consistency_point, other_point)
        return writer.finish(
            GenerationSummary(
                profile=request.profile.name,
                engine_version=__version__,
                started=started,
                finished=now(),
                consistency_point=consistency_point,
                fingerprint=fingerprint,
            )
        )


def _postgresql_facts(job: _Capture, database: str) -> ServerFacts:
    container = job.source.server.container
    with connect(job.source.server, database, as_erp=True) as connection:
        return server_facts(
            connection, operating_system(job.runner, container), image_of(job.runner, container)
        )


def _capture_part(
    job: _Capture, names: tuple[str, ...], erp: tuple[ServerFacts, str]
) -> tuple[Fingerprint, datetime]:
    """Store all of a server and its database server; the fingerprint and the consistency point."""
    with scratch_folder(job.scratch, names):
        captured = tuple(_capture_database(job, name) for name in names)
    for database in captured:
        for tree in job.profile.documents:
            _capture_documents(job, tree, database)
    _capture_roles(job)
    for server in (Role.ERP, Role.DATABASE):
        _capture_configuration(job, server)
    postgresql = _postgresql_facts(job, names[0])
    facts = tuple(item.facts for item in captured)
    return Fingerprint(postgresql, *erp, facts), min(c.consistency_point for c in captured)


def _capture_reports(job: _Capture, containers: ReportsContainers) -> tuple[ReportsFacts, datetime]:
    """Store the reports server, by the same rules, and the keystore of its repository with it."""
    reports = job.profile.reports
    if reports is None:
        raise UsageError(
            f"profile {job.profile.name} describes no reports server",
            "leave the reports server's containers away, or use another profile",
        )
    request = CaptureRequest(
        reports.server,
        containers.database,
        containers.server,
        jobs=job.request.jobs,
        scratch=job.request.scratch,
    )
    source = find_source(job.runner, reports.server, containers.database, containers.server)
    inner = replace(job, request=request, source=source, writer=PartWriter(job.writer))
    names = list_databases(source, reports.server, ())
    erp = erp_facts(job.runner, containers.server, reports.server)
    fingerprint, consistency_point = _capture_part(inner, names, erp)
    keystore = capture_keystore(job.runner, containers.server, reports.keystore, job.writer)
    facts = reports_facts(source.server, names, reports)
    return replace(facts, server=fingerprint, keystore=keystore), consistency_point


def _capture_database(job: _Capture, name: str) -> _Captured:
    """Dump a database and count its rows, both as of one moment."""
    job.listener(Progress(label=f"read {name}"))
    with (
        connect(job.source.server, name, as_erp=True) as connection,
        one_snapshot(connection),
    ):
        for setting in ("idle_in_transaction_session_timeout", "statement_timeout"):
            connection.execute(f"SET LOCAL {setting} = 0".encode())
        # Taken before the snapshot: what is promised is never newer than what is held.
        consistency_point = job.now()
        snapshot = str(rows(connection, "SELECT pg_export_snapshot()")[0][0])
        facts = database_facts(connection, job.profile)
        trees = tuple(tree for tree in job.profile.documents if _has_rows(connection, tree))
        _dump(job, name, snapshot)
    return _Captured(facts, consistency_point, trees)


def _has_rows(connection: Connection, tree: DocumentTree) -> bool:
    if tree.rows is None:
        return False
    # The query is the profile's own.
    found = optional_rows(connection, f"SELECT EXISTS (SELECT FROM ({tree.rows}) AS t)")  # noqa: S608
    return bool(found and found[0][0])


def _dump(job: _Capture, database: str, snapshot: str) -> None:
    """Dump with the server's own tools into its container, then read that into the repository."""
    server, folder = job.source.server, f"{job.scratch.folder}/dump"
    request = commands.DumpRequest(
        database=database,
        folder=folder,
        superuser=server.superuser,
        jobs=job.request.jobs,
        snapshot=snapshot,
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
    size = _size(job, server.container, folder)
    job.writer.require_space(size)
    spec = ArtifactSpec(
        name=f"database-{database}",
        kind=ArtifactKind.DATABASE,
        database=database,
        location=f"postgresql://{server.container}:{server.port}/{database} in {_data(job)}",
        folder=f"database/{database}",
    )
    meter = Meter(f"store {database}", size, job.listener)
    with job.writer.artifact(spec) as artifact:
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


def _data(job: _Capture) -> str:
    """Where the server keeps its databases, as it says itself."""
    ask = commands.query(job.source.server.superuser, "postgres", "SHOW data_directory")
    return job.runner.check(job.source.server.container, ask, user=SYSTEM_USER).strip()


def _capture_documents(job: _Capture, tree: DocumentTree, captured: _Captured) -> None:
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
    meter = Meter(f"documents {spec.name}", _size(job, container, actual), job.listener)
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


def _capture_roles(job: _Capture) -> None:
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


def _capture_configuration(job: _Capture, server: Role) -> None:
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


def _configuration_path(job: _Capture, path: str) -> str:
    """Where a configuration file is, once PostgreSQL has said where its own are."""
    server = job.source.server
    for setting in ("config_file", "hba_file"):
        if f"{{{setting}}}" in path:
            ask = commands.query(server.superuser, "postgres", f"SHOW {setting}")
            answer = job.runner.check(server.container, ask, user=SYSTEM_USER).strip()
            path = path.replace(f"{{{setting}}}", answer)
    return path


def _size(job: _Capture, container: str, path: str) -> int:
    """Bytes that a folder takes, in whole blocks; 0 when it isn't there."""
    done = job.runner.execute(container, ("du", "-sk", path), user="root")
    size = done.stdout.partition("\t")[0]
    return int(size) * 1024 if done.exit_code == 0 and size.isdigit() else 0
