"""Captures from real servers: PostgreSQL, and a container of the ERP's image that holds its files.

The ERP itself does not run here; ``test_capture_production.py`` holds the whole of it.
"""

from __future__ import annotations

import gc
import hashlib
import os
import shutil
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from docker.models.containers import Container
from psycopg import sql
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from fixtures.site import CONFIGURATION, ERP_ROLE, ODOO_IMAGE, Site, new_site, put_files
from restore.adapters.docker.facts import read_erp_facts, read_image
from restore.adapters.docker.runner import Runner
from restore.capture.capture import CaptureRequest, capture
from restore.errors import EnvironmentFailure, NotFoundError, ReplayError
from restore.model import ArtifactKind, FileEntry, Generation, Progress, TableFacts, Versioned
from restore.profile import DocumentTree, load_profile
from restore.repository import folder_writer
from restore.repository.folder import FolderRepository
from restore.repository.verify import verify
from tests.support.containers import output_of
from tests.support.repository import DATABASE

pytestmark = pytest.mark.docker

CONTENTS = (b"a quotation\n", b"an invoice\n" * 400, bytes(range(256)) * 2000)
DOCUMENTS = f"/var/lib/odoo/filestore/{DATABASE}"
TABLES = """
    CREATE TABLE ir_module_module (name text, state text, latest_version text);
    INSERT INTO ir_module_module VALUES
        ('sale', 'installed', '14.0.1.1'), ('base', 'installed', '14.0.1.3'),
        ('stock', 'uninstalled', NULL);
    CREATE TABLE ir_attachment (id serial, name text, store_fname text, checksum text);
    CREATE TABLE res_partner (id serial PRIMARY KEY, name text);
    INSERT INTO res_partner (name) SELECT 'partner ' || n FROM generate_series(1, 5) AS n;
    CREATE SCHEMA audit;
    CREATE TABLE audit.log (line text);
    CREATE TABLE audit.parted (day date) PARTITION BY RANGE (day);
"""


def stored_name(content: bytes) -> str:
    """Where the ERP stores a document: under its SHA-1."""
    name = hashlib.sha1(content).hexdigest()  # noqa: S324
    return f"{name[:2]}/{name}"


@dataclass(frozen=True, slots=True)
class StandIn:
    """A production whose ERP sleeps."""

    site: Site
    database: Container
    erp: Container

    @property
    def request(self) -> CaptureRequest:
        return CaptureRequest(
            profile=load_profile("odoo"),
            database_container=str(self.database.name),
            erp_container=str(self.erp.name),
            databases=(DATABASE,),
        )

    def execute(self, statements: str, database: str = DATABASE) -> None:
        """Run SQL as the superuser."""
        with self.site.connect(self.database, database) as connection:
            connection.execute(statements.encode())

    def run(self, *argv: str) -> str:
        """Run a command in the ERP's container as root."""
        return output_of(self.erp, argv, user="root")

    def left_behind(self) -> str:
        """What captures left in the database's container."""
        done = self.database.exec_run(["find", "/", "-xdev", "-name", "pra-20*"])
        assert isinstance(done.output, bytes)
        return done.output.decode()


@pytest.fixture(scope="module")
def made(docker_runner: Runner) -> Iterator[StandIn]:
    """One stand-in for all tests of this module."""
    with new_site(docker_runner.client) as site:
        database = site.start_database()
        make_database(site, database, DATABASE)
        erp = site.start("erp", ODOO_IMAGE, entrypoint=["sleep"], command=("infinity",))
        put_files(erp, "/etc/odoo", {"odoo.conf": site.configuration(DATABASE)}, 0o640)
        files = {f"filestore/{DATABASE}/{stored_name(c)}": c for c in CONTENTS}
        put_files(erp, "/var/lib/odoo", files, 0o644)
        yield StandIn(site, database, erp)


def make_database(site: Site, container: Container, name: str) -> None:
    """A database of the ERP's role with the few tables that a capture asks for."""
    with site.connect(container, "postgres") as connection:
        query = "CREATE DATABASE {} OWNER {} TEMPLATE template0 LC_COLLATE 'fr_FR.utf8'"
        connection.execute(sql.SQL(query).format(sql.Identifier(name), sql.Identifier(ERP_ROLE)))
    with site.connect(container, name) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(ERP_ROLE)))
        connection.execute(TABLES.encode())
        for content in CONTENTS:
            connection.execute(
                "INSERT INTO ir_attachment (name, store_fname, checksum) VALUES ('x', %s, %s)",
                (stored_name(content), stored_name(content)[3:]),
            )


def take(
    runner: Runner, repository: FolderRepository, request: CaptureRequest, listener: Any = None
) -> Generation:
    """Capture with the real clock."""
    return capture(
        runner,
        repository,
        request,
        now=lambda: datetime.now(UTC),
        listener=listener or (lambda _progress: None),
    )


def entries(
    repository: FolderRepository, generation: Generation, kind: ArtifactKind
) -> dict[str, FileEntry]:
    """The index of a generation's only artefact of a kind."""
    (artifact,) = generation.artifacts_of(kind)
    return {entry.path: entry for entry in repository.read_index(generation, artifact)}


def test_a_generation_holds_what_production_was(
    docker_runner: Runner, repository: FolderRepository, made: StandIn
) -> None:
    before = datetime.now(UTC)
    generation = take(docker_runner, repository, made.request)
    assert repository.load(generation.id) == generation
    assert verify(repository, generation, jobs=2).problems == ()
    assert before <= generation.started <= generation.consistency_point <= generation.finished
    (facts,) = generation.fingerprint.databases
    assert facts.tables == (
        TableFacts("audit", "log", 0),
        TableFacts("public", "ir_attachment", 3),
        TableFacts("public", "ir_module_module", 3),
        TableFacts("public", "res_partner", 5),
    )
    assert facts.modules == (Versioned("base", "14.0.1.3"), Versioned("sale", "14.0.1.1"))
    assert (facts.owner, facts.encoding, facts.collate) == (ERP_ROLE, "UTF8", "fr_FR.utf8")
    libc = output_of(made.database, ["ldd", "--version"]).splitlines()[0].split()[-1]
    assert facts.collation_version == libc
    assert [extension.name for extension in facts.extensions] == ["plpgsql"]
    server = generation.fingerprint.postgresql
    assert server.version_number // 10000 == 13
    assert server.os is not None
    assert server.os.startswith("Debian GNU/Linux 11")
    assert server.image is not None
    assert server.image.reference == "pra/postgresql:13"
    assert generation.fingerprint.erp_series == "14.0"
    assert generation.fingerprint.erp.version.startswith("14.0")
    assert made.left_behind() == ""


def test_documents_and_configuration_keep_content_and_origin(
    docker_runner: Runner, repository: FolderRepository, made: StandIn
) -> None:
    generation = take(docker_runner, repository, made.request)
    documents = entries(repository, generation, ArtifactKind.DOCUMENTS)
    assert {path: entry.sha256 for path, entry in documents.items()} == {
        stored_name(content): hashlib.sha256(content).hexdigest() for content in CONTENTS
    }
    assert {(entry.owner, entry.group, entry.mode) for entry in documents.values()} == {
        (101, 101, 0o644)
    }
    stored = generation.root / "configuration" / "erp" / "odoo.conf"
    assert stored.read_bytes() == made.site.configuration(DATABASE)
    assert stored.stat().st_mode & 0o777 == 0o400
    configuration = generation.root / "configuration" / "database"
    assert b"max_connections" in (configuration / "postgresql.conf").read_bytes()
    assert b"scram-sha-256" in (configuration / "pg_hba.conf").read_bytes()


def test_no_password_is_anywhere_but_in_the_erps_own_configuration(
    docker_runner: Runner, repository: FolderRepository, made: StandIn
) -> None:
    told: list[Progress] = []
    generation = take(docker_runner, repository, made.request, told.append)
    passwords = made.site.passwords
    secrets = (passwords.superuser, passwords.erp, passwords.reporting, passwords.manager)
    for path in generation.root.rglob("*"):
        if path.is_file() and path.name != "odoo.conf":
            content = path.read_bytes()
            assert not [secret for secret in secrets if secret.encode() in content], path
    shown = f"{generation}{told}"
    assert not [secret for secret in secrets if secret in shown]
    roles = (generation.root / "roles" / "roles.sql").read_text()
    assert "CREATE ROLE reporting" in roles
    assert "PASSWORD" not in roles
    assert "SCRAM-SHA-256$" not in roles


def test_a_second_capture_stores_only_what_changed(
    docker_runner: Runner, repository: FolderRepository, made: StandIn
) -> None:
    first = take(docker_runner, repository, made.request)
    second = take(docker_runner, repository, made.request)
    assert repository.ids() == (first.id, second.id)
    (artifact,) = second.artifacts_of(ArtifactKind.DOCUMENTS)
    for content in CONTENTS:
        path = f"{artifact.folder}/{stored_name(content)}"
        assert (first.root / path).stat().st_ino == (second.root / path).stat().st_ino
    assert verify(repository, second, jobs=2).problems == ()


def test_rows_and_dump_are_of_one_moment(
    docker_runner: Runner, repository: FolderRepository, made: StandIn
) -> None:
    """A row entered after the count but before the dump belongs to neither."""

    def enter(progress: Progress) -> None:
        if progress.label.startswith("dump"):
            made.execute("INSERT INTO res_partner (name) VALUES ('too late')")

    try:
        generation = take(docker_runner, repository, made.request, enter)
    finally:
        made.execute("DELETE FROM res_partner WHERE name = 'too late'")
    (facts,) = generation.fingerprint.databases
    assert TableFacts("public", "res_partner", 5) in facts.tables
    dump = generation.root / "database" / DATABASE
    put_files(
        made.database, "/tmp", {f"dump/{f.name}": f.read_bytes() for f in dump.iterdir()}, 0o644
    )
    argv = ["pg_restore", "--data-only", "--table=res_partner", "--file=-", "/tmp/dump"]
    text = output_of(made.database, argv)
    made.database.exec_run(["rm", "-r", "/tmp/dump"])
    assert "partner 5" in text
    assert "too late" not in text


def test_links_within_production_are_followed_and_hard_links_stored(
    docker_runner: Runner, repository: FolderRepository, made: StandIn
) -> None:
    """Configuration and documents often lie elsewhere, behind a link."""
    first = stored_name(CONTENTS[0])
    made.run("mv", CONFIGURATION, "/etc/odoo/real.conf")
    made.run("ln", "-s", "real.conf", CONFIGURATION)
    made.run("mv", DOCUMENTS, "/var/lib/odoo/elsewhere")
    made.run("ln", "-s", "/var/lib/odoo/elsewhere", DOCUMENTS)
    made.run("ln", f"{DOCUMENTS}/{first}", f"{DOCUMENTS}/same")
    try:
        generation = take(docker_runner, repository, made.request)
    finally:
        made.run("rm", f"{DOCUMENTS}/same")
        made.run("rm", DOCUMENTS, CONFIGURATION)
        made.run("mv", "/var/lib/odoo/elsewhere", DOCUMENTS)
        made.run("mv", "/etc/odoo/real.conf", CONFIGURATION)
    documents = entries(repository, generation, ArtifactKind.DOCUMENTS)
    assert len(documents) == len(CONTENTS) + 1
    assert documents["same"].sha256 == documents[first].sha256
    assert "odoo.conf" in entries_of_erp(repository, generation)
    assert verify(repository, generation, jobs=2).problems == ()


def entries_of_erp(repository: FolderRepository, generation: Generation) -> set[str]:
    """Names of the ERP's configuration files."""
    artifacts = {artifact.name: artifact for artifact in generation.artifacts}
    index = repository.read_index(generation, artifacts["configuration-erp"])
    return {entry.path for entry in index}


def test_every_database_is_captured_unless_some_are_named(
    docker_runner: Runner, repository: FolderRepository, made: StandIn
) -> None:
    """A database that is not the ERP's has no modules and needs no folder of documents."""
    made.execute(f"CREATE DATABASE notes OWNER {ERP_ROLE}", "postgres")
    try:
        everything = replace(made.request, databases=())
        generation = take(docker_runner, repository, everything)
    finally:
        made.execute("DROP DATABASE notes", "postgres")
    facts = {item.name: item for item in generation.fingerprint.databases}
    assert set(facts) == {DATABASE, "notes"}
    assert (facts["notes"].modules, facts["notes"].tables) == ((), ())
    (empty,) = generation.artifacts_of(ArtifactKind.DOCUMENTS, "notes")
    assert (empty.files, empty.bytes) == (0, 0)
    assert verify(repository, generation, jobs=2).problems == ()


def nothing_left(repository: FolderRepository, made: StandIn) -> bool:
    """Whether a failed capture left no trace."""
    return not (repository.ids() or repository.partials() or made.left_behind())


def test_what_does_not_exist_is_named(
    docker_runner: Runner, repository: FolderRepository, made: StandIn
) -> None:
    for wrong in (
        replace(made.request, database_container="no-such"),
        replace(made.request, erp_container="no-such"),
    ):
        with pytest.raises(NotFoundError, match="no-such"):
            take(docker_runner, repository, wrong)
    with pytest.raises(NotFoundError, match="no database sales") as caught:
        take(docker_runner, repository, replace(made.request, databases=("sales",)))
    assert DATABASE in caught.value.hint
    profile = made.request.profile
    nowhere = replace(profile.database, databases="SELECT datname FROM pg_database WHERE false")
    request = replace(made.request, databases=(), profile=replace(profile, database=nowhere))
    with pytest.raises(NotFoundError, match="no database of an ERP"):
        take(docker_runner, repository, request)
    assert nothing_left(repository, made)


def test_a_container_that_does_not_run_is_named(
    docker_runner: Runner, repository: FolderRepository, made: StandIn
) -> None:
    stopped = made.site.create("stopped", ODOO_IMAGE)
    try:
        request = replace(made.request, erp_container=str(stopped.name))
        with pytest.raises(EnvironmentFailure, match="not running"):
            take(docker_runner, repository, request)
    finally:
        stopped.remove(v=True)
    assert nothing_left(repository, made)


def test_a_container_that_is_no_erps_is_refused(docker_runner: Runner, made: StandIn) -> None:
    with pytest.raises(EnvironmentFailure, match="ODOO_VERSION"):
        read_erp_facts(docker_runner, str(made.database.name), made.request.profile)
    image = read_image(docker_runner, str(made.erp.name))
    assert image is not None
    assert image.reference == ODOO_IMAGE


@pytest.mark.parametrize("lost", ["password", "file"])
def test_without_a_login_in_the_erps_configuration_nothing_begins(
    docker_runner: Runner, repository: FolderRepository, made: StandIn, lost: str
) -> None:
    if lost == "file":
        made.run("rm", CONFIGURATION)
    else:
        made.run("sed", "-i", "/^db_password/d", CONFIGURATION)
    try:
        with pytest.raises(ReplayError, match=CONFIGURATION):
            take(docker_runner, repository, made.request)
    finally:
        put_files(made.erp, "/etc/odoo", {"odoo.conf": made.site.configuration(DATABASE)}, 0o640)
    assert nothing_left(repository, made)


@pytest.mark.parametrize("empty", [False, True])
def test_a_lost_folder_of_documents_is_an_error(
    docker_runner: Runner, repository: FolderRepository, made: StandIn, empty: bool
) -> None:
    made.run("mv", DOCUMENTS, "/var/lib/odoo/lost")
    if empty:  # a new volume in the place of the right one
        made.run("mkdir", DOCUMENTS)
    try:
        with pytest.raises(ReplayError, match=f"has no folder {DOCUMENTS}"):
            take(docker_runner, repository, made.request)
    finally:
        made.run("rm", "-rf", DOCUMENTS)
        made.run("mv", "/var/lib/odoo/lost", DOCUMENTS)
    assert nothing_left(repository, made)


def test_a_dump_that_docker_hands_over_in_part_is_an_error(
    docker_runner: Runner,
    repository: FolderRepository,
    made: StandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = Runner.read_archive

    def but_one(self: Runner, container: str, path: str) -> Iterator[Any]:
        members = whole(self, container, path)
        return (item for item in members if not item[0].name.endswith("toc.dat"))

    monkeypatch.setattr(Runner, "read_archive", but_one)
    with pytest.raises(ReplayError, match=r"the dump of .* files, of which"):
        take(docker_runner, repository, made.request)
    assert nothing_left(repository, made)


def test_documents_that_docker_hands_over_in_part_are_an_error(
    docker_runner: Runner,
    repository: FolderRepository,
    made: StandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = Runner.read_archive

    def but_one(self: Runner, container: str, path: str) -> Iterator[Any]:
        last = stored_name(CONTENTS[0]).rpartition("/")[2]
        members = whole(self, container, path)
        return (item for item in members if not item[0].name.endswith(last))

    monkeypatch.setattr(Runner, "read_archive", but_one)
    with pytest.raises(ReplayError, match=r"1 files of folder .* were not read"):
        take(docker_runner, repository, made.request)
    assert nothing_left(repository, made)


def test_documents_that_the_erp_adds_or_removes_meanwhile_are_no_loss(
    docker_runner: Runner,
    repository: FolderRepository,
    made: StandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = Runner.read_archive
    made.run("touch", f"{DOCUMENTS}/old")

    def busy(self: Runner, container: str, path: str) -> Iterator[Any]:
        if path == DOCUMENTS:
            made.run("rm", "-f", f"{DOCUMENTS}/old")
        yield from whole(self, container, path)
        if path == DOCUMENTS:
            made.run("touch", f"{DOCUMENTS}/new")

    monkeypatch.setattr(Runner, "read_archive", busy)
    try:
        generation = take(docker_runner, repository, made.request)
    finally:
        made.run("rm", "-f", f"{DOCUMENTS}/old", f"{DOCUMENTS}/new")
    assert len(entries(repository, generation, ArtifactKind.DOCUMENTS)) == len(CONTENTS)


def test_a_tree_without_rows_is_not_empty_unless_the_profile_says_so(
    docker_runner: Runner, repository: FolderRepository, made: StandIn
) -> None:
    profile = made.request.profile
    (tree,) = profile.documents
    nowhere = replace(tree, path="/var/lib/odoo/none/{database}", rows=None)

    def request(tree: DocumentTree) -> CaptureRequest:
        return replace(made.request, profile=replace(profile, documents=(tree,)))

    with pytest.raises(ReplayError, match="has no folder /var/lib/odoo/none/") as caught:
        take(docker_runner, repository, request(nowhere))
    assert "may_be_empty" in caught.value.hint
    assert nothing_left(repository, made)
    generation = take(docker_runner, repository, request(replace(nowhere, may_be_empty=True)))
    (empty,) = generation.artifacts_of(ArtifactKind.DOCUMENTS)
    assert empty.files == 0


def test_what_lies_in_the_database_needs_no_file_and_a_name_is_a_checksum(made: StandIn) -> None:
    (tree,) = made.request.profile.documents
    made.execute(
        "INSERT INTO ir_attachment (name, store_fname) VALUES ('inside', '');"
        "INSERT INTO ir_attachment (name, store_fname)"
        " SELECT 'old', min(store_fname) FROM ir_attachment WHERE checksum <> ''"
    )
    try:
        with made.site.connect(made.database, DATABASE) as connection:
            rows: list[Any] = connection.execute(str(tree.rows).encode()).fetchall()
    finally:
        made.execute("DELETE FROM ir_attachment WHERE name <> 'x'")
    assert [row[1] for row in rows] == ["x", "x", "x", "old"]
    assert rows[-1][3] == rows[-1][2][3:]


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_is_no_file_among_the_documents_is_an_error(
    docker_runner: Runner, repository: FolderRepository, made: StandIn, kind: str
) -> None:
    odd = f"{DOCUMENTS}/odd"
    made.run(*(("ln", "-s", "/etc/passwd", odd) if kind == "link" else ("mkfifo", odd)))
    try:
        with pytest.raises(ReplayError, match="neither a file nor a folder"):
            take(docker_runner, repository, made.request)
    finally:
        made.run("rm", odd)
    assert nothing_left(repository, made)


def test_a_table_that_the_erp_may_not_read_is_named(
    docker_runner: Runner, repository: FolderRepository, made: StandIn
) -> None:
    made.execute("CREATE TABLE foreign_to_it (secret text)")
    try:
        with pytest.raises(EnvironmentFailure, match="foreign_to_it") as caught:
            take(docker_runner, repository, made.request)
    finally:
        made.execute("DROP TABLE foreign_to_it")
    assert DATABASE in caught.value.message
    assert nothing_left(repository, made)


def test_a_repository_without_room_is_refused_before_it_is_full(
    docker_runner: Runner,
    repository: FolderRepository,
    made: StandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @dataclass
    class Usage:
        free: int = 10

    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage())
    with pytest.raises(ReplayError, match="10 bytes left"):
        take(docker_runner, repository, made.request)
    assert nothing_left(repository, made)


def test_a_dump_that_fails_says_why(
    docker_runner: Runner, repository: FolderRepository, made: StandIn
) -> None:
    def lose_the_folder(progress: Progress) -> None:
        if progress.label.startswith("dump"):
            (folder,) = made.left_behind().split()
            made.database.exec_run(["rm", "-r", folder])

    with pytest.raises(ReplayError, match="could not create directory"):
        take(docker_runner, repository, made.request, lose_the_folder)
    assert nothing_left(repository, made)


def test_an_interrupted_dump_ends_on_the_server_too(
    docker_runner: Runner, repository: FolderRepository, made: StandIn
) -> None:
    """Ctrl-C while pg_dump waits: neither its session, nor its files, nor ours stay."""
    with ExitStack() as stack:
        holder = stack.enter_context(made.site.connect(made.database, DATABASE))
        watcher = stack.enter_context(made.site.connect(made.database, "postgres"))

        def hold(progress: Progress) -> None:
            # The parent of partitions holds no rows and was not counted: only pg_dump waits for it.
            if progress.label.startswith("dump"):
                holder.execute("BEGIN")
                holder.execute("LOCK TABLE audit.parted IN ACCESS EXCLUSIVE MODE")
                threading.Thread(target=interrupt, daemon=True).start()

        def waiting() -> int:
            query = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '20%Z-%'"
            row = watcher.execute(query).fetchone()
            return int(str(row[0])) if row else 0

        def interrupt() -> None:
            try:
                until(lambda: waiting() > 0)
            finally:
                os.kill(os.getpid(), signal.SIGINT)

        with pytest.raises(KeyboardInterrupt):
            take(docker_runner, repository, made.request, hold)
        holder.execute("ROLLBACK")
        until(lambda: waiting() == 0)
    assert nothing_left(repository, made)
    # Wherever in the SDK the signal struck, its connection is left to the collector.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition with a deadline."""
    wait = Retrying(
        retry=retry_if_result(lambda done: not done),
        stop=stop_after_delay(30),
        wait=wait_fixed(0.05),
    )
    wait(condition)


def test_a_failure_while_storing_cleans_the_server(
    docker_runner: Runner,
    repository: FolderRepository,
    made: StandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(_content: object, _target: Path) -> tuple[int, str]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder_writer, "_store", full)
    with pytest.raises(ReplayError, match="No space left") as caught:
        take(docker_runner, repository, made.request)
    assert "disk is full" in caught.value.hint
    assert nothing_left(repository, made)
