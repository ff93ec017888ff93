"""Frozen dataclasses as JSON, and back, by their fields and the fields' types. Pure.

A document mirrors its value field by field, in the fields' order, so that equal values give equal
documents. Whoever reads what others may have written holds it against its schema first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

_Value = TypeVar("_Value")

UNTOLD: Final = {"untold": True}
"""Metadata of a field that older documents do not have: it is left out while it is None."""


def time_text(moment: datetime) -> str:
    """A time in UTC, as documents write it: ``2026-11-29T17:03:44.052795Z``."""
    return time_with_offset(moment).replace("+00:00", "Z")


def time_with_offset(moment: datetime) -> str:
    """A time in UTC, as records write it: ``2026-11-29T17:03:44.052795+00:00``."""
    return moment.astimezone(UTC).isoformat()


def encode(value: object, time: Callable[[datetime], str] = time_text) -> Any:  # noqa: PLR0911 - one return a kind
    """A value as what ``json.dumps`` takes.

    Args:
        time: how times are written.

    Raises:
        TypeError: it holds something that has no place in a document, such as a secret.
    """
    match value:
        case datetime():
            return time(value)
        case StrEnum():
            return value.value
        case Path():
            return value.as_posix()
        case tuple() | list():
            return [encode(item, time) for item in value]
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return {encode(key, time): encode(item, time) for key, item in value.items()}
        case _ if is_dataclass(value):
            return {
                field.name: encode(held, time)
                for field in fields(value)
                if (held := getattr(value, field.name)) is not None or field.metadata != UNTOLD
            }
        case _:
            raise TypeError(f"a document cannot hold a {type(value).__name__}")


def decode(kind: type[_Value], document: object) -> _Value:
    """Build a value of type ``kind`` from its JSON.

    A field that has a default may be missing; keys that are no field are ignored. A mapping may
    stand for a tuple of pairs, and a text for a dataclass whose first field it is. Times become
    those of UTC.

    Raises:
        ValueError: something is missing, or is of another type.
    """
    value: _Value = _decode(kind, document)
    return value


def _decode(kind: Any, value: Any) -> Any:
    if get_origin(kind) is UnionType:
        options = [option for option in get_args(kind) if option is not NoneType]
        if len(options) > 1 or (value is None and NoneType in get_args(kind)):
            return value
        (kind,) = options
    if kind is Any:
        return value
    if get_origin(kind) is tuple:
        return tuple(_items(get_args(kind), value))
    if kind is datetime:
        try:
            return datetime.fromisoformat(_plain(str, value)).astimezone(UTC)
        except OverflowError as error:
            raise ValueError(f"{value!r} is no time of UTC") from error
    return _dataclass(kind, value) if is_dataclass(kind) else _plain(kind, value)


def _dataclass(kind: Any, value: Any) -> Any:
    if isinstance(value, str):
        value = {fields(kind)[0].name: value}
    if not isinstance(value, Mapping):
        raise ValueError(f"{value!r} is no {kind.__name__}")
    fitting = {name: _decode(hint, value[name]) for name, hint in _hints(kind) if name in value}
    try:
        return kind(**fitting)
    except TypeError as error:
        raise ValueError(str(error)) from error


def _items(kinds: tuple[Any, ...], value: Any) -> Iterator[Any]:
    """The items of a tuple, whose types are either ``(item, ...)`` or one each."""
    if isinstance(value, Mapping):
        value = value.items()
    elif not isinstance(value, list | tuple):
        raise ValueError(f"{value!r} is no list")
    if kinds[1:] == (...,):
        yield from (_decode(kinds[0], item) for item in value)
    else:
        yield from (_decode(kind, item) for kind, item in zip(kinds, value, strict=True))


def _plain(kind: Any, value: Any) -> Any:
    """A text, a number, a truth value, an enumeration's value or a path."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is no number to count with")
    allowed = (int, float) if kind in (int, float) else bool if kind is bool else str
    if not isinstance(value, allowed):
        raise ValueError(f"{value!r} is no {kind.__name__}")
    return kind(value)


@cache
def _hints(kind: Any) -> tuple[tuple[str, Any], ...]:
    return tuple(get_type_hints(kind).items())
