"""Faults of disks, memory and networks while a replay runs: told, nothing promoted, no litter.

Each server is one of its own: its disk fills or is slow, its memory is short, its network is cut.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Timer
from typing import Any

import psycopg
import pytest
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from restore.adapters.docker.health import wait_healthy
from restore.adapters.docker.runner import Runner
from restore.adapters.postgres import sql
from restore.model import StepKind, StepStatus
from restore.profile import Profile
from restore.replay.replay import replay
from restore.replay.steps.databases import find_databases
from tests.integration.test_faults import replayed
from tests.support.repository import DATABASE, GenerationFactory, small_fingerprint
from tests.support.servers import (
    DatabaseLab,
    Scene,
    Source,
    erp_server,
    make_scene,
    make_source,
    postgresql_lab,
)

pytestmark = pytest.mark.docker

FILESTORE = "/var/lib/odoo/filestore"
MANY_ROWS = """
CREATE TABLE stock_move AS
SELECT n AS id, md5(n::text) || md5((-n)::text) AS reference FROM generate_series(1, 200000) n;
CREATE INDEX ON stock_move (reference);
"""
HUNGRY = """
CREATE MATERIALIZED VIEW report AS
SELECT length(string_agg(repeat(md5(n::text), 32768), '')) FROM generate_series(1, 128) n;
"""
"""Takes more memory when it is restored than its server has."""

MakeScene = Callable[..., AbstractContextManager[Scene]]


@pytest.fixture(scope="session")
def large(database_lab: DatabaseLab, odoo_profile: Profile) -> Source:
    """A production whose load takes a while."""
    return make_source(database_lab, odoo_profile, MANY_ROWS)


@pytest.fixture(scope="session")
def hungry(database_lab: DatabaseLab, odoo_profile: Profile) -> Source:
    """A production whose load takes memory."""
    return make_source(database_lab, odoo_profile, HUNGRY)


@pytest.fixture
def scene_on(generation_factory: GenerationFactory, odoo_profile: Profile) -> MakeScene:
    """Makes a scene on a database server, with an ERP's container of its own."""

    @contextmanager
    def make(lab: DatabaseLab, source: Source, documents: Path | None = None) -> Iterator[Scene]:
        with erp_server(lab, ["sleep"], ["infinity"], ["true"], data=documents) as erp:
            fingerprint = replace(small_fingerprint(), databases=(source.facts,))
            generation = generation_factory(source.contents, fingerprint)
            repository = generation_factory.repository
            yield make_scene(lab, erp, repository, generation, odoo_profile)

    return make


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """A file system of a test's own."""
    folder.mkdir()
    subprocess.run(["mount", *options, str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def succeeds(scene: Scene) -> None:
    """A replay of the same generation, which nothing hinders."""
    outcome = replay(scene.plan(), scene.context)
    assert [s.reason for s in outcome.steps if s.status is not StepStatus.SUCCEEDED] == []
    assert scene.lab.databases() == {DATABASE}
    assert scene.in_erp("ls", "-A", FILESTORE).split() == [DATABASE]


# --- disks ----------------------------------------------------------------------------------------


def test_a_data_disk_that_fills_during_the_load(
    docker_runner: Runner,
    large: Source,
    scene_on: MakeScene,
    tmp_path: Path,
    database_lab: DatabaseLab,
) -> None:
    with (
        mounted(tmp_path / "data", "-t", "tmpfs", "-o", "size=400m", "pra") as data,
        postgresql_lab(docker_runner, database_lab.shared, data=data) as lab,
        scene_on(lab, large) as scene,
    ):
        ballast = data / "ballast"

        def fill() -> None:
            room = os.statvfs(data)
            with ballast.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - (20 << 20))

        (failed,) = replayed(scene, StepKind.RESTORE_DATABASE, fill)
        told = "the disk of the database server's data (/var/lib/postgresql/data) is full"
        assert told in failed.reason and "→ make room there" in failed.reason, failed.reason
        ballast.unlink()
        lab.runner.start(lab.container)
        wait_healthy(lab.runner, lab.container, 60)
        with lab.connect() as connection:
            assert all(item.ours and item.name != DATABASE for item in find_databases(connection))
        succeeds(scene)


def test_a_disk_of_documents_that_fills_during_the_copy(
    source: Source, clean_lab: DatabaseLab, scene_on: MakeScene, tmp_path: Path
) -> None:
    more = {f"aa/{number:040x}": os.urandom(4 << 20) for number in range(3)}
    contents = replace(source.contents, documents={**source.contents.documents, **more})
    with (
        mounted(tmp_path / "documents", "-t", "tmpfs", "-o", "size=8m", "pra") as data,
        scene_on(clean_lab, replace(source, contents=contents), data) as scene,
    ):
        (failed,) = replayed(scene, StepKind.DOCUMENTS, lambda: None)

        told = "the disk of the documents (/var/lib/odoo) is full"
        assert told in failed.reason and "→ make room there" in failed.reason, failed.reason
        assert DATABASE not in clean_lab.databases()
        assert scene.in_erp("ls", "-A", FILESTORE).split() == []
        subprocess.run(["mount", "-o", "remount,size=64m", str(data)], check=True)
        succeeds(scene)


def test_a_slow_disk_takes_its_time_and_is_told_of(
    docker_runner: Runner,
    large: Source,
    scene_on: MakeScene,
    tmp_path: Path,
    database_lab: DatabaseLab,
) -> None:
    disk = tmp_path / "disk"
    with disk.open("wb") as file:
        file.truncate(600 << 20)
    subprocess.run(["mkfs.ext4", "-q", str(disk)], check=True)
    with mounted(tmp_path / "slow", "-o", "loop", str(disk)) as folder:
        (folder / "data").mkdir()
        argv = ("findmnt", "--noheadings", "--output=SOURCE", str(folder))
        device = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
        slow = [{"Path": device, "Rate": 8 << 20}]
        with (
            postgresql_lab(
                docker_runner,
                database_lab.shared,
                data=folder / "data",
                device_read_bps=slow,
                device_write_bps=slow,
            ) as lab,
            scene_on(lab, large) as scene,
        ):
            succeeds(scene)
            restoring = f"Restore database {DATABASE}"
            told = {one.done_bytes for one in scene.heard if one.label == restoring}
            assert len(told) > 3, told


# --- memory ---------------------------------------------------------------------------------------


def test_a_database_server_that_runs_out_of_memory_during_the_load(
    docker_runner: Runner, hungry: Source, scene_on: MakeScene, database_lab: DatabaseLab
) -> None:
    limits: dict[str, Any] = {"mem_limit": "96m", "memswap_limit": "96m"}
    shared, small = database_lab.shared, ("-c", "shared_buffers=16MB")
    with (
        postgresql_lab(docker_runner, shared, *small, **limits) as lab,
        scene_on(lab, hungry) as scene,
    ):
        (failed,) = replayed(scene, StepKind.RESTORE_DATABASE, lambda: None)

        assert "memory" in failed.reason and "limit is 96 MiB" in failed.reason, failed.reason
        assert "→ give it more: the stack's setting databaseMemoryMb" in failed.reason
        lab.runner.start(lab.container)
        wait_healthy(lab.runner, lab.container, 60)
        assert DATABASE not in lab.databases()
        lab.runner.container(lab.container).update(mem_limit="2g", memswap_limit="2g")
        succeeds(scene)


# --- networks -------------------------------------------------------------------------------------


def answering(ask: Callable[[], object]) -> None:
    """Wait until a server is reached again."""
    Retrying(
        retry=retry_if_exception_type(psycopg.OperationalError),
        stop=stop_after_delay(30),
        wait=wait_fixed(0.2),
        reraise=True,
    )(ask)


@pytest.fixture
def cut(clean_lab: DatabaseLab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Cuts the database server's network; it is put back after the test, and by a second call."""
    monkeypatch.setattr(sql, "SILENCE", 3)
    gone: list[bool] = []

    def act() -> None:
        if gone:
            gone.clear()
            clean_lab.network.connect(clean_lab.container, ipv4_address=clean_lab.address)
            answering(clean_lab.databases)
        else:
            gone.append(True)
            clean_lab.network.disconnect(clean_lab.container)

    yield act
    if gone:
        act()


@pytest.mark.parametrize(
    ("kind", "when", "reason"),
    [
        (StepKind.RESTORE_DATABASE, 2, "does not answer role postgres"),
        (StepKind.CHECK_DATABASE, 1, "the restored database could not be checked"),
    ],
)
def test_a_network_that_is_cut_from_the_database_server(
    kind: StepKind,
    when: int,
    reason: str,
    large: Source,
    clean_lab: DatabaseLab,
    scene_on: MakeScene,
    cut: Callable[[], None],
) -> None:
    with scene_on(clean_lab, large) as scene:
        (failed,) = replayed(scene, kind, cut, when)
        assert reason in failed.reason, failed.reason
        cut()
        assert DATABASE not in clean_lab.databases()
        succeeds(scene)


def test_a_session_whose_network_is_cut_does_not_wait_for_ever(
    scene: Scene, cut: Callable[[], None]
) -> None:
    server = scene.context.environment.database
    with (
        pytest.raises(psycopg.OperationalError),
        sql.connect(server, "postgres") as connection,
    ):
        Timer(0.5, cut).start()
        connection.execute("SELECT pg_sleep(3600)")
