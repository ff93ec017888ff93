"""Backups that others made, broken: nothing vouches for their files but what they say."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import yaml
import zstandard

from restore.errors import ExitCode
from tests.corpus.good import DAY, zip_members
from tests.corpus.model import Base, Case, Damage, Kind, Stage
from tests.corpus.tools import cut, zero
from tests.support.foreign_samples import ODOO_MANIFEST, CustomDump, tar_member, tar_of, zip_of
from tests.support.repository import DATABASE

_ZIP: Final = "backup.zip"
_BOMB: Final = 1 << 30
_BLOCK: Final = 1 << 24


def refused(item: str, name: str, damage: Damage, says: str, **more: Any) -> Kind:
    """A kind that is not imported."""
    more = {"code": ExitCode.DAMAGED, **more}
    return Kind(item, name, damage, Stage.IMPORT, says=says, **more)


def _in_zip(item: str, name: str, damage: Damage, says: str) -> Kind:
    return refused(item, name, damage, says, base=Base.ZIP)


def _in_tree(item: str, name: str, damage: Damage, says: str) -> Kind:
    return refused(item, name, damage, says, base=Base.TREE)


def _in_folder(item: str, name: str, damage: Damage, says: str, **more: Any) -> Kind:
    return refused(item, name, damage, says, base=Base.FOLDER, **more)


# --- Odoo's zip -----------------------------------------------------------------------------------


def _zip(change: Callable[[dict[str, bytes]], object]) -> Damage:
    def damage(case: Case) -> None:
        members = zip_members(case.folder / _ZIP)
        change(members)
        zip_of(members, case.folder / _ZIP)

    return damage


def _with_member(name: str, **values: Any) -> Damage:
    """One more member, of any name and kind."""

    def damage(case: Case) -> None:
        item = zipfile.ZipInfo(name)
        item.create_system = 3
        for key, value in values.items():
            setattr(item, key, value)
        with zipfile.ZipFile(case.folder / _ZIP, "a") as archive:
            archive.writestr(item, b"x")

    return damage


def _zeroed_member(case: Case) -> None:
    path = case.folder / _ZIP
    content = bytearray(path.read_bytes())
    content[2000:2064] = bytes(64)
    path.write_bytes(bytes(content))


def _claims(case: Case) -> None:
    """A member whose size is said to be what its bytes could never become, as bombs do."""
    _with_size(case, 1 << 40, b"x" * 1000)


def _inflates(case: Case) -> None:
    """Members that really would become a thousand times larger, more than a GiB together."""
    _with_size(case, 1 << 30, os.urandom(1 << 20))


def _with_size(case: Case, size: int, content: bytes) -> None:
    path = case.folder / _ZIP
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("filestore/aa/bomb", content, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\1\2")
    data[at + 24 : at + 28] = struct.pack("<I", min(size, (1 << 32) - 2))
    path.write_bytes(bytes(data))


def _overlapping(case: Case) -> None:
    path = case.folder / _ZIP
    data = bytearray(path.read_bytes())
    last = data.rindex(b"PK\1\2")
    data[last + 42 : last + 46] = bytes(4)
    path.write_bytes(bytes(data))


def _manifest(**changes: Any) -> Damage:
    content = json.dumps({**ODOO_MANIFEST, **changes}).encode()
    return _zip(lambda members: members.update({"manifest.json": content}))


def _cut_member(percent: int) -> Damage:
    def change(members: dict[str, bytes]) -> None:
        content = members["dump.sql"]
        members["dump.sql"] = content[: len(content) * percent // 100]

    return _zip(change)


def _without_document(members: dict[str, bytes]) -> None:
    del members[next(name for name in members if name.startswith("filestore/"))]


_IN_ZIP: Final = (
    *(
        _in_zip(
            "dump truncated",
            f"archive cut at {n} %",
            lambda case, n=n: cut(case.folder / _ZIP, n),  # type: ignore[misc]
            "is no whole zip",
        )
        for n in (10, 50, 99)
    ),
    *(
        _in_zip("dump truncated", f"dump in it cut at {n} %", _cut_member(n), "was cut")
        for n in (10, 50, 99)
    ),
    _in_zip("zeroed bytes", "in a member", _zeroed_member, "backup.zip: "),
    _in_zip("missing file", "the dump", _zip(lambda m: m.pop("dump.sql")), "holds none of"),
    _in_zip(
        "missing file", "its manifest", _zip(lambda m: m.pop("manifest.json")), "no manifest.json"
    ),
    Kind(
        "missing file",
        "a document",
        _zip(_without_document),
        Stage.CHECK,
        ExitCode.FAIL,
        "documents.attachments:filestore",
        Base.ZIP,
    ),
    _in_zip(
        "extra file", "a second dump", _zip(lambda m: m.update({"db.dump": b"x"})), "db.dump of"
    ),
    _in_zip(
        "path outside", "member in ../", _with_member("filestore/../../x"), "outside the backup"
    ),
    _in_zip("path outside", "member in /etc", _with_member("/etc/cron.d/x"), "outside the backup"),
    _in_zip("path outside", r"member in ..\ ", _with_member(r"..\..\x"), "backslash"),
    _in_zip(
        "path outside",
        "member is a symbolic link",
        _with_member("filestore/aa/x", external_attr=(stat.S_IFLNK | 0o777) << 16),
        "is a link",
    ),
    _in_zip("path outside", "database named ../x", _manifest(db_name="../x"), "is not Odoo's"),
    _in_zip(
        "device file",
        "a device",
        _with_member("filestore/aa/x", external_attr=(stat.S_IFBLK | 0o600) << 16),
        "is a device",
    ),
    _in_zip(
        "setuid",
        "a set-user bit",
        _with_member("filestore/aa/x", external_attr=(stat.S_IFREG | 0o4755) << 16),
        "set-id",
    ),
    _in_zip("zip bomb", "a member that claims 4 GiB of 1 kB", _claims, "would become"),
    _in_zip("zip bomb", "a GiB from a MiB", _inflates, "would become"),
    _in_zip("zip bomb", "members that overlap", _overlapping, "overlaps another member"),
)


# --- the training case's tree ---------------------------------------------------------------------


def _day(content: Callable[[bytes], bytes]) -> Damage:
    def damage(case: Case) -> None:
        path = case.folder / DAY
        path.write_bytes(content(path.read_bytes()))

    return damage


def _linked_day(case: Case) -> None:
    path = case.folder / DAY
    target = case.folder / "elsewhere"
    path.rename(target)
    path.symlink_to(target)


_IN_TREE: Final = (
    *(
        _in_tree(
            "dump truncated",
            f"dump cut at {n} %",
            lambda case, n=n: cut(case.folder / DAY, n),  # type: ignore[misc]
            "was cut",
        )
        for n in (10, 50, 99)
    ),
    _in_tree("dump truncated", "dump emptied", _day(lambda _: b""), "was cut"),
    _in_tree(
        "zeroed bytes",
        "at the start of a dump",
        _day(lambda c: bytes(64) + c[64:]),
        "line 1 holds a zero byte",
    ),
    _in_tree(
        "manifest of a newer schema",
        "dump of a newer pg_dump",
        _day(lambda _: CustomDump(version=(1, 17)).render()),
        "has dump format 1.17",
    ),
    _in_tree("path outside", "dump is a symbolic link", _linked_day, "is a link"),
    _in_tree(
        "clock in the future",
        "a day that no year has",
        lambda case: (case.folder / DAY).rename(case.folder / DAY.replace("327", "367")),
        "no year has a day 367",
    ),
)


# --- a mapped folder ------------------------------------------------------------------------------


def _dump(change: Callable[[bytes], bytes]) -> Damage:
    def damage(case: Case) -> None:
        path = case.folder / "dump"
        path.write_bytes(change(path.read_bytes()))

    return damage


def _part(content: bytes, percent: int) -> bytes:
    return content[: len(content) * percent // 100]


def _mid_table(content: bytes) -> bytes:
    start = content.index(b"COPY public.stock_move")
    return content[: (start + content.index(b"\\.", start)) // 2]


def _bomb(pack: Callable[[bytes], bytes]) -> Damage:
    """More than a GiB of one comment, made of the same few bytes over and over."""

    def change(_content: bytes) -> bytes:
        block = b" " * _BLOCK
        return pack(b"-- " + block) + pack(block) * (_BOMB // _BLOCK)

    return _dump(change)


def _tar(member: tarfile.TarInfo, content: bytes = b"") -> Damage:
    def damage(case: Case) -> None:
        good = [(tar_member(f"tree/{path}"), data) for path, data in case.good.documents.items()]
        (case.folder / "documents.tar").write_bytes(tar_of([*good, (member, content)]))

    return damage


def _zeroed_tar(case: Case) -> None:
    zero(case.folder / "documents.tar", 600, 0)


def _without(part: str) -> Damage:
    """A dump that was made without a part of the database."""
    return lambda case: (case.folder / "dump").write_bytes(case.good.partial[part])


def _lacking(name: str, part: str, says: str) -> Kind:
    """A dump that is replayed without a complaint, and was made without a part."""
    damage = _without(part)
    return Kind("partial dump", name, damage, Stage.REPLAY, ExitCode.FAIL, says, base=Base.FOLDER)


def _mapping(edit: Callable[[dict[str, Any]], object]) -> Damage:
    def damage(case: Case) -> None:
        path = case.folder / "mapping.yaml"
        data = yaml.safe_load(path.read_text())
        edit(data)
        path.write_text(yaml.safe_dump(data))

    return damage


def _as_folder(spoil: Callable[[Path], object]) -> Damage:
    """Documents in a folder instead of an archive, with something in it that is no document."""

    def damage(case: Case) -> None:
        root = case.folder / "tree"
        for path, content in case.good.documents.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        spoil(root)
        _mapping(lambda d: d["documents"][0].update(path="tree", within=""))(case)

    return damage


def _as_directory(spoil: Callable[[Path], object]) -> Damage:
    """A dump in directory format, with something taken out of it."""

    def damage(case: Case) -> None:
        root = case.folder / "directory"
        root.mkdir()
        for name, content in case.good.dumps["whole"].items():
            (root / name).write_bytes(content)
        spoil(root)
        _mapping(lambda d: d["databases"][0].update(dump="directory"))(case)

    return damage


def _largest(root: Path) -> Path:
    return max(root.glob("*.dat.gz"), key=lambda path: path.stat().st_size)


def _closed(case: Case) -> None:
    (case.folder / "dump").chmod(0)


def _setuid(path: Path) -> None:
    path.write_bytes(b"x")
    path.chmod(0o4755)


_PACKED: Final[dict[str, Callable[[bytes], bytes]]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "xz": lzma.compress,
}

_IN_FOLDER: Final = (
    *(
        _in_folder(
            "dump truncated",
            f"{name} dump cut at {n} %",
            _dump(lambda c, pack=pack, n=n: _part(pack(c), n)),  # type: ignore[misc]
            "was cut",
        )
        for name, pack in _PACKED.items()
        for n in (10, 50, 99)
    ),
    *(
        _in_folder(
            "plain dump cut mid-table",
            f"{name}, whole as a file" if name != "plain" else "within a row",
            _dump(lambda c, pack=pack: pack(_mid_table(c))),  # type: ignore[misc]
            "pg_dump's last line",
        )
        for name, pack in _PACKED.items()
    ),
    _in_folder(
        "dump truncated",
        "data of a table cut in directory format",
        _as_directory(lambda root: cut(_largest(root), 99)),
        "was cut",
    ),
    _in_folder(
        "dump truncated",
        "archive of documents cut",
        lambda case: cut(case.folder / "documents.tar", 20),
        "was cut",
    ),
    _in_folder(
        "zeroed bytes",
        "in a dump that xz compressed",
        _dump(lambda c: (p := lzma.compress(c))[:900] + bytes(64) + p[964:]),
        "is damaged",
    ),
    _in_folder(
        "zeroed bytes",
        "in an archive of documents",
        _zeroed_tar,
        "goes on after its end",
    ),
    _in_folder(
        "missing file",
        "the data of a table in directory format",
        _as_directory(lambda root: _largest(root).unlink()),
        "is missing",
    ),
    _in_folder(
        "missing file",
        "the table of contents",
        _as_directory(lambda root: (root / "toc.dat").unlink()),
        "holds no toc.dat",
        code=ExitCode.NOT_FOUND,
    ),
    _in_folder(
        "missing file",
        "one that the mapping names",
        lambda case: (case.folder / "dump").unlink(),
        "does not exist",
        code=ExitCode.USAGE,
    ),
    _in_folder(
        "swapped files",
        "an archive of documents as dump",
        lambda case: (case.folder / "dump").write_bytes(
            (case.folder / "documents.tar").read_bytes()
        ),
        "holds a zero byte",
    ),
    _in_folder(
        "swapped files",
        "a command for psql in the dump",
        _dump(lambda c: c.replace(b"SET statement_timeout", b"\\! id\nSET statement_timeout", 1)),
        "is a command for psql",
    ),
    *(
        _in_folder(
            "dump is code",
            what,
            _dump(
                lambda c, text=text: c.replace(  # type: ignore[misc]
                    b"SET statement_timeout", text + b"\nSET statement_timeout", 1
                )
            ),
            says,
        )
        for what, text, says in (
            (
                "rows begin in a parenthesis",
                b"SELECT (\nCOPY public.x FROM stdin;\n\\! id\n\\.\n);",
                "is a command for psql",
            ),
            ("a return ends a comment", b"-- a\r\\! id", "within a comment"),
            ("rows come from a program", b"COPY public.x FROM PROGRAM 'id';", "a COPY that"),
            ("a variable of psql", b"SELECT :PROMPT1;", "replaces by a value"),
            ("a number that goes on", b"SELECT 1E'\\'' \\! id ;'", "a number and more"),
        )
    ),
    _in_folder(
        "swapped files",
        "a dump of the whole server",
        _dump(lambda c: b"--\n-- PostgreSQL database cluster dump\n--\n" + c),
        "dump of a whole server",
    ),
    _in_folder(
        "swapped files",
        "a dump compressed twice",
        _dump(lambda c: gzip.compress(gzip.compress(c))),
        "compressed twice",
    ),
    _in_folder(
        "missing role",
        "roles that are no text",
        lambda case: (case.folder / "roles.sql").write_bytes(b"\0\1\2"),
        "is no text",
    ),
    _in_folder(
        "manifest of a newer schema",
        "a key of the mapping that is not known",
        _mapping(lambda d: d.update(novelty=1)),
        "novelty",
        code=ExitCode.USAGE,
    ),
    _in_folder(
        "duplicated generation id",
        "a database twice",
        _mapping(lambda d: d["databases"].append({"name": DATABASE, "dump": "dump"})),
        "is there twice",
        code=ExitCode.USAGE,
    ),
    _in_folder("path outside", "member in ../", _tar(tar_member("tree/../../x"), b"x"), "outside"),
    _in_folder(
        "path outside", "member in /etc", _tar(tar_member("/etc/cron.d/x"), b"x"), "outside"
    ),
    _in_folder(
        "path outside",
        "member is a symbolic link",
        _tar(tar_member("tree/x", tarfile.SYMTYPE, linkname="/etc/passwd")),
        "is a link",
    ),
    _in_folder(
        "path outside",
        "member is a hard link",
        _tar(tar_member("tree/x", tarfile.LNKTYPE, linkname="/etc/passwd")),
        "is a link",
    ),
    _in_folder(
        "path outside",
        "document is a symbolic link",
        _as_folder(lambda root: (root / "x").symlink_to("/etc/passwd")),
        "is a link",
    ),
    _in_folder(
        "path outside",
        "folder of the archive in ../",
        _mapping(lambda d: d["documents"][0].update(within="../x")),
        "leads upwards",
        code=ExitCode.USAGE,
    ),
    _in_folder(
        "device file", "in a tar archive", _tar(tar_member("tree/x", tarfile.BLKTYPE)), "device"
    ),
    _in_folder(
        "device file",
        "a pipe in a tar archive",
        _tar(tar_member("tree/x", tarfile.FIFOTYPE)),
        "a pipe",
    ),
    _in_folder(
        "device file",
        "a pipe in a folder",
        _as_folder(lambda root: os.mkfifo(root / "x")),
        "a pipe or a socket",
    ),
    _in_folder(
        "setuid", "in a tar archive", _tar(tar_member("tree/x", mode=0o4755), b"x"), "set-id"
    ),
    _in_folder("setuid", "in a folder", _as_folder(lambda root: _setuid(root / "x")), "set-id"),
    _in_folder(
        "zip bomb", "1 GiB of comments that gzip compressed", _bomb(gzip.compress), "would become"
    ),
    _in_folder(
        "zip bomb",
        "1 GiB of nothing that zstd compressed",
        _bomb(zstandard.compress),
        "would become",
    ),
    _in_folder(
        "unreadable file",
        "a dump whose mode lets nobody read it",
        _closed,
        "can't be read: Permission denied",
        unprivileged=True,
    ),
    _lacking(
        "made with --exclude-table-data",
        "the rows of a table",
        "public.stock_move: the dump was made without its rows",
    ),
    _lacking("made without its section post-data", "post-data", "no index, constraint or trigger"),
    _in_folder("partial dump", "made with --data-only", _without("pre-data"), "makes no table"),
    Kind(
        "clock in the future",
        "the mapping's time",
        _mapping(lambda d: d.update(time="2099-01-01T00:00:00+00:00")),
        Stage.FORESEE,
        ExitCode.REFUSED,
        "generation.clock",
        Base.FOLDER,
    ),
)

FOREIGN: Final[tuple[Kind, ...]] = (*_IN_ZIP, *_IN_TREE, *_IN_FOLDER)
