"""Small tar archives, as the Docker engine takes them."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from typing import Final

_BLOCK: Final = tarfile.BLOCKSIZE
END_OF_ARCHIVE: Final = bytes(2 * _BLOCK)


@dataclass(frozen=True, slots=True)
class Owner:
    """The numbers of a user and its group."""

    user: int
    group: int


def single_file(name: str, content: bytes, owner: Owner, mode: int) -> bytes:
    """A tar archive of one small file."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), mode
    info.uid, info.gid = owner.user, owner.group
    return info.tobuf(tarfile.PAX_FORMAT) + content + padding(len(content)) + END_OF_ARCHIVE


def padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)
