"""Files that version 0.1 wrote: each is read, and written again as it was."""

from __future__ import annotations

import base64
import json
import pickle
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from restore.model import LocalText, ManualOperation
from restore.model.messages import OldSentence
from restore.model.node_records import parse_record, record_text
from restore.report.document import parse_report, to_json
from restore.report.evidence.format import sign_files, trusted_evidence
from restore.report.history import RunGroup, append_to_history, entries
from restore.report.html import to_html
from restore.report.language import locale
from restore.report.postops import FILE, read_events, record_event
from restore.report.run_folders import JSON
from restore.repository.manifest import parse_manifest, render_manifest
from restore.runs.staging import records
from restore.runs.upgrade.archive import archive_text, read_archive
from stacks.restored import Replay
from stacks.secrets import Passwords
from tests.stacks.conftest import STACK, build, settings
from tests.support.evidence_samples import SIGNER, TRUSTED
from tests.support.report_samples import passed

FILES = Path(__file__).parents[2] / "files" / "before-0.2"


def stored(name: str) -> str:
    return (FILES / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["manifest.json", "manifest-full.json"])
def test_a_manifest(name: str) -> None:
    generation = parse_manifest(stored(name), FILES)
    assert generation.seal is not None
    assert render_manifest(generation) == stored(name)


@pytest.mark.parametrize("name", ["report-drill.json", "report-staging.json"])
def test_a_report(name: str) -> None:
    assert to_json(parse_report(stored(name))) == stored(name)


def test_a_report_without_templates_in_french() -> None:
    page = to_html(parse_report(stored("report-drill.json")), "fr")
    for told in (
        "Tables et leurs lignes",
        "355 tables, 30 030 lignes",
        "sauf 1 contrainte comme en production",
    ):
        assert told in page, told
    assert "30 030 rows" not in page


def test_what_looks_like_many_a_sentence_is_left_alone() -> None:
    phrase = locale("fr").phrase
    for text in ("wheels of bikes", "pulled with care", "x" * 3000):
        assert phrase(OldSentence(text)) == text
    # What is no old report's is never guessed at.
    assert phrase("Restore database sales") == "Restore database sales"


def test_a_history(tmp_path: Path) -> None:
    old, new = tmp_path / "old.sqlite", tmp_path / "new.sqlite"
    with closing(sqlite3.connect(old)) as connection:
        connection.executescript(stored("history.sql"))
    kept = entries(old, RunGroup(), 10)
    assert [entry.past.run for entry in kept] == ["20261129-170403-78a6", "20261129-170723-0ef5"]
    for name, entry in zip(("report-drill.json", "report-staging.json"), kept, strict=True):
        append_to_history(parse_report(stored(name)), entry.group, new)
    assert entries(new, RunGroup(), 10) == kept
    assert rows(new) == rows(old)


def rows(path: Path) -> list[tuple[object, ...]]:
    """All that a history holds, as it is stored."""
    with closing(sqlite3.connect(path)) as connection:
        version = connection.execute("PRAGMA user_version").fetchall()
        runs = connection.execute("SELECT * FROM runs ORDER BY run").fetchall()
        durations = connection.execute("SELECT * FROM durations ORDER BY run, position").fetchall()
    return [*version, *runs, *durations]


def test_node_records() -> None:
    for line in stored("node-records.jsonl").splitlines():
        assert record_text(parse_record(line)) == line


def test_the_record_of_a_staging_copy(tmp_path: Path) -> None:
    (tmp_path / "yesterday.json").write_text(stored("staging-copy.json"), encoding="utf-8")
    copy = records.load(tmp_path, "yesterday")
    records.save(tmp_path / "again", copy)
    again = tmp_path / "again" / "yesterday.json"
    assert again.read_text(encoding="utf-8") == stored("staging-copy.json")


def test_the_archive_of_an_upgrade() -> None:
    archive = read_archive(FILES / "archive")
    assert archive_text(archive) == stored("archive/archive.json")
    assert archive.accepted_by == "Zoé Martin"
    assert [image.role for image in archive.images] == ["database", "erp"]
    assert [name for name, _ in archive.files] == ["profile.yaml", "report/note.txt"]


def test_evidence() -> None:
    text = stored("evidence.json")
    evidence = trusted_evidence(text.encode(), TRUSTED)
    files = {"report.json": b"{}\n", "report.html": "é".encode()}
    again = sign_files(SIGNER, evidence.run, evidence.engine_version, evidence.created, files)
    assert again == text


def test_post_operations(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(stored("postops.json"), encoding="utf-8")
    events = read_events(tmp_path)
    (tmp_path / FILE).unlink()
    name = LocalText("Lead the name to it")
    operations = (ManualOperation("dns", name, name, name),)
    report = replace(passed(), run="20261129-170403-78a6", operations=operations)
    (tmp_path / JSON).write_text(to_json(report), encoding="utf-8")
    for event in events:
        record_event(tmp_path, event)
    assert (tmp_path / FILE).read_text(encoding="utf-8") == stored("postops.json")


def test_the_state_of_a_stack_names_what_the_program_makes() -> None:
    state = json.loads(stored("state.json"))
    kept = {tuple(urn.split("$")[-1].split("::")) for urn in state["resources"]}
    built = build(settings(purpose="staging"))
    made = {(one.type, one.name.replace(STACK, "STACK", 1)) for one in built.found}
    assert kept <= made
    # Pulumi deletes and updates what Python made with the very classes that the state names.
    providers = [pickle.loads(base64.b64decode(text)) for text in state["providers"]]  # noqa: S301
    assert [type(provider) for provider in providers] == [Passwords, Replay]
