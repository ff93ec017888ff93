"""Ids of generations: when they were begun, and six hexadecimal digits."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

_ID: Final = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]{6}")
_ID_TIME: Final = "%Y%m%dT%H%M%SZ"


def generation_id(started: datetime, token: str) -> str:
    """The id of a generation begun at ``started``; ``token`` is six hexadecimal digits."""
    name = f"{started.astimezone(UTC).strftime(_ID_TIME)}-{token}"
    if not _ID.fullmatch(name):
        raise ValueError(f"{name!r} is no generation id")
    return name


def is_generation_id(name: str) -> bool:
    """Whether ``name`` has the form of an id."""
    return started_of(name) is not None


def started_of(name: str) -> datetime | None:
    """When the generation with this id was begun; None when ``name`` is no id."""
    match = _ID.fullmatch(name)
    try:
        return datetime.strptime(match[1], _ID_TIME).replace(tzinfo=UTC) if match else None
    except ValueError:
        return None
