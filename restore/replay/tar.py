"""A tar stream made on the fly from a generation's files, in constant memory.

Every file is read once, and hashed while it passes: what is written is what the index says.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import IO, Final

from restore.adapters.docker.tar import END_OF_ARCHIVE, Owner, padding
from restore.adapters.streams import CHUNK
from restore.errors import DamagedGenerationError
from restore.model import FileEntry

_DEFAULT_MODE: Final = 0o640

_LONGEST_PLAIN: Final = 100
_LARGEST_PLAIN: Final = 8**11
_LARGEST_OWNER: Final = 8**7
_TAIL: Final = (tarfile.REGTYPE + bytes(100) + b"ustar\x0000").ljust(356, b"\0")
"""A regular file's header after its checksum."""
_SUM_OF_TAIL: Final = sum(_TAIL) + 8 * ord(" ")
"""A header's checksum counts its own field as spaces."""


Open = Callable[[FileEntry], IO[bytes]]
"""Opens a file of a generation."""


def archive(
    root: str, entries: Iterable[FileEntry], open_entry: Open, owner: Owner
) -> Iterator[bytes]:
    """Yield a tar stream of files under folder ``root`` (one name), all owned by ``owner``.

    What is small goes together, in pieces of ``CHUNK`` bytes at most: each is a message of its own.
    Folders come before what is in them. Modes are those of the index without set-id bits; a folder
    lets in whoever may read its first file, since an index holds no folders.

    Raises:
        DamagedGenerationError: a file is not the one of the index; the stream then has no end, so
            that what receives it fails too.
    """
    return _gathered(_members(root, entries, open_entry, owner))


def _members(
    root: str, entries: Iterable[FileEntry], open_entry: Open, owner: Owner
) -> Iterator[bytes]:
    folders: set[str] = set()
    for entry in entries:
        name = f"{root}/{entry.path}"
        mode = (_DEFAULT_MODE if entry.mode is None else entry.mode) & 0o777
        # Outermost first.
        for folder in accumulate(name.split("/")[:-1], "{}/{}".format):
            if folder not in folders:
                folders.add(folder)
                yield _full_header(folder, owner, _folder_mode(mode))
        yield _plain_header(name, owner, mode, entry) or _full_header(name, owner, mode, entry)
        with open_entry(entry) as file:
            yield from _content(entry, file)
    if not folders:
        yield _full_header(root, owner, _folder_mode(_DEFAULT_MODE))
    yield END_OF_ARCHIVE


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        if size + len(piece) > CHUNK and waiting:
            yield b"".join(waiting)
            waiting, size = [], 0
        waiting.append(piece)
        size += len(piece)
    if waiting:
        yield b"".join(waiting)


def _content(entry: FileEntry, file: IO[bytes]) -> Iterator[bytes]:
    digest, size = hashlib.sha256(), 0
    # One byte more than it should have tells whether it is longer.
    while chunk := _read(entry, file, min(CHUNK, entry.size - size + 1)):
        size += len(chunk)
        if size > entry.size:
            raise _damaged(entry, f"is longer than {entry.size} bytes")
        digest.update(chunk)
        yield chunk
    if size != entry.size:
        raise _damaged(entry, f"has {size} bytes instead of {entry.size}")
    if digest.hexdigest() != entry.sha256:
        raise _damaged(entry, "does not have its checksum")
    yield padding(size)


def _read(entry: FileEntry, file: IO[bytes], size: int) -> bytes:
    try:
        return file.read(size)
    except OSError as error:
        raise _damaged(entry, f"can't be read: {error.strerror}") from error


def _damaged(entry: FileEntry, problem: str) -> DamagedGenerationError:
    return DamagedGenerationError(
        f"file {entry.path} of the generation {problem}",
        "run 'pra verify' on it, and choose another generation",
    )


def _plain_header(name: str, owner: Owner, mode: int, entry: FileEntry) -> bytes:
    """The header of a file that needs no extension, as most; empty for one that does.

    ``tarfile`` makes the same, in ten times the time; there may be a million of them.
    """
    modified = entry.modified or 0
    if (
        len(name) > _LONGEST_PLAIN
        or not name.isascii()
        or not 0 <= modified < _LARGEST_PLAIN
        or modified != int(modified)
        or entry.size >= _LARGEST_PLAIN
        or max(owner.user, owner.group) >= _LARGEST_OWNER
    ):
        return b""
    numbers = b"%07o\0%07o\0%07o\0%011o\0%011o\0" % (
        mode,
        owner.user,
        owner.group,
        entry.size,
        int(modified),
    )
    head = name.encode().ljust(100, b"\0") + numbers
    total = sum(head) + _SUM_OF_TAIL
    return head + b"%06o\0 " % total + _TAIL


def _full_header(name: str, owner: Owner, mode: int, entry: FileEntry | None = None) -> bytes:
    """The header of any file; of a folder without an entry."""
    info = tarfile.TarInfo(name)
    info.mode, info.uid, info.gid = mode, owner.user, owner.group
    if entry is None:
        info.type = tarfile.DIRTYPE
    else:
        info.size, info.mtime = entry.size, entry.modified or 0
    return info.tobuf(tarfile.PAX_FORMAT, errors="surrogateescape")


def _folder_mode(mode: int) -> int:
    """Who reads a file may pass through its folder; its owner may write there."""
    readers = mode & 0o444
    return 0o700 | readers | readers >> 2
