"""``report.json``: its published schema, its way back, and what it refuses to hold."""

import json
from dataclasses import fields, is_dataclass, replace
from typing import Any, get_args, get_type_hints

import pytest

from restore import model
from restore.errors import UsageError
from restore.model import Report
from restore.model.schema import schema, schema_errors
from restore.model.secret import Secret
from restore.report.document import parse_report, report_document, to_json
from tests.support.report_samples import SAMPLES, passed

samples = pytest.mark.parametrize("report", [make() for make in SAMPLES.values()], ids=SAMPLES)


@samples
def test_document_keeps_to_its_schema(report: Report) -> None:
    assert schema_errors("report", json.loads(to_json(report))) == []


@samples
def test_a_report_comes_back_as_it_was(report: Report) -> None:
    assert parse_report(to_json(report)) == report


def test_equal_reports_give_equal_texts() -> None:
    assert to_json(passed()) == to_json(passed())


def test_document_is_what_the_text_holds() -> None:
    assert json.loads(to_json(passed())) == report_document(passed())


def model_types(kind: Any, seen: dict[str, Any]) -> dict[str, Any]:
    """Every dataclass that a report can hold."""
    if is_dataclass(kind) and kind.__name__ not in seen:  # type: ignore[union-attr]
        seen[kind.__name__] = kind  # type: ignore[union-attr]
        for hint in get_type_hints(kind).values():
            model_types(hint, seen)
    for part in get_args(kind):
        model_types(part, seen)
    return seen


@pytest.mark.parametrize("name", sorted(model_types(Report, {})))
def test_schema_describes_each_field_of_the_model(name: str) -> None:
    document = schema("report")
    described = document if name == "Report" else document["$defs"][name]
    expected = {field.name for field in fields(getattr(model, name))}
    assert set(described["properties"]) - {"format", "messages"} == expected
    assert described["additionalProperties"] is False
    assert all(option.get("description") for option in described["properties"].values())


ENUMERATIONS = (
    ("ArtifactKind", "Artifact.kind"),
    ("CheckStatus", "CheckResult.status"),
    ("Severity", "Difference.severity"),
    ("StepKind", "Step.kind"),
    ("StepStatus", "StepResult.status"),
    ("Verdict", "Report.verdict"),
)


@pytest.mark.parametrize(("kind", "place"), ENUMERATIONS)
def test_schema_knows_each_value_of_the_model(kind: str, place: str) -> None:
    owner, _, field = place.partition(".")
    document = schema("report")
    described = document if owner == "Report" else document["$defs"][owner]
    assert described["properties"][field]["enum"] == [item.value for item in getattr(model, kind)]


def test_file_names_that_are_not_utf8_survive() -> None:
    check = replace(passed().checks[0], details=(b"caf\xe9.pdf".decode(errors="surrogateescape"),))
    report = replace(passed(), checks=(check,))
    text = to_json(report)
    assert parse_report(text.encode("utf-8").decode("utf-8")) == report


def test_a_secret_has_no_place_in_a_report() -> None:
    with pytest.raises(TypeError, match="cannot hold a Secret"):
        to_json(replace(passed(), hint=Secret("hunter2")))  # type: ignore[arg-type]


def test_format_of_a_newer_engine_is_refused() -> None:
    document = json.loads(to_json(passed())) | {"format": 2, "mood": "good"}
    with pytest.raises(UsageError, match="format 2") as refusal:
        parse_report(json.dumps(document))
    assert "newer" in refusal.value.hint


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"format": 1}'])
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"some\.json"):
        parse_report(text, "some.json")


def test_each_wrong_option_is_named_with_its_path() -> None:
    document = json.loads(to_json(passed()))
    document["checks"][0]["status"] = "splendid"
    document["surprise"] = 1
    with pytest.raises(UsageError) as refusal:
        parse_report(json.dumps(document))
    assert "checks[0].status" in refusal.value.message
    assert "surprise" in refusal.value.message


def test_a_date_that_does_not_exist_is_refused() -> None:
    document = json.loads(to_json(passed()))
    document["started"] = "2026-13-45T00:00:00Z"
    with pytest.raises(UsageError, match="is not a report"):
        parse_report(json.dumps(document))
