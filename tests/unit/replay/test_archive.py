"""The tar stream of documents, made on the fly."""

import hashlib
import io
import tarfile
from collections.abc import Callable
from dataclasses import replace
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore.adapters.docker.tar import Owner, single_file
from restore.adapters.streams import CHUNK
from restore.errors import DamagedGenerationError
from restore.model import FileEntry
from restore.replay.tar import archive

OWNER = Owner(101, 102)
FILES = {
    "ab/abc": b"one",
    "ab/abd": b"",
    "cd/é\udcff/long" + "x" * 120: b"three" * 1000,
    "top": bytes(512),
}


def entry(path: str, content: bytes, mode: int | None = 0o640) -> FileEntry:
    digest = hashlib.sha256(content).hexdigest()
    return FileEntry(path, len(content), digest, 1000, 1000, mode, 1_600_000_000.5)


def opener(files: dict[str, bytes]) -> Callable[[FileEntry], IO[bytes]]:
    return lambda found: io.BytesIO(files[found.path])


def members(chunks: list[bytes]) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks)), errors="surrogateescape") as tar:
        for member in tar:
            file = tar.extractfile(member)
            found[member.name] = (member, file.read() if file else b"")
    return found


def test_every_file_comes_with_its_folders_before_it() -> None:
    entries = [entry(path, content) for path, content in FILES.items()]

    found = members(list(archive(".new", entries, opener(FILES), OWNER)))

    assert {name: content for name, (m, content) in found.items() if m.isreg()} == {
        f".new/{path}": content for path, content in FILES.items()
    }
    names = list(found)
    assert names[:3] == [".new", ".new/ab", ".new/ab/abc"]
    assert names.index(".new/cd") < names.index(".new/cd/é\udcff")
    assert {(member.uid, member.gid) for member, _ in found.values()} == {(101, 102)}
    assert found[".new/top"][0].mtime == 1_600_000_000.5


@pytest.mark.parametrize(
    ("mode", "file", "folder"),
    [(0o644, 0o644, 0o755), (0o600, 0o600, 0o700), (0o4640, 0o640, 0o750), (None, 0o640, 0o750)],
)
def test_modes_are_the_index_ones_and_folders_follow(
    mode: int | None, file: int, folder: int
) -> None:
    found = members(list(archive("r", [entry("d/f", b"x", mode)], opener({"d/f": b"x"}), OWNER)))

    assert (found["r/d/f"][0].mode, found["r/d"][0].mode) == (file, folder)


@given(
    st.text(min_size=1, max_size=110).filter(lambda text: not {"/", "\0"} & set(text)),
    st.integers(0, 10),
    st.sampled_from((None, 0, 1_600_000_000, 1_600_000_000.0, 0.5)),
    st.sampled_from((0, 101, 8**7)),
    st.integers(0, 0o777),
)
def test_what_is_written_by_hand_is_what_tarfile_writes(
    name: str, size: int, modified: float | None, user: int, mode: int
) -> None:
    content = bytes(size)
    wanted = replace(entry(name, content, mode), modified=modified)

    chunks = list(archive("r", [wanted], opener({name: content}), Owner(user, user)))
    member, found = members(chunks)[f"r/{name}"]

    assert found == content
    assert (member.uid, member.gid, member.mode, member.mtime) == (user, user, mode, modified or 0)
    assert len(chunks) == 1


def test_a_tree_without_files_is_a_folder() -> None:
    found = members(list(archive("r", [], opener({}), OWNER)))

    assert [(name, member.isdir()) for name, (member, _) in found.items()] == [("r", True)]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"0123456789", "does not have its checksum"),
        (b"012345678", "has 9 bytes instead of 10"),
        (b"0123456789+", "is longer than 10 bytes"),
    ],
)
def test_a_file_that_is_not_the_index_one_cuts_the_stream(content: bytes, problem: str) -> None:
    wanted = entry("ab/f", b"abcdefghij")

    with pytest.raises(DamagedGenerationError, match=rf"ab/f.*{problem}"):
        list(archive("r", [wanted], opener({"ab/f": content}), OWNER))


def test_a_file_that_cannot_be_read_is_damage() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(DamagedGenerationError, match="Input/output error"):
        list(archive("r", [entry("f", b"x")], lambda _: Broken(), OWNER))


def test_no_chunk_is_larger_than_what_is_read_at_once() -> None:
    content = bytes(3 * CHUNK + 1)

    chunks = list(archive("r", [entry("f", content)], opener({"f": content}), OWNER))

    assert max(map(len, chunks)) == CHUNK


def test_files_are_opened_one_after_the_other_and_closed() -> None:
    opened: list[io.BytesIO] = []

    def open_entry(found: FileEntry) -> IO[bytes]:
        assert all(file.closed for file in opened)
        opened.append(io.BytesIO(FILES[found.path]))
        return opened[-1]

    entries = [entry(path, content) for path, content in FILES.items()]
    for _ in archive("r", entries, open_entry, OWNER):
        pass

    assert len(opened) == len(FILES)
    assert all(file.closed for file in opened)


def test_a_single_file_is_an_archive_of_its_own() -> None:
    found = members([single_file("odoo.conf", b"[options]\n", OWNER, 0o640)])

    member, content = found["odoo.conf"]
    assert content == b"[options]\n"
    assert (member.uid, member.gid, member.mode) == (101, 102, 0o640)


def test_times_may_be_unknown() -> None:
    unknown = replace(entry("f", b"x"), modified=None)

    assert members(list(archive("r", [unknown], opener({"f": b"x"}), OWNER)))["r/f"][0].mtime == 0
