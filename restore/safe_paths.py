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
    *folders, name = safe_parts(path)
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in folders:
            inner = _open_at(folder, part, os.O_RDONLY | os.O_DIRECTORY, path)
            os.close(folder)
            folder = inner
        # Without O_NONBLOCK, opening a pipe would wait for its writer.
        file = _open_at(folder, name, os.O_RDONLY | os.O_NONBLOCK, path)
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise UnsafePathError(f"{path!r} is no regular file")
    return os.fdopen(file, "rb")


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
