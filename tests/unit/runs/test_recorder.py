"""A run's findings, however it ends."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from restore.checks import checks_left_out, foreseen_checks, started_check
from restore.checks.base import Check, Finding, run_check, unverifiable, with_acceptances
from restore.checks.isolation import PROBES as ISOLATION
from restore.checks.scenarios.failure import NO_ACCOUNT
from restore.checks.web import foreseen_scenario_checks
from restore.errors import EnvironmentFailure, RefusedError
from restore.model import (
    Acceptance,
    CheckResult,
    CheckStatus,
    Difference,
    Role,
    Severity,
    StepStatus,
    Verdict,
    ignore_progress,
)
from restore.profile import WebScenario, load_profile
from restore.report.document import parse_report, to_json
from restore.report.html import to_html
from restore.runs.recorder import Recorder

(WEB_LOGIN,) = foreseen_scenario_checks(WebScenario(None, ()))
STARTED = started_check(load_profile("odoo"), "")
START = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


@pytest.fixture
def recorder() -> Recorder:
    """A recorder whose clock advances by a second at each look."""

    def clock() -> Iterator[datetime]:
        now = START
        while True:
            yield now
            now += timedelta(seconds=1)

    times = clock()
    return Recorder("run", "pra drill", "drill-1", (), lambda: next(times), ignore_progress)


def check(status: CheckStatus) -> CheckResult:
    return CheckResult("web.scenario:home", "home", status, "200", "200", 0.1)


def test_stages_are_timed(recorder: Recorder) -> None:
    with recorder.stage("select", "Choose"):
        pass
    (stage,) = recorder.report().stages
    assert (stage.id, stage.status, stage.duration) == ("select", StepStatus.SUCCEEDED, 1.0)


def test_no_check_run_is_never_a_pass(recorder: Recorder) -> None:
    assert recorder.report().verdict is Verdict.UNVERIFIABLE
    recorder.checks = (check(CheckStatus.UNVERIFIABLE), check(CheckStatus.IGNORED))
    assert recorder.report().verdict is Verdict.UNVERIFIABLE


def test_a_check_that_broke_off_is_never_a_pass(recorder: Recorder) -> None:
    def probe() -> Finding:
        raise EnvironmentFailure("the server went away")

    broken = run_check(Check("documents.attachments:filestore:db", "", ""), probe)
    recorder.checks = (check(CheckStatus.PASSED), broken)
    assert recorder.report().verdict is Verdict.UNVERIFIABLE
    ignored = with_acceptances((broken,), (Acceptance(broken.id, "known"),))
    recorder.checks = (check(CheckStatus.PASSED), *ignored)
    assert recorder.report().verdict is Verdict.PASS
    # What needs an account that nobody gave was never begun.
    recorder.checks = (check(CheckStatus.PASSED), unverifiable(Check("web", "", ""), "no account"))
    assert recorder.report().verdict is Verdict.PASS


@pytest.mark.parametrize("check_of", [*ISOLATION, WEB_LOGIN, STARTED])
def test_nothing_is_proved_while_what_decides_has_no_answer(
    recorder: Recorder, check_of: Check
) -> None:
    good, mute = check(CheckStatus.PASSED), unverifiable(check_of, "why")
    recorder.checks = (good, mute)
    report = recorder.report()
    assert (report.verdict, report.outcome) == (Verdict.UNVERIFIABLE, "unverifiable")
    assert report.hint is not None and f"--accept {check_of.id}" in report.hint
    # What is left out on purpose is told, with its reason, wherever the verdict is.
    accepted = (Acceptance(check_of.id, "looked at by hand"),)
    recorder.checks = (good, *with_acceptances((mute,), accepted))
    report = recorder.report()
    assert (report.verdict, report.outcome) == (Verdict.PASS, "pass with reserves")
    assert (report.reserves, report.hint) == (accepted, None)
    assert parse_report(to_json(report)) == report
    # The healthy neighbour: it was decided, or it decides nothing.
    recorder.checks = (good, replace(mute, status=CheckStatus.WARNING))
    assert recorder.report().outcome == "pass"
    recorder.checks = (good, replace(mute, decisive=False))
    assert recorder.report().outcome == "pass"


def test_a_blocking_difference_that_was_accepted_is_a_reserve(recorder: Recorder) -> None:
    recorder.checks = (check(CheckStatus.PASSED),)
    blocking = Difference("erp.series", Severity.BLOCKING, "14.0", "15.0", "", "tried it")
    minor = replace(blocking, key="erp.release", severity=Severity.WARNING)
    recorder.differences = (minor,)
    assert recorder.report().outcome == "pass"
    recorder.differences = (blocking, minor)
    assert recorder.report().reserves == (Acceptance("erp.series", "tried it"),)


def test_an_account_that_is_missing_is_asked_for(recorder: Recorder) -> None:
    recorder.checks = (check(CheckStatus.PASSED), unverifiable(WEB_LOGIN, NO_ACCOUNT))
    hint = recorder.report().hint
    assert hint is not None and "PRA_CHECK_PASSWORD" in hint


def test_pages_that_are_too_slow_are_told_apart_from_the_data(recorder: Recorder) -> None:
    slow = replace(check(CheckStatus.WARNING), sla=10.0)
    recorder.checks = (check(CheckStatus.PASSED), slow)
    report = recorder.report()
    assert (report.verdict, report.outcome) == (Verdict.PASS, "pass, too slow")
    assert "Réussite, trop lente" in to_html(report, "fr")
    assert parse_report(to_json(report)).outcome == report.outcome
    ignored = replace(check(CheckStatus.IGNORED), reason="known")
    recorder.checks = (*recorder.checks, ignored)
    assert recorder.report().outcome == "pass with reserves, too slow"
    recorder.checks = (*recorder.checks, check(CheckStatus.FAILED))
    assert recorder.report().outcome == "fail"
    # Other warnings are no matter of time.
    recorder.checks = (check(CheckStatus.PASSED), check(CheckStatus.WARNING))
    assert recorder.report().outcome == "pass"


def test_what_decides_and_never_ran_is_missed() -> None:
    profile = load_profile("odoo")
    foreseen = tuple(foreseen_checks(profile, ("db",)))
    ran = tuple(unverifiable(one, "") for one in foreseen)
    everything, ids = tuple(Role), [one.id for one in foreseen if one.decisive]
    assert ids == [
        "database.tables:db", "erp.started", "documents.attachments:filestore:db",
        "web.scenario:login", "isolation.archive", "isolation.replication", "isolation.network",
    ]  # fmt: skip
    assert list(checks_left_out(ran, foreseen, everything)) == []
    missed = list(checks_left_out((), foreseen, everything))
    assert [one.id for one in missed] == ids and all(one.undecided for one in missed)
    # A node alone owes no database; a generation without any proves nothing.
    assert [one.id for one in checks_left_out((), foreseen, (Role.ERP,))] == ids[1:]
    none = tuple(foreseen_checks(profile, ()))
    found = {one.id for one in checks_left_out((), none, everything)}
    assert "database.tables" in found


def test_one_failed_check_fails(recorder: Recorder) -> None:
    recorder.checks = (check(CheckStatus.PASSED), check(CheckStatus.WARNING))
    assert recorder.report().verdict is Verdict.PASS
    recorder.checks = (*recorder.checks, check(CheckStatus.FAILED))
    assert recorder.report().verdict is Verdict.FAIL


def test_an_error_fails_the_run_and_is_told(recorder: Recorder) -> None:
    error = RefusedError("ERP series 15.0", "accept it")
    with pytest.raises(RefusedError), recorder.stage("plan", "Plan"):
        raise error
    recorder.error = error
    recorder.checks = (check(CheckStatus.PASSED),)
    report = recorder.report()
    assert report.verdict is Verdict.FAIL
    assert (report.error, report.hint) == ("ERP series 15.0", "accept it")
    assert report.stages[0].status is StepStatus.FAILED
    assert report.stages[0].reason == "ERP series 15.0"
    assert report.rto is None and report.rpo is None


def test_ctrl_c_aborts_the_stage(recorder: Recorder) -> None:
    with pytest.raises(KeyboardInterrupt), recorder.stage("replay", "Replay"):
        raise KeyboardInterrupt
    assert recorder.report().stages[0].status is StepStatus.ABORTED


def test_rto_ends_with_the_last_check(recorder: Recorder) -> None:
    recorder.checked = START + timedelta(seconds=42)
    assert recorder.report().rto == 42
