"""A plan as a document for machines and as lines for people. Pure; holds no secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from restore.model import RestorePlan, Step, StepKind


def plan_document(plan: RestorePlan) -> dict[str, Any]:
    """A plan as a JSON document."""
    return asdict(plan)


def plan_to_json(plan: RestorePlan) -> str:
    """A plan as JSON text, sorted and indented, so that equal plans give equal texts."""
    return json.dumps(plan_document(plan), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def describe_plan(plan: RestorePlan) -> tuple[str, ...]:
    """A plan as lines: what goes where, each step with its size, each change of configuration."""
    width = len(str(len(plan.steps)))
    return (
        f"Generation {plan.generation} (profile {plan.profile}) into {plan.environment}",
        f"Databases: {', '.join(plan.databases)}",
        f"{len(plan.steps)} steps, {size_text(plan.bytes)}:",
        *(
            line
            for number, step in enumerate(plan.steps, 1)
            for line in _describe_step(step, f"{number:>{width}}. ", " " * (width + 4))
        ),
    )


def size_text(size: int) -> str:
    """A size for people: ``1.5 MiB``."""
    amount = float(size)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def _describe_step(step: Step, head: str, indent: str) -> Iterator[str]:
    size = f" ({size_text(step.bytes)})" if step.bytes else ""
    yield f"{head}{step.title}{size}"
    origin = step.source or step.staging
    if origin and step.kind is not StepKind.ROLES:
        # What is staged goes there first, and from there to its target.
        yield f"{indent}{origin} → {step.staging if step.source and step.staging else step.target}"
    for change in step.changes:
        before = "(absent)" if change.before is None else change.before or "(empty)"
        yield f"{indent}{change.key}: {before} → {change.after or '(empty)'}"
