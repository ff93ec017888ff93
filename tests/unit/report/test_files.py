"""Reports on disk: complete, atomic, and found again."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from restore.errors import NotFoundError, UsageError
from restore.report.files import render_report, write_report
from restore.report.run_folders import find_run, read_report
from tests.support.report_samples import early, passed


def test_every_rendering_is_written(tmp_path: Path) -> None:
    page = write_report(passed(), tmp_path / "reports" / "run", "fr")
    folder = page.parent
    names = {"report.json", "report.html", "report.en.html", "report.fr.html", "junit.xml"}
    assert {path.name for path in folder.iterdir()} == names
    assert page.read_text() == (folder / "report.fr.html").read_text()
    assert "Réussite" in page.read_text() and "Pass" in (folder / "report.en.html").read_text()
    assert "Contrôles" in (folder / "junit.xml").read_text()
    assert read_report(folder) == passed()
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_writing_again_replaces(tmp_path: Path) -> None:
    write_report(early(), tmp_path)
    write_report(passed(), tmp_path)
    assert read_report(tmp_path) == passed()
    assert len(list(tmp_path.iterdir())) == 5


def test_unknown_language_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        write_report(passed(), tmp_path / "run", "de")
    assert not (tmp_path / "run").exists()


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report(passed(), tmp_path)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_report(early(), tmp_path)
    assert read_report(tmp_path) == passed()
    assert len(list(tmp_path.iterdir())) == 5


def test_rendering_again_needs_the_document_alone(tmp_path: Path) -> None:
    folder = write_report(passed(), tmp_path).parent
    report = read_report(folder)
    assert render_report(report, "html", "fr") == (folder / "report.fr.html").read_text()
    assert render_report(report, "json") == (folder / "report.json").read_text()
    assert render_report(report, "junit") == (folder / "junit.xml").read_text()
    with pytest.raises(UsageError, match="'pdf'"):
        render_report(report, "pdf")


def test_absent_or_unreadable_reports(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"report\.json"):
        read_report(tmp_path)
    (tmp_path / "report.json").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="UTF-8"):
        read_report(tmp_path)


def test_runs_are_found_by_the_beginning_of_their_id(tmp_path: Path) -> None:
    for run in ("20261123-010000-aaaa", "20261124-010000-bbbb", "20261124-020000-cccc"):
        write_report(replace(early(), run=run), tmp_path / run)
    (tmp_path / "20261125-010000-dddd").mkdir()
    assert find_run(tmp_path).name == "20261124-020000-cccc"
    assert find_run(tmp_path, "20261123").name == "20261123-010000-aaaa"
    assert find_run(tmp_path, "20261124-010000-bbbb").name == "20261124-010000-bbbb"
    with pytest.raises(UsageError, match="several runs"):
        find_run(tmp_path, "20261124")
    with pytest.raises(NotFoundError, match="no report") as refusal:
        find_run(tmp_path, "2025")
    assert "20261124-020000-cccc" in refusal.value.hint
    with pytest.raises(NotFoundError, match="there is no report"):
        find_run(tmp_path / "elsewhere")
