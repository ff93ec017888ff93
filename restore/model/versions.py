"""Versions of servers as numbers that can be compared. Pure."""

from __future__ import annotations

import re
from typing import Final

_VERSION: Final = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?![\w.])")


def parse_version(text: str) -> tuple[str, int]:
    """PostgreSQL's version and ``server_version_num`` in a package's version.

    ``("13.23", 130023)`` of ``13.23-0+deb11u1``; ``("", 0)`` when there is none.
    """
    found = _VERSION.match(text.strip())
    if not found:
        return "", 0
    first, second, third = int(found[1]), int(found[2]), int(found[3] or 0)
    if first >= 10:
        return f"{first}.{second}", first * 10000 + second
    return found[0], first * 10000 + second * 100 + third
