"""Neutralisation: a copy is made safe while the ERP stands still, and proved to be."""

from __future__ import annotations

from contextlib import suppress
from pathlib import PurePosixPath
from typing import Final

from docker.errors import NotFound

from restore.checks.neutralised import problems
from restore.context import ReplayContext
from restore.docker_engine import answers
from restore.errors import ReplayError
from restore.model import Role, Step
from restore.neutralise import session_options
from restore.steps.archive import single_file
from restore.steps.servers import owner_of

_OS_USER: Final = "postgres"
_MODE: Final = 0o400
_TAIL: Final = 20


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
        user=_OS_USER,
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
    with answers(f"run {step.argv[0]} beside container {erp[:12]}"):
        user = f"{owner.user}:{owner.group}"
        helper = runner.create_helper(erp, step.argv, user=user, network=min(networks))
        try:
            for file in context.profile.configuration_of(Role.ERP):
                path = PurePosixPath(file.path)
                content = runner.read_file(erp, file.path)
                archive = single_file(path.name, content, owner, _MODE)
                helper.put_archive(str(path.parent), archive)
            helper.start()
            code = int(helper.wait()["StatusCode"])
            output = helper.logs(tail=_TAIL).decode(errors="replace")
        finally:
            with suppress(NotFound):
                helper.remove(force=True)
    if code != 0:
        raise ReplayError(f"{step.argv[0]} exited with {code}:\n{output.strip()}")
