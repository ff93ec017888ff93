"""Moves files from containers into an artefact, as streams."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

from restore.errors import EnvironmentFailure, ReplayError
from restore.model import Progress, ProgressListener
from restore.repository.base import FileOrigin
from restore.repository.folder_writer import ArtifactWriter

Members = Iterator[tuple[tarfile.TarInfo, IO[bytes]]]
"""What ``Runner.read_archive`` yields."""


class Meter:
    """Tells a listener how far a part is. ``total`` is in bytes, 0 when unknown."""

    def __init__(self, label: str, total: int, listener: ProgressListener) -> None:
        self._label = label
        self._total = total
        self._listener = listener
        self.bytes = 0
        self._items = 0

    def add(self, size: int) -> None:
        """Count bytes."""
        self.bytes += size
        self._tell()

    def item(self) -> None:
        """Count a file."""
        self._items += 1
        self._tell()

    def _tell(self) -> None:
        self._listener(
            Progress(
                label=self._label,
                done_bytes=self.bytes,
                # The estimate is in whole blocks and may have aged.
                total_bytes=max(self._total, self.bytes) if self._total else 0,
                done_items=self._items,
            )
        )


def store_tree(members: Members, artifact: ArtifactWriter, meter: Meter, *, origins: bool) -> int:
    """Store every file of an archive of a folder, under its path within that folder.

    Args:
        origins: whether production's owners, modes and times belong into the index.

    Returns:
        How many files there were.

    Raises:
        ReplayError: the folder holds what is no file (a link elsewhere, a device).
        EnvironmentFailure: the archive broke off.
    """
    files = 0
    with whole_archive():
        for member, content in members:
            path = _within(member.name)
            origin = _origin(member) if origins else None
            if member.isreg():
                artifact.add(path, cast(IO[bytes], Metered(content, meter)), origin)
            elif member.islnk():
                artifact.add_link(path, _within(member.linkname), origin)
            elif not member.isdir():
                raise ReplayError(
                    f"{member.name} is neither a file nor a folder: it cannot be captured",
                    "remove it from the folder, or put the file itself in its place",
                )
            else:
                continue
            files += 1
            meter.item()
    return files


def store_file(members: Members, artifact: ArtifactWriter, name: str) -> None:
    """Store the only file of an archive under ``name``, with its origin.

    Raises:
        ReplayError: the archive is one of something else.
        EnvironmentFailure: the archive broke off.
    """
    found = False
    with whole_archive():
        for member, content in members:
            if not member.isreg() or found:
                raise ReplayError(f"{member.name} is no file: it cannot be captured as {name}")
            artifact.add(name, content, _origin(member))
            found = True


class Metered:
    """A file whose reading is counted."""

    def __init__(self, file: IO[bytes], meter: Meter) -> None:
        self._file = file
        self._meter = meter

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._meter.add(len(data))
        return data


def _within(name: str) -> str:
    """A member's path without the archived folder's own name."""
    return name.partition("/")[2]


def _origin(member: tarfile.TarInfo) -> FileOrigin:
    return FileOrigin(member.uid, member.gid, member.mode & 0o7777, float(member.mtime))


@contextmanager
def whole_archive() -> Iterator[None]:
    """Say of an archive that broke off what may have happened."""
    try:
        yield
    except tarfile.TarError as error:
        raise EnvironmentFailure(
            f"the archive from the container broke off: {error}",
            "did a file change while it was read, or the container stop? capture again",
        ) from error
