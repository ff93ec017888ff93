"""Scenario files: all errors at once with their paths, and what a good one becomes."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from restore.checks.scenarios import Api, load_scenario, parse_scenario
from restore.checks.scenarios.values import Call, Expectation, LogIn, OnPage, PageKind, Target
from restore.cli.main import run
from restore.errors import ExitCode, UsageError
from restore.model.locations import ROOT

EXAMPLE = ROOT / "fixtures" / "scenarios" / "partners.yaml"

GOOD: dict[str, Any] = {
    "name": "sales",
    "title": "Sales",
    "api": "openerp",
    "deadline": 7,
    "steps": [
        {"name": "enter", "log_in": {"path": "/login", "button": {"role": "button", "name": "OK"}}},
        {"name": "type", "fill": {"into": {"label": "Search"}, "text": "{login} {run}"}},
        {"name": "secret", "fill": {"into": {"label": "Password"}, "text": "{password}"}},
        {"name": "look", "look": True, "picture": False},
        {
            "name": "make",
            "deadline": 2.5,
            "call": {
                "model": "sale.order",
                "method": "create",
                "arguments": [{"name": "{run}"}],
                "expect": {"equals": None},
                "remember": "order",
            },
        },
        {"name": "shown", "title": "It is shown", "see": "Order {order}"},
        {"name": "read", "read": {"from": {"selector": "h1", "first": True}, "remember": "head"}},
        {"name": "address", "address": "id={order}"},
        {"name": "gone", "gone": {"text": "{head}", "exact": True}},
    ],
}


def parsed(document: Any) -> Any:
    return parse_scenario(yaml.safe_dump(document), "sales.yaml")


def errors_of(document: Any) -> list[str]:
    with pytest.raises(UsageError) as caught:
        parsed(document)
    first, *lines = caught.value.message.split("\n")
    assert first == "scenario sales.yaml is wrong:"
    return [line.strip() for line in lines]


def test_a_good_file_becomes_a_value() -> None:
    scenario = parsed(GOOD)
    assert (scenario.name, scenario.api, scenario.source) == ("sales", Api.OPENERP, "sales.yaml")
    enter, typed, _, look, make, shown, *_ = scenario.steps
    button = Target("role", "button", name="OK")
    assert enter.act == LogIn(path="/login", button=button)
    assert typed.act == OnPage(PageKind.FILL, "{login} {run}", Target("label", "Search"))
    assert (typed.deadline, make.deadline) == (7.0, 2.5)
    assert isinstance(make.act, Call) and make.act.expect == Expectation(equals=(None,))
    assert shown.act == OnPage(PageKind.SEE, target=Target("text", "Order {order}"))
    assert [step.picture for step in (enter, look, make, shown)] == [True, False, False, True]
    assert [step.needs_account for step in scenario.steps] == [True] * 3 + [False, True] + [
        False
    ] * 4
    assert scenario.on_pages and scenario.needs_account
    assert scenario.check_ids[4] == "scenario.sales.make"
    assert shown.kind == "see"


def test_the_example_is_good() -> None:
    scenario = load_scenario(EXAMPLE)
    assert scenario.api is Api.ODOO and scenario.needs_account


def test_every_error_is_told_at_once_with_its_path() -> None:
    assert errors_of(
        {
            "name": "Sales!",
            "steps": [{"name": "a", "open": "web", "wait": 3}, {"see": {"colour": "red"}}],
            "deadline": 0,
        }
    ) == [
        "(top): 'title' is a required property",
        "deadline: 0 is less than or equal to the minimum of 0",
        "name: 'Sales!' does not match '^[a-z0-9]+(-[a-z0-9]+)*$'",
        "steps[0]: Additional properties are not allowed ('wait' was unexpected)",
        "steps[0].open: 'web' does not match '^/'",
        "steps[1]: 'name' is a required property",
        "steps[1].see: Additional properties are not allowed ('colour' was unexpected)",
    ]


def test_what_a_schema_cannot_see_is_told_at_once_too() -> None:
    document = copy.deepcopy(GOOD)
    document["steps"] = [
        {"name": "two", "open": "/", "look": True},
        {"name": "two", "deadline": 3},
        {"name": "early", "see": "{order}"},
        {"name": "seen", "open": "/{password}"},
        {"name": "field", "fill": {"into": "{password}", "text": "{password}"}},
        {"name": "found", "click": {"text": "a", "label": "b"}},
        {"name": "named", "click": {"text": "a", "name": "b"}},
        {"name": "none", "read": {"from": {"exact": True}, "remember": "login"}},
        {"name": "call", "call": {"model": "m", "method": "n", "keywords": {"a": 1}}},
    ]
    assert errors_of(document) == [
        "steps[0]: a step has exactly one act, this one has open, look",
        "steps[1].name: another step is called 'two'",
        "steps[1]: a step has exactly one act, this one has none",
        "steps[2].see: nothing is remembered as 'order' before this step",
        "steps[3].open: {password} may stand in the text of a fill only",
        "steps[4].fill: {password} may stand in the text of a fill only",
        "steps[5].click: needs exactly one of text, label, role, selector, has text, label",
        "steps[6].click.name: goes with a role",
        "steps[7].read.from: needs exactly one of text, label, role, selector, has none",
        "steps[7].read.remember: 'login' is given, choose another name",
        "steps[8].call.keywords: OpenERP's API takes none",
    ]


def test_what_no_api_can_carry_is_told() -> None:
    text = (
        "name: a\ntitle: a\nsteps:\n- name: a\n  call:\n    model: m\n    method: n\n"
        "    arguments: [2026-01-02, .nan, {1: x}]\n"
    )
    with pytest.raises(UsageError) as caught:
        parse_scenario(text, "a.yaml")
    assert caught.value.message.split("\n")[1:] == [
        "  steps[0].call.arguments[0]: a date can't be sent, put it in quotes",
        "  steps[0].call.arguments[1]: nan is no number to count with",
        "  steps[0].call.arguments[2]: the key 1 is no text, put it in quotes",
    ]


@pytest.mark.parametrize("text", ["", "- a", "a: [", "name: 3", "\x00"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_scenario(text, "a.yaml")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.yaml can't be read"):
        load_scenario(tmp_path / "gone.yaml")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.data())
def test_a_file_is_a_scenario_or_refused_whatever_was_changed(data: st.DataObject) -> None:
    document = copy.deepcopy(GOOD)
    node: Any = document
    for _ in range(data.draw(st.integers(0, 4))):
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        inner = [key for key in keys if isinstance(node[key], dict | list) and node[key]]
        if not inner:
            break
        node = node[data.draw(st.sampled_from(inner))]
    if isinstance(node, dict):
        key = data.draw(st.sampled_from(sorted(node)) | st.text(max_size=8))
        node[key] = data.draw(_JSON)
    else:
        node[data.draw(st.integers(0, len(node) - 1))] = data.draw(_JSON)
    try:
        scenario = parsed(document)
    except UsageError:
        return
    assert len(set(scenario.check_ids)) == len(document["steps"])
    assert all(0 < step.deadline <= 3600 for step in scenario.steps)


def test_files_are_checked_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["scenario", "check", str(EXAMPLE)]) == ExitCode.PASS
    assert "scenario.partners.create" in capsys.readouterr().out
    assert run(["--json", "scenario", "check", str(EXAMPLE)]) == ExitCode.PASS
    (document,) = json.loads(capsys.readouterr().out)
    assert document["on_pages"] and document["steps"][0]["act"] == "log_in"

    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("name: a\ntitle: a\nsteps: []\n", encoding="utf-8")
    assert run(["scenario", "check", str(wrong)]) == ExitCode.USAGE
    assert "steps: [] should be non-empty" in capsys.readouterr().err


def test_an_acceptance_that_names_no_step_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PRA_CHECK_PASSWORD", "p")
    command = ["scenario", "run", str(EXAMPLE), "--stack", "none-such"]
    accepted = ["--accept", "scenario.partners.nope", "--reason", "r"]
    assert run([*command, *accepted]) == ExitCode.USAGE
    assert "no check is named scenario.partners.nope" in capsys.readouterr().err
