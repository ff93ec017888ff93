"""The staging copies of this clone, written down: one small JSON file a copy, only its user's.

A file is replaced as a whole, so that a process that dies leaves the old one or the new one.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from restore.errors import EnvironmentFailure, NotFoundError
from restore.model import Credentials
from restore.model.codec import decode, encode, time_with_offset
from restore.model.secret import Secret
from restore.runs.staging.copies import StagingCopy

FORMAT: Final = 1
"""Version of a record's layout; a reader refuses a newer one."""

_RECORD: Final = ".json"
_PASSWORD: Final = ".password"  # noqa: S105 - how a file's name ends


@dataclass(frozen=True, slots=True)
class Records:
    """What is written down: the copies by name, and what can't be read, each with its file."""

    copies: tuple[StagingCopy, ...]
    damaged: tuple[str, ...] = ()


def every(folder: Path) -> Records:
    """All copies. A record that can't be read hides no other."""
    copies, damaged = [], []
    for path in sorted(folder.glob(f"*{_RECORD}")) if folder.is_dir() else ():
        try:
            copies.append(_read(path))
        except FileNotFoundError:
            # Another process has just ended that copy.
            continue
        except EnvironmentFailure as error:
            damaged.append(error.message)
    return Records(tuple(copies), tuple(damaged))


def load(folder: Path, name: str) -> StagingCopy:
    """One copy.

    Raises:
        NotFoundError: there is none of that name; lists those that are there.
        EnvironmentFailure: its record can't be read.
    """
    try:
        return _read(folder / f"{name}{_RECORD}")
    except FileNotFoundError as error:
        names = ", ".join(copy.name for copy in every(folder).copies)
        raise NotFoundError(
            f"there is no staging copy {name}", f"there are: {names}" if names else "there is none"
        ) from error


def save(folder: Path, copy: StagingCopy) -> None:
    """Write a copy down, in place of what was written of it before."""
    document = {"format": FORMAT, **encode(copy, time_with_offset)}
    text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    _replace(folder, f"{copy.name}{_RECORD}", text)


def save_password(folder: Path, name: str, password: Secret) -> Path:
    """Write the administrator's password into a file for this user alone, and return its path."""
    return _replace(folder, f"{name}{_PASSWORD}", password.reveal() + "\n")


def account(folder: Path, copy: StagingCopy) -> Credentials | None:
    """The copy's administrator; None for one that has no password yet."""
    try:
        password = (folder / f"{copy.name}{_PASSWORD}").read_text(encoding="utf-8").rstrip("\n")
    except FileNotFoundError:
        return None
    return Credentials(copy.login, Secret(password))


def forget(folder: Path, name: str) -> None:
    """Remove what is written of a copy, its password first. What is gone already is no error."""
    for suffix in (_PASSWORD, _RECORD):
        (folder / f"{name}{suffix}").unlink(missing_ok=True)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One process at a time chooses what no other copy has, and writes it down."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "places.lock").open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> StagingCopy:
    text = path.read_text(encoding="utf-8")
    try:
        document: dict[str, Any] = json.loads(text)
        if document.pop("format") > FORMAT:
            raise EnvironmentFailure(
                f"{path} was written by a newer engine", "use that one, or a newer one"
            )
        return decode(StagingCopy, document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EnvironmentFailure(
            f"{path} is no record of a staging copy",
            f"'pra gc --stack staging-{path.stem}' ends it",
        ) from error


def _replace(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Files that tempfile makes are their owner's alone.
    descriptor, made = tempfile.mkstemp(dir=folder, prefix=".new-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(made).replace(folder / name)
    except BaseException:
        Path(made).unlink(missing_ok=True)
        raise
    return folder / name
