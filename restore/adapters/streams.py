"""Streams of bytes: cut into lines of text, and read as files."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import Final

CHUNK: Final = 1 << 20
"""Bytes that are read, or sent, at once."""
_END_OF_ARCHIVE: Final = bytes(2 * tarfile.BLOCKSIZE)


class LineSplitter:
    """Cuts chunks of bytes into lines of text."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes | None) -> list[str]:
        """Take a chunk and give the lines that it ends."""
        *lines, self._rest = (self._rest + (chunk or b"")).split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def rest(self) -> list[str]:
        """The last line, when it had no end."""
        rest, self._rest = self._rest, b""
        return [rest.decode(errors="replace")] if rest else []


class ChunkReader:
    """A file that is read, made of chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = bytearray()
        self._tail = b""

    def read(self, size: int) -> bytes:
        """Read up to ``size`` bytes; fewer only at the end."""
        while len(self._buffer) < size:
            try:
                self._buffer += next(self._chunks)
            except StopIteration:
                break
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._tail = (self._tail + taken)[-len(_END_OF_ARCHIVE) :]
        return taken

    def require_end(self) -> None:
        """Read the rest; ``tarfile`` takes a stream that is cut between two files for a whole one.

        Raises:
            tarfile.ReadError: it does not end as archives do.
        """
        while self.read(CHUNK):
            pass
        if self._tail != _END_OF_ARCHIVE:
            raise tarfile.ReadError("the stream ended before the archive did")
