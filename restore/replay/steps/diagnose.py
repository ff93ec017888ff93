"""Diagnoses why a step failed, from its servers: full disk, out of memory, server stopped.

A load that fails says what its tool saw, often only that the server went. The reason is looked for
right after: in what the engine and the kernel counted, in the server's own last words, on its disk.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Final

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from restore.adapters.docker.engine import DockerException
from restore.adapters.docker.facts import DiskSpace, df_command, parse_df
from restore.adapters.docker.health import describe_end
from restore.adapters.docker.helpers import run_once
from restore.adapters.docker.runner import Runner
from restore.context import ReplayContext
from restore.errors import ReplayError, RestoreError
from restore.model import Part, Step, StepKind

_NO_ROOM: Final = re.compile(
    r"No space left on device|Aucun espace disponible|kein Speicherplatz|ENOSPC|Disk quota exceeded"
)
"""How the C library says so, in the languages that servers are set to."""
_SHARED_MEMORY: Final = re.compile(r"shared memory|mémoire partagée|/dev/shm", re.I)
_FULL: Final = 1 << 20
"""Bytes that are free on a disk which is as good as full."""

_GONE: Final = re.compile(
    r"unexpected postmaster exit|server closed the connection|No such container|is not running"
)
"""How its clients say that a server went."""
_MOMENT: Final = 3.0

_COUNTERS: Final = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")
"""Where the kernel counts, as a container sees it: of the second version of cgroups, the first."""
_COUNT: Final = re.compile(r"^oom_kill (\d+)$", re.M)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A probable cause of a failed step, and what to do about it."""

    cause: str
    hint: str


def diagnose(
    context: ReplayContext, step: Step, words: str, since: datetime
) -> tuple[Diagnosis, ...]:
    """Look for what may have made a step fail; what can't be asked is left out, never raised.

    Args:
        words: what the step failed with.
        since: when it began.
    """
    found: list[Diagnosis] = []
    # What can't be asked tells nothing; the step's own words are told in any case.
    with suppress(RestoreError, DockerException, OSError, tarfile.TarError, KeyError):
        found += _of(context.of(step.part), step, words, since)
    return tuple(found)


def _of(context: ReplayContext, step: Step, words: str, since: datetime) -> Iterator[Diagnosis]:
    server = _Server(context.runner, context.environment.database.container, since)
    said = words + server.log() if _of_database(step) else words
    # A server that was hit by a full disk speaks of shared memory, too, but not in one line.
    if any(_NO_ROOM.search(line) and _SHARED_MEMORY.search(line) for line in said.splitlines()):
        yield Diagnosis(
            "the database server's shared memory (/dev/shm) is full",
            _setting(step, "databaseSharedMemoryMb"),
        )
    else:
        yield from _full(context, step, said)
    yield from server.ended(words, _setting(step, "databaseMemoryMb"))


def _full(context: ReplayContext, step: Step, said: str) -> Iterator[Diagnosis]:
    container, folder, name = _place(context, step)
    room = _room(context.runner, container, folder)
    if _NO_ROOM.search(said) or room.free < _FULL:
        yield Diagnosis(
            f"the disk of {name} ({folder}) is full: "
            f"{room.free >> 20} MiB of {room.size >> 20} MiB are free now",
            "make room there, then run it again: 'pra prerequisites' tells what it takes",
        )


def _setting(step: Step, key: str) -> str:
    """The hint that names a stack setting; empty for the reports server, which has none."""
    return f"give it more: the stack's setting {key}" if step.part is Part.ERP else ""


def _of_database(step: Step) -> bool:
    return step.kind not in (StepKind.DOCUMENTS, StepKind.PROMOTE_DOCUMENTS)


def _place(context: ReplayContext, step: Step) -> tuple[str, str, str]:
    """The container, the folder and the name of what a step writes to."""
    environment = context.environment
    if _of_database(step):
        folder = context.profile.database.data
        return environment.database.container, folder, "the database server's data"
    above = PurePosixPath(step.target).parent
    mounts: list[dict[str, Any]] = context.runner.container(environment.erp.container).attrs[
        "Mounts"
    ]
    folders = (PurePosixPath(mount["Destination"]) for mount in mounts)
    volume = max((f for f in folders if above.is_relative_to(f)), key=str, default=above)
    return environment.erp.container, str(volume), "the documents"


def _room(runner: Runner, container: str, folder: str) -> DiskSpace:
    """Size and free space of a folder's disk; the server may be stopped."""
    argv = df_command(folder)
    running = runner.container(container).status == "running"
    text = runner.check(container, argv) if running else run_once(runner, container, argv)
    room = parse_df(text)
    if room is None:
        raise ReplayError(f"df told of {folder}: {text}")
    return room


@dataclass(frozen=True, slots=True)
class _Server:
    """A server's container after a failure."""

    runner: Runner
    container: str
    since: datetime

    def ended(self, words: str, more: str) -> Iterator[Diagnosis]:
        """Why the container stopped, or that the kernel killed one of its processes."""
        status = self._status(words)
        limits = self.runner.container(self.container).attrs["HostConfig"]
        limit = int(limits.get("Memory") or 0)
        if status != "running":
            end = describe_end(self.runner, self.container)
            yield Diagnosis(
                f"the database server {end}: {self.log().strip()}",
                more if "memory" in end else "start it: 'docker start', or 'pulumi up'",
            )
            return
        if killed := self._killed():
            of = f"(its limit is {limit >> 20} MiB)" if limit else "(the machine's)"
            yield Diagnosis(
                f"the kernel has killed {killed} of the database server's processes for lack of "
                f"memory since it was started {of}",
                more if limit else "its machine needs more memory",
            )

    def _status(self, words: str) -> str:
        """Whether it runs. The engine may learn a moment after its sessions that it does not."""
        deadline = _MOMENT if _GONE.search(words) else 0
        wait = Retrying(
            retry=retry_if_result(lambda status: status == "running"),
            stop=stop_after_delay(deadline),
            wait=wait_fixed(0.1),
            retry_error_callback=lambda state: "running",
        )
        return str(wait(lambda: self.runner.container(self.container).status))

    def _killed(self) -> int:
        for path in _COUNTERS:
            read = self.runner.execute(self.container, ("cat", path))
            if read.exit_code == 0 and (count := _COUNT.search(read.stdout)):
                return int(count[1])
        return 0

    def log(self) -> str:
        """The last lines of its log since the step began."""
        log: bytes = self.runner.container(self.container).logs(
            since=int(self.since.timestamp()), tail=8
        )
        return "\n" + log.decode(errors="replace")
