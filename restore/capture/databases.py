"""Dumps a database as of one snapshot, with the server's own tools, and stores the dump."""

from __future__ import annotations

from restore.adapters.postgres import commands
from restore.adapters.postgres.facts import one_snapshot, optional_rows, read_database_facts
from restore.adapters.postgres.sql import Connection, connect, rows
from restore.capture.job import Captured, CaptureJob, size_of
from restore.capture.scratch import SYSTEM_USER
from restore.errors import ReplayError
from restore.model import ArtifactKind, Progress
from restore.profile import DocumentTree
from restore.repository.base import ArtifactSpec
from restore.repository.transfer import Meter, store_tree


def capture_database(job: CaptureJob, name: str) -> Captured:
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
        facts = read_database_facts(connection, job.profile)
        trees = tuple(tree for tree in job.profile.documents if _has_rows(connection, tree))
        _dump(job, name, snapshot)
    return Captured(facts, consistency_point, trees)


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
    size = size_of(job, server.container, folder)
    job.writer.require_space(size)
    spec = ArtifactSpec(
        name=f"database-{database}",
        kind=ArtifactKind.DATABASE,
        database=database,
        location=f"postgresql://{server.container}:{server.port}/{database} in {data_folder(job)}",
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


def data_folder(job: CaptureJob) -> str:
    """Where the server keeps its databases, as it says itself."""
    ask = commands.query(job.source.server.superuser, "postgres", "SHOW data_directory")
    return job.runner.check(job.source.server.container, ask, user=SYSTEM_USER).strip()
