"""Placeholders, places in an answer, and expectations held against it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from restore.checks.scenarios.values import Expectation
from restore.model.messages import message
from restore.model.secret import Secret

PLACEHOLDER: Final = re.compile(r"\{([a-z_][a-z0-9_]*)\}")

GIVEN: Final = frozenset({"login", "password", "database", "run"})
"""Names that every scenario may use."""

_MOST_SHOWN: Final = 200
"""Characters of a value that a result shows."""


def placeholders(value: Any) -> Iterator[str]:
    """The names that a value of JSON uses, keys included."""
    if isinstance(value, str):
        yield from PLACEHOLDER.findall(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from placeholders(key)
            yield from placeholders(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from placeholders(item)


def filled(value: Any, values: Mapping[str, Any]) -> Any:
    """A value of JSON with its placeholders filled.

    A text that is nothing but a placeholder becomes the value itself, a number for example.
    """
    if isinstance(value, str):
        if (whole := PLACEHOLDER.fullmatch(value)) and whole[1] in values:
            return _plain(values[whole[1]])
        return filled_text(value, values)
    if isinstance(value, dict):
        return {filled_text(key, values): filled(item, values) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [filled(item, values) for item in value]
    return value


def filled_text(text: str, values: Mapping[str, Any], *, quoting: bool = False) -> str:
    """A text with its placeholders filled, secrets revealed; what is unknown stays.

    Args:
        quoting: whether each value is quoted, as a part of a path.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            return match[0]
        text = str(_plain(values[match[1]]))
        return quote(text, safe="") if quoting else text

    return PLACEHOLDER.sub(value, text)


def _plain(value: Any) -> Any:
    return value.reveal() if isinstance(value, Secret) else value


def part_of(answer: Any, at: tuple[int | str, ...]) -> Any:
    """What stands at a place of an answer.

    Raises:
        LookupError: there is no such place; says where it ends.
    """
    value = answer
    for number, step in enumerate(at):
        if not _has(value, step):
            place = "".join(f"[{one!r}]" for one in at[: number + 1])
            raise LookupError(
                message("the answer has no {place}: {value}", place=place, value=shown(answer))
            )
        value = value[step]
    return value


def _has(value: Any, step: int | str) -> bool:
    if isinstance(step, str):
        return isinstance(value, dict) and step in value
    return isinstance(value, list) and -len(value) <= step < len(value)


def wrong(expected: Expectation, value: Any, values: Mapping[str, Any]) -> Iterator[str]:
    """In which ways a value is not what is expected."""
    for other in expected.equals:
        if (wanted := filled(other, values)) != value or isinstance(wanted, bool) != isinstance(
            value, bool
        ):
            yield message(
                "expected {wanted}, got {value}", wanted=shown(wanted), value=shown(value)
            )
    for other in expected.contains:
        if not _contains(value, wanted := filled(other, values)):
            yield message(
                "expected something with {wanted}, got {value}",
                wanted=shown(wanted),
                value=shown(value),
            )
    if expected.at_least is not None and not (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and value >= expected.at_least
    ):
        yield message(
            "expected at least {wanted:g}, got {value}",
            wanted=expected.at_least,
            value=shown(value),
        )
    if expected.count is not None:
        number = len(value) if isinstance(value, list | dict) else None
        if number != expected.count:
            got = shown(value) if number is None else str(number)
            yield message("expected {n} items, got {value}", n=expected.count, value=got)


def _contains(value: Any, wanted: Any) -> bool:
    if isinstance(value, str):
        return isinstance(wanted, str) and wanted in value
    if isinstance(value, list):
        return wanted in value
    if isinstance(value, dict) and isinstance(wanted, dict):
        return all(key in value and value[key] == item for key, item in wanted.items())
    return False


def shown(value: Any) -> str:
    """A value in a result; the beginning of a long one."""
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 1] + "…"
