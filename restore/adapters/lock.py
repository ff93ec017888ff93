"""A lock on a stack: who works on it, and whether the process still lives.

The operating system frees the lock when its process dies, however it dies, so a stack whose lock
file can be locked has no living owner.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from restore.errors import RefusedError


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds, or last held, a stack. ``kept`` means that it was asked to stay."""

    process: int
    command: str
    since: str
    kept: bool


@contextmanager
def stack_lock(
    folder: Path, stack: str, command: str, *, now: datetime, kept: bool
) -> Iterator[None]:
    """Hold a stack while the body runs. The file stays when the process is killed.

    Raises:
        RefusedError: a living process holds it; names the process and what it runs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = _path(folder, stack)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = _read(path)
            who = (
                f"process {holder.process} ({holder.command}, since {holder.since})"
                if holder
                else "a process"
            )
            raise RefusedError(
                f"stack {stack} is in use by {who}", "wait for it to end, or stop it with Ctrl-C"
            ) from error
        file.truncate(0)
        owner = {"process": os.getpid(), "command": command, "since": now.isoformat(), "kept": kept}
        file.write(json.dumps(owner))
        file.flush()
        yield


def release(folder: Path, stack: str) -> None:
    """Remove the lock file of a stack that was destroyed."""
    _path(folder, stack).unlink(missing_ok=True)


def find_abandoned(folder: Path) -> dict[str, Owner]:
    """The stacks whose process ended without destroying them, by name."""
    found: dict[str, Owner] = {}
    for path in sorted(folder.glob("*.lock")) if folder.is_dir() else ():
        # Another process may release its own meanwhile.
        with suppress(FileNotFoundError), path.open(encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if owner := _read(path):
                found[path.stem] = owner
    return found


def is_held(folder: Path, stack: str) -> bool:
    """Whether a living process holds the stack."""
    path = _path(folder, stack)
    return path.exists() and stack not in find_abandoned(folder)


def _path(folder: Path, stack: str) -> Path:
    return folder / f"{stack}.lock"


def _read(path: Path) -> Owner | None:
    try:
        return Owner(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        return None
