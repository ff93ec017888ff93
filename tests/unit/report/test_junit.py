"""JUnit XML: each outcome where a CI server looks for it."""

from dataclasses import replace
from xml.etree.ElementTree import Element, fromstring

import pytest

from restore.model import CheckStatus, Report, StepStatus
from restore.report.junit import to_junit
from tests.support.report_samples import SAMPLES, broken, early, failed, passed, unverifiable


def parsed(report: Report, language: str = "en") -> Element:
    return fromstring(to_junit(report, language))  # noqa: S314 - our own text


def case(root: Element, classname: str) -> Element:
    found = root.find(f".//testcase[@classname='pra.{classname}']")
    assert found is not None, classname
    return found


def counts(element: Element) -> tuple[int, ...]:
    names = ("tests", "failures", "errors", "skipped")
    return tuple(int(element.get(name, "-1")) for name in names)


@pytest.mark.parametrize("make", SAMPLES.values(), ids=SAMPLES)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_totals_are_those_of_the_cases(make: type[Report], language: str) -> None:
    root = parsed(make(), language)  # type: ignore[call-arg]
    for part in (root, *root.findall("testsuite")):
        tags = ("testcase", "failure", "error", "skipped")
        assert counts(part) == tuple(sum(1 for _ in part.iter(tag)) for tag in tags)


def test_a_pass_is_green() -> None:
    root = parsed(passed())
    assert [suite.get("name") for suite in root] == ["Drill", "Steps", "Checks"]
    assert counts(root) == (9 + 7 + 8, 0, 0, 1)
    properties = {p.get("name"): p.get("value") for p in root.iter("property")}
    assert properties["verdict"] == "pass" and properties["rto"] == "43.100"
    assert properties["generation"] == "20261123T213000Z-1f3a9c"


def test_failed_checks_are_failures_with_details() -> None:
    root = parsed(failed())
    failure = case(root, "checks.documents.attachments:filestore:specibike_prod").find("failure")
    assert failure is not None and failure.text is not None
    assert (
        failure.get("message") == "412 rows, 410 readable files: 2 missing, 0 changed, 0 unreadable"
    )
    assert "row 391 ('<script>alert(1)</script>'" in failure.text
    slow = case(root, "checks.web.scenario:home").find("failure")
    assert slow is not None and "at most" in (slow.text or "")
    assert case(root, "drill.verdict").find("failure") is not None


def test_failed_steps_are_errors_and_the_rest_is_skipped() -> None:
    root = parsed(broken())
    error = case(root, "steps.restore-database:specibike_prod").find("error")
    assert error is not None and error.get("message") == "pg_restore ended with code 1"
    assert "citext" in (error.text or "")
    assert case(root, "steps.start-erp").find("skipped") is not None
    assert case(root, "drill.replay").find("error") is not None


def test_an_early_end_is_red() -> None:
    root = parsed(early())
    failure = case(root, "drill.verdict").find("failure")
    assert failure is not None and "20261122T" in failure.get("message", "")
    assert "generations there" in (failure.text or "")


def test_a_drill_that_proved_nothing_is_not_green() -> None:
    root = parsed(unverifiable())
    assert case(root, "drill.verdict").find("error") is not None
    skipped = case(root, "checks.web.scenario:home").find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "Unverifiable: no ERP account is configured for the checks"


def test_an_interrupted_step_without_a_reason_is_an_error() -> None:
    step = replace(passed().steps[0], status=StepStatus.ABORTED)
    error = case(parsed(replace(passed(), steps=(step,))), "steps.stop-erp").find("error")
    assert error is not None and error.get("message") == "Interrupted"


def test_warnings_pass_and_tell() -> None:
    found = case(parsed(passed()), "checks.documents.orphans:filestore:specibike_prod")
    output = found.find("system-out")
    assert output is not None and "ab/ab12cd34" in (output.text or "")
    assert found.find("failure") is None


def test_names_are_in_the_language_asked_for() -> None:
    root = parsed(passed(), "fr")
    assert [suite.get("name") for suite in root] == ["Exercice", "Opérations", "Contrôles"]
    assert case(root, "checks.web.scenario:logout").find("skipped") is not None


def test_what_xml_cannot_hold_is_replaced() -> None:
    name = b"caf\xe9".decode(errors="surrogateescape")
    bad = replace(
        passed().checks[0],
        status=CheckStatus.FAILED,
        observed=f"\x1b[31mred\x00 {name} ]]> & \N{ROCKET}",
    )
    failure = parsed(replace(passed(), checks=(bad,))).find(".//failure")
    assert failure is not None
    assert failure.get("message") == "�[31mred� caf� ]]> & \N{ROCKET}"
