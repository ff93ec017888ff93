"""A report as JUnit XML, for the CI servers that read it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from restore.model import CheckResult, CheckStatus, Report, StepResult, StepStatus, Verdict
from restore.report.language import Locale, locale
from restore.report.timeline import stage_name

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold at all, escaped or not."""


def to_junit(report: Report, language: str = "en") -> str:
    """Write a report as JUnit XML with three suites: the drill, the plan's steps, the checks.

    A failed check is a failure; a failed or interrupted stage or step is an error; what was
    skipped, ignored or could not be verified is skipped. The drill's suite ends with the verdict
    itself, so that a drill that proved nothing is never green.

    Raises:
        UsageError: there is no such language.
    """
    words = locale(language)
    root = Element("testsuites", name=_clean(words.text("junit.name", run=report.run)))
    drill = [
        _result_case("drill", stage_name(stage, words), stage, words) for stage in report.stages
    ]
    steps = [_result_case("steps", words.phrase(s.title), s, words) for s in report.steps]
    checks = [_check_case(check, words) for check in report.checks]
    _suite(root, report, words.text("junit.drill"), [*drill, _verdict_case(report, words)])
    _suite(root, report, words.text("junit.steps"), steps)
    _suite(root, report, words.text("junit.checks"), checks)
    for total in ("tests", "failures", "errors", "skipped"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    root.set("time", _seconds((report.finished - report.started).total_seconds()))
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=False).join(
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "\n")
    )


def _suite(root: Element, report: Report, name: str, cases: Sequence[Element]) -> None:
    suite = SubElement(
        root,
        "testsuite",
        name=name,
        tests=str(len(cases)),
        failures=str(_having(cases, "failure")),
        errors=str(_having(cases, "error")),
        skipped=str(_having(cases, "skipped")),
        time=_seconds(sum(float(case.get("time", "0")) for case in cases)),
        timestamp=f"{report.started.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
    )
    properties = SubElement(suite, "properties")
    known = {
        "run": report.run,
        "stack": report.stack,
        "generation": report.generation.id if report.generation else None,
        "profile": report.generation.profile if report.generation else None,
        "verdict": report.verdict,
        "reserves": ", ".join(one.key for one in report.reserves) or None,
        "too_slow": ", ".join(one.id for one in report.checks if one.too_slow) or None,
        "mode": report.mode,
        "rto": report.rto,
        "rpo": report.rpo,
        "rto_budget": report.rto_budget,
        "rpo_budget": report.rpo_budget,
        "engine": report.engine_version,
        "signed_by": report.signed_by,
    }
    for key, value in known.items():
        if value is not None:
            text = _clean(value) if isinstance(value, str) else _seconds(value)
            SubElement(properties, "property", name=key, value=text)
    suite.extend(cases)


def _having(cases: Sequence[Element], tag: str) -> int:
    return sum(case.find(tag) is not None for case in cases)


def _case(group: str, name: str, seconds: float) -> Element:
    return Element(
        "testcase", classname=f"pra.{_clean(group)}", name=_clean(name), time=_seconds(seconds)
    )


def _verdict_case(report: Report, words: Locale) -> Element:
    case = _case("drill.verdict", words.text("junit.verdict"), 0)
    if report.verdict is not Verdict.PASS:
        tag = "failure" if report.verdict is Verdict.FAIL else "error"
        text = words.text(f"verdict.{report.verdict.value}")
        error = words.phrase(report.error) if report.error else None
        hint = words.phrase(report.hint) if report.hint else None
        _outcome(case, tag, error or text, "\n".join(filter(None, (error, hint))))
    return case


def _result_case(suite: str, name: str, result: StepResult, words: Locale) -> Element:
    case = _case(f"{suite}.{result.id}", name, result.duration)
    reason = words.phrase(result.reason) if result.reason else ""
    if result.status is StepStatus.SKIPPED:
        _outcome(case, "skipped", reason)
    elif result.status is not StepStatus.SUCCEEDED:
        _outcome(case, "error", reason or words.text(f"status.{result.status.value}"), reason)
    return case


def _check_case(check: CheckResult, words: Locale) -> Element:
    case = _case(f"checks.{check.id}", words.phrase(check.title), check.duration)
    text = "\n".join(_lines(check, words))
    match check.status:
        case CheckStatus.FAILED:
            _outcome(case, "failure", words.phrase(check.observed), text)
        case CheckStatus.UNVERIFIABLE | CheckStatus.IGNORED:
            reason = words.phrase(check.reason or check.observed)
            status = words.text(f"status.{check.status.value}")
            _outcome(case, "skipped", f"{status}{words.text('format.colon')} {reason}")
        case CheckStatus.WARNING:
            SubElement(case, "system-out").text = _clean(text)
        case CheckStatus.PASSED:
            pass
    return case


def _lines(check: CheckResult, words: Locale) -> list[str]:
    lines = [
        words.text("junit.expected", expected=words.phrase(check.expected)),
        words.text("junit.observed", observed=words.phrase(check.observed)),
    ]
    if check.sla is not None and check.duration > check.sla:
        took, most = words.duration(check.duration), words.duration(check.sla)
        lines.append(words.text("junit.slow", duration=took, sla=most))
    return [*lines, *(words.phrase(detail) for detail in check.details)]


def _outcome(case: Element, tag: str, message: str, text: str = "") -> None:
    element = SubElement(case, tag, message=_clean(message.partition("\n")[0]))
    if text:
        element.text = _clean(text)


def _seconds(value: float) -> str:
    return f"{value:.3f}"


def _clean(text: str) -> str:
    """Replace what XML cannot hold, such as the escape codes of a tool's colours."""
    return _NOT_XML.sub("�", text)
