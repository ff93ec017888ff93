"""Archives that a Docker engine hands over, whole or cut."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from typing import Any, cast

import pytest

from restore.adapters.docker.runner import Runner


class Engine:
    """A Docker engine that answers with one archive; stands for client, API and response."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.closed = 0

    @property
    def api(self) -> Engine:
        return self

    def _url(self, path: str, *_arguments: str) -> str:
        return path

    def _get(self, _url: str, **_options: Any) -> Engine:
        return self

    def _raise_for_status(self, _response: object) -> None: ...

    def iter_content(self, _size: int) -> Iterator[bytes]:
        yield from (self.content[start : start + 700] for start in range(0, len(self.content), 700))

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def content() -> bytes:
    """Three files of a block each, and the end."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in "abc":
            member = tarfile.TarInfo(f"d/{name}")
            member.size = tarfile.BLOCKSIZE
            archive.addfile(member, io.BytesIO(name.encode() * tarfile.BLOCKSIZE))
    return buffer.getvalue()


def names(engine: Engine) -> list[str]:
    members = Runner(cast(Any, engine)).read_archive("container", "/d")
    return [member.name for member, _ in members]


def test_a_whole_archive_is_read(content: bytes) -> None:
    engine = Engine(content)
    assert names(engine) == ["d/a", "d/b", "d/c"]
    assert engine.closed == 1


@pytest.mark.parametrize("blocks", [2, 3, 4, 6, 7])
def test_a_cut_archive_is_never_taken_for_a_whole_one(content: bytes, blocks: int) -> None:
    engine = Engine(content[: blocks * tarfile.BLOCKSIZE])
    with pytest.raises(tarfile.TarError):
        names(engine)
    assert engine.closed == 1


def test_the_connection_is_closed_when_the_reader_stops(content: bytes) -> None:
    engine = Engine(content)
    members = Runner(cast(Any, engine)).read_archive("container", "/d")
    next(members)
    cast(Any, members).close()
    assert engine.closed == 1
