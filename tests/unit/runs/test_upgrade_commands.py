"""``pra upgrade``: signing off, accepting, and refusing old code for newer data. No server."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from restore.adapters.docker.runner import Runner
from restore.cli.main import run
from restore.errors import ExitCode
from restore.model import CheckResult, CheckStatus, Generation, ImageFacts, Upgrade, Versioned
from restore.model.locations import ROOT
from restore.report.files import write_report
from restore.repository.folder import FolderRepository
from restore.runs.upgrade import archive
from restore.runs.upgrade.acceptance import REHEARSAL
from restore.runs.upgrade.road_book import load_road_book
from tests.support.report_samples import passed
from tests.support.repository import GenerationFactory, small_fingerprint

BOOK = load_road_book(ROOT / "fixtures" / "road-book.yaml")


@pytest.fixture(autouse=True)
def _no_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = SimpleNamespace(image=lambda _name: object())
    monkeypatch.setattr(Runner, "connect", lambda: engine)
    monkeypatch.setattr(archive, "_save_images", lambda _r, _i, path: path.write_bytes(b"tar"))


@pytest.fixture
def reports(tmp_path: Path, small_generation: Generation) -> Path:
    """A folder with the report of a rehearsal of that generation, which passed."""
    report = passed()
    assert report.facts is not None
    image = ImageFacts("pra/x:1", "sha256:" + "7" * 64)
    facts = replace(
        report.facts,
        postgresql=replace(report.facts.postgresql, image=image),
        erp=replace(report.facts.erp, image=image),
        proxy=replace(report.facts.erp, image=image),
    )
    rehearsal = replace(
        report,
        command=REHEARSAL,
        generation=small_generation,
        facts=facts,
        checks=(CheckResult("upgrade.rows:p", "Rows", CheckStatus.PASSED, "x", "x", 0.1),),
        operations=BOOK.checklist,
        upgrade=Upgrade((), (), BOOK.title),
    )
    write_report(rehearsal, tmp_path / "reports" / report.run)
    return tmp_path / "reports"


def accept(reports: Path, repository: FolderRepository, target: Path) -> int:
    """Accept the one rehearsal."""
    return run(
        ["upgrade", "accept", "--by", "Ann", "--archive", str(target), "--reports", str(reports),
         "--repository", repository.location]
    )  # fmt: skip


def sign(reports: Path, name: str, *options: str) -> int:
    """Sign off an entry of the one rehearsal."""
    where = ("--by", "Ann", "--reports", str(reports), *options)
    return run(["upgrade", "sign-off", name, *where])


def test_a_rehearsal_is_accepted_once_everybody_signed(
    reports: Path, repository: FolderRepository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "archive"
    assert sign(reports, "bike-form") == ExitCode.PASS
    assert "1 of 2 to sign off" in capsys.readouterr().out
    assert accept(reports, repository, target) == ExitCode.REFUSED
    assert "order-to-cash is not signed off" in capsys.readouterr().err
    assert sign(reports, "order-to-cash", "--note", "three orders") == ExitCode.PASS
    assert sign(reports, "bike-form", "--undo") == ExitCode.PASS
    assert accept(reports, repository, target) == ExitCode.REFUSED
    assert not target.exists()
    assert sign(reports, "bike-form") == ExitCode.PASS

    assert accept(reports, repository, target) == ExitCode.PASS

    made = archive.read_archive(target)
    assert made.accepted_by == "Ann"
    events = json.loads((target / "report" / "postops.json").read_text(encoding="utf-8"))["events"]
    assert [event["name"] for event in events] == [
        "bike-form", "order-to-cash", "bike-form", "bike-form",
    ]  # fmt: skip
    assert made.profile.read_text(encoding="utf-8").startswith("# Odoo 14")
    assert accept(reports, repository, target) == ExitCode.REFUSED
    assert sign(reports, "nothing") == ExitCode.NOT_FOUND


def test_old_code_is_refused_for_data_that_was_upgraded_since(
    reports: Path,
    repository: FolderRepository,
    generation_factory: GenerationFactory,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("bike-form", "order-to-cash"):
        assert sign(reports, name) == ExitCode.PASS
    assert accept(reports, repository, tmp_path / "archive") == ExitCode.PASS
    facts = small_fingerprint()
    upgraded = replace(
        facts.databases[0], modules=(Versioned("base", "14.0.1.3"), Versioned("sale", "14.0.2.0"))
    )
    newer = generation_factory(fingerprint=replace(facts, databases=(upgraded,)))
    capsys.readouterr()

    code = run(
        ["upgrade", "rollback", str(tmp_path / "archive"), "--repository", repository.location,
         "--generation", "latest"]
    )  # fmt: skip

    told = capsys.readouterr().err
    assert code == ExitCode.REFUSED
    assert f"generation {newer.id} is newer than the archived code" in told
    assert "module sale is 14.0.2.0, the archived code 14.0.1.1" in told


def test_a_repository_of_later_data_is_named_with_the_data(
    reports: Path, repository: FolderRepository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("bike-form", "order-to-cash"):
        assert sign(reports, name) == ExitCode.PASS
    assert accept(reports, repository, tmp_path / "archive") == ExitCode.PASS

    code = run(
        ["upgrade", "rollback", str(tmp_path / "archive"), "--repository", repository.location]
    )

    assert code == ExitCode.USAGE
    assert "--repository without --generation" in capsys.readouterr().err
