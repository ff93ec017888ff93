"""No false pass and no false alarm: each kind of the corpus is refused as it says, its twin is not.

Each kind is made from a copy of a good backup and then goes through the engine's own stages, as a
drill does: import, select, verify, foresee, plan, replay, check. The servers stand already; the
ERP's only sleeps, so what needs its pages is accepted. Nothing of the backup may change on the way.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from restore.adapters.docker.helpers import run_once
from restore.catalogue.importing import import_generation
from restore.catalogue.layouts import open_layout
from restore.checks.web import foreseen_scenario_checks
from restore.cli.run_options import VERDICT_CODES
from restore.errors import ExitCode, RestoreError
from restore.model import Acceptance, CheckStatus, Selection, ignore_progress
from restore.model.environment import StackOverrides
from restore.profile import Profile, load_profile
from restore.report.evidence.keys import create_key
from restore.repository import create_repository
from restore.repository.folder import FolderRepository
from restore.repository.manifest import render_manifest
from restore.runs.entry import run_to_report
from restore.runs.recorder import Run
from restore.runs.request import ReplayRequest, Services
from restore.runs.stages import preflight, replay_into, select, verify_generation
from tests.corpus.good import ROLE, captured, imported, make_good, mapped, nightly, zipped
from tests.corpus.kinds import ITEMS, KINDS
from tests.corpus.model import Base, Case, Good, Kind, Stage
from tests.corpus.tools import documents, index, lay, rewrite, sign, unprivileged, untouched
from tests.support.repository import DATABASE, copy_repository
from tests.support.servers import DatabaseLab, environment_of, erp_server

pytestmark = pytest.mark.docker

LAYOUTS = {
    Base.ZIP: ("odoo-zip", "backup.zip"),
    Base.TREE: ("openerp", ""),
    Base.FOLDER: ("folder", "mapping.yaml"),
}
EARLY = (Stage.IMPORT, Stage.SELECT, Stage.VERIFY, Stage.FORESEE)


@dataclass(frozen=True)
class Place:
    """The good backups of this session and the servers to replay them into."""

    lab: DatabaseLab
    erp: str
    profile: Profile
    good: Good
    folders: dict[Base, Path]
    used: list[Path]
    """Backups whose documents were put in place since the servers were swept."""

    def sweep(self) -> None:
        """Take away all that a replay left, roles too: each is to bring its own."""
        self.lab.sweep()
        for role in (ROLE, "odoo"):
            with suppress(psycopg.errors.UndefinedObject):
                self.lab.execute(f"DROP ROLE {role}")
        if self.used:
            self.in_erp("find", "/var/lib/odoo", "-mindepth", "1", "-delete")
            self.lab.runner.stop(self.erp, grace=0)
            self.used.clear()

    def in_erp(self, *argv: str) -> str:
        """Run a command beside the ERP's container, on its volumes."""
        return run_once(self.lab.runner, self.erp, argv)


@dataclass(frozen=True)
class Outcome:
    """How a backup's drill ended: where, with which code, and all that was said."""

    stage: str
    code: ExitCode
    said: str
    reached_servers: bool = False


@pytest.fixture(scope="module")
def place(
    database_lab: DatabaseLab, odoo_profile: Profile, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """Made once; every test breaks a copy of its own."""
    folder = tmp_path_factory.mktemp("corpus")
    with erp_server(
        database_lab, entrypoint=["sleep"], command=["infinity"], health=["true"]
    ) as erp:
        good = make_good(database_lab, odoo_profile, erp)
        captured(good, folder / "captured")
        folders = {
            Base.CAPTURED: folder / "captured",
            Base.ZIP: zipped(good, folder / "zip"),
            Base.TREE: nightly(good, folder / "tree"),
            Base.FOLDER: mapped(good, folder / "folder"),
        }
        for base in (Base.CUSTOM, Base.PLAIN):
            repository = imported(good, folder / base.name, base, odoo_profile)
            folders[base] = Path(repository.location)
        made = Place(database_lab, erp, odoo_profile, good, folders, [])
        yield made
        made.sweep()
        # Others of this session find the role as they made it.
        database_lab.execute("CREATE ROLE odoo LOGIN CREATEDB")


@pytest.fixture
def clean_place(place: Place) -> Place:
    """The servers as if they had just been made."""
    place.sweep()
    return place


def case_of(place: Place, base: Base, folder: Path) -> Case:
    """A copy of a good backup that may be broken."""
    if base in LAYOUTS:
        shutil.copytree(place.folders[base], folder)
        return Case(folder, place.good)
    repository = copy_repository(place.folders[base], folder)
    generation = repository.load(repository.ids()[-1])
    return Case(folder, place.good, repository, generation)


WEB = tuple(check.id for check in foreseen_scenario_checks(load_profile("odoo").web))


def drilled(
    place: Place,
    base: Base,
    folder: Path,
    work: Path,
    left_out: tuple[str, ...] = WEB,
    **demands: Any,
) -> Outcome:
    """Drill the backup in a folder as the engine does, into servers that stand.

    Args:
        left_out: the checks that are accepted, those of the pages of a server that only sleeps.
        demands: what is demanded of the generation.
    """
    started: list[str] = []
    try:
        repository = _repository(place, base, folder, work)
    except RestoreError as error:
        stage = Stage.IMPORT if base in LAYOUTS else Stage.SELECT
        return Outcome(stage, error.exit_code, f"{error.message}\n{error.hint}")
    services = Services(
        place.lab.runner, repository, place.profile, lambda: datetime.now(UTC), ignore_progress
    )
    request = ReplayRequest(
        selection=Selection(Path(repository.location), "latest", place.profile.name),
        credentials=None,
        accepted=tuple(Acceptance(one, "known to be so") for one in left_out),
        reports=work / "reports",
        **demands,
    )
    run = Run.begin("corpus", request, services)
    recorder = run.recorder

    def story() -> None:
        generation = select(run)
        verify_generation(run, generation)
        preflight(run, generation, StackOverrides())
        started.append("rebuild")
        environment = environment_of(place.lab, repository, place.erp)
        replay_into(run, environment, generation)

    report, written = run_to_report(recorder, request, story)
    assert (written / "report.json").is_file()
    code = recorder.error.exit_code if recorder.error else VERDICT_CODES[report.verdict]
    bad = (CheckStatus.FAILED, CheckStatus.UNVERIFIABLE, CheckStatus.WARNING)
    checks = [
        f"{c.id} {c.status}: {c.reason} {c.details}" for c in report.checks if c.status in bad
    ]
    said = "\n".join([report.error or "", report.hint or "", *checks])
    if any(step.id.startswith("documents:") and not step.reason for step in report.steps):
        place.used.append(folder)
    return Outcome(report.stages[-1].id, ExitCode(code), said, bool(started))


def _repository(place: Place, base: Base, folder: Path, work: Path) -> FolderRepository:
    if base not in LAYOUTS:
        return FolderRepository.at(folder)
    layout, name = LAYOUTS[base]
    opened = open_layout(f"{layout}:{folder / name}", place.profile)
    repository = create_repository(str(work / "imported"))
    import_generation(opened, "latest", repository, now=lambda: datetime.now(UTC))
    return repository


@pytest.mark.parametrize("base", Base)
def test_the_good_twin_passes(base: Base, clean_place: Place, tmp_path: Path) -> None:
    case_of(clean_place, base, tmp_path / "backup")

    with untouched(tmp_path / "backup"):
        outcome = drilled(clean_place, base, tmp_path / "backup", tmp_path / "work")

    assert (outcome.code, outcome.stage) == (ExitCode.PASS, Stage.CHECK), outcome.said


def test_what_does_not_tell_its_rows_is_no_pass(clean_place: Place, tmp_path: Path) -> None:
    base = Base.FOLDER
    case_of(clean_place, base, tmp_path / "backup")
    (tmp_path / "backup" / "dump").write_bytes(clean_place.good.partial["as statements"])

    outcome = drilled(clean_place, base, tmp_path / "backup", tmp_path / "work")

    assert (outcome.code, outcome.stage) == (ExitCode.UNVERIFIABLE, Stage.CHECK), outcome.said
    assert f"--accept database.tables:{DATABASE}" in outcome.said


def test_what_is_demanded_and_given_is_no_false_alarm(
    clean_place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A generation that a trusted key signed, no older than its budget."""
    case = case_of(clean_place, Base.CAPTURED, tmp_path / "backup")
    signer, public = create_key(tmp_path / "signing.pem", tmp_path / "trusted")
    monkeypatch.setenv("PRA_TRUSTED_KEYS", str(public.parent))
    current = case.repository.load(case.generation.id)
    text = render_manifest(current, signer.sign_manifest)
    rewrite(case.root / "manifest.json", text.encode())

    outcome = drilled(
        clean_place,
        Base.CAPTURED,
        case.folder,
        tmp_path / "work",
        require_signed=True,
        rpo_budget=1e9,
    )

    assert outcome.code is ExitCode.PASS, outcome.said


def test_what_does_no_harm_is_no_false_alarm(clean_place: Place, tmp_path: Path) -> None:
    """A document that was added after the dump, and a mode that production should not have had."""
    case = case_of(clean_place, Base.CAPTURED, tmp_path / "backup")
    lay(documents(case)[0].with_name("added"), b"after the dump")
    sign(case)
    index(lambda lines: [{**line, "mode": 0o6755} for line in lines])(case)

    with untouched(tmp_path / "backup"):
        outcome = drilled(clean_place, Base.CAPTURED, case.folder, tmp_path / "work")

    assert outcome.code is ExitCode.PASS, outcome.said
    assert "documents.orphans:filestore" in outcome.said
    found = clean_place.in_erp("find", "/var/lib/odoo/filestore", "-type", "f", "-printf", "%m\\n")
    assert found.split() == ["755"] * 4


def test_every_item_has_its_kinds() -> None:
    assert {kind.item for kind in KINDS} == set(ITEMS)
    names = [(kind.item, kind.id) for kind in KINDS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.item} - {kind.id}")
def test_a_broken_backup_is_refused(kind: Kind, clean_place: Place, tmp_path: Path) -> None:
    case = case_of(clean_place, kind.base, tmp_path / "backup")
    kind.damage(case)
    if kind.signed:
        sign(case)

    with (
        untouched(case.folder),
        kind.target(clean_place.lab),
        unprivileged() if kind.unprivileged else nullcontext(),
    ):
        outcome = drilled(
            clean_place, kind.base, case.folder, tmp_path / "work", **dict(kind.demands)
        )

    assert (outcome.stage, outcome.code) == (kind.found, kind.code), outcome.said
    assert kind.says in outcome.said
    assert outcome.reached_servers is (kind.found not in EARLY)
