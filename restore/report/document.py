"""A report as JSON text, and back: ``report.json`` holds all that any rendering needs.

The document mirrors the model field by field, in its order, so that equal reports give equal texts.
Its schema is published in ``schemas/report.schema.json``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

from restore.errors import UsageError
from restore.model import Report
from restore.model.schema import schema_errors

FORMAT: Final = 1
"""Version of the document's layout; a reader refuses a newer one."""

_LONE_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def to_json(report: Report) -> str:
    """Write a report as JSON text that ``report.schema.json`` describes; the same text each time.

    Raises:
        TypeError: the report holds a value that has no place in it, such as a secret.
    """
    text = json.dumps(report_document(report), ensure_ascii=False, indent=2, allow_nan=False)
    # A file name that is not UTF-8 reaches us as lone surrogates, which no file can hold as is.
    return _LONE_SURROGATES.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def report_document(report: Report) -> dict[str, Any]:
    """The same document, before it is written as text."""
    return {"format": FORMAT, **_encode(report)}


def parse_report(text: str, source: str = "report.json") -> Report:
    """Read back what ``to_json`` wrote; ``source`` names it in errors.

    Raises:
        UsageError: the text is no report, or one of a newer engine.
    """
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(f"{source} is not valid JSON: {error}") from error
    number = document.get("format") if isinstance(document, dict) else None
    if isinstance(number, int) and number > FORMAT:
        raise UsageError(
            f"{source} has format {number}; this engine reads up to {FORMAT}",
            "read it with the engine that wrote it, or a newer one",
        )
    if errors := schema_errors("report", document):
        raise UsageError(
            f"{source} is not a report:\n" + "\n".join(f"  {line}" for line in errors[:20])
        )
    try:
        report = _decode(Report, {k: v for k, v in document.items() if k != "format"})
    except ValueError as error:
        raise UsageError(f"{source} is not a report: {error}") from error
    assert isinstance(report, Report)  # noqa: S101 - what _decode was asked for
    return report


def _encode(value: object) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case StrEnum():
            return value.value
        case Path():
            return value.as_posix()
        case tuple():
            return [_encode(item) for item in value]
        case None | bool() | int() | float() | str():
            return value
        case _ if is_dataclass(value):
            return {f.name: _encode(getattr(value, f.name)) for f in fields(value)}
        case _:
            raise TypeError(f"a report cannot hold a {type(value).__name__}")


def _decode(kind: Any, value: Any) -> Any:
    """Build a value of type ``kind`` from its JSON; the schema has checked the JSON's shape."""
    if get_origin(kind) is UnionType:
        if value is None:
            return None
        (kind,) = (option for option in get_args(kind) if option is not NoneType)
    if get_origin(kind) is tuple:
        return tuple(_decode(get_args(kind)[0], item) for item in value)
    if kind is datetime:
        return datetime.fromisoformat(value)
    if is_dataclass(kind):
        return kind(**dict(_arguments(kind, value)))  # type: ignore[operator]
    return kind(value)


def _arguments(kind: Any, value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, hint in _hints(kind).items():
        if name in value:
            yield name, _decode(hint, value[name])


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
