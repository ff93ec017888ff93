"""The life of staging copies once they are written down: renewed, replayed into, stopped, ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from restore.adapters import lock, logs
from restore.adapters.docker import leftovers
from restore.adapters.docker.runner import LABEL, Runner
from restore.adapters.pulumi.rebuild import destroy
from restore.adapters.pulumi.stack_file import hosts_if_known, settings_file
from restore.checks.neutralised import PREFIX as NEUTRALISED
from restore.errors import RefusedError
from restore.model import LOCAL, ProgressListener, Purpose, Report, Role, ignore_progress, locations
from restore.runs.request import ReplayRequest
from restore.runs.staging import copies, records
from restore.runs.staging.safety import is_proved

_GRACE: Final = 10
"""Seconds that a server of a copy that failed has to stop."""


def renew(folder: Path, name: str, life: timedelta, now: datetime) -> copies.StagingCopy:
    """Give a copy a time to live that begins now; it may end earlier than before.

    Raises:
        UsageError: that is no time to live.
        NotFoundError: there is no such copy.
        RefusedError: it does not stand, or a process works on it.
    """
    copies.require_life(life)
    with _held(folder, name, "pra staging renew", now) as before:
        copy = copies.renewed(before, life, now=now)
        records.save(folder, copy)
    return copy


def end(
    folder: Path, name: str, now: datetime, listener: ProgressListener = ignore_progress
) -> copies.StagingCopy:
    """Destroy a copy, and forget it when all of it has gone.

    Raises:
        NotFoundError: there is no such copy.
        RefusedError: a process works on it.
        EnvironmentFailure: something of it may stand still; it is not forgotten.
    """
    with _held(folder, name, "pra staging destroy", now) as copy:
        _end(folder, copy, listener)
    return copy


def due(folder: Path, now: datetime) -> tuple[tuple[copies.StagingCopy, str], ...]:
    """The copies that garbage collection ends now, each with the reason."""
    found = (
        (copy, copies.why_due(copy, alive=lock.is_held(locations.LOCKS, copy.stack), now=now))
        for copy in records.load_all(folder).copies
    )
    return tuple((copy, reason) for copy, reason in found if reason is not None)


def end_if_due(
    folder: Path, name: str, now: datetime, listener: ProgressListener = ignore_progress
) -> bool:
    """Destroy a copy that is still due once it is held: it may have been renewed meanwhile.

    Raises:
        NotFoundError: somebody else has ended it.
        RefusedError: a process works on it.
        EnvironmentFailure: something of it may stand still; it is not forgotten.
    """
    with _held(folder, name, "pra gc", now) as copy:
        # This process holds it: nobody else works on it.
        if copies.why_due(copy, alive=False, now=now) is None:
            return False
        _end(folder, copy, listener)
    return True


def as_copy(folder: Path, stack: str, request: ReplayRequest) -> ReplayRequest:
    """A request to replay into a stack; into a copy, with its own administrator.

    Whatever account the environment names for checks is production's: its password has no business
    in a copy.

    Raises:
        RefusedError: the copy is anonymised, and what is replayed would not be.
    """
    copy = _copy_of(folder, stack)
    if copy is None:
        return request
    if copy.anonymised:
        raise RefusedError(
            f"staging copy {copy.name} is anonymised: a replay would bring people's data back",
            f"'pra staging destroy {copy.name}', then create it again with --anonymise",
        )
    return replace(request, purpose=Purpose.STAGING, credentials=records.read_account(folder, copy))


def record_replay(folder: Path, stack: str, report: Report) -> None:
    """Write down which generation a copy holds after it was replayed into, and how safe it is."""
    copy = _copy_of(folder, stack)
    if copy is None or report.generation is None or not report.steps:
        return
    safe = is_proved(report.checks, NEUTRALISED)
    records.save(folder, replace(copy, generation=report.generation.id, neutralised=safe))


@contextmanager
def _held(folder: Path, name: str, command: str, now: datetime) -> Iterator[copies.StagingCopy]:
    """A copy as it is once this process holds its stack; one that isn't there gets no lock."""
    stack = records.load(folder, name).stack
    with lock.stack_lock(locations.LOCKS, stack, command, now=now, kept=True):
        yield records.load(folder, name)


def _copy_of(folder: Path, stack: str) -> copies.StagingCopy | None:
    found = (copy for copy in records.load_all(folder).copies if copy.stack == stack)
    return next(found, None)


def forget_stack(folder: Path, stack: str) -> None:
    """Forget the copy, if it is one, of a stack that has been removed by its name."""
    if not stack.startswith(copies.PREFIX):
        return
    name = stack.removeprefix(copies.PREFIX)
    if (folder / f"{name}.json").exists():
        settings_file(stack).unlink(missing_ok=True)
        records.forget(folder, name)


def forget_locks(folder: Path, *, dry_run: bool) -> None:
    """Forget the locks of creations that died before anything was written down."""
    known = {copy.stack for copy in records.load_all(folder).copies}
    for stack, owner in lock.find_abandoned(locations.LOCKS).items():
        if owner.command == copies.CREATE and stack not in known and not dry_run:
            lock.release(locations.LOCKS, stack)


def _end(folder: Path, copy: copies.StagingCopy, listener: ProgressListener) -> None:
    """Destroy a copy whose stack this process holds."""
    logs.event("end staging copy", name=copy.name, stack=copy.stack)
    records.save(folder, replace(copy, state=copies.CopyState.DESTROYING))
    destroy_stack(copy.stack, listener)
    records.forget(folder, copy.name)
    lock.release(locations.LOCKS, copy.stack)


@contextmanager
def engines_of(stack: str) -> Iterator[dict[str, Runner]]:
    """The engines of every host that a stack with that file stands on, and this machine's own."""
    with ExitStack() as opened:
        hosts = sorted({LOCAL, *hosts_if_known(stack).distinct(Role)})
        yield {host: opened.enter_context(closing(Runner.connect(host))) for host in hosts}


def stop_servers(stack: str) -> None:
    """Stop every server of a stack: what was stopped doesn't start again with the engine."""
    selector: dict[str, str | list[str] | bool] = {"label": f"{LABEL}={stack}"}
    with engines_of(stack) as engines:
        for engine in engines.values():
            for model in engine.client.containers.list(filters=selector, ignore_removed=True):
                engine.stop(str(model.id), _GRACE)


def destroy_stack(stack: str, listener: ProgressListener) -> None:
    """Destroy a copy's stack, what else carries its label, and its stack file."""
    destroy(stack, listener)
    with engines_of(stack) as engines:
        left = [item for item in leftovers.find_everywhere(engines) if item.stack == stack]
        leftovers.remove(engines[LOCAL], left, engines)
    settings_file(stack).unlink(missing_ok=True)
