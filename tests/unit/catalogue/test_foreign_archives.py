"""Archives that may be forged: what is refused, and that nothing is laid anywhere else."""

from __future__ import annotations

import gzip
import lzma
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from restore.catalogue.archives import judge_tar, opened_zip, tar_files
from restore.catalogue.dumps import tree_files
from restore.errors import DamagedGenerationError, NotFoundError
from restore.repository.base import FileOrigin
from tests.support.foreign_samples import tar_member, tar_of, zip_of


def zip_with(path: Path, name: str = "x", content: bytes = b"x", **values: Any) -> Path:
    """A zip archive of one member with odd properties."""
    item = zipfile.ZipInfo(name)
    item.create_system = 3
    item.compress_type = zipfile.ZIP_DEFLATED
    for key, value in values.items():
        setattr(item, key, value)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(item, content)
    return path


NAMES = ["/etc/passwd", "../x", "a/../../x", "a//b", "./x", "a/./b", "..", "a\\..\\b", "C:\\x"]


@pytest.mark.parametrize("name", NAMES)
def test_a_zip_that_leads_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    path = zip_with(tmp_path / "x.zip", name)
    with pytest.raises(DamagedGenerationError, match="nothing of it is imported"), opened_zip(path):
        pass


@pytest.mark.parametrize(
    ("mode", "what"),
    [
        (stat.S_IFLNK | 0o777, "is a link"),
        (stat.S_IFBLK | 0o600, "is a device"),
        (stat.S_IFIFO | 0o600, "a pipe"),
        (stat.S_IFREG | 0o4755, "set-id"),
        (0o2755, "set-id"),
    ],
)
def test_a_zip_of_more_than_files_is_refused(mode: int, what: str, tmp_path: Path) -> None:
    path = zip_with(tmp_path / "x.zip", external_attr=mode << 16)
    with pytest.raises(DamagedGenerationError, match=what), opened_zip(path):
        pass


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("x", b"2")
    with pytest.raises(DamagedGenerationError, match="two members"), opened_zip(path):
        pass


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = zip_with(tmp_path / "x.zip")
    data = path.read_bytes()
    at = data.index(b"PK\1\2") + 8
    path.write_bytes(data[:at] + b"\1\0" + data[at + 2 :])
    with pytest.raises(DamagedGenerationError, match="encrypted"), opened_zip(path):
        pass


def central(data: bytes, offset: int, value: int) -> bytes:
    """Change a 4-byte field of the first member's entry in the central directory."""
    at = data.index(b"PK\1\2") + offset
    return data[:at] + struct.pack("<I", value) + data[at + 4 :]


def test_a_zip_that_claims_too_much_is_refused(tmp_path: Path) -> None:
    path = zip_with(tmp_path / "x.zip", content=b"a" * 10_000)
    path.write_bytes(central(path.read_bytes(), 24, 1 << 31))
    with pytest.raises(DamagedGenerationError, match="would become"), opened_zip(path):
        pass


@pytest.mark.parametrize("size", [9_999, 5, 10_001])
def test_a_zip_that_does_not_hold_what_it_claims_is_told(size: int, tmp_path: Path) -> None:
    path = zip_with(tmp_path / "x.zip", content=b"a" * 10_000)
    path.write_bytes(central(path.read_bytes(), 24, size))
    with (
        opened_zip(path) as archive,
        archive.open("x") as member,
        pytest.raises(DamagedGenerationError, match="member x"),
    ):
        while member.read(4096):
            pass


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"1" * 100)
        archive.writestr("b", b"1" * 100)
    data = path.read_bytes()
    second = data.index(b"PK\1\2", data.index(b"PK\1\2") + 4)
    # Both names lead to the same bytes.
    path.write_bytes(data[: second + 42] + bytes(4) + data[second + 46 :])
    with pytest.raises(DamagedGenerationError, match="overlaps"), opened_zip(path):
        pass


def test_a_zip_that_was_cut_or_is_none_is_told(tmp_path: Path) -> None:
    path = zip_of({"a": b"1" * 1000}, tmp_path / "x.zip")
    data = path.read_bytes()
    path.write_bytes(data[:-30])
    with pytest.raises(DamagedGenerationError, match="no whole zip"), opened_zip(path):
        pass
    path.write_bytes(b"no zip at all")
    with pytest.raises(DamagedGenerationError, match="no whole zip"), opened_zip(path):
        pass
    with pytest.raises(NotFoundError), opened_zip(tmp_path / "absent"):
        pass


def test_a_changed_byte_of_a_zip_is_told(tmp_path: Path) -> None:
    content = os.urandom(5000)
    path = zip_of({"a": content}, tmp_path / "x.zip")
    data = bytearray(path.read_bytes())
    data[2500] ^= 0xFF
    path.write_bytes(bytes(data))
    with (
        opened_zip(path) as archive,
        archive.open("a") as member,
        pytest.raises(DamagedGenerationError, match="member a"),
    ):
        while member.read(100):
            pass


@pytest.mark.parametrize("name", [name for name in NAMES if name != "./x"])
def test_a_tar_that_leads_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(tar_of([(tar_member(name), b"x")]))
    with pytest.raises(DamagedGenerationError, match="nothing of it is imported"):
        judge_tar(path)


@pytest.mark.parametrize(
    ("kind", "values", "what"),
    [
        (tarfile.SYMTYPE, {"linkname": "/etc/passwd"}, "is a link"),
        (tarfile.LNKTYPE, {"linkname": "other"}, "is a link"),
        (tarfile.CHRTYPE, {}, "is a device"),
        (tarfile.FIFOTYPE, {}, "a pipe"),
        (tarfile.REGTYPE, {"mode": 0o4755}, "set-id"),
        (tarfile.GNUTYPE_SPARSE, {}, "nothing of it is imported|was cut"),
    ],
)
def test_a_tar_of_more_than_files_is_refused(
    kind: bytes, values: dict[str, Any], what: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(tar_of([(tar_member("a"), b"x"), (tar_member("b", kind, **values), b"")]))
    with pytest.raises(DamagedGenerationError, match=what):
        judge_tar(path)


COMPRESSIONS: list[Callable[[bytes], bytes]] = [
    bytes,
    gzip.compress,
    lzma.compress,
    zstandard.compress,
]


@pytest.mark.parametrize("compress", COMPRESSIONS)
def test_a_tar_is_read_under_a_folder_and_a_cut_one_is_told(
    compress: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    members = [
        (tar_member("./", tarfile.DIRTYPE), b""),
        (tar_member("./tree/0a/1", mode=0o640, uid=101, gid=102, mtime=5), os.urandom(3000)),
        (tar_member("./tree/0b/2"), b"two"),
        (tar_member("./other/3"), b"three"),
    ]
    content = compress(tar_of(members))
    path = tmp_path / "x.tar"
    path.write_bytes(content)
    found = {}
    for file in tar_files(path, "tree"):
        with file.open() as stream:
            found[file.path] = (stream.read(), file.origin)
    assert found["0a/1"] == (members[1][1], FileOrigin(101, 102, 0o640, 5.0))
    assert found.keys() == {"0a/1", "0b/2"}
    assert judge_tar(path, "tree") == 3003
    with pytest.raises(DamagedGenerationError, match="no file under absent"):
        judge_tar(path, "absent")
    # A tar archive ends in padding that says nothing: cut within what it holds.
    for size in (2000, 512 * 7, len(content) // 3):
        path.write_bytes(content[: min(size, len(content) - 1)])
        with pytest.raises(DamagedGenerationError, match="was cut"):
            judge_tar(path)


def test_what_is_no_tar_is_told(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"no archive " * 1000)
    with pytest.raises(DamagedGenerationError, match="no tar archive"):
        judge_tar(tmp_path / "x")


def test_folders_are_read_without_links_and_devices(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (root / "a" / "file").write_bytes(b"content")
    (root / "a" / "file").chmod(0o640)
    (file,) = tree_files(root, origins=True)
    assert file.path == "a/file"
    assert file.origin is not None
    assert file.origin.mode == 0o640

    def set_id() -> None:
        (root / "x").write_bytes(b"")
        (root / "x").chmod(0o4755)

    ways: tuple[tuple[Callable[[], None], str], ...] = (
        (lambda: (root / "x").symlink_to("/etc/passwd"), "is a link"),
        (lambda: os.mkfifo(root / "x"), "a pipe"),
        (set_id, "set-id"),
    )
    for make, what in ways:
        make()
        with pytest.raises(DamagedGenerationError, match=what):
            list(tree_files(root))
        (root / "x").unlink()


def test_reading_a_folder_leaves_no_trace(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    os.utime(tmp_path / "file", (1000, 2000))
    os.utime(tmp_path, (1000, 2000))
    for file in tree_files(tmp_path):
        with file.open() as content:
            assert content.read() == b"content"
    assert (tmp_path / "file").stat().st_atime == 1000
    assert tmp_path.stat().st_atime == 1000
