"""Measures of a real database, an upgrade in a real container, an archive of real images."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from restore.adapters.docker.runner import LABEL, Runner
from restore.errors import DamagedGenerationError, NotFoundError, RefusedError
from restore.model import (
    CheckStatus,
    Generation,
    ImageFacts,
    LocalText,
    Report,
    Role,
    Rule,
)
from restore.profile import Invariant, UpgradeProfile
from restore.report.files import write_report
from restore.repository import open_repository
from restore.repository.folder import FolderRepository
from restore.runs.upgrade.archive import Accepted, load_images, make_archive, read_archive
from restore.runs.upgrade.command import Upgrading, upgrade_database
from restore.runs.upgrade.difference import compare_measures, subject_checks
from restore.runs.upgrade.measuring import measure
from tests.support.report_samples import passed
from tests.support.repository import DATABASE
from tests.support.servers import Scene

pytestmark = pytest.mark.docker

PARTNERS = Invariant(
    "partners", LocalText("Partners"), "SELECT name, id FROM res_partner ORDER BY id", Rule.KEPT
)
ABSENT = Invariant("orders", LocalText("Orders"), "SELECT 1 FROM no_such_table", Rule.SAME)
WRONG = Invariant("wrong", LocalText("Wrong"), "SELECT no_such_column FROM res_partner", Rule.SAME)
MEASURED = UpgradeProfile(
    ("true",), "x", ("y",), technical=("^ir_",), invariants=(PARTNERS, ABSENT, WRONG)
)


def upgrading(scene: Scene, profile: UpgradeProfile) -> Scene:
    """The scene with that upgrade in its profile."""
    context = scene.context
    changed = replace(context.profile, upgrade=profile)
    return replace(scene, context=replace(context, profile=changed, databases=(DATABASE,)))


@pytest.fixture
def database(scene: Scene) -> Scene:
    """A scene of which only the database has been replayed."""
    scene.replay_database()
    return upgrading(scene, MEASURED)


def test_what_an_upgrade_lost_is_named_by_measure(database: Scene) -> None:
    before = measure(database.context, MEASURED, None)
    database.lab.execute(
        """
        ALTER TABLE res_partner ADD COLUMN colour text;
        DELETE FROM ir_attachment;
        UPDATE res_partner SET name = 'gone' WHERE id = (SELECT min(id) FROM res_partner);
        CREATE TABLE archive (id int);
        """,
        DATABASE,
    )

    subjects = {
        one.name: one for one in compare_measures(before, measure(database.context, MEASURED, None))
    }

    assert [c.key for c in subjects["columns"].changes] == ["archive.id", "res_partner.colour"]
    assert not subjects["columns"].wrong
    assert [c.key for c in subjects["technical-rows"].changes] == ["ir_attachment"]
    assert [(c.key, c.after) for c in subjects["rows"].changes] == [("archive", "0")]
    (lost,) = subjects["partners"].wrong
    assert lost.after is None
    assert (subjects["orders"].before, subjects["orders"].unknown) == (0, "")
    assert "no_such_column" in subjects["wrong"].unknown
    statuses = {check.id: check.status for check in subject_checks(subjects.values())}
    assert statuses[f"upgrade.partners:{DATABASE}"] is CheckStatus.FAILED
    assert statuses[f"upgrade.wrong:{DATABASE}"] is CheckStatus.UNVERIFIABLE
    assert statuses[f"upgrade.rows:{DATABASE}"] is CheckStatus.PASSED


@pytest.mark.parametrize(
    ("script", "deadline", "code", "completed"),
    [
        ('test -w /var/lib/odoo && echo "upgrading {database}" && echo all done', 60, 0, True),
        # Ended before its log is asked for, and more than the engine hands over at once.
        ("exec >&2; seq 40000; echo ERROR here; echo all done; exit 3", 60, 3, False),
        ("echo begun; exec sleep 60", 1, 137, False),
    ],
)
def test_the_command_runs_beside_the_stopped_erp_and_leaves_nothing(
    scene: Scene, docker_runner: Runner, script: str, deadline: float, code: int, completed: bool
) -> None:
    profile = UpgradeProfile(("sh", "-c", script), "all done$", ("ERROR",), deadline=deadline)
    lines: list[str] = []
    stack = docker_runner.container(scene.erp).labels[LABEL]

    def mine() -> set[str]:
        selector: dict[str, str | list[str] | bool] = {"label": f"{LABEL}={stack}"}
        found = docker_runner.client.containers.list(all=True, filters=selector)
        return {container.id or "" for container in found}

    before = mine()

    context = upgrading(scene, profile).context
    done: Upgrading = upgrade_database(context, profile, (), DATABASE, lines.append)

    assert (done.exit_code, done.completed, done.late) == (code, completed, deadline == 1)
    assert done.watch.wrong == (1 if code == 3 else 0)
    assert done.watch.ready is (code in (0, 3))
    assert code != 3 or lines == [*map(str, range(1, 40001)), "ERROR here", "all done"]
    if completed:
        assert lines == [f"upgrading {DATABASE}", "all done"]
    assert mine() == before


@pytest.fixture
def old_version(docker_runner: Runner) -> Iterator[Report]:
    """A report whose servers ran from three tiny images."""
    report = passed()
    assert report.facts is not None
    client, names = docker_runner.client, []
    images = []
    for role in (Role.DATABASE, Role.ERP, Role.PROXY):
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as archive:
            member = tarfile.TarInfo(f"{role.value}-{report.run}")
            archive.addfile(member)
        name = f"pra-test-archive/{role.value}"
        client.api.import_image_from_data(data.getvalue(), repository=name, tag="1")
        names.append(f"{name}:1")
        images.append(ImageFacts(f"{name}:1", str(client.images.get(f"{name}:1").id)))
    facts = report.facts
    database, erp, proxy = images
    yield replace(
        report,
        facts=replace(
            facts,
            postgresql=replace(facts.postgresql, image=database),
            erp=replace(facts.erp, image=erp),
            proxy=replace(facts.erp, image=proxy),
        ),
    )
    for image in client.images.list():
        for tag in image.tags:
            if tag.startswith("pra-test-archive/") or tag.endswith(f":{report.run}"):
                client.images.remove(tag)


def test_an_archive_holds_all_that_takes_an_upgrade_back(
    old_version: Report,
    docker_runner: Runner,
    repository: FolderRepository,
    small_generation: Generation,
    tmp_path: Path,
) -> None:
    folder, target = tmp_path / "run", tmp_path / "archive"
    write_report(old_version, folder)
    now = datetime(2026, 11, 24, tzinfo=UTC)
    accepted = Accepted(old_version, folder, small_generation, "odoo", "Ann", now)

    made = make_archive(target, accepted, docker_runner)

    with pytest.raises(RefusedError):
        make_archive(target, accepted, docker_runner)
    client = docker_runner.client
    for image in made.images:
        assert docker_runner.image(image.name) is None
        client.images.remove(image.reference)
        assert docker_runner.image(image.id) is None
    archive = read_archive(target)
    assert archive == made
    load_images(docker_runner, archive)
    for image in archive.images:
        found = docker_runner.image(image.name)
        assert found is not None and found.facts.id == image.id
        assert docker_runner.image(image.reference) is None
    assert open_repository(str(archive.repository)).ids() == (small_generation.id,)

    with (target / "report" / "report.json").open("a", encoding="utf-8") as file:
        file.write(" ")
    with pytest.raises(DamagedGenerationError, match=r"report/report\.json"):
        read_archive(target)
    with pytest.raises(NotFoundError):
        read_archive(folder)
    (target / "archive.json").write_text('{"format": 1, "run": "x"}', encoding="utf-8")
    with pytest.raises(DamagedGenerationError, match="can't be read: ValueError"):
        read_archive(target)
    shutil.rmtree(target)
    assert old_version.facts is not None
    lost = replace(old_version.facts.erp, image=ImageFacts("lost:1", "sha256:" + "0" * 64))
    facts = replace(old_version.facts, erp=lost)
    gone = replace(accepted, report=replace(old_version, facts=facts))
    with pytest.raises(NotFoundError, match="lost:1"):
        make_archive(target, gone, docker_runner)
    assert not target.exists()
