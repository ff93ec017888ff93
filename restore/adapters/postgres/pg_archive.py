"""Reads dumps of ``pg_dump -Fc`` and ``-Fd``: table of contents, and whether the file is whole.

The table of contents is read as PostgreSQL 8.0 to 18 write it, from any stream, in constant
memory: no server and no tool is needed. A dump in one file is followed block by block to its
end, so one that was cut is told from one that is whole.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Final

from restore.adapters.streams import CHUNK
from restore.errors import DamagedGenerationError

MAGIC: Final = b"PGDMP"
TABLE_OF_CONTENTS: Final = "toc.dat"

OLDEST: Final = (1, 10)
NEWEST: Final = (1, 16)

_FIRST_YEAR: Final = 1996

_CUSTOM: Final = 1
# A folder's table of contents calls itself one of an archive in tar format.
_FOLDER_FORMATS: Final = (3, 5)

_NO_DATA: Final = 3
_TABLE_DATA, _LARGE_OBJECTS = 1, 3
_ROWS_END: Final = b"\\.\n\n\n"
"""What pg_dump writes after the last row of a ``COPY``."""
_UNCOMPRESSED, _GZIP = 0, 1
_LONGEST_TEXT: Final = 64 << 20
"""Bytes of a definition above which it is none."""


@dataclass(frozen=True, slots=True)
class ArchiveHead:
    """The beginning of a dump. ``created`` is production's wall clock; it names no time zone."""

    version: tuple[int, int]
    in_one_file: bool
    created: datetime | None
    database: str
    server_version: str
    dump_version: str


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """One object of a dump. ``file`` is the name of its data's file, in a folder;
    ``copy`` the statement that its rows are loaded by."""

    id: int
    name: str
    kind: str
    definition: str
    schema: str
    owner: str
    has_data: bool
    file: str | None
    copy: str = ""


class RowCounter:
    """Counts the rows of a ``COPY`` as pg_dump writes them: one a line, then the end's lines."""

    def __init__(self) -> None:
        self._lines = 0
        self._tail = b""

    def feed(self, data: bytes) -> None:
        """Take some more of what pg_dump wrote."""
        self._lines += data.count(b"\n")
        self._tail = (self._tail + data)[-len(_ROWS_END) - 1 :]

    @property
    def rows(self) -> int | None:
        """How many there were; None where it does not end as pg_dump's own does."""
        if self._tail not in (_ROWS_END, b"\n" + _ROWS_END):
            return None
        return self._lines - _ROWS_END.count(b"\n")


class ArchiveReader:
    """Reads one dump from a stream at its beginning; ``name`` names it in errors.

    ``head`` is there at once; then ``entries`` must be read to its end, and for a dump in one file
    ``require_whole`` after it.
    """

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._stream = stream
        self._name = name
        self._integer = 4
        self._offset = 8
        self._with_data: set[int] = set()
        self._copied: set[int] = set()
        self._compression = _GZIP
        self.rows: dict[int, int] = {}
        """The rows of each table, by the number of its entry, once ``require_whole`` has been."""
        self.head = self._read_head()

    def entries(self) -> Iterator[ArchiveEntry]:
        """Yield the objects of the dump, in its order."""
        for _ in range(self._int()):
            entry = self._entry()
            if entry.has_data:
                self._with_data.add(entry.id)
            if entry.copy:
                self._copied.add(entry.id)
            yield entry

    def require_whole(self) -> None:
        """Follow the data of a dump in one file to its end, and count its rows.

        Raises:
            DamagedGenerationError: the file ends within a block, or the data of an object is not
                there: it was cut, or pg_dump was stopped.
        """
        missing = set(self._with_data)
        while kind := self._stream.read(1):
            number = self._int()
            missing.discard(number)
            if kind[0] == _TABLE_DATA:
                self._count_rows(number)
            elif kind[0] == _LARGE_OBJECTS:
                while self._int():
                    self._skip_chunks()
            else:
                raise self._damaged(f"has a block of unknown kind {kind[0]}")
        if missing:
            raise self._damaged(f"was cut: the data of {len(missing)} objects is not there")

    def _read_head(self) -> ArchiveHead:
        if self._take(len(MAGIC)) != MAGIC:
            raise self._damaged("is no dump of pg_dump")
        major, minor, _ = self._take(3)
        version = (major, minor)
        if not OLDEST <= version <= NEWEST:
            raise DamagedGenerationError(
                f"{self._name} has dump format {major}.{minor}; formats "
                f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]} are read",
                "dump again with a pg_dump of PostgreSQL 8.0 to 18",
            )
        self._integer, self._offset, form = self._take(3)
        if form != _CUSTOM and form not in _FOLDER_FORMATS:
            raise self._damaged(f"is of an unknown kind of dump, {form}")
        if version >= (1, 15):
            self._compression = self._take(1)[0]
        else:
            self._compression = _GZIP if self._int() else _UNCOMPRESSED
        created = self._moment()
        database, server, dump = self._text(), self._text(), self._text()
        return ArchiveHead(version, form == _CUSTOM, created, database, server, dump)

    def _moment(self) -> datetime | None:
        second, minute, hour, day, month, year, _ = (self._int() for _ in range(7))
        try:
            found = datetime(year + 1900, month + 1, day, hour, minute, min(second, 59))
        except (ValueError, OverflowError):
            return None
        # No pg_dump is older: the clock was wrong, or these bytes are.
        return found if found.year >= _FIRST_YEAR else None

    def _entry(self) -> ArchiveEntry:
        version = self.head.version
        number, has_data = self._int(), bool(self._int())
        self._text(), self._text()  # of the catalogue: table and row
        name, kind = self._text(), self._text()
        if version >= (1, 11):
            self._int()  # section
        definition = self._text()
        self._text()  # how to drop it
        copy = self._text()
        schema = self._text()
        self._text()  # table space
        if version >= (1, 14):
            self._text()  # access method
        if version >= (1, 16):
            self._int()  # kind of relation
        owner = self._text()
        self._text()  # whether with row numbers
        while self._optional() is not None:
            pass  # what it depends on
        file = None
        if self.head.in_one_file:
            has_data = self._take(1 + self._offset)[0] != _NO_DATA and has_data
        else:
            file = self._text() or None
        return ArchiveEntry(number, name, kind, definition, schema, owner, has_data, file, copy)

    def _count_rows(self, number: int) -> None:
        counter = RowCounter()
        known = number in self._copied and self._compression in (_UNCOMPRESSED, _GZIP)
        inner = zlib.decompressobj() if self._compression == _GZIP else None
        for data in self._chunks():
            # pg_restore tells more of what is damaged within: here, it is only not counted.
            while known and data:
                try:
                    counter.feed(inner.decompress(data, CHUNK) if inner else data)
                except zlib.error:
                    known = False
                data = inner.unconsumed_tail if inner else b""  # noqa: PLW2901 - what is left of it
        if known and inner:
            counter.feed(inner.flush())
        if known and (rows := counter.rows) is not None:
            self.rows[number] = rows

    def _skip_chunks(self) -> None:
        for _ in self._chunks():
            pass

    def _chunks(self) -> Iterator[bytes]:
        while size := self._int():
            if size < 0:
                raise self._damaged("has a block of negative size")
            while size > 0:
                data = self._take(min(size, CHUNK))
                size -= len(data)
                yield data

    def _int(self) -> int:
        sign, *digits = self._take(1 + self._integer)
        number = int.from_bytes(bytes(digits), "little")
        return -number if sign else number

    def _text(self) -> str:
        return self._optional() or ""

    def _optional(self) -> str | None:
        size = self._int()
        if size < 0:
            return None
        if size > _LONGEST_TEXT:
            raise self._damaged(f"has a definition of {size} bytes")
        return self._take(size).decode("utf-8", "surrogateescape")

    def _take(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) != size:
            raise self._damaged("was cut: it ends too early")
        return data

    def _damaged(self, problem: str) -> DamagedGenerationError:
        return DamagedGenerationError(
            f"{self._name} {problem}",
            "its copy broke off, or pg_dump was stopped; choose another backup",
        )


_PARTITIONED: Final = re.compile(r"^PARTITION BY ", re.M)


def is_plain_table(entry: ArchiveEntry) -> bool:
    """Whether an entry makes a table that holds rows itself."""
    return entry.kind == "TABLE" and not _PARTITIONED.search(entry.definition)
