"""Neutralisation: a copy is made safe while the ERP stands still, and proved to be."""

from __future__ import annotations

from typing import Final

from restore.checks.neutralised import problems
from restore.context import ReplayContext
from restore.errors import ReplayError
from restore.model import Step
from restore.neutralise import session_options

_OS_USER: Final = "postgres"


def neutralise(context: ReplayContext, step: Step) -> None:
    """Run a step's statements, or the ERP's own command; then ask for every rule's proof.

    Raises:
        ReplayError: it failed, or the copy is not safe: the ERP must not be started.
    """
    if step.owner is not None:
        _by_command(context, step)
        return
    if context.administrator is None:
        raise ReplayError("the copy's administrator has no password")
    context.runner.check(
        context.environment.database.container,
        step.argv,
        user=_OS_USER,
        environment={"PGOPTIONS": session_options(context.administrator)},
    )
    if left := tuple(problems(context, step.database or "")):
        raise ReplayError(
            f"database {step.database} is not neutralised:\n"
            + "\n".join(f"  {rule}: {what}" for rule, what in left)
        )


def _by_command(context: ReplayContext, step: Step) -> None:
    raise ReplayError("not yet")
