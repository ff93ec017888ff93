"""The records of this clone's staging copies: one small JSON file a copy, readable by its user.

A file is replaced as a whole, so that a process that dies leaves either the old or the new one.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from restore.errors import EnvironmentFailure, NotFoundError
from restore.model import Credentials
from restore.model.codec import decode, encode, time_with_offset
from restore.model.secret import Secret
from restore.report.files import write_whole
from restore.runs.staging.copies import StagingCopy

FORMAT: Final = 1
"""Version of a record's layout; a reader refuses a newer one."""

_RECORD: Final = ".json"
_PASSWORD: Final = ".password"  # noqa: S105 - how a file's name ends


@dataclass(frozen=True, slots=True)
class Records:
    """All records of a folder: the copies, ordered by name, and messages on unreadable records."""

    copies: tuple[StagingCopy, ...]
    damaged: tuple[str, ...] = ()


def load_all(folder: Path) -> Records:
    """Read the records of all copies; one that can't be read hides no other."""
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
    """Read the record of one copy.

    Raises:
        NotFoundError: there is none of that name; lists those that are there.
        EnvironmentFailure: its record can't be read.
    """
    try:
        return _read(folder / f"{name}{_RECORD}")
    except FileNotFoundError as error:
        names = ", ".join(copy.name for copy in load_all(folder).copies)
        raise NotFoundError(
            f"there is no staging copy {name}", f"there are: {names}" if names else "there is none"
        ) from error


def save(folder: Path, copy: StagingCopy) -> None:
    """Write the record of a copy, in place of the one before."""
    document = {"format": FORMAT, **encode(copy, time_with_offset)}
    text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    _replace(folder, f"{copy.name}{_RECORD}", text)


def save_password(folder: Path, name: str, password: Secret) -> Path:
    """Write the administrator's password into a file for this user alone, and return its path."""
    return _replace(folder, f"{name}{_PASSWORD}", password.reveal() + "\n")


def read_account(folder: Path, copy: StagingCopy) -> Credentials | None:
    """Read the login and password of a copy's administrator; None while it has no password."""
    try:
        password = (folder / f"{copy.name}{_PASSWORD}").read_text(encoding="utf-8").rstrip("\n")
    except FileNotFoundError:
        return None
    return Credentials(copy.login, Secret(password))


def forget(folder: Path, name: str) -> None:
    """Remove a copy's password and record, in this order; what is gone already is no error."""
    for suffix in (_PASSWORD, _RECORD):
        (folder / f"{name}{suffix}").unlink(missing_ok=True)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: only one process at a time chooses a copy's name, subnet and port."""
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
    write_whole(folder / name, text.encode(), mode=0o600)
    return folder / name
