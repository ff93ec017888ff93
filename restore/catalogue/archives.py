"""Zip and tar archives that may be forged: every member is judged before any of it is stored.

A member's path must be relative and in its simplest form, its kind a plain file or folder. Nothing
is unpacked: members are streams that the repository stores under a path of its own.
"""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, Final, cast

from restore.catalogue.compression import is_bomb, plain_stream
from restore.catalogue.foreign import ForeignFile
from restore.catalogue.originals import mode_problem, open_original
from restore.errors import DamagedGenerationError
from restore.repository.base import FileOrigin
from restore.repository.safe_paths import UnsafePathError, safe_parts

_ENCRYPTED: Final = 0x1
_UNIX: Final = 3
_LOCAL_HEADER: Final = struct.Struct("<4s22xHH")
_LOCAL_MARK: Final = b"PK\3\4"
_MOST_RATIO: Final = 1100
"""Deflate makes nothing more than 1032 times smaller."""

_BROKEN_ZIP: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)
_BROKEN_TAR: Final = (tarfile.TarError, EOFError)


class Zip:
    """A zip archive of a backup, all of whose members are harmless."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self._file = file
        self._path = path
        try:
            self._archive = zipfile.ZipFile(file)
        except _BROKEN_ZIP as error:
            raise _damaged(path, f"is no whole zip archive: {error}") from error
        self.members = {item.filename: item for item in self._archive.infolist()}
        self._judge()

    def _judge(self) -> None:
        every = self._archive.infolist()
        if len(self.members) != len(every):
            raise _refused(self._path, "", "holds two members of one name")
        end = 0
        for item in sorted(every, key=lambda item: item.header_offset):
            if problem := _zip_problem(item):
                raise _refused(self._path, item.filename, problem)
            # Members that share their compressed bytes make a small file a huge one.
            if item.header_offset < end:
                raise _refused(self._path, item.filename, "overlaps another member")
            end = self._data_of(item) + item.compress_size
        plain = sum(item.file_size for item in every)
        if is_bomb(sum(item.compress_size for item in every), plain):
            raise _refused(self._path, "", f"would become {plain} bytes")

    def _data_of(self, item: zipfile.ZipInfo) -> int:
        """Where a member's compressed bytes begin."""
        self._file.seek(item.header_offset)
        header = self._file.read(_LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size or not header.startswith(_LOCAL_MARK):
            raise _damaged(self._path, f"was cut: member {item.filename} is not there")
        _, name, extra = _LOCAL_HEADER.unpack(header)
        return int(item.header_offset + _LOCAL_HEADER.size + name + extra)

    def size(self, prefix: str) -> int:
        """Bytes of all members under a folder, unpacked, as the archive says."""
        return sum(i.file_size for name, i in self.members.items() if name.startswith(prefix))

    def open(self, name: str) -> IO[bytes]:
        """Open a member; its content is checked against its checksum when its end is read.

        Raises:
            DamagedGenerationError: from its reads too: it is not what the archive says.
        """
        try:
            item = self.members[name]
            member = _Member(self._archive.open(item), self._path, item)
        except _BROKEN_ZIP as error:
            raise _damaged(self._path, f"member {name}: {error}") from error
        return cast(IO[bytes], member)

    def files(self, prefix: str) -> Iterator[ForeignFile]:
        """The files under a folder of the archive, by their path in it."""
        for name, item in sorted(self.members.items()):
            if name.startswith(prefix) and not item.is_dir():
                yield ForeignFile(name.removeprefix(prefix), partial(self.open, name))


@contextmanager
def opened_zip(path: Path) -> Iterator[Zip]:
    """Open a zip archive, once every member has been judged.

    Raises:
        NotFoundError: there is none.
        DamagedGenerationError: it was cut, is damaged, or holds what could do harm.
    """
    with open_original(path) as file:
        yield Zip(file, path)


def open_member(path: Path, name: str) -> IO[bytes]:
    """Open a member of a zip archive by itself; see ``opened_zip`` and ``Zip.open``."""
    with ExitStack() as stack:
        member = stack.enter_context(opened_zip(path)).open(name)
        cast(_Member, member).then_close(stack.pop_all())
    return member


def tar_files(path: Path, within: str = "") -> Generator[ForeignFile, None, None]:
    """The files of a tar archive, compressed or not, under folder ``within`` of it.

    Raises:
        DamagedGenerationError: it was cut, is damaged, or holds what could do harm.
    """
    prefix = f"{within.strip('/')}/" if within.strip("/") else ""
    with closing(plain_stream(open_original(path), str(path))) as stream, _whole_tar(path):
        ended = _Ended(stream)
        with tarfile.open(fileobj=cast(Any, ended), mode="r|") as archive:
            while (member := archive.next()) is not None:
                # tarfile would remember every member.
                cast(Any, archive).members.clear()
                name = member.name.removeprefix("./")
                if problem := _tar_problem(member, name):
                    raise _refused(path, member.name, problem)
                if member.isreg() and name.startswith(prefix):
                    yield _tar_file(path, archive, member, name.removeprefix(prefix))
            after = ended.after(archive.offset)
        # Only a read to the end of it finds a compressed file that was cut there.
        while not after.strip(b"\0") and (after := stream.read(1 << 20)):
            pass
        if after:
            # A zeroed header looks like the end of the archive.
            raise _damaged(path, "goes on after its end: a part of it was overwritten")


def judge_tar(path: Path, within: str = "") -> int:
    """Read a tar archive to its end; the bytes of its files.

    Raises:
        DamagedGenerationError: as ``tar_files``; also when nothing lies under ``within``.
    """
    size = files = 0
    for found in tar_files(path, within):
        with found.open() as content:
            while chunk := content.read(1 << 20):
                size += len(chunk)
        files += 1
    if within and not files:
        raise DamagedGenerationError(
            f"{path} holds no file under {within}", "look into it with: tar --list"
        )
    return size


def _tar_file(
    path: Path, archive: tarfile.TarFile, member: tarfile.TarInfo, name: str
) -> ForeignFile:
    @contextmanager
    def opened() -> Iterator[IO[bytes]]:
        content = archive.extractfile(member)
        if content is None:
            raise DamagedGenerationError(f"{name} in {path} is no regular file")
        with _whole_tar(path):
            yield content

    origin = FileOrigin(member.uid, member.gid, member.mode & 0o777, float(member.mtime))
    return ForeignFile(name, opened, origin)


def _zip_problem(item: zipfile.ZipInfo) -> str | None:
    name = item.filename.rstrip("/") if item.is_dir() else item.filename
    if problem := _path_problem(name):
        return problem
    if item.flag_bits & _ENCRYPTED:
        return "is encrypted"
    mode = item.external_attr >> 16
    if item.create_system == _UNIX and mode >> 12 and (problem := mode_problem(mode)):
        return problem
    if item.create_system == _UNIX and not item.is_dir() and mode & 0o7000:
        return "has a set-id or sticky bit"
    if item.file_size > max(item.compress_size, 1) * _MOST_RATIO:
        return f"would become {item.file_size} bytes from {item.compress_size}"
    return None


def _tar_problem(member: tarfile.TarInfo, name: str) -> str | None:
    if member.isdir():
        return None if name in ("", ".") else _path_problem(name)
    if problem := _path_problem(name):
        return problem
    if member.islnk() or member.issym():
        return "is a link"
    if member.issparse():
        return "is a sparse file: it would become larger than the archive"
    if not member.isreg():
        return "is a device, a pipe or of an unknown kind"
    return "has a set-id or sticky bit" if member.mode & 0o7000 else None


def _path_problem(name: str) -> str | None:
    try:
        safe_parts(name)
    except UnsafePathError:
        return "would lie outside the backup"
    return "has a backslash in its name" if "\\" in name else None


class _Member(io.RawIOBase):
    """A member of a zip archive whose reads name it when they fail."""

    def __init__(self, file: IO[bytes], path: Path, item: zipfile.ZipInfo) -> None:
        self._file = file
        self._path = path
        self._name = item.filename
        self._left = item.file_size
        self._then: ExitStack | None = None

    def then_close(self, stack: ExitStack) -> None:
        """What to close with it."""
        self._then = stack

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._file.read(len(buffer))
        except _BROKEN_ZIP as error:
            raise _damaged(self._path, f"member {self._name}: {error}") from error
        self._left -= len(data)
        if not data and len(buffer) and self._left:
            raise _damaged(self._path, f"member {self._name} is shorter than it says")
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
            if self._then is not None:
                self._then.close()
        super().close()


class _Ended:
    """A stream that tells tarfile's silent end apart from a file that was cut."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._read = 0
        self._last = b""

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        if size and not data:
            raise EOFError("it has no end")
        self._read += len(data)
        self._last = data
        return data

    def after(self, offset: int) -> bytes:
        """What has been read from a place on, as far as it was read at once."""
        size = min(self._read - offset, len(self._last))
        return self._last[len(self._last) - size :] if size > 0 else b""


@contextmanager
def _whole_tar(path: Path) -> Iterator[None]:
    try:
        yield
    except _BROKEN_TAR as error:
        raise _damaged(path, f"was cut, or is no tar archive: {error}") from error


def _damaged(path: Path, problem: str) -> DamagedGenerationError:
    return DamagedGenerationError(
        f"{path} {problem}", "its copy broke off, or it was changed; choose another backup"
    )


def _refused(path: Path, member: str, problem: str) -> DamagedGenerationError:
    what = f"member {member!r} {problem}" if member else problem
    return DamagedGenerationError(
        f"{path}: {what}: nothing of it is imported",
        "no such backup is made by an ERP's own tools: find out where it comes from",
    )
