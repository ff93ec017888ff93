"""Readers of backups that others made, fed with bytes that nobody made: a refusal, or success.

Never another exception, never a file outside the repository, never more memory than a few buffers.
"""

from __future__ import annotations

import gzip
import io
import json
import lzma
import os
import tempfile
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
import yaml
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from restore.catalogue.archives import judge_tar
from restore.catalogue.compression import plain_stream
from restore.catalogue.dumps import created_at, dump_in
from restore.catalogue.importing import import_generation
from restore.catalogue.layouts import open_layout
from restore.errors import RestoreError
from restore.profile import load_profile
from restore.repository import create_repository
from tests.support.foreign_samples import (
    DOCUMENTS,
    ENTRIES,
    ODOO_MANIFEST,
    PLAIN,
    CustomDump,
    odoo_members,
    tar_member,
    tar_of,
    zip_of,
)

PROFILE = load_profile("odoo")
MOST_MEMORY: Final = 200 << 20
TAR: Final = tar_of(
    [
        (tar_member("tree/" + "long/" * 40 + "name"), b"x"),
        *((tar_member(f"tree/{name}", mode=0o640), data) for name, data in DOCUMENTS.items()),
    ]
)
PACKED: Final[dict[str, Callable[[bytes], bytes]]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}
CUSTOM: Final = [
    CustomDump(version=version, entries=ENTRIES).render()
    for version in ((1, 10), (1, 12), (1, 14), (1, 15), (1, 16))
]

few = settings(
    max_examples=int(os.environ.get("PRA_FUZZ", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@st.composite
def spoilt(draw: st.DrawFn, sample: bytes) -> bytes:
    """A sample with some bytes changed, taken out, put in, doubled or cut off."""
    data = bytearray(sample)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        size = draw(st.integers(0, 40))
        match draw(st.sampled_from(("change", "remove", "insert", "double", "cut", "number"))):
            case "change":
                content = draw(st.binary(min_size=1, max_size=8))
                data[at : at + len(content)] = content
            case "remove":
                del data[at : at + size]
            case "insert":
                data[at:at] = draw(st.binary(max_size=20))
            case "double":
                data[at:at] = data[at : at + size]
            case "number":
                data[at : at + 4] = draw(st.sampled_from((b"\xff" * 4, bytes(4), b"\x7f" * 4)))
            case _:
                del data[at:]
    return bytes(data)


def read_whole(data: bytes) -> None:
    """Read a dump as an import does: what it says, then every byte of it."""
    dump = dump_in(lambda: io.BytesIO(data), "x")
    for file in dump.files():
        with file.open() as content:
            while content.read(1 << 16):
                pass


@few
@given(st.sampled_from(CUSTOM).flatmap(spoilt) | st.binary(max_size=200))
def test_a_dump_in_custom_format(data: bytes) -> None:
    with suppress(RestoreError):
        read_whole(data)


@few
@given(spoilt(PLAIN) | st.binary(max_size=200))
def test_a_plain_dump(data: bytes) -> None:
    with suppress(RestoreError):
        read_whole(data)


@pytest.mark.parametrize("name", [name for name in PACKED if name != "plain"])
def test_a_compressed_dump(name: str) -> None:
    packed = PACKED[name](PLAIN * 20)

    @few
    @given(spoilt(packed))
    def spoil(data: bytes) -> None:
        with suppress(RestoreError), plain_stream(io.BytesIO(data), "x") as stream:
            while stream.read(1 << 16):
                pass
        with suppress(RestoreError):
            read_whole(data)

    spoil()


def within(read: Callable[[Path], object]) -> None:
    """Run a reader in a folder that stands for the world; only its own part of it may change."""
    with tempfile.TemporaryDirectory() as name:
        world = Path(name)
        (world / "backup").mkdir()
        (world / "outside").write_bytes(b"precious")
        with suppress(RestoreError):
            read(world)
        found = {path.name for path in world.iterdir()}
        assert found <= {"backup", "outside", "repository"}
        assert (world / "outside").read_bytes() == b"precious"


@pytest.mark.parametrize("name", PACKED)
def test_a_tar_archive(name: str) -> None:
    @few
    @given(spoilt(PACKED[name](TAR)))
    def spoil(data: bytes) -> None:
        def read(world: Path) -> None:
            path = world / "backup" / "x.tar"
            path.write_bytes(data)
            judge_tar(path, "tree")

        within(read)

    spoil()


def imported(layout: str, world: Path) -> None:
    """Import a backup into a repository beside it."""
    repository = create_repository(str(world / "repository"))
    opened = open_layout(layout, PROFILE)
    import_generation(opened, "latest", repository, now=lambda: datetime.now(UTC))


@few
@given(st.data())
def test_odoo_s_zip(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        sample = zip_of(odoo_members(), Path(name) / "x.zip").read_bytes()
    content = data.draw(spoilt(sample))

    def read(world: Path) -> None:
        path = world / "backup" / "x.zip"
        path.write_bytes(content)
        imported(f"odoo-zip:{path}", world)

    within(read)


@few
@given(spoilt(json.dumps(ODOO_MANIFEST).encode()), st.sampled_from(("", "../", "/", "a\0b/", "\\")))
def test_members_of_odoo_s_zip(manifest: bytes, prefix: str) -> None:
    members = {**odoo_members(), "manifest.json": manifest, f"filestore/{prefix}x": b"x"}

    def read(world: Path) -> None:
        imported(f"odoo-zip:{zip_of(members, world / 'backup' / 'x.zip')}", world)

    within(read)


@few
@given(st.sampled_from(CUSTOM).flatmap(spoilt), st.integers(0, 999))
def test_a_folder_of_nightly_dumps(data: bytes, day: int) -> None:
    def read(world: Path) -> None:
        path = world / "backup" / f"specibike.dump.{day}"
        path.write_bytes(data)
        created_at(path)
        imported(f"openerp:{path.parent}", world)

    within(read)


MAPPING: Final = yaml.safe_dump(
    {
        "time": "2026-11-23T18:00:00+00:00",
        "databases": [{"name": "specibike", "dump": "dump"}],
        "documents": [
            {"tree": "filestore", "database": "specibike", "path": "x.tar", "within": "tree"}
        ],
    }
).encode()


@few
@given(spoilt(MAPPING), spoilt(TAR) | st.just(TAR), spoilt(PLAIN) | st.just(PLAIN))
def test_a_mapped_folder(mapping: bytes, tar: bytes, dump: bytes) -> None:
    def read(world: Path) -> None:
        folder = world / "backup"
        (folder / "mapping.yaml").write_bytes(mapping)
        (folder / "x.tar").write_bytes(tar)
        (folder / "dump").write_bytes(dump)
        imported(f"folder:{folder / 'mapping.yaml'}", world)

    within(read)


@pytest.mark.parametrize("name", PACKED)
def test_what_claims_to_be_huge_is_read_in_little_memory(name: str) -> None:
    """Lengths of 2 GiB in every place of a dump; and content that is as long as one line."""
    head = bytes(CUSTOM[0][:11])
    samples = [head + b"\0\xff\xff\xff\x7f" * 400, b"-- " + bytes(40 << 20), b"(" * (20 << 20)]
    for sample in samples:
        packed = PACKED[name](sample)
        tracemalloc.start()
        with suppress(RestoreError):
            read_whole(packed)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < MOST_MEMORY
