"""Reading backups that others made: nothing of them changes, not even when they were last read.

No symbolic link is followed, and what is no regular file is never opened.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from restore.errors import DamagedGenerationError, NotFoundError

SET_ID: Final = 0o7000
"""Set-user, set-group and sticky bits: no document needs one."""

_QUIETLY: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class TreeFile:
    """A regular file of a tree; ``path`` is relative to it, with ``/`` separators."""

    path: str
    status: os.stat_result
    folder: int
    """Descriptor of the folder that holds it, open only until the next file is asked for."""

    def open(self) -> IO[bytes]:
        """Open it for reading."""
        return os.fdopen(_open(self.path.rpartition("/")[2], self.folder), "rb")


def open_original(path: Path) -> IO[bytes]:
    """Open a file of a backup for reading; ``path`` itself must be no link.

    Raises:
        NotFoundError: there is none.
        DamagedGenerationError: it is a link, no regular file, or can't be read.
    """
    try:
        # Without O_NONBLOCK, opening a pipe would wait for its writer.
        file = _open(str(path), None, os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise NotFoundError(f"{path} does not exist", "is the disk mounted?") from error
    except OSError as error:
        raise _unusable(path, error) from error
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise DamagedGenerationError(f"{path} is no regular file", "give the file itself")
    return os.fdopen(file, "rb")


def walk(root: Path) -> Generator[TreeFile, None, None]:
    """Yield every file under a folder, in a fixed order.

    Raises:
        DamagedGenerationError: something in it is a link, a device, a pipe or a socket, has a
            set-id bit, or can't be read.
    """
    try:
        folder = _open(str(root), None, os.O_DIRECTORY)
    except OSError as error:
        raise _unusable(root, error) from error
    yield from _walk(root, folder, "")


def _walk(root: Path, folder: int, prefix: str) -> Generator[TreeFile, None, None]:
    try:
        for name in sorted(os.listdir(folder)):
            path = prefix + name
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if problem := mode_problem(status.st_mode):
                raise DamagedGenerationError(
                    f"{root / path} {problem}: it is not imported",
                    "remove it from the backup, or import a part without it",
                )
            if stat.S_ISDIR(status.st_mode):
                yield from _walk(root, _open(name, folder, os.O_DIRECTORY), f"{path}/")
            else:
                yield TreeFile(path, status, folder)
    except OSError as error:
        raise _unusable(root / prefix, error) from error
    finally:
        os.close(folder)


def mode_problem(mode: int) -> str | None:
    """Why something of this mode is not taken; None when it is a plain file or folder."""
    if stat.S_ISLNK(mode):
        return "is a link"
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return "is a device, a pipe or a socket"
    # Folders share their group by such a bit; it is not taken over, so it does no harm.
    if stat.S_ISREG(mode) and mode & SET_ID:
        return "has a set-id or sticky bit"
    return None


def _open(name: str, folder: int | None, flags: int = 0) -> int:
    try:
        return os.open(name, _QUIETLY | os.O_NOATIME | flags, dir_fd=folder)
    except PermissionError:
        # Only a file's owner may read it without leaving the time.
        return os.open(name, _QUIETLY | flags, dir_fd=folder)


def _unusable(path: Path, error: OSError) -> DamagedGenerationError:
    if path.is_symlink():
        return DamagedGenerationError(f"{path} is a link", "give the file itself")
    return DamagedGenerationError(f"{path} can't be read: {error.strerror or error}")
