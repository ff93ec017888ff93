"""The checklist of a run's manual post-operations. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from restore.model import ManualOperation, OperationEvent, Report


@dataclass(frozen=True, slots=True)
class OperationRow:
    """An entry of the checklist, and who has done it; None while it is to be done."""

    operation: ManualOperation
    done: OperationEvent | None


def operation_rows(report: Report, events: tuple[OperationEvent, ...]) -> tuple[OperationRow, ...]:
    """The checklist with what was done; the last event of an operation counts."""
    last = {event.name: event for event in events}
    return tuple(
        OperationRow(one, event if (event := last.get(one.name)) and event.done else None)
        for one in report.operations
    )
