"""What a run leaves as a trace, and what it never tells."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from restore.adapters import logs
from restore.adapters.processes import Command, run_attended
from restore.errors import ReplayError
from restore.model import locations
from restore.model.secret import Secret

RUN = "20261124-060000-1a2b"


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(locations, "LOGS", tmp_path / "logs")
    return locations.LOGS


def lines(folder: Path, run: str = RUN) -> list[dict[str, Any]]:
    text = (folder / f"{run}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_each_line_says_to_what_it_belongs(folder: Path) -> None:
    with logs.run_log(RUN, stack="drill-1"):
        logs.describe_run(generation="g1")
        with logs.bound(stage="replay"), logs.bound(step="roles"):
            logs.event("step begins", title="Roles")
        # Threads of a run belong to it.
        thread = threading.Thread(target=logs.event, args=("beside",))
        thread.start()
        thread.join()
    logs.event("outside")

    first, second = lines(folder)
    assert first.pop("time").endswith("+00:00")
    assert first == {
        "level": "info", "event": "step begins", "run": RUN, "stack": "drill-1",
        "generation": "g1", "stage": "replay", "step": "roles", "title": "Roles",
    }  # fmt: skip
    assert (second["event"], second["run"]) == ("beside", RUN)


def test_only_its_owner_reads_the_log_of_a_run_that_failed(folder: Path) -> None:
    with pytest.raises(ReplayError), logs.run_log(RUN), logs.timed("import", location="x"):
        raise ReplayError("the disk is gone")

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / f"{RUN}.jsonl").stat().st_mode) == 0o600
    begun, ended = lines(folder)
    assert (begun["event"], ended["event"]) == ("import begins", "import ends")
    assert (ended["level"], ended["error"]) == ("warning", "the disk is gone")
    assert ended["seconds"] >= 0


@pytest.mark.parametrize(
    "text", ["tr0mbone & 'tuba'", "p@ss/w%rd\\", "line one of a key\nline two of a key"]
)
def test_a_planted_secret_is_in_no_line(
    text: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    planted = Secret(text)
    quoted = planted.reveal().replace("'", "''")
    command = Command(
        ("sh", "-c", "exit 3", f"--password={text}", f"ALTER ROLE x PASSWORD '{quoted}'"),
        folder.parent,
        {**os.environ, "PGPASSWORD": text},
        planted,
    )
    with logs.shown(as_json=True), logs.run_log(RUN):
        run_attended(command)
        logs.event("told", error=f"said: {text}", secret=planted, first=text.splitlines()[0])

    written = (folder / f"{RUN}.jsonl").read_text(encoding="utf-8")
    shown = capfd.readouterr().err
    assert lines(folder)[1]["exit_code"] == 3
    for piece in (text, json.dumps(text)[1:-1], quoted, *text.splitlines()):
        assert piece not in written and piece not in shown
    assert '"--password=***"' in written and '"--password=***"' in shown


def test_a_short_secret_leaves_the_words_that_hold_it(folder: Path) -> None:
    Secret("odoo")
    with logs.run_log(RUN):
        logs.event("command", argv=("psql", "--dbname=odoo_prod", "PGPASSWORD=odoo"))
    assert lines(folder)[0]["argv"] == ["psql", "--dbname=odoo_prod", "PGPASSWORD=***"]


@pytest.mark.parametrize(
    "said",
    [
        "pg_restore: error: ERROR:  duplicate key\nDETAIL:  Key (name)=(Dupont)\n(Dupont)",
        "ERREUR:  clé dupliquée\nDÉTAIL : La clé (name)=(Dupont)\nCONTEXTE : COPY x, ligne 1",
        'ERROR:  invalid input syntax for type integer: "Dupont"',
    ],
)
def test_what_rows_hold_is_cut(said: str, folder: Path) -> None:
    with logs.run_log(RUN):
        logs.event("step ends", reason=said)
    reason = lines(folder)[0]["reason"]
    assert "Dupont" not in reason and reason.startswith(said[:5])


def test_no_log_is_a_warning_and_no_failure(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.write_text("no folder")
    with logs.run_log(RUN):
        logs.event("one")
        logs.event("two")
    assert capsys.readouterr().err.count("warning: ") == 1


def test_a_full_disk_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Path("/dev/full").open("wb") as full:
        monkeypatch.setattr(logs, "_open", lambda _name: os.dup(full.fileno()))
        with logs.run_log(RUN):
            logs.event("one")
    assert "No space left" in capsys.readouterr().err


def test_the_oldest_logs_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MOST_FILES", 3)
    for number in range(5):
        with logs.run_log(f"2026112{number}-060000-1a2b"):
            logs.event("run begins")
    assert [path.name[:8] for path in sorted(folder.iterdir())] == [
        "20261122", "20261123", "20261124",
    ]  # fmt: skip


def test_a_run_within_a_command_has_the_log_to_itself(folder: Path) -> None:
    with logs.run_log("outer"):
        with logs.run_log(RUN):
            logs.event("inner")
        assert not (folder / "outer.jsonl").exists()
        logs.event("after")
    assert [len(lines(folder, run)) for run in (RUN, "outer")] == [1, 1]


def test_shown_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    with logs.shown(as_json=False):
        logs.event("command ends", argv=("psql", "--command=SELECT 1"), exit_code=0)
    logs.event("no more")
    told = capsys.readouterr().err
    assert told[8:] == " command ends argv=psql '--command=SELECT 1' exit_code=0\n"


def test_text_neither_moves_a_cursor_nor_forges_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with logs.shown(as_json=False):
        logs.event("file", path="a\x1b[2J\n12:00:00 run ends verdict=pass")
    assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_of_others_keeps_its_mode_and_its_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "MOST_FILES", 1)
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "app.jsonl").touch()
    with logs.run_log(RUN):
        logs.event("begun")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert (folder / "app.jsonl").exists()


def test_a_line_is_json_whatever_it_is_told(folder: Path) -> None:
    with logs.run_log(RUN):
        logs.event("load", share=float("nan"), time="evil", event="evil")
    (line,) = lines(folder)
    assert (line["share"], line["event"]) == ("nan", "load")
    assert line["time"] != "evil"


@pytest.mark.parametrize(
    "text",
    [
        "DETALLE:  Key (login)=(bob@x.com)",
        "INSTRUCTION : INSERT INTO t VALUES ('bob@x.com')",
        "LINE 1: INSERT INTO t VALUES ('bob@x.com')",
        "syntaxe en entrée invalide : « bob@x.com »",
    ],
)
def test_rows_are_cut_in_every_language(folder: Path, text: str) -> None:
    with logs.run_log(RUN):
        logs.event("load", error=f"failed\n{text}")
    assert "bob@x.com" not in (folder / f"{RUN}.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "spelling", ["correct+h%C3%B6rse", "correct+h%c3%b6rse", "Y29ycmVjdCBow7Zyc2U="]
)
def test_a_secret_is_hidden_however_it_is_spelt(folder: Path, spelling: str) -> None:
    Secret("correct hörse")
    with logs.run_log(RUN):
        logs.event("call", url=f"http://u:{spelling}@127.0.0.1/")
    assert spelling not in (folder / f"{RUN}.jsonl").read_text(encoding="utf-8")
