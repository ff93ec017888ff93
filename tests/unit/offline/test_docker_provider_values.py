"""Property maps on the wire, and durations."""

from __future__ import annotations

import pytest
from google.protobuf import json_format, struct_pb2  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from offline.docker_provider.durations import (
    canonical_duration,
    format_duration,
    parse_duration,
)
from offline.docker_provider.errors import ProviderError
from offline.docker_provider.values import UNKNOWN, from_struct, has_unknown, to_struct

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
ASSET = "c44067f5952c0a294b673a41bacd8c17"
UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWN_NUMBER = "3eeb2bf0-c639-47a8-9e75-3b44932eb421"


def struct(value: dict[str, object]) -> struct_pb2.Struct:
    return json_format.ParseDict(value, struct_pb2.Struct())


def test_whole_numbers_become_integers_and_nulls_go() -> None:
    props = from_struct(struct({"a": 5, "b": 1.5, "c": None, "d": [1, "x", True], "e": {"f": 2}}))

    assert props == {"a": 5, "b": 1.5, "d": [1, "x", True], "e": {"f": 2}}
    assert type(props["a"]) is int


def test_unknown_values_are_known_as_such() -> None:
    props = from_struct(struct({"a": UNKNOWN_STRING, "b": [UNKNOWN_NUMBER], "c": "d"}))

    assert props["a"] is UNKNOWN
    assert props["b"] == [UNKNOWN]
    assert has_unknown(props)
    assert not has_unknown({"c": ["d"]})


def test_unknown_values_go_out_as_the_engines_marker() -> None:
    assert json_format.MessageToDict(to_struct({"a": UNKNOWN})) == {"a": UNKNOWN_STRING}


def test_secrets_are_opened() -> None:
    wrapped = {SIGNATURE: SECRET, "value": ["A=1"]}

    assert from_struct(struct({"envs": wrapped})) == {"envs": ["A=1"]}


def test_an_asset_is_refused() -> None:
    with pytest.raises(ProviderError, match="an asset"):
        from_struct(struct({"content": {SIGNATURE: ASSET, "text": "x"}}))


texts = st.text(max_size=8)
json_values = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(texts, json_values, max_size=4))
def test_what_goes_out_comes_back(props: dict[str, object]) -> None:
    assert from_struct(to_struct(props)) == props


@pytest.mark.parametrize(
    ("text", "nanoseconds", "printed"),
    [
        ("0s", 0, "0s"),
        ("0", 0, "0s"),
        ("5s", 5 * 10**9, "5s"),
        ("1.5s", 1_500_000_000, "1.5s"),
        ("500ms", 500_000_000, "500ms"),
        ("60s", 60 * 10**9, "1m0s"),
        ("1m30s", 90 * 10**9, "1m30s"),
        ("2h", 7200 * 10**9, "2h0m0s"),
        ("1h0m0.5s", 3600 * 10**9 + 500_000_000, "1h0m0.5s"),
        ("15us", 15_000, "15µs"),
        ("7ns", 7, "7ns"),
        ("-5s", -5 * 10**9, "-5s"),
    ],
)
def test_durations_are_read_and_printed_as_go_does(
    text: str, nanoseconds: int, printed: str
) -> None:
    assert parse_duration(text) == nanoseconds
    assert format_duration(nanoseconds) == printed


@pytest.mark.parametrize("text", ["", "5", "s", "5 s", "5sec", "1m 30s", "five"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a duration"):
        parse_duration(text)
    assert canonical_duration(text) == text


@given(st.integers(0, 10**15))
def test_printed_durations_read_back(nanoseconds: int) -> None:
    assert parse_duration(format_duration(nanoseconds)) == nanoseconds
