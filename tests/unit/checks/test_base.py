"""How every check runs, whatever it meets."""

import httpx
import psycopg
import pytest

from restore.checks.base import (
    MOST_DETAILS,
    Check,
    Finding,
    describe,
    masked,
    passed_unless,
    run_check,
    unverifiable,
    with_acceptances,
)
from restore.errors import EnvironmentFailure
from restore.model import Acceptance, CheckStatus
from restore.model.secret import Secret

CHECK = Check("web.scenario:home", "Web: home", "HTTP 200", sla=2)


def test_a_result_says_what_was_expected_and_observed_and_how_long_it_took() -> None:
    result = run_check(CHECK, lambda: Finding(CheckStatus.PASSED, "HTTP 200"))

    assert (result.id, result.title, result.expected) == (CHECK.id, CHECK.title, CHECK.expected)
    assert (result.status, result.observed, result.sla) == (CheckStatus.PASSED, "HTTP 200", 2)
    assert result.duration > 0


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (EnvironmentFailure("no server", "start it"), "no server"),
        (psycopg.OperationalError("went away\n"), "went away"),
        (httpx.ConnectError("refused"), "refused"),
        (httpx.ReadTimeout(""), "ReadTimeout"),
        (OSError(5, "Input/output error"), "[Errno 5] Input/output error"),
    ],
)
def test_what_could_not_be_looked_at_is_unverifiable(error: Exception, reason: str) -> None:
    def probe() -> Finding:
        raise error

    result = run_check(CHECK, probe)

    assert (result.status, result.reason) == (CheckStatus.UNVERIFIABLE, reason)


def test_a_bug_is_not_hidden() -> None:
    def probe() -> Finding:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_check(CHECK, probe)


def test_only_the_first_details_are_kept() -> None:
    finding = passed_unless((str(number) for number in range(1000)), "1000 wrong")

    assert finding.status is CheckStatus.FAILED
    assert finding.details == (*map(str, range(MOST_DETAILS)), "… and more")
    assert len(passed_unless(map(str, range(MOST_DETAILS)), "").details) == MOST_DETAILS


def test_nothing_wrong_is_passed() -> None:
    assert passed_unless((), "all right").status is CheckStatus.PASSED


def test_an_accepted_failure_is_ignored_with_its_reason_and_stays_visible() -> None:
    failed = run_check(CHECK, lambda: Finding(CheckStatus.FAILED, "HTTP 500", ("broken",)))
    acceptance = Acceptance(CHECK.id, "the home page is rebuilt next week")

    (result,) = with_acceptances((failed,), (acceptance,))

    assert result.status is CheckStatus.IGNORED
    assert result.reason == "the home page is rebuilt next week"
    assert result.observed == "HTTP 500"
    assert result.details == ("would be failed", "broken")


def test_an_accepted_check_that_could_not_run_says_why() -> None:
    (result,) = with_acceptances(
        (unverifiable(CHECK, "no account"),), (Acceptance(CHECK.id, "known"),)
    )

    assert result.details == ("would be unverifiable: no account",)


def test_what_passes_needs_no_acceptance() -> None:
    passed = run_check(CHECK, lambda: Finding(CheckStatus.PASSED, "HTTP 200"))

    assert with_acceptances((passed,), (Acceptance(CHECK.id, "known"),)) == (passed,)


def test_secrets_are_masked_and_empty_ones_mask_nothing() -> None:
    assert masked("a pass word", (Secret("pass"), Secret(""))) == "a *** word"


def test_an_error_without_words_is_named() -> None:
    assert describe(TimeoutError()) == "TimeoutError"
