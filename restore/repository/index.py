"""An artefact's index: one JSON object a line, one line a file."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

from restore.model import FileEntry
from restore.repository.safe_paths import safe_parts

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_REQUIRED: Final = {"path", "size", "sha256"}
_OPTIONAL: Final = ("owner", "group", "mode", "modified")


class BadLineError(ValueError):
    """A line of an index is not what the format says."""


def render_entry(entry: FileEntry) -> bytes:
    """One line, with its end. Names that are no valid UTF-8 survive as escaped surrogates."""
    line: dict[str, Any] = {"path": entry.path, "size": entry.size, "sha256": entry.sha256}
    for key in _OPTIONAL:
        if (value := getattr(entry, key)) is not None:
            line[key] = value
    return json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n"


def parse_entry(line: bytes) -> FileEntry:
    """Read one line.

    Raises:
        BadLineError: it is no such line.
        UnsafePathError: its path leads outside the artefact.
    """
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadLineError(f"no JSON: {error}") from error
    if not isinstance(data, dict) or not data.keys() >= _REQUIRED:
        raise BadLineError(f"not an object with {', '.join(sorted(_REQUIRED))}")
    if unknown := data.keys() - _REQUIRED - set(_OPTIONAL):
        raise BadLineError(f"unknown keys {', '.join(sorted(unknown))}")
    _check_types(data)
    safe_parts(data["path"])
    return FileEntry(**data)


def _check_types(data: dict[str, Any]) -> None:
    whole = ("size", "owner", "group", "mode")
    good = (
        isinstance(data["path"], str)
        and isinstance(data["sha256"], str)
        and _SHA256.fullmatch(data["sha256"]) is not None
        and all(type(data.get(key, 0)) is int and data.get(key, 0) >= 0 for key in whole)
        and type(data.get("modified", 0)) in (int, float)
        and -math.inf < data.get("modified", 0) < math.inf
    )
    if not good:
        raise BadLineError("a value has the wrong type or range")
