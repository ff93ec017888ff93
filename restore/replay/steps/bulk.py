"""A database server put into bulk mode, and taken out of it again with everything on disk.

Its ``postgresql.auto.conf`` and what its settings were are kept in one file beside its data, which
is on disk before the first of them changes, and goes when the last of them is back. Whatever ends
a replay in between, the next one finds it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from restore.adapters.docker.runner import Runner
from restore.adapters.docker.tar import Owner, single_file
from restore.adapters.postgres import sql
from restore.adapters.postgres.commands import OS_USER
from restore.context import ReplayContext
from restore.errors import NotFoundError, ReplayError
from restore.model import DatabaseServer, Step
from restore.model.codec import decode, encode
from restore.plan.bulk import FILE, KEPT, LOST, needs_restart
from restore.plan.request import BulkState, Resources
from restore.replay.steps.servers import start_database, stop_database

_DATA: Final = "/var/lib/postgresql/data"
"""Where PostgreSQL's own image keeps its data, when it does not say."""
_BOOT: Final = "/proc/sys/kernel/random/boot_id"
_READ_DEADLINE: Final = 20

_SETTINGS: Final = """
SELECT name, pg_catalog.current_setting(name), source FROM pg_catalog.pg_settings
WHERE name = ANY (%s)
"""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A server before bulk mode: the boot id, its settings, its auto.conf with owner and mode.

    ``content`` is the file's, in Base64.
    """

    boot: str
    settings: tuple[tuple[str, str], ...]
    user: int
    group: int
    mode: int
    content: str


def bulk_state(runner: Runner, container: str, data: str) -> BulkState:
    """Whether an interrupted replay left a server in bulk mode, and whether data may be lost.

    The server may have stopped in between, and may be stopped now: what the kernel was given, it
    writes. Only a machine that stopped may have lost something.
    """
    kept = _kept(runner, container, data)
    if kept is None:
        return BulkState.NONE
    if runner.container(container).status != "running":
        # It can't be asked since when its machine runs.
        return BulkState.LEFT
    same = kept.boot == _boot(runner, container)
    return BulkState.LEFT if same else BulkState.LOST


def bulk_problem(runner: Runner, container: str) -> str:
    """What is wrong with a database server that is in bulk mode; empty when it is not."""
    variables = dict(
        text.partition("=")[::2]
        for text in runner.container(container).attrs["Config"].get("Env") or []
    )
    match bulk_state(runner, container, variables.get("PGDATA", _DATA)):
        case BulkState.LEFT:
            return (
                "its server is in bulk mode (fsync off): a replay is under way there, or was cut "
                "short; run it again: it puts the server right first"
            )
        case BulkState.LOST:
            return LOST[0]
        case BulkState.NONE:
            return ""


def resources_of(runner: Runner, container: str | None = None) -> Resources:
    """What a container may use of its machine; the whole machine without one."""
    info: dict[str, Any] = runner.client.info()
    memory, cores = int(info.get("MemTotal") or 0), int(info.get("NCPU") or 1)
    if container is not None:
        limits: dict[str, Any] = runner.container(container).attrs["HostConfig"]
        memory = min(memory, int(limits.get("Memory") or memory))
        quota, period = int(limits.get("CpuQuota") or 0), int(limits.get("CpuPeriod") or 100_000)
        if quota > 0:
            cores = min(cores, max(1, quota // period))
        if nano := int(limits.get("NanoCpus") or 0):
            cores = min(cores, max(1, nano // 1_000_000_000))
    return Resources(memory, cores)


def enter_bulk_mode(context: ReplayContext, step: Step) -> None:
    """Save the current settings, change them, and wait until the new ones are in effect."""
    runner, server, data = context.runner, context.environment.database, step.target
    wanted = {change.key: change.after for change in step.changes}
    if _kept(runner, server.container, data) is not None:
        raise ReplayError(
            "the database server is in bulk mode already",
            "does another replay run? run it again: it puts the server right first",
        )
    _keep(context, step, tuple(wanted))
    runner.check(server.container, step.argv, user=OS_USER)
    if needs_restart(step.changes):
        _restart(runner, server)
    _require(server, wanted)


def leave_bulk_mode(context: ReplayContext, step: Step) -> None:
    """Restore the saved settings, flush everything to disk, and verify both.

    Nothing happens when the server is not in bulk mode. It is left in it when this fails.
    """
    runner, server, data = context.runner, context.environment.database, step.target
    kept = _kept(runner, server.container, data)
    if kept is None:
        return
    content, settings = base64.b64decode(kept.content), dict(kept.settings)
    runner.write_archive(server.container, data, iter((_archive(FILE, kept, content),)))
    if runner.container(server.container).status != "running":
        start_database(runner, server)
    with sql.connect(server) as connection:
        connection.execute("SELECT pg_catalog.pg_reload_conf()")
        level = sql.rows(connection, "SHOW wal_level")[0][0]
    if level != settings.get("wal_level", level):
        _restart(runner, server)
    _require(server, settings)
    if settings.get("fsync") == "on":
        _bring_to_disk(context, step, settings)
    _require(server, settings)
    if runner.read_file(server.container, f"{data}/{FILE}") != content:
        raise ReplayError(f"{FILE} is not as it was before bulk mode")
    runner.check(server.container, ("rm", "--", f"{data}/{KEPT}"), user=OS_USER)


def _bring_to_disk(context: ReplayContext, step: Step, settings: Mapping[str, str]) -> None:
    """Flush what was written without ``fsync``: out of the server, then out of the kernel.

    A checkpoint alone brings to disk only what was written since ``fsync`` is on again.
    """
    server = context.environment.database
    with sql.connect(server) as connection:
        connection.execute("CHECKPOINT")
        if settings.get("full_page_writes") == "on":
            # The process that makes checkpoints may have read its settings a moment too late.
            query = "SELECT full_page_writes FROM pg_catalog.pg_control_checkpoint()"
            if sql.rows(connection, query) != [(True,)]:
                connection.execute("CHECKPOINT")
            if sql.rows(connection, query) != [(True,)]:
                raise ReplayError("the server makes checkpoints without full_page_writes")
    context.runner.check(server.container, step.argv, user=OS_USER)


def _keep(context: ReplayContext, step: Step, keys: tuple[str, ...]) -> None:
    runner, server, data = context.runner, context.environment.database, step.target
    for member, file in runner.read_archive(server.container, f"{data}/{FILE}"):
        kept = _Kept(
            _boot(runner, server.container),
            tuple((key, value) for key, (value, _) in _settings(server, keys).items()),
            member.uid,
            member.gid,
            member.mode & 0o7777,
            base64.b64encode(file.read()).decode(),
        )
        break
    else:
        raise ReplayError(f"the database server has no {FILE}")
    text = json.dumps({**encode(kept), "settings": dict(kept.settings)}).encode()
    runner.write_archive(server.container, data, iter((_archive(KEPT, kept, text),)))
    # Before anything changes: a machine that stops must find it when it starts again.
    runner.check(server.container, ("sync", f"{data}/{KEPT}", data), user=OS_USER)


def _kept(runner: Runner, container: str, data: str) -> _Kept | None:
    """The saved state; None where it is absent or unfinished: then no setting was changed."""
    try:
        document = json.loads(runner.read_file(container, f"{data}/{KEPT}"))
    except (NotFoundError, ValueError):
        return None
    return decode(_Kept, document)


def _boot(runner: Runner, container: str) -> str:
    """The id of the machine's current boot."""
    return runner.check(container, ("cat", _BOOT)).strip()


def _settings(server: DatabaseServer, keys: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """Each setting's value and source, as a new session sees them."""
    with sql.connect(server) as connection:
        found = sql.rows(connection, _SETTINGS, list(keys))
    return {str(name): (str(value), str(source)) for name, value, source in found}


def _require(server: DatabaseServer, wanted: Mapping[str, str]) -> None:
    """Wait until each setting is as wanted, but for those that the server's command line holds.

    Raises:
        ReplayError: names those that are not.
    """

    def wrong() -> dict[str, tuple[str, str]]:
        found = _settings(server, tuple(wanted))
        return {
            key: found.get(key, ("unknown", ""))
            for key, value in wanted.items()
            if not _fits(*found.get(key, ("", "")), value)
        }

    wait = Retrying(
        retry=retry_if_result(bool), stop=stop_after_delay(_READ_DEADLINE), wait=wait_fixed(0.1)
    )
    try:
        wait(wrong)
    except RetryError as error:
        found = ", ".join(f"{key} is {value}" for key, (value, _) in wrong().items())
        raise ReplayError(
            f"the database server does not have the settings that it was given: {found}"
        ) from error


def _fits(value: str, source: str, wanted: str) -> bool:
    return value == wanted or source == "command line" or _number(value) == _number(wanted)


def _number(text: str) -> float | str:
    """A size in megabytes, whatever its unit; any other text as it is."""
    for unit, factor in (("GB", 1024.0), ("MB", 1.0), ("kB", 1 / 1024)):
        if text.endswith(unit) and text.removesuffix(unit).isdigit():
            return int(text.removesuffix(unit)) * factor
    return text


def _restart(runner: Runner, server: DatabaseServer) -> None:
    # What it holds is written first, as long as a slow disk takes, so that its end is a short one.
    with sql.connect(server) as connection:
        connection.execute("CHECKPOINT")
    stop_database(runner, server)
    start_database(runner, server)


def _archive(name: str, kept: _Kept, content: bytes) -> bytes:
    """A tar archive of one file of the server's own user."""
    return single_file(name, content, Owner(kept.user, kept.group), kept.mode)
