"""Placeholders, places in an answer, and what is expected of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore.checks.scenarios.filling import filled, part_of, placeholders, shown, wrong
from restore.checks.scenarios.values import Expectation

_PLAIN = st.text(st.characters(exclude_characters="{}"), max_size=6)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_PLAIN, inner, max_size=3),
    max_leaves=10,
)


def test_a_placeholder_alone_becomes_the_value_itself() -> None:
    values = {"id": 7, "name": "Ann"}
    document = {"{name}": ["{id}", "n° {id}", "{unknown}", ("{name}",), None]}
    assert filled(document, values) == {"Ann": [7, "n° 7", "{unknown}", ["Ann"], None]}
    assert sorted(placeholders(document)) == ["id", "id", "name", "name", "unknown"]


@given(_JSON)
def test_what_has_no_placeholder_stays(value: Any) -> None:
    assert filled(value, {"a": "b"}) == value
    assert list(placeholders(value)) == []


@given(_JSON, st.data())
def test_every_place_of_an_answer_is_found(value: Any, data: st.DataObject) -> None:
    at: list[int | str] = []
    node: Any = value
    while isinstance(node, list | dict) and node and data.draw(st.booleans()):
        keys = list(range(len(node)) if isinstance(node, list) else sorted(node))
        key: Any = data.draw(st.sampled_from(keys))
        at.append(key)
        node = node[key]
    assert part_of(value, tuple(at)) == node
    assert list(wrong(Expectation(equals=(node,)), node, {})) == []


@pytest.mark.parametrize("at", [(1,), (-2,), ("a",), (0, "b"), (0, "a", 0)])
def test_a_place_that_is_not_there_is_named(at: tuple[int | str, ...]) -> None:
    with pytest.raises(LookupError, match=r"the answer has no \["):
        part_of([{"a": 1}], at)


@pytest.mark.parametrize(
    ("expected", "value", "problems"),
    [
        (Expectation(equals=("{who}",)), "Ann", []),
        (Expectation(equals=("{who}",)), "Bob", ["expected 'Ann', got 'Bob'"]),
        (Expectation(equals=(None,)), None, []),
        (Expectation(equals=(1,)), True, ["expected 1, got True"]),
        (Expectation(contains=("nn",)), "Ann", []),
        (Expectation(contains=(2,)), [1, 2], []),
        (Expectation(contains=({"a": 1},)), {"a": 1, "b": 2}, []),
        (Expectation(contains=({"a": 2},)), {"b": 1},
         ["expected something with {'a': 2}, got {'b': 1}"]),
        (Expectation(contains=(1,)), 1, ["expected something with 1, got 1"]),
        (Expectation(at_least=3), 3, []),
        (Expectation(at_least=3), 2.5, ["expected at least 3, got 2.5"]),
        (Expectation(at_least=0), True, ["expected at least 0, got True"]),
        (Expectation(count=0), [], []),
        (Expectation(count=2), {"a": 1}, ["expected 2 items, got 1"]),
        (Expectation(count=1), "a", ["expected 1 items, got 'a'"]),
        (Expectation(equals=(1,), at_least=3), 2,
         ["expected 1, got 2", "expected at least 3, got 2"]),
    ],
)  # fmt: skip
def test_expectations(expected: Expectation, value: Any, problems: list[str]) -> None:
    assert list(wrong(expected, value, {"who": "Ann"})) == problems


def test_a_long_value_is_cut() -> None:
    assert len(shown("x" * 1000)) == 200
