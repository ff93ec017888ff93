"""The history: what it keeps, several writers at once, and that it never fails a run."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import pytest

from restore.cli.main import run
from restore.errors import EnvironmentFailure, ExitCode, NotFoundError
from restore.model import Selection, StepStatus, Verdict, ignore_progress
from restore.model.locations import ROOT
from restore.profile import load_profile
from restore.report.document import to_json
from restore.report.evidence.files import verify_evidence
from restore.report.history import (
    FILE,
    VERSION,
    Entry,
    RunGroup,
    append_to_history,
    entries,
    history_file,
)
from restore.report.html import to_html
from restore.report.run_folders import JSON, read_report
from restore.runs.entry import run_to_report
from restore.runs.recorder import Run
from restore.runs.request import ReplayRequest, Services
from tests.support.evidence_samples import SIGNER, TRUSTED
from tests.support.history_samples import ANY, DRILL, at_day, keep
from tests.support.report_samples import STARTED, early, passed


def test_a_run_is_kept_with_all_that_was_measured(tmp_path: Path) -> None:
    path = tmp_path / "new" / FILE
    report = append_to_history(replace(passed(), signed_by="abc", rto_budget=60.0), DRILL, path)

    (entry,) = entries(path, ANY, 10)

    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert entry.past == report.past
    assert (entry.group, entry.stack) == (DRILL, report.stack)
    assert (entry.signed_by, entry.error) == ("abc", None)
    assert entry.report_sha256 == sha256(to_json(report).encode()).hexdigest()
    assert [one.id for one in entry.timings if one.kind == "stage"] == [s.id for s in report.stages]
    steps = [(one.id, one.seconds) for one in entry.timings if one.kind == "step"]
    assert steps == [(step.id, step.duration) for step in report.steps]
    assert entry.timings[0].status is StepStatus.SUCCEEDED


def test_a_run_that_ended_early_is_kept_too(tmp_path: Path) -> None:
    append_to_history(early(), DRILL, tmp_path / FILE)
    (entry,) = entries(tmp_path / FILE, ANY, 10)
    assert entry.past.generation is None and entry.past.rto is None
    assert entry.past.verdict is Verdict.FAIL
    assert entry.error == early().error


def test_a_report_shows_the_runs_that_compare(tmp_path: Path) -> None:
    path = tmp_path / FILE
    keep(path, 1, 2)
    keep(path, 3, group=RunGroup("pra restore", "odoo", "drill"))
    keep(path, 4, group=RunGroup("pra drill", "odoo", "ci"))
    keep(path, 5, group=RunGroup("pra drill", "openprod", "drill"))

    (report,) = keep(path, 6)

    assert [past.run for past in report.history] == ["run-01", "run-02"]
    assert report.warnings == ()
    assert len(entries(path, ANY, 100)) == 6
    assert [e.past.run for e in entries(path, RunGroup(profile="odoo"), 2)] == ["run-04", "run-06"]


def test_names_that_are_not_utf8_are_kept_as_far_as_they_go(tmp_path: Path) -> None:
    path = tmp_path / FILE
    report = append_to_history(replace(passed(), error="file \udcff is gone"), DRILL, path)
    assert report.warnings == ()
    assert entries(path, ANY, 1)[0].error == "file ? is gone"


def test_a_newer_history_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / FILE
    keep(path, 1)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = path.read_bytes()

    (report,) = keep(path, 2)

    assert "this engine knows up to" in report.warnings[0]
    assert report.verdict is Verdict.PASS
    assert path.read_bytes() == before
    with pytest.raises(EnvironmentFailure):
        entries(path, ANY, 10)


def test_a_history_that_cannot_be_used_is_a_warning(tmp_path: Path) -> None:
    damaged, folder, behind = tmp_path / "damaged", tmp_path / "folder", tmp_path / "damaged" / "x"
    damaged.write_text("this is no database, and longer than a header of one " * 20)
    folder.mkdir()
    for path in (damaged, folder, behind):
        report = append_to_history(passed(), DRILL, path)
        assert len(report.warnings) == 1, path
        assert str(path) in report.warnings[0]
        assert report.verdict is Verdict.PASS
        assert "ne peut pas être utilisé" in to_html(report, "fr")
    assert damaged.read_text().startswith("this is no database")


def test_the_same_run_is_never_kept_twice(tmp_path: Path) -> None:
    keep(tmp_path / FILE, 1)
    (again,) = keep(tmp_path / FILE, 1)
    assert again.warnings
    assert len(entries(tmp_path / FILE, ANY, 10)) == 1


WRITER = """
import sys
from pathlib import Path
from tests.support.history_samples import keep
path, first, last = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
sys.stdin.readline()
sys.exit(any(report.warnings for report in keep(path, *range(first, last))))
"""


def test_several_processes_append_at_once(tmp_path: Path) -> None:
    """Both make the file, then take turns: no run is lost, and none fails."""
    path = tmp_path / FILE
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(first), str(first + 20)],
            stdin=subprocess.PIPE,
            cwd=ROOT,
        )
        for first in (0, 20)
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.close()
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]

    kept = entries(path, ANY, 1000)

    assert [entry.past.run for entry in kept] == [f"run-{n:02}" for n in range(40)]
    assert all(len(e.timings) == len(passed().stages) + len(passed().steps) for e in kept)
    assert sorted(item.name for item in tmp_path.iterdir()) == [FILE]


KILLED = """
import os, sys
from pathlib import Path
from restore.report import history
from tests.support.history_samples import DRILL, at_day
with history._writable(Path(sys.argv[1])) as connection:
    history._append(connection, history.entry_of(at_day(2), DRILL))
    os.kill(os.getpid(), 9)
"""


def test_a_writer_that_is_killed_leaves_no_half_a_run(tmp_path: Path) -> None:
    path = tmp_path / FILE
    keep(path, 1)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=ROOT, check=False)
    assert killed.returncode == -9

    (report,) = keep(path, 3)

    assert report.warnings == ()
    assert [past.run for past in report.history] == ["run-01"]
    assert [entry.past.run for entry in entries(path, ANY, 10)] == ["run-01", "run-03"]


def test_a_reader_needs_no_right_to_write(tmp_path: Path) -> None:
    keep(tmp_path / FILE, 1)
    (tmp_path / FILE).chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        assert len(entries(tmp_path / FILE, ANY, 10)) == 1
    finally:
        tmp_path.chmod(0o755)


def test_where_the_history_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRA_HISTORY", raising=False)
    assert history_file(tmp_path) == tmp_path / FILE
    monkeypatch.setenv("PRA_HISTORY", str(tmp_path / "all.sqlite"))
    assert history_file(Path("reports")) == tmp_path / "all.sqlite"
    with pytest.raises(NotFoundError):
        entries(tmp_path / "all.sqlite", ANY, 1)


# A whole run


def services(signed: bool) -> Services:
    return Services(
        cast(Any, None),
        cast(Any, None),
        load_profile("odoo"),
        lambda: STARTED,
        ignore_progress,
        signer=SIGNER if signed else None,
    )


@pytest.mark.parametrize("signed", [True, False])
def test_every_run_is_signed_and_kept(
    signed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PRA_HISTORY", raising=False)
    request = ReplayRequest(Selection(tmp_path, "latest", "odoo"), None, (), tmp_path / "reports")
    recorder = Run.begin("staging", request, services(signed)).recorder

    report, folder = run_to_report(recorder, request, lambda: None)

    (entry,) = entries(tmp_path / "reports" / FILE, ANY, 10)
    assert entry.group == RunGroup("pulumi up", "odoo", "staging")
    assert entry.report_sha256 == sha256((folder / JSON).read_bytes()).hexdigest()
    assert read_report(folder) == report
    assert report.signed_by == entry.signed_by == (SIGNER.id if signed else None)
    if signed:
        assert verify_evidence(folder, TRUSTED).report == report
    else:
        assert not (folder / "evidence.json").exists()
        assert "Non signé" in to_html(report, "fr")


# The command line


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of reports whose history has four drills and a restore."""
    monkeypatch.delenv("PRA_HISTORY", raising=False)
    for number, (rto, verdict) in enumerate(
        [(40.0, "pass"), (44.0, "pass"), (9.0, "fail"), (63.0, "pass")]
    ):
        report = replace(passed(), rto=rto, verdict=Verdict(verdict), rto_budget=90.0)
        append_to_history(at_day(number, report), DRILL, tmp_path / FILE)
    keep(tmp_path / FILE, 9, group=RunGroup("pra restore", "odoo", "staging"))
    return tmp_path


def test_history_shows_a_trend(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["history", "--reports", str(reports), "--stack-base", "drill"]
    assert run(arguments) == ExitCode.PASS
    out = capsys.readouterr().out
    assert "pra drill, profile odoo, stack settings drill" in out
    assert "staging" not in out
    assert "RTO ▁▂█  last 1 min 3 s, median 44 s, from 40 s to 1 min 3 s" in out
    assert "median of those before: +50%" in out
    assert "+10%" in out and "+43%" in out
    assert "budget 1 min 30 s: the last takes 70% of it" in out


def test_history_for_machines(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--json", "history", "--reports", str(reports), "--last", "3"]) == ExitCode.PASS
    drills, restores = json.loads(capsys.readouterr().out)
    assert [one["run"] for one in drills["runs"]] == ["run-02", "run-03"]
    assert drills["rto"]["passed"] == 1 and drills["rto"]["change"] is None
    assert restores["stack_base"] == "staging"
    assert {one["kind"] for one in restores["runs"][0]["durations"]} == {"stage", "step"}


def test_history_of_nothing(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["history", "--reports", str(reports), "--profile", "tryton"]) == ExitCode.PASS
    assert "no such run" in capsys.readouterr().out
    assert run(["history", "--reports", str(reports / "none")]) == ExitCode.NOT_FOUND


def test_history_of_failures_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    append_to_history(early(), DRILL, tmp_path / FILE)
    assert run(["history", "--reports", str(tmp_path)]) == ExitCode.PASS
    assert "no run passed" in capsys.readouterr().out


def test_an_entry_is_a_value(tmp_path: Path) -> None:
    keep(tmp_path / FILE, 1)
    (entry,) = entries(tmp_path / FILE, ANY, 1)
    assert isinstance(entry, Entry) and entry == entries(tmp_path / FILE, ANY, 1)[0]
