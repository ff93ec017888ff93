"""Which steps of a plan may run side by side. Pure.

What databases are made aside from and what documents are copied aside from have nothing in common:
each is a lane. All other steps depend on what is before them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from restore.model import Step, StepKind

_OF_DATABASES: Final = frozenset(
    {
        StepKind.ENTER_BULK_MODE,
        StepKind.CREATE_DATABASE,
        StepKind.RESTORE_DATABASE,
        StepKind.GIVE_OWNERSHIP,
        StepKind.ANALYZE,
        StepKind.CHECK_DATABASE,
        StepKind.LEAVE_BULK_MODE,
    }
)
_ASIDE: Final = _OF_DATABASES | {StepKind.DOCUMENTS}

Lane = tuple[Step, ...]
"""Steps that run one after the other."""


def lanes_of(steps: tuple[Step, ...]) -> Iterator[tuple[Lane, ...]]:
    """The steps in groups that run one after the other, each of one lane or of two.

    The lanes of a group run side by side; the first is that of the databases.
    """
    for (aside, _), group in groupby(steps, lambda step: (step.kind in _ASIDE, step.part)):
        together = tuple(group)
        if not aside:
            yield (together,)
            continue
        databases = tuple(step for step in together if step.kind in _OF_DATABASES)
        documents = tuple(step for step in together if step.kind not in _OF_DATABASES)
        yield tuple(lane for lane in (databases, documents) if lane)
