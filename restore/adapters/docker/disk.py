"""Asks a container how much room a folder has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_BLOCKS: Final = re.compile(r"\s(\d+)\s+\d+\s+(\d+)\s+\S+\s+/")


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """A file system: its size, and what is free of it."""

    size: int
    free: int


def df_command(folder: str) -> tuple[str, ...]:
    """The command that tells of a folder's file system, in the one format that every ``df`` has."""
    return ("df", "-Pk", folder)


def parse_df(output: str) -> DiskSpace | None:
    """What ``df_command`` told; None when it told nothing."""
    found = _BLOCKS.search(output)
    return DiskSpace(int(found[1]) << 10, int(found[2]) << 10) if found else None
