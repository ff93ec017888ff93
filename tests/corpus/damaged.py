"""Generations that were damaged after they were made: their checksums tell."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from typing import Any, Final

from restore.errors import ExitCode
from restore.model import ArtifactKind
from restore.repository.folder import MARKER
from tests.corpus.model import Case, Kind, Stage
from tests.corpus.tools import (
    artifact,
    cut,
    documents,
    dump,
    file_of,
    index,
    lay,
    manifest,
    moved,
    rewrite,
    swap,
    zero,
)
from tests.support.repository import copy_repository, writable

DATA: Final = "*.dat.gz"
TABLE_OF_CONTENTS: Final = "toc.dat"
_DUMP: Final = ArtifactKind.DATABASE
_SPARSE: Final = 1 << 40


def damaged(item: str, name: str, damage: Any, says: str) -> Kind:
    """A kind that verification finds."""
    return Kind(item, name, damage, Stage.VERIFY, ExitCode.DAMAGED, says)


def unreadable(item: str, name: str, damage: Any, says: str) -> Kind:
    """A kind whose manifest can't be believed."""
    return Kind(item, name, damage, Stage.SELECT, ExitCode.DAMAGED, says)


def forged(item: str, name: str, damage: Any, says: str) -> Kind:
    """A kind whose manifest was sealed with what is wrong in it."""
    return replace(unreadable(item, name, damage, says), sealed=True)


def forged_index(item: str, name: str, damage: Any, says: str) -> Kind:
    """A kind of which an index is wrong, and its checksum right."""
    return replace(damaged(item, name, damage, says), sealed=True)


def cut_dump(pattern: str, percent: int) -> Any:
    """The largest file of a dump, cut."""
    return lambda case: cut(file_of(case, _DUMP, pattern), percent)


def without(kind: ArtifactKind, pattern: str = "*") -> Any:
    """The largest file of an artefact, gone."""
    return lambda case: writable(file_of(case, kind, pattern)).unlink()


def swapped_documents(case: Case) -> None:
    """Two documents of the same size."""
    first, second, *_ = documents(case)
    assert first.stat().st_size == second.stat().st_size
    swap(first, second)


def _without_seal(case: Case) -> None:
    path = case.root / "manifest.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    del document["seal"]
    rewrite(path, json.dumps(document).encode())


def _extra(case: Case) -> None:
    lay(documents(case)[0].with_name("extra"), b"x")


def _hashed_by(algorithm: str) -> Any:
    def damage(case: Case) -> None:
        folder = case.root / case.generation.artifacts_of(ArtifactKind.DOCUMENTS)[0].folder

        def edit(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [
                {**line, "sha256": hashlib.new(algorithm, (folder / line["path"]).read_bytes())
                 .hexdigest()}
                for line in lines
            ]  # fmt: skip

        index(edit)(case)

    return damage


def _index_hashed_otherwise(case: Case) -> None:
    item = case.generation.artifacts[2]
    digest = hashlib.sha3_256((case.root / item.index).read_bytes()).hexdigest()
    artifact(2, index_sha256=digest)(case)


def _linked_file(case: Case) -> None:
    path = writable(documents(case)[0])
    target = case.folder / "elsewhere"
    path.rename(target)
    path.symlink_to(target)


def _linked_folder(case: Case) -> None:
    folder = documents(case)[0].parent
    writable(folder / "x")
    target = case.folder / "elsewhere"
    folder.rename(target)
    folder.symlink_to(target)


def _linked_manifest(case: Case) -> None:
    path = writable(case.root / "manifest.json")
    target = case.folder / "elsewhere"
    path.rename(target)
    path.symlink_to(target)


def _linked_generation(case: Case) -> None:
    target = case.folder / "elsewhere"
    case.root.chmod(0o700)
    case.root.rename(target)
    case.root.symlink_to(target)


def _special(case: Case) -> None:
    path = writable(documents(case)[0])
    path.unlink()
    os.mkfifo(path)


def _sparse(case: Case) -> None:
    os.truncate(writable(documents(case)[-1]), _SPARSE)


def _closed(case: Case) -> None:
    documents(case)[0].chmod(0)


def _same_under_another_id(case: Case) -> None:
    copied = copy_repository(case.folder, case.folder.with_name("copied"))
    root = copied.load(case.generation.id).root
    # Sorts last, so it is what "latest" names.
    root.rename(case.root.with_name(case.generation.id.replace("2026", "2027")))


def _artefact_twice(document: dict[str, Any]) -> None:
    document["artifacts"].append(document["artifacts"][0])


def _key_twice(case: Case) -> None:
    path = case.root / "manifest.json"
    text = path.read_text().lstrip().removeprefix("{")
    rewrite(path, b'{"id": "20260101T000000Z-000000", ' + text.encode())


def _marker(case: Case) -> None:
    rewrite(case.folder / MARKER, json.dumps({"format": 2}).encode())


def _cut_manifest(case: Case) -> None:
    cut(case.root / "manifest.json", 50)


def _zeroed_manifest(case: Case) -> None:
    zero(case.root / "manifest.json")


def _rows(number: str) -> Any:
    def damage(case: Case) -> None:
        path = case.root / "manifest.json"
        rewrite(path, path.read_bytes().replace(b'"rows": 40', f'"rows": {number}'.encode(), 1))

    return damage


_CUT = tuple(
    damaged("dump truncated", f"{what} cut at {percent} %", cut_dump(pattern, percent), "size (")
    for what, pattern in (("table of contents", TABLE_OF_CONTENTS), ("data of a table", DATA))
    for percent in (10, 50, 99)
)

DAMAGED: Final[tuple[Kind, ...]] = (
    *_CUT,
    damaged(
        "dump truncated", "table of contents emptied", cut_dump(TABLE_OF_CONTENTS, 0), "size ("
    ),
    damaged(
        "zeroed bytes",
        "in the data of a table",
        lambda case: zero(file_of(case, _DUMP, DATA)),
        "changed (its SHA-256 is",
    ),
    damaged(
        "zeroed bytes",
        "in a document",
        lambda case: zero(documents(case)[0], 4),
        "changed (its SHA-256 is",
    ),
    damaged(
        "zeroed bytes",
        "in an index",
        lambda case: zero(case.root / case.generation.artifacts[2].index),
        "changed (its checksum is not the manifest's",
    ),
    unreadable("zeroed bytes", "in the manifest", _zeroed_manifest, "is not JSON"),
    unreadable("dump truncated", "manifest cut at 50 %", _cut_manifest, "is not JSON"),
    damaged(
        "missing file", "a document", without(ArtifactKind.DOCUMENTS), "missing (it is missing"
    ),
    damaged("missing file", "the data of a table", without(_DUMP, DATA), "missing (it is missing"),
    damaged("missing file", "the roles", without(ArtifactKind.ROLES), "missing (it is missing"),
    damaged(
        "missing file",
        "an index",
        lambda case: writable(case.root / case.generation.artifacts[2].index).unlink(),
        "missing (it is missing",
    ),
    unreadable(
        "missing file",
        "the manifest",
        lambda case: writable(case.root / "manifest.json").unlink(),
        "manifest.json: cannot be read",
    ),
    damaged("extra file", "among the documents", _extra, "extra (no index lists it"),
    damaged(
        "extra file",
        "beside the manifest",
        lambda case: lay(case.root / "readme.txt", b"x"),
        "extra (no index lists it",
    ),
    damaged(
        "swapped files of same size", "two documents", swapped_documents, "changed (its SHA-256 is"
    ),
    damaged("swapped files", "the dump of an empty database", dump("empty"), "missing ("),
    forged_index(
        "wrong checksum algorithm", "MD5 in an index", _hashed_by("md5"), "wrong type or range"
    ),
    forged_index(
        "wrong checksum algorithm",
        "SHA3-256 in an index",
        _hashed_by("sha3_256"),
        "changed (its SHA-256 is",
    ),
    forged_index(
        "wrong checksum algorithm",
        "SHA3-256 of an index",
        _index_hashed_otherwise,
        "changed (its checksum is not the manifest's",
    ),
    forged(
        "wrong checksum algorithm",
        "MD5 of an index",
        artifact(2, index_sha256="d41d8cd98f00b204e9800998ecf8427e"),
        "index_sha256",
    ),
    forged(
        "manifest of a newer schema", "format 2", manifest(lambda d: d.update(format=2)), "format 2"
    ),
    forged(
        "manifest of a newer schema",
        "a key that is not known",
        manifest(lambda d: d.update(novelty=1)),
        "novelty",
    ),
    Kind(
        "manifest of a newer schema",
        "repository of format 2",
        _marker,
        Stage.SELECT,
        ExitCode.USAGE,
        "has format 2",
    ),
    forged("path outside", "artefact in ../", artifact(2, folder="../other"), "no plain relative"),
    forged("path outside", "artefact in /etc", artifact(2, folder="/etc"), "no plain relative"),
    forged("path outside", "index in ../", artifact(2, index="../x.jsonl"), "does not match"),
    forged("path outside", "artefact within another", artifact(2, folder="roles"), "is another's"),
    forged_index(
        "path outside",
        "file in ../",
        index(lambda lines: [{**lines[0], "path": "../../roles/roles.sql"}, *lines[1:]]),
        "unsafe (line 1",
    ),
    forged_index(
        "path outside",
        "file in /etc",
        index(lambda lines: [{**lines[0], "path": "/etc/passwd"}, *lines[1:]]),
        "unsafe (line 1",
    ),
    damaged("path outside", "document is a symbolic link", _linked_file, "unsafe ("),
    damaged("path outside", "folder is a symbolic link", _linked_folder, "unsafe ("),
    unreadable("path outside", "manifest is a symbolic link", _linked_manifest, "crosses a link"),
    Kind(
        "path outside",
        "generation is a symbolic link",
        _linked_generation,
        Stage.SELECT,
        ExitCode.NOT_FOUND,
        "has no generation",
    ),
    damaged("device file", "a pipe instead of a document", _special, "unsafe ("),
    damaged("zip bomb", "a document that grew to 1 TiB of nothing", _sparse, "size ("),
    unreadable("huge row count", "of 5000 digits", _rows("9" * 5000), "is not JSON"),
    unreadable(
        "huge row count",
        "written into the manifest by hand",
        _rows("400000"),
        "was changed after it was written",
    ),
    Kind(
        "unreadable file",
        "a document whose mode lets nobody read it",
        _closed,
        Stage.VERIFY,
        ExitCode.DAMAGED,
        "unreadable (cannot be read: Permission",
        unprivileged=True,
    ),
    unreadable(
        "duplicated generation id",
        "the same under another id",
        _same_under_another_id,
        "it is the manifest of generation",
    ),
    unreadable("duplicated generation id", "two ids in one manifest", _key_twice, "is there twice"),
    forged(
        "duplicated generation id", "an artefact twice", manifest(_artefact_twice), "is there twice"
    ),
    forged_index(
        "duplicated generation id",
        "a document twice in its index",
        index(lambda lines: [lines[0], *lines]),
        "twice",
    ),
    Kind(
        "nobody vouches for it",
        "manifest made anew, where a signature is demanded",
        manifest(lambda document: document.update(profile="odoo")),
        Stage.SELECT,
        ExitCode.UNTRUSTED,
        "the manifest is not signed",
        sealed=True,
        demands=(("require_signed", True),),
    ),
    Kind(
        "nobody vouches for it",
        "seal taken off, where a signature is demanded",
        _without_seal,
        Stage.SELECT,
        ExitCode.UNTRUSTED,
        "has no seal",
        demands=(("require_signed", True),),
    ),
    Kind(
        "too old",
        "newest of days ago, where an hour is accepted",
        lambda _case: None,
        Stage.CHECK,
        ExitCode.FAIL,
        "rpo.budget failed",
        signed=True,
        demands=(("rpo_budget", 3600.0),),
    ),
    Kind(
        "clock in the future",
        "captured in 2099",
        lambda case: moved(case, "2099-01-01T00:00:00Z", "00ffff"),
        Stage.FORESEE,
        ExitCode.REFUSED,
        "generation.clock",
        sealed=True,
    ),
)
