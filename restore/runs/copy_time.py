"""How long a run did nothing but keep copies for later ones. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from restore.model import RestorePlan, StepKind, StepResult


def caching_time(plan: RestorePlan | None, results: tuple[StepResult, ...]) -> float:
    """The seconds by which a run would have been shorter without its copies.

    While documents are still being copied, a copy of a database server delays nothing.
    """
    kinds = {step.id: (step.kind, step.part) for step in plan.steps} if plan else {}
    total = 0.0
    for result in results:
        kind, part = kinds.get(result.id, (None, None))
        if kind is not StepKind.KEEP_CACHE:
            continue
        beside = [
            _end(other) for other in results if kinds.get(other.id) == (StepKind.DOCUMENTS, part)
        ]
        alone_from = max(result.started, *beside) if beside else result.started
        total += max(0.0, (_end(result) - alone_from).total_seconds())
    return total


def _end(result: StepResult) -> datetime:
    return result.started + timedelta(seconds=result.duration)
