"""Servers around a replay: the ERP stopped, configured and started; a database server restarted."""

from __future__ import annotations

from contextlib import suppress
from pathlib import PurePosixPath
from typing import Final

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from restore.adapters.docker.health import wait_healthy
from restore.adapters.docker.helpers import remove_helpers
from restore.adapters.docker.runner import Runner
from restore.adapters.docker.tar import Owner, single_file
from restore.context import ReplayContext
from restore.errors import EnvironmentFailure, NotFoundError, ReplayError
from restore.model import DatabaseServer, Part, Role, Step
from restore.plan.blueprint import configuration_texts
from restore.plan.configuration.files import encode, placeholders, reconcile, target_of
from restore.profile import ConfigurationFile

START_DEADLINE: Final = 300.0
"""Seconds that a server may take until its own probe passes."""

_MODE: Final = 0o640
_GRACE: Final = 600
"""Seconds that a database server may take to write all that it holds when it stops."""
_ASKED: Final = 20


def stop_erp(context: ReplayContext, _step: Step) -> None:
    """Stop the ERP, so that nothing writes meanwhile, and the helpers that a killed run left.

    A copy that it had begun would go on beside this one.
    """
    container = context.environment.erp.container
    context.runner.stop(container)
    status = context.runner.container(container).status
    if status in ("running", "restarting", "paused"):
        raise ReplayError(f"the ERP's container is still {status} after it was stopped")
    remove_helpers(context.runner, container)


def start_erp(context: ReplayContext, _step: Step) -> None:
    """Start the ERP and wait until its own probe passes."""
    container = context.environment.erp.container
    context.runner.start(container)
    wait_healthy(context.runner, container, START_DEADLINE)


def stop_database(runner: Runner, server: DatabaseServer) -> None:
    """Stop a server cleanly; nothing happens when it is stopped already."""
    runner.stop(server.container, grace=_GRACE)


def start_database(runner: Runner, server: DatabaseServer) -> None:
    """Start a server unless it runs, and wait until it answers, whatever its passwords are.

    It does so before its own probe says it, which is asked once in a while only.

    Raises:
        EnvironmentFailure: it does not start; holds its last words.
    """
    runner.start(server.container)
    ready = ("pg_isready", "--quiet", "--host=127.0.0.1", f"--username={server.superuser}")
    asked = Retrying(
        retry=retry_if_result(lambda done: done.exit_code != 0),
        stop=stop_after_delay(_ASKED),
        wait=wait_fixed(0.1),
    )
    # A server that has ended can't be asked.
    with suppress(RetryError, EnvironmentFailure):
        asked(runner.execute, server.container, ready)
        return
    wait_healthy(runner, server.container, START_DEADLINE)


def restore_configuration(context: ReplayContext, step: Step) -> None:
    """Write production's configuration file, with the keys that the environment needs otherwise."""
    databases = tuple(facts.name for facts in context.generation.fingerprint.databases)
    if step.part is Part.ERP:
        databases = context.databases or databases
    file = _file(context, step)
    target = target_of(context.environment)
    values = placeholders(target, databases)
    content = encode(reconcile(_source(context, step), file, values).text)
    container = context.environment.erp.container
    owner = owner_of(context, step.owner or context.profile.erp.user)
    path = PurePosixPath(step.target)
    archive = single_file(path.name, content, owner, _MODE)
    context.runner.write_archive(container, str(path.parent), iter((archive,)))
    if context.runner.read_file(container, step.target) != content:
        raise ReplayError(f"{step.target} does not hold what was written into it")


def owner_of(context: ReplayContext, user: str) -> Owner:
    """User and group number of a user of the ERP's image; the container may be stopped.

    Raises:
        ReplayError: the image has no such user.
    """
    if user.isdigit():
        return Owner(int(user), int(user))
    text = context.runner.read_file(context.environment.erp.container, "/etc/passwd")
    for line in text.decode(errors="replace").splitlines():
        name, _, number, group, *_ = (*line.split(":"), "", "", "")
        if name == user:
            return Owner(int(number), int(group))
    raise ReplayError(
        f"the ERP's image has no user {user}", "the profile's erp.user must be one of its users"
    )


def _file(context: ReplayContext, step: Step) -> ConfigurationFile:
    for file in context.profile.configuration_of(Role.ERP):
        if file.path == step.target:
            return file
    raise ReplayError(f"the profile knows no configuration file at {step.target}")


def _source(context: ReplayContext, step: Step) -> str:
    """Production's file; empty when the plan says that the generation holds none."""
    if step.source is None:
        return ""
    for item in configuration_texts(context.repository, context.generation, context.profile):
        if item.source == step.source:
            return item.text
    raise NotFoundError(f"generation {context.generation.id} holds no {step.source}")
