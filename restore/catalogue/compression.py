"""Compressed files as plain streams, in constant memory; a file that was cut is an error.

What compressed a file is told by its first bytes, never by its name.
"""

from __future__ import annotations

import io
import lzma
import zlib
from collections.abc import Callable
from functools import partial
from typing import IO, Any, Final, cast

import zstandard

from restore.errors import DamagedGenerationError

CHUNK: Final = 1 << 16
"""Compressed bytes read at once."""

_LEAST: Final = 1 << 10
"""Read at once of zstd, which gives all that a chunk holds: up to 32 MiB of this."""

_XZ_MEMORY: Final = 256 << 20
"""Bytes that xz may ask for; its strongest setting takes 65 MiB."""

FREE: Final = 1 << 30
"""Bytes that a file may become, whatever its size."""

MOST_RATIO: Final = 500
"""How many times its size a file may become beyond that; a dump becomes 5 to 50 times its own."""

_ERRORS: Final = (zlib.error, lzma.LZMAError, zstandard.ZstdError)


class _Zlib:
    """``zlib`` keeps what it did not take; the others do so themselves."""

    def __init__(self) -> None:
        self._inner: Any = zlib.decompressobj(31)

    def __getattr__(self, name: str) -> Any:
        """Whether the frame has ended (``eof``), and what lies behind it (``unused_data``)."""
        return getattr(self._inner, name)

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    def decompress(self, data: bytes, most: int) -> Any:
        return self._inner.decompress(self._inner.unconsumed_tail + data, most)


class _Zstd(_Zlib):
    def __init__(self) -> None:
        self._inner: Any = zstandard.ZstdDecompressor().decompressobj()

    def decompress(self, data: bytes, _most: int) -> Any:
        return self._inner.decompress(data)


_KINDS: Final[tuple[tuple[bytes, str, Callable[[], Any], int], ...]] = (
    (b"\x1f\x8b", "gzip", _Zlib, CHUNK),
    (b"\xfd7zXZ\0", "xz", partial(lzma.LZMADecompressor, memlimit=_XZ_MEMORY), CHUNK),
    (b"\x28\xb5\x2f\xfd", "zstd", _Zstd, _LEAST),
)
_LONGEST_MARK: Final = max(len(mark) for mark, *_ in _KINDS)


def plain_stream(file: IO[bytes], name: str) -> IO[bytes]:
    """A file's content, decompressed if it is compressed.

    Args:
        file: at its beginning; closed with the stream.
        name: of the file, for errors.

    Raises:
        DamagedGenerationError: from the stream's reads: the file was cut or is damaged.
    """
    raw = io.BufferedReader(cast(io.RawIOBase, file), CHUNK)
    head = raw.peek(_LONGEST_MARK)
    for mark, kind, make, size in _KINDS:
        if head.startswith(mark):
            inflated = _Inflated(raw, f"{name} ({kind})", make, size)
            return cast(IO[bytes], io.BufferedReader(inflated, CHUNK))
    return cast(IO[bytes], raw)


def compression_of(head: bytes) -> str | None:
    """What compressed a file that begins so; None when nothing known did."""
    return next((kind for mark, kind, *_ in _KINDS if head.startswith(mark)), None)


def is_bomb(packed: int, plain: int) -> bool:
    """Whether so many bytes of a compressed file become more than a backup's would."""
    return plain > FREE and plain > packed * MOST_RATIO


class _Inflated(io.RawIOBase):
    """Frame after frame of one compressed file."""

    def __init__(self, source: IO[bytes], name: str, make: Callable[[], Any], chunk: int) -> None:
        self._source = source
        self._name = name
        self._make = make
        self._chunk = chunk
        self._frame: Any = make()
        self._input = b""
        self._fresh = True
        self._rest = memoryview(b"")
        self._packed = self._plain = 0

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            if not self._fill(len(buffer)):
                return 0
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size

    def _fill(self, most: int) -> bool:
        """Get some more content, or none from this chunk; False at the end of the file."""
        if self._frame.eof:
            self._input = self._frame.unused_data or self._input
            self._frame, self._fresh = self._make(), True
        if not self._input and self._frame.needs_input:
            self._input = self._source.read(self._chunk)
            self._packed += len(self._input)
            if not self._input:
                if self._fresh:
                    return False
                raise DamagedGenerationError(
                    f"{self._name} was cut: its compressed data has no end",
                    "its copy broke off; fetch it again from where it was made",
                )
        if self._fresh and not self._input.strip(b"\0"):
            # Padding after the last frame.
            self._input = b""
            return True
        self._fresh = False
        taken, self._input = self._input, b""
        try:
            self._rest = memoryview(self._frame.decompress(taken, most))
        except _ERRORS as error:
            raise DamagedGenerationError(
                f"{self._name} is damaged: {error}", "choose another backup"
            ) from error
        self._plain += len(self._rest)
        if is_bomb(self._packed, self._plain):
            raise DamagedGenerationError(
                f"{self._name} would become more than {self._plain} bytes from {self._packed}",
                "no backup is made of so little: find out where it comes from",
            )
        return True
