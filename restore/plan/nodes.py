"""Nodes in a plan: the records written around their changes, and plans of some nodes only. Pure.

A node is marked as being replayed just before the first step that changes what it holds (what is
made aside changes nothing of it), and as complete after the last one, so that a run that was cut
short shows. Post-operations and statistics change no node's generation.
"""

from __future__ import annotations

from collections.abc import Iterator

from restore.errors import UsageError
from restore.model import Part, Role, Step, StepKind
from restore.model.messages import message
from restore.model.plan import Effect
from restore.plan.request import PlanTarget


def with_records(target: PlanTarget, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Steps with the records of their nodes. The proxy has no data: its record stands alone."""
    proxy = (_record(StepKind.COMPLETE_NODE, Role.PROXY),) if target.proxy else ()
    return (*_recorded(steps), *proxy)


def only_nodes(steps: tuple[Step, ...], nodes: tuple[Role, ...]) -> tuple[Step, ...]:
    """The steps of these nodes only, with the stop and the start of their half's ERP."""
    # A proxy is replayed without anything else.
    others = set(nodes) - {Role.PROXY}
    halves = {Part.REPORTS if role.as_erp else Part.ERP for role in nodes if others}
    return tuple(
        step
        for step in steps
        if step.node in nodes or (step.kind.effect is Effect.AROUND and step.part in halves)
    )


def require_nodes(wanted: tuple[Role, ...], present: tuple[Role, ...]) -> None:
    """Refuse a node that is asked for by name and isn't there.

    Raises:
        UsageError: names those that are not, and those that are.
    """
    absent = [role.value for role in wanted if role not in present]
    if absent and wanted != tuple(Role):
        raise UsageError(
            f"the environment has no node {', '.join(absent)}", "it has: " + ", ".join(present)
        )


def _recorded(steps: tuple[Step, ...]) -> Iterator[Step]:
    changing = {step.node for step in steps if step.kind.effect is Effect.CHANGES}
    last = {
        step.node: number
        for number, step in enumerate(steps)
        if step.kind.effect is not Effect.AFTERWARDS
    }
    begun: set[Role] = set()
    for number, step in enumerate(steps):
        if step.kind.effect is Effect.CHANGES and step.node not in begun:
            begun.add(step.node)
            yield _record(StepKind.BEGIN_NODE, step.node)
        yield step
        if step.node in changing and last.get(step.node) == number:
            yield _record(StepKind.COMPLETE_NODE, step.node)


def _record(kind: StepKind, role: Role) -> Step:
    began = kind is StepKind.BEGIN_NODE
    return Step(
        id=f"{kind.value}:{role.value}",
        kind=kind,
        title=message("Mark node {role} as being replayed", role=role.value)
        if began
        else message("Mark node {role} as complete", role=role.value),
        target=role,
        part=Part.REPORTS if role.as_erp else Part.ERP,
    )
