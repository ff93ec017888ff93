"""Folders as the writer of generations needs them: on disk for sure, locked, or gone."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from restore.errors import NotFoundError, ReplayError
from restore.repository.base import Partial

FILE_MODE: Final = 0o440
SECRET_FILE_MODE: Final = 0o400
FOLDER_MODE: Final = 0o550


def seal(folder: Path, prefix: str, secret: set[str]) -> None:
    """Bring a tree to disk, deepest first, and make it read-only.

    Files below a folder of ``secret`` are readable by their owner only.
    """
    with os.scandir(folder) as items:
        for item in items:
            path = Path(item.path)
            if item.is_dir(follow_symlinks=False):
                seal(path, f"{prefix}{item.name}/", secret)
                path.chmod(FOLDER_MODE)
            else:
                hidden = any(prefix.startswith(f"{name}/") for name in secret)
                path.chmod(SECRET_FILE_MODE if hidden else FILE_MODE)
                sync(path)
    sync(folder)


def sync(path: Path) -> None:
    """Bring a file's or a folder's content to disk.

    Raises:
        OSError: the disk refused.
    """
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    except OSError as error:
        # Some mounted file systems have no fsync of folders.
        if not (path.is_dir() and error.errno in (errno.EINVAL, errno.ENOTSUP)):
            raise
    finally:
        os.close(file)


def lock(folder: Path) -> int:
    """Mark a folder as being written while this process lives, where the file system can."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


def _locked(folder: Path) -> bool:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(file)
    return False


def partials(folder: Path) -> tuple[Partial, ...]:
    """Generations that are being written, or whose writer died, oldest first."""
    found = [item for item in folder.iterdir() if item.is_dir()] if folder.is_dir() else []
    return tuple(
        Partial(
            id=item.name,
            path=item,
            modified=datetime.fromtimestamp(item.stat().st_mtime, UTC),
            active=_locked(item),
        )
        for item in sorted(found)
    )


def remove_partial(folder: Path, name: str) -> None:
    """Remove what a dead writer left; see ``FolderRepository.remove_partial``."""
    for found in partials(folder):
        if found.id == name:
            if found.active:
                raise ReplayError(f"generation {name} is being written", "stop its capture first")
            remove_tree(found.path)
            return
    raise NotFoundError(f"there is no unfinished generation {name}")


class _Remover(Protocol):
    def __call__(self, path: str) -> object: ...


def remove_tree(root: Path) -> None:
    """Remove a folder although it was made read-only.

    Raises:
        ReplayError: something in it can't be removed.
    """

    def open_up(remove: _Remover, path: str, _error: Any) -> None:
        Path(path).parent.chmod(0o700)
        if Path(path).is_dir():
            Path(path).chmod(0o700)
        remove(path)

    try:
        shutil.rmtree(root, onerror=open_up)
    except OSError as error:
        raise ReplayError(f"{root} cannot be removed: {error}") from error
