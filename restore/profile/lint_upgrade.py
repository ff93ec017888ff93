"""What a schema can't see in how a profile upgrades its ERP. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from restore.model.upgrade import COLUMNS, COMMAND, MODULES, ROWS, TECHNICAL
from restore.profile import UpgradeProfile

RESERVED: Final = (COMMAND, MODULES, COLUMNS, ROWS, TECHNICAL)
"""Names that the engine itself gives."""


def upgrade_problems(profile: UpgradeProfile) -> Iterator[str]:
    """Everything that is wrong, as ``path: what is wrong``."""
    if not any("{database}" in word for word in profile.command):
        yield "upgrade.command: names no {database}, so that one would be upgraded again and again"
    names = (*(one.name for one in profile.invariants), *(one.name for one in profile.served))
    for name, number in Counter((*RESERVED, *names)).items():
        if number > 1:
            why = "is the engine's own" if name in RESERVED else f"stands there {number} times"
            yield f"upgrade: {name} {why}"
    lists = {
        "ready": (profile.ready,),
        "errors": profile.errors,
        "harmless": profile.harmless,
        "technical": profile.technical,
    }
    for key, patterns in lists.items():
        for pattern in patterns:
            yield from pattern_problems(f"upgrade.{key}", pattern)
    for things in profile.served:
        if things.problem is not None:
            path = f"upgrade.served.{things.name}.problem"
            yield from pattern_problems(path, things.problem, groups=1)


def pattern_problems(path: str, pattern: str, groups: int = 0) -> Iterator[str]:
    """What is wrong with a regular expression of a profile, which must have that many groups."""
    try:
        found = re.compile(pattern).groups
    except re.error as error:
        yield f"{path}: no regular expression: {error}"
        return
    if found < groups:
        yield f"{path}: has no group, which would hold the value"
