"""An encrypted repository of the real pgBackRest: what is brought back, and what is refused."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fixtures.site import new_site
from restore.adapters.docker.leftovers import Leftover, find_leftovers
from restore.adapters.docker.runner import Runner
from restore.catalogue.foreign import Layout, LayoutOptions
from restore.catalogue.importing import import_generation
from restore.catalogue.layouts import open_layout
from restore.errors import (
    DamagedGenerationError,
    ExitCode,
    NotFoundError,
    RestoreError,
    UsageError,
)
from restore.model import ArtifactKind, Generation
from restore.model.stack_names import IMPORT
from restore.profile import load_profile
from restore.repository.folder import FolderRepository
from restore.repository.verify import require_sound, verify
from tests.support.canaries import Watch
from tests.support.drill import Commands, collecting, told
from tests.support.pgbackrest import PASSPHRASE, STANZA, start_cluster
from tests.support.repository import fingerprint

pytestmark = pytest.mark.docker

DATABASE = "specibike_prod"
PROFILE = load_profile("odoo")


@dataclass(frozen=True)
class Small:
    """A repository with a full and a differential backup; ``last`` is its last transaction."""

    repository: Path
    last: datetime


@pytest.fixture(scope="module")
def small(docker_runner: Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """Shared: it is only read."""
    repository = tmp_path_factory.mktemp("encrypted")
    with new_site(docker_runner.client) as site:
        cluster = start_cluster(
            site,
            repository,
            PGBACKREST_REPO1_CIPHER_TYPE="aes-256-cbc",
            PGBACKREST_REPO1_CIPHER_PASS=PASSPHRASE.reveal(),
            PGBACKREST_COMPRESS_TYPE="lz4",
        )
        cluster.sql(f"CREATE DATABASE {DATABASE}")
        cluster.sql("CREATE TABLE entry (id int)", database=DATABASE)
        cluster.back_up("full")
        cluster.sql("INSERT INTO entry VALUES (1)", database=DATABASE)
        cluster.back_up("diff")
        for number in (2, 3, 4):
            cluster.sql(f"INSERT INTO entry VALUES ({number})", database=DATABASE)  # noqa: S608
            last = cluster.sql("SELECT clock_timestamp()")
            cluster.archived()
    yield Small(repository, datetime.fromisoformat(last))


@pytest.fixture(autouse=True)
def nothing_stays(docker_runner: Runner) -> Iterator[None]:
    """An import leaves no server."""
    yield
    assert leftovers(docker_runner) == []


def leftovers(runner: Runner) -> list[Leftover]:
    """What stands of imports."""
    return [item for item in find_leftovers(runner) if item.stack.startswith(IMPORT)]


def opened(path: Path, **options: object) -> Layout:
    asked = LayoutOptions(**{"passphrase": PASSPHRASE, **options})  # type: ignore[arg-type]
    return open_layout(f"pgbackrest:{path}", PROFILE, asked)


def imported(layout: Layout, choice: str, repository: FolderRepository) -> Generation:
    made = import_generation(layout, choice, repository, now=lambda: datetime.now(UTC))
    require_sound(verify(repository, made.generation, jobs=2))
    return made.generation


def entries(generation: Generation) -> int | None:
    (facts,) = generation.fingerprint.databases
    return next(table.rows for table in facts.tables if table.name == "entry")


def test_backups_and_the_end_of_the_archive_are_brought_back(
    small: Small, repository: FolderRepository
) -> None:
    before = fingerprint(small.repository)
    layout = opened(small.repository / "backup" / STANZA)
    full, diff, end = layout.ids()
    texts = [layout.describe(name) for name in (full, diff, end)]
    assert texts[0].startswith("full backup") and texts[1].startswith("diff backup")
    assert texts[2].startswith("end of the archive")

    first = imported(layout, full, repository)
    last = imported(layout, "latest", repository)

    assert fingerprint(small.repository) == before
    assert entries(first) == 0 and entries(last) == 4
    assert first.consistency_point < last.consistency_point <= small.last
    assert small.last - last.consistency_point < timedelta(seconds=5)
    (roles,) = last.artifacts_of(ArtifactKind.ROLES)
    text = (last.root / roles.folder / "roles.sql").read_text(encoding="utf-8")
    assert "CREATE ROLE postgres" in text and "VALID UNTIL" not in text
    assert last.origin is not None and last.origin.unknown == ("documents", "erp")
    (configuration,) = last.artifacts_of(ArtifactKind.CONFIGURATION)
    assert sorted(p.name for p in (last.root / configuration.folder).iterdir()) == [
        "pg_hba.conf",
        "postgresql.conf",
    ]
    again = import_generation(layout, "latest", repository, now=lambda: datetime.now(UTC))
    assert again.new is False


def refused(kind: type[RestoreError], path: Path, **options: object) -> str:
    """What is said of an import that is refused; nothing is stored."""
    repository = FolderRepository.create(path.parent / f"refused-{time.monotonic_ns()}")
    with pytest.raises(kind) as caught:
        imported(opened(path, **options), "latest", repository)
    assert repository.ids() == () and repository.partials() == ()
    assert caught.value.hint and PASSPHRASE.reveal() not in caught.value.message
    return caught.value.message


def test_a_moment_that_is_not_there_is_refused(small: Small) -> None:
    early = refused(NotFoundError, small.repository, at=small.last - timedelta(days=1))
    assert "its oldest backup" in early
    late = refused(NotFoundError, small.repository, at=small.last + timedelta(seconds=0.5))
    assert "the archive ends before" in late and "its last transaction is of" in late
    assert "future" in refused(
        UsageError, small.repository, at=datetime.now(UTC) + timedelta(hours=1)
    )


def test_a_missing_segment_is_no_end_of_the_archive(small: Small, tmp_path: Path) -> None:
    copied = tmp_path / "copy"
    shutil.copytree(small.repository, copied, symlinks=True)
    segments = sorted(copied.glob("archive/*/*/*/[0-9A-F]*-*"))
    assert len(segments) > 3
    segments[-2].unlink()
    name = segments[-2].name.partition("-")[0]
    assert f"{name} can't be had" in refused(DamagedGenerationError, copied)
    at = small.last - timedelta(milliseconds=1)
    assert f"{name} can't be had" in refused(DamagedGenerationError, copied, at=at)


def test_the_passphrase_the_image_and_the_stanza_must_fit(small: Small, tmp_path: Path) -> None:
    for passphrase in ("", "another"):
        refused(DamagedGenerationError, small.repository, passphrase=type(PASSPHRASE)(passphrase))
    assert "pra/none:1" in refused(NotFoundError, small.repository, image="pra/none:1")
    with pytest.raises(NotFoundError, match="no repository of pgBackRest"):
        opened(tmp_path)


@collecting()
def test_what_a_killed_import_leaves_is_collected(
    small: Small, commands: Commands, docker_runner: Runner, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRA_PGBACKREST_PASSPHRASE", PASSPHRASE.reveal())
        place = ("--repository", str(tmp_path / "native"))
        process = commands.start("import", f"pgbackrest:{small.repository}", *place)
    try:
        deadline = time.monotonic() + 60
        while not any(i.kind == "container" for i in leftovers(docker_runner)):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        held = [
            docker_runner.container(item.id).attrs
            for item in leftovers(docker_runner)
            if item.kind == "container"
        ]
        assert PASSPHRASE.reveal() not in str(held)
        watch = Watch(docker_runner, {"passphrase": PASSPHRASE.reveal()})
        while process.poll() is None and not any("pgbackrest" in one for one in watch.ran):
            assert time.monotonic() < deadline
            watch.processes()
        watch.containers()
        assert watch.seen == set()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate()
    done = commands.pra("gc")
    assert done.returncode == ExitCode.PASS, told(done)
    assert f"{IMPORT}" in done.stdout and "ended without destroying it" in done.stdout
