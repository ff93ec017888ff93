"""Dataclasses as JSON and back: what is missing, what is wrong, what stands for something else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from restore.model.codec import decode, encode, time_with_offset
from restore.model.secret import Secret


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Name:
    en: str
    fr: str | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    name: Name
    when: datetime
    colour: Colour
    place: Path = Path("here")
    weight: float | None = None
    parts: tuple[Name, ...] = ()
    pairs: tuple[tuple[str, int], ...] = ()
    anything: Any = None
    path: tuple[int | str, ...] = ()


NOON = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
THING = Thing(
    Name("bike", "vélo"), NOON, Colour.RED, Path("a/b"), 2.0, (Name("x"),), (("a", 1),), {"b": [1]},
    (1, "x"),
)  # fmt: skip


def test_what_is_encoded_comes_back() -> None:
    document = encode(THING)
    assert list(document)[:3] == ["name", "when", "colour"]
    assert document["when"] == "2026-11-29T12:00:00Z"
    assert decode(Thing, document) == THING
    assert encode(THING, time_with_offset)["when"] == "2026-11-29T12:00:00+00:00"


def test_defaults_may_be_missing_and_shorter_forms_stand_for_longer_ones() -> None:
    document = {"name": "bike", "when": "2026-11-29T13:00:00+01:00", "colour": "red", "new": 1}
    assert decode(Thing, document) == Thing(Name("bike"), NOON, Colour.RED)
    assert decode(Thing, {**document, "pairs": {"a": 1}, "weight": 2}).pairs == (("a", 1),)


@pytest.mark.parametrize(
    "change",
    [
        {"name": None}, {"name": {}}, {"name": 3}, {"when": 12}, {"when": "noon"}, {"weight": "2"},
        {"colour": "blue"}, {"colour": ["red"]}, {"parts": "x"}, {"pairs": [["a"]]}, {"place": 1},
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        decode(Thing, {**encode(THING), **change})


def test_a_secret_has_no_place_in_a_document() -> None:
    with pytest.raises(TypeError, match="cannot hold a Secret"):
        encode((Secret("hunter2"),))


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00"])
def test_a_time_that_is_none_of_utc_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time of UTC"):
        decode(datetime, text)
