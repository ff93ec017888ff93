"""A run's findings, however it ends."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from restore.checks.base import Check, Finding, run_check, unverifiable, with_acceptances
from restore.errors import EnvironmentFailure, RefusedError
from restore.model import Acceptance, CheckResult, CheckStatus, StepStatus, Verdict, ignore_progress
from restore.runs.recorder import Recorder

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
