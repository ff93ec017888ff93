"""Which steps of a plan may run side by side. Pure.

What databases are made aside from and what documents are copied aside from have nothing in common:
each is a lane. So have the ERP's start and the gathering of statistics. All other steps depend on
what is before them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from restore.model import Step, StepKind

_OF_DATABASES: Final = frozenset(
    {
        # Documents need no role of a database server.
        StepKind.ROLES,
        StepKind.ENTER_BULK_MODE,
        StepKind.CREATE_DATABASE,
        StepKind.RESTORE_DATABASE,
        StepKind.GIVE_OWNERSHIP,
        StepKind.ANALYZE,
        StepKind.CHECK_DATABASE,
        StepKind.LEAVE_BULK_MODE,
        StepKind.KEEP_CACHE,
        StepKind.PLACE_CACHE,
    }
)
_ASIDE: Final = _OF_DATABASES | {StepKind.DOCUMENTS}
_AT_LAST: Final = frozenset({StepKind.START_ERP, StepKind.STATISTICS})
_FIRST: Final = _OF_DATABASES | {StepKind.START_ERP}

Lane = tuple[Step, ...]
"""Steps that run one after the other."""


def lanes_of(steps: tuple[Step, ...]) -> Iterator[tuple[Lane, ...]]:
    """The steps in groups that run one after the other, each of one lane or of two.

    The lanes of a group run side by side; the first is that of the databases, or the ERP's start.
    """
    for (side_by_side, _), group in groupby(steps, lambda step: (_together(step), step.part)):
        together = tuple(group)
        if side_by_side is None:
            yield (together,)
            continue
        first = tuple(step for step in together if step.kind in _FIRST)
        second = tuple(step for step in together if step.kind not in _FIRST)
        yield tuple(lane for lane in (first, second) if lane)


def _together(step: Step) -> frozenset[StepKind] | None:
    """The kinds of steps that may run beside a step; None when it runs alone."""
    return next((kinds for kinds in (_ASIDE, _AT_LAST) if step.kind in kinds), None)
