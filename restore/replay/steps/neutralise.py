"""Neutralisation: a copy is made safe while the ERP stands still, and proved to be."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

from restore.adapters.docker.helpers import HelperOptions, run_once
from restore.adapters.docker.tar import single_file
from restore.adapters.postgres.commands import OS_USER
from restore.checks.neutralised import problems
from restore.context import ReplayContext
from restore.errors import ReplayError
from restore.model import Role, Step
from restore.plan.neutralise import session_options
from restore.replay.steps.servers import owner_of

_MODE: Final = 0o400


def neutralise(context: ReplayContext, step: Step) -> None:
    """Run a step's statements, then ask for every rule's proof; or run the ERP's own command.

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
        user=OS_USER,
        environment={"PGOPTIONS": session_options(context.administrator)},
    )
    if left := tuple(problems(context, step.database or "")):
        raise ReplayError(
            f"database {step.database} is not neutralised:\n"
            + "\n".join(f"  {rule}: {what}" for rule, what in left)
        )


def _by_command(context: ReplayContext, step: Step) -> None:
    """Run a command of the ERP with its configuration, in a helper on its network.

    The ERP's own container would start its workers.
    """
    runner, erp = context.runner, context.environment.erp.container
    owner = owner_of(context, step.owner or "")
    networks = runner.container(erp).attrs["NetworkSettings"]["Networks"]
    paths = [PurePosixPath(file.path) for file in context.profile.configuration_of(Role.ERP)]
    files = [
        (str(path.parent), single_file(path.name, runner.read_file(erp, str(path)), owner, _MODE))
        for path in paths
    ]
    user = f"{owner.user}:{owner.group}"
    run_once(runner, erp, step.argv, HelperOptions(user, min(networks), archives=tuple(files)))
