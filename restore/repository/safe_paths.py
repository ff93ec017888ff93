"""Paths that come out of a generation, which may be damaged or forged: nothing leaves its folder.

A path is safe when it is relative, has no ``..`` and crosses no symbolic link; what it names must
be a regular file, so that no device is ever read and no pipe ever waited for.
"""

from __future__ import annotations

import os
import stat
from io import BufferedReader
from pathlib import Path


class UnsafePathError(ValueError):
    """A path leads, or could lead, outside its folder, or names something else than a file."""


def safe_parts(path: str) -> tuple[str, ...]:
    """Split a relative path with ``/`` separators into its parts.

    Raises:
        UnsafePathError: it is empty, absolute, not in its simplest form, or leads upwards.
    """
    parts = tuple(path.split("/"))
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise UnsafePathError(f"{path!r} is no plain relative path")
    try:
        os.fsencode(path)
    except UnicodeEncodeError as error:
        raise UnsafePathError(f"{path!r} is no name that a file can have") from error
    return parts


def beneath(root: Path, path: str) -> Path:
    """Where ``path`` lies under ``root``; only its text is looked at.

    Raises:
        UnsafePathError: it would lie elsewhere.
    """
    return root.joinpath(*safe_parts(path))


def open_beneath(root: Path, path: str) -> BufferedReader:
    """Open a regular file under ``root`` for reading, following no symbolic link on the way.

    Raises:
        UnsafePathError: the path is unsafe, crosses a link, or names no regular file.
        OSError: it does not exist or cannot be read.
    """
    with Beneath(root) as files:
        return os.fdopen(files.open(path), "rb")


class Beneath:
    """Opens files under a folder, one after the other, following no symbolic link on the way.

    The folder of the last file stays open: many files lie in one. Not for several threads.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: tuple[str, ...] | None = None
        self._folder = -1

    def __enter__(self) -> Beneath:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def open(self, path: str) -> int:
        """Open a regular file for reading, as a file descriptor that is the caller's.

        Raises:
            UnsafePathError: the path is unsafe, crosses a link, or names no regular file.
            OSError: it does not exist or cannot be read.
        """
        *folders, name = safe_parts(path)
        if tuple(folders) != self._folders:
            self._enter(tuple(folders), path)
        # Without O_NONBLOCK, opening a pipe would wait for its writer.
        file = _open_at(self._folder, name, os.O_RDONLY | os.O_NONBLOCK, path)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise UnsafePathError(f"{path!r} is no regular file")
        return file

    def _enter(self, folders: tuple[str, ...], path: str) -> None:
        self._leave()
        folder = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in folders:
                inner = _open_at(folder, part, os.O_RDONLY | os.O_DIRECTORY, path)
                os.close(folder)
                folder = inner
        except BaseException:
            os.close(folder)
            raise
        self._folder, self._folders = folder, folders

    def _leave(self) -> None:
        if self._folders is not None:
            os.close(self._folder)
            self._folders = None


def _open_at(folder: int, name: str, flags: int, path: str) -> int:
    try:
        return os.open(name, flags | os.O_NOFOLLOW, dir_fd=folder)
    except OSError as error:
        if _is_special(folder, name, directory=bool(flags & os.O_DIRECTORY)):
            raise UnsafePathError(f"{path!r} crosses a link or a special file") from error
        raise


def _is_special(folder: int, name: str, *, directory: bool) -> bool:
    """Whether it exists but is not what it should be (the open's own codes differ by system)."""
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except OSError:
        return False
    return not (stat.S_ISDIR(mode) if directory else stat.S_ISREG(mode))
