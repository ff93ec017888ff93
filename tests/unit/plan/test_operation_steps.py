"""Post-operations: what a profile may say, the steps that it gives, and the checklist of a run."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from fixtures.plans import cases
from restore.checks.operation_checks import foreseen_operation_checks
from restore.cli.main import run
from restore.errors import ExitCode, NotFoundError, UsageError
from restore.model import LocalText, ManualOperation, OperationEvent, Role, StepKind
from restore.plan.placeholders import filled, filled_sql
from restore.plan.planning import plan
from restore.profile import (
    OperationKind,
    PostOperation,
    Profile,
    load_profile,
    parse_profile,
    profile_text,
)
from restore.profile.lint import profile_errors
from restore.report.evidence.files import verify_evidence
from restore.report.evidence.format import sign_files
from restore.report.files import write_report
from restore.report.postops import read_events, record_event
from restore.report.run_folders import read_report
from tests.support.evidence_samples import SIGNER, TRUSTED
from tests.support.report_samples import passed

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
MAIL = ManualOperation(
    "mail",
    LocalText("Let mail out", "Rouvrir le courriel"),
    LocalText("Client's IT", "Informatique du client"),
    LocalText("Tell the relay <now>.", "Prévenir le relais <vite>."),
)
DNS = ManualOperation("dns", LocalText("DNS"), LocalText("Client"), LocalText("Change it."))


# --- profiles -------------------------------------------------------------------------------------


def with_operations(*operations: dict[str, Any]) -> str:
    document = yaml.safe_load(profile_text("tryton"))
    return yaml.safe_dump({**document, "post_operations": list(operations)})


def automated(**changes: Any) -> dict[str, Any]:
    plain = {
        "name": "url", "title": "URL", "owner": "us", "kind": "automated",
        "sql": "UPDATE a SET b = {external_url}",
        "check": {"sql": "SELECT b FROM a", "expected": "{external_url}"},
    }  # fmt: skip
    return {key: value for key, value in {**plain, **changes}.items() if value is not None}


def test_an_operation_is_read_with_its_defaults() -> None:
    manual = {"name": "dns", "title": {"en": "DNS", "fr": "Le DNS"}, "owner": "us",
              "kind": "manual", "instructions": "Change it."}  # fmt: skip
    text = with_operations(automated(), manual)
    assert profile_errors(text) == ()
    profile = parse_profile(text, "it")
    assert [one.name for one in profile.automated] == ["url"]
    (entry,) = profile.checklist
    assert (entry.title.of("fr"), entry.title.of("en")) == ("Le DNS", "DNS")
    assert (entry.owner.of("fr"), entry.instructions.of("fr")) == ("us", "Change it.")


@pytest.mark.parametrize(
    ("operation", "problem"),
    [
        (automated(kind="manual"), "'instructions' is a required property"),
        (automated(check=None), "'check' is a required property"),
        (automated(sql=None), "is not valid under any of the given schemas"),
        (automated(command=["x"]), "valid under each of"),
        (automated(instructions="Do."), "may not stand here"),
        (automated(check={"sql": "SELECT 1"}), "is not valid under any"),
        (automated(sql="SELECT {erp_password}"), "sql: no {erp_password}; known: database"),
        (automated(check={"path": "/{id}"}), "check.path: no {id}"),
        (automated(sql=None, command=["x"], when="before-start"), "a server that runs"),
        (automated(sql=None, command=["x"], server="reports"), "no reports server"),
        (automated(sql=None, command=["x"], where="SELECT 1"), "where: needs sql"),
        (automated(name="No Name"), "does not match"),
    ],
)
def test_what_is_wrong_with_an_operation_is_told(operation: dict[str, Any], problem: str) -> None:
    errors = profile_errors(with_operations(operation))
    assert any("post_operations[0]" in line and problem in line for line in errors), errors


def test_a_name_that_stands_there_twice_is_told() -> None:
    assert profile_errors(with_operations(automated(), automated())) == (
        "post_operations: url stands there 2 times",
    )


@pytest.mark.parametrize("name", ["odoo", "odoo19", "openprod"])
def test_what_ships_speaks_both_languages(name: str) -> None:
    profile = load_profile(name)
    assert {"firewall", "dns", "mail-routing", "scheduled-jobs"} <= {
        one.name for one in profile.checklist
    }
    for one in profile.post_operations:
        assert one.title.fr and one.owner.fr
        assert one.kind is OperationKind.AUTOMATED or (one.instructions and one.instructions.fr)


def test_sql_gets_quoted_texts_and_other_braces_stay() -> None:
    values = {"external_url": "https://o'brien\\", "database": "a b"}
    assert filled("{database}: {external_url} {2,3}", values) == "a b: https://o'brien\\ {2,3}"
    assert filled_sql("SET a = {external_url} WHERE b = '{1}'", values) == (
        "SET a = E'https://o''brien\\\\' WHERE b = '{1}'"
    )


# --- plans ----------------------------------------------------------------------------------------


def operation(name: str, **changes: Any) -> PostOperation:
    text = LocalText(name)
    return PostOperation(name, text, text, OperationKind.AUTOMATED, **changes)


def test_operations_stand_around_the_start_of_the_erp() -> None:
    shipped = cases.request("a", "b")
    (early, *_) = load_profile("odoo").automated
    profile = replace(
        shipped.profile,
        post_operations=(
            operation("late", command=("reindex", "--url={external_url}"), user="odoo"),
            early,
            operation("reports", command=("x",), server=Role.REPORTS),
        ),
    )
    steps = plan(replace(shipped, profile=profile)).steps
    ids = [step.id for step in steps]
    start = ids.index("start-erp")
    assert ids[start - 2 : start] == [
        "post-operation:external-url:a", "post-operation:external-url:b",
    ]  # fmt: skip
    late = next(step for step in steps if step.id == "post-operation:late")
    assert ids.index(late.id) > start
    url = shipped.target.configuration.external_url
    assert (late.argv, late.owner) == (("reindex", f"--url={url}"), "odoo")
    # There is no reports server to run the last one on.
    assert not any(one.startswith("post-operation:reports") for one in ids)
    assert f"'{url}'" in steps[start - 1].argv[-1]
    kinds = [step.kind for step in steps]
    assert kinds.count(StepKind.POST_OPERATION) == 3


def test_their_checks_are_known_before_a_run() -> None:
    profile: Profile = load_profile("odoo")
    ids = [check.id for check in foreseen_operation_checks(profile, ("a", "b"))]
    assert ids == [
        "postop.external-url:a", "postop.external-url:b",
        "postop.report-url:a", "postop.report-url:b",
    ]  # fmt: skip


# --- the checklist --------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run whose checklist has two entries, its page in French."""
    report = replace(passed(), operations=(MAIL, DNS))
    return write_report(report, tmp_path / report.run, "fr").parent


def test_a_tick_is_kept_beside_the_report_which_stays(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = OperationEvent("mail", True, "A. Martin", NOW, "ticket 4211")

    record_event(folder, done)

    assert read_events(folder) == (done,)
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"report.html", "report.en.html", "report.fr.html"}
    page = after["report.html"].decode()
    assert page == after["report.fr.html"].decode()
    for part in ("par A. Martin, le 24 novembre 2026", "ticket 4211", "Rouvrir le courriel",
                 "Prévenir le relais &lt;vite&gt;.", "1 post-opération à faire"):  # fmt: skip
        assert part in page
    assert "1 post-operation to do" in after["report.en.html"].decode()


def test_a_tick_leaves_signed_pages_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = replace(read_report(folder), signed_by=SIGNER.id)
    write_report(
        report, folder, "fr", lambda files: sign_files(SIGNER, report.run, "0", NOW, files)
    )
    where = ["--run", report.run, "--reports", str(folder.parent)]

    assert run(["postop", "done", "mail", "--by", "A. Martin", *where]) == ExitCode.PASS

    assert "are signed and stay as they are" in capsys.readouterr().err
    assert verify_evidence(folder, TRUSTED).unsigned == ("postops.json",)
    assert run(["report", report.run, "--reports", str(folder.parent)]) == ExitCode.PASS
    assert "by A. Martin" in capsys.readouterr().out


def test_the_last_event_counts_and_none_is_lost(folder: Path) -> None:
    events = [
        OperationEvent("mail", True, "a", NOW),
        OperationEvent("mail", False, "b", NOW, "relay refuses"),
        OperationEvent("dns", True, "c", NOW),
    ]
    for event in events:
        report = record_event(folder, event)
    assert read_events(folder) == tuple(events)
    checklist = report.checklist(tuple(events))
    assert {row.operation.name: row.done for row in checklist} == {"mail": None, "dns": events[2]}


def test_what_makes_no_sense_is_refused_and_nothing_is_written(folder: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        record_event(folder, OperationEvent("male", True, "a", NOW))
    assert caught.value.hint == "it has: mail, dns"
    with pytest.raises(UsageError, match="nobody is named"):
        record_event(folder, OperationEvent("mail", True, "  ", NOW))
    with pytest.raises(UsageError, match="to be done already"):
        record_event(folder, OperationEvent("mail", False, "a", NOW))
    assert read_events(folder) == ()
    record_event(folder, OperationEvent("mail", True, "a", NOW))
    with pytest.raises(UsageError, match="done already by a at 2026-11-24 09:30 UTC"):
        record_event(folder, OperationEvent("mail", True, "b", NOW))
    (folder / "postops.json").write_text('{"format": 1')
    with pytest.raises(UsageError, match="can't be read"):
        read_events(folder)


def test_a_run_without_a_checklist_says_so(tmp_path: Path) -> None:
    write_report(passed(), tmp_path)
    with pytest.raises(NotFoundError) as caught:
        record_event(tmp_path, OperationEvent("mail", True, "a", NOW))
    assert caught.value.hint == "its profile lists none"


def test_the_commands(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = read_report(folder)
    where = ("--reports", str(folder.parent))
    assert run(["postop", "done", "mail", "--by", "A. Martin", *where]) == ExitCode.PASS
    assert "mail: done by A. Martin; 1 of 2 to do" in capsys.readouterr().out
    assert run(["postop", "list", "--lang", "fr", "--stack", report.stack, *where]) == ExitCode.PASS
    shown = capsys.readouterr().out
    for part in ("done by A. Martin", "Rouvrir le courriel", "Informatique du client", "1 of 2"):
        assert part in shown
    again = ["postop", "undo", "mail", "--by", "B", "--run", report.run[:15], *where]
    assert run(again) == ExitCode.PASS
    capsys.readouterr()
    assert run(["--json", "postop", "list", *where]) == ExitCode.PASS
    listed = json.loads(capsys.readouterr().out)
    assert (listed["run"], listed["to_do"]) == (report.run, 2)
    assert listed["operations"][0]["done"] is False

    assert run(["postop", "done", "nothing", "--by", "B", *where]) == ExitCode.NOT_FOUND
    assert "it has: mail, dns" in capsys.readouterr().err
    assert run(["postop", "list", "--stack", "nobodys", *where]) == ExitCode.NOT_FOUND
    assert run(["postop", "list", "--stack", "x", "--run", "y", *where]) == ExitCode.USAGE


def test_the_page_that_is_rendered_again_has_the_ticks(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record_event(folder, OperationEvent("dns", True, "A. Martin", NOW))
    assert run(["report", folder.name, "--reports", str(folder.parent)]) == ExitCode.PASS
    assert "by A. Martin, 24 November 2026" in capsys.readouterr().out
