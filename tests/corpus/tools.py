"""How copies of good backups are broken, signed anew, and watched."""

from __future__ import annotations

import ctypes
import hashlib
import json
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from restore.model import ArtifactKind, Generation
from tests.corpus.model import Case, Damage
from tests.support.repository import edit_index, edit_manifest, writable

_CAPABILITY_VERSION = 0x20080522
_PASSES_MODES = 1 << 1 | 1 << 2
"""What lets root read whatever a file's mode says (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH)."""


def file_of(case: Case, kind: ArtifactKind, pattern: str = "*") -> Path:
    """The largest file of an artefact that fits: what is broken in it does not go unnoticed."""
    (artifact, *_) = case.generation.artifacts_of(kind)
    found = [path for path in (case.root / artifact.folder).rglob(pattern) if path.is_file()]
    return max(found, key=lambda path: (path.stat().st_size, path.name))


def rewrite(path: Path, content: bytes) -> None:
    """Give a file another content; what is linked to it keeps its own."""
    writable(path).unlink(missing_ok=True)
    path.write_bytes(content)


def cut(path: Path, percent: int) -> None:
    """Keep the first part of a file."""
    content = path.read_bytes()
    rewrite(path, content[: len(content) * percent // 100])


def zero(path: Path, size: int = 64, at: float = 0.5) -> None:
    """Overwrite bytes amidst a file by zeros, as a disk that lost a block does."""
    content = bytearray(path.read_bytes())
    start = int(len(content) * at)
    size = min(size, len(content) - start)
    content[start : start + size] = bytes(size)
    rewrite(path, bytes(content))


def swap(one: Path, other: Path) -> None:
    """Exchange the contents of two files."""
    first, second = one.read_bytes(), other.read_bytes()
    rewrite(one, second)
    rewrite(other, first)


def lay(path: Path, content: bytes = b"") -> None:
    """Add a file."""
    writable(path).write_bytes(content)


def sign(case: Case) -> None:
    """Compute every index and the manifest anew from the files that are there."""
    current = case.repository.load(case.generation.id)
    for artifact in current.artifacts:
        root = case.root / artifact.folder

        def measured(lines: list[dict[str, Any]], root: Path = root) -> list[dict[str, Any]]:
            known = {line["path"]: line for line in lines}
            defaults = {key: lines[0][key] for key in lines[0].keys() - {"path"}} if lines else {}
            return [
                {**defaults, **known.get(name, {}), "path": name, **_measure(path)}
                for path in sorted(root.rglob("*"))
                if path.is_file() and (name := str(path.relative_to(root)))
            ]

        edit_index(current, artifact.name, measured)


def _measure(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def manifest(edit: Callable[[dict[str, Any]], object]) -> Damage:
    """Damage that edits the manifest."""
    return lambda case: edit_manifest(case.generation, edit)


def database(**values: Any) -> Damage:
    """Damage by which the manifest says something else of the database."""
    return manifest(lambda document: document["fingerprint"]["databases"][0].update(values))


def artifact(number: int, **values: Any) -> Damage:
    """Damage by which the manifest says something else of an artefact."""
    return manifest(lambda document: document["artifacts"][number].update(values))


def index(edit: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Damage:
    """Damage of the documents' index, whose checksum is computed anew."""

    def damage(case: Case) -> None:
        (documents,) = case.generation.artifacts_of(ArtifactKind.DOCUMENTS)
        edit_index(case.generation, documents.name, edit)

    return damage


def dump(variant: str, *, honest: bool = False) -> Damage:
    """Damage that puts another dump in the place of the database's.

    Args:
        honest: the manifest says what that other database was, as a capture of it would.
    """

    def damage(case: Case) -> None:
        (item,) = case.generation.artifacts_of(ArtifactKind.DATABASE)
        folder = case.root / item.folder
        for path in folder.iterdir():
            writable(path).unlink()
        for name, content in case.good.dumps[variant].items():
            (folder / name).write_bytes(content)
        if honest:
            facts = json.loads(json.dumps(asdict(case.good.facts[variant])))
            database(**{**facts, "name": item.database})(case)

    return damage


def documents(case: Case) -> list[Path]:
    """The files of documents, smallest first."""
    (item,) = case.generation.artifacts_of(ArtifactKind.DOCUMENTS)
    found = [path for path in (case.root / item.folder).rglob("*") if path.is_file()]
    return sorted(found, key=lambda path: (path.stat().st_size, path.name))


def moved(case: Case, moment: str, token: str) -> None:
    """Give a generation another id, everywhere: what a clock that goes wrong would write."""
    generation: Generation = case.generation
    times = dict.fromkeys(("started", "finished", "consistency_point"), moment)
    stamp = "".join(c for c in moment if c.isalnum())
    name = f"{stamp}-{token}"
    edit_manifest(generation, lambda document: document.update(id=name, **times))
    generation.root.chmod(0o700)
    generation.root.rename(generation.root.with_name(name))


@contextmanager
def untouched(folder: Path) -> Iterator[None]:
    """Assert that nothing of a folder changes within: bytes, modes, owners, links and times."""
    before = snapshot(folder)
    yield
    after = snapshot(folder)
    changed = [path for path in {*before, *after} if before.get(path) != after.get(path)]
    assert not changed, f"changed by a reader: {sorted(changed)}"


def snapshot(folder: Path) -> dict[str, tuple[Any, ...]]:
    """All that can be seen of everything under a folder, and of the folder itself."""
    return {str(path): _seen(path) for path in (folder, *folder.rglob("*"))}


def _seen(path: Path) -> tuple[Any, ...]:
    status = path.lstat()
    content: object = None
    if path.is_symlink():
        content = path.readlink()
    elif stat.S_ISREG(status.st_mode) and status.st_size < 1 << 30:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    return (
        status.st_mode,
        status.st_uid,
        status.st_gid,
        status.st_nlink,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        content,
    )


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


@contextmanager
def unprivileged() -> Iterator[None]:
    """Go on bound by files' modes, as everyone but root is; threads begun within are too."""
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = _Header(_CAPABILITY_VERSION, 0), (_Sets * 2)()
    assert libc.capget(ctypes.byref(header), ctypes.byref(sets)) == 0
    before = sets[0].effective
    sets[0].effective = before & ~_PASSES_MODES
    assert libc.capset(ctypes.byref(header), ctypes.byref(sets)) == 0
    try:
        yield
    finally:
        sets[0].effective = before
        assert libc.capset(ctypes.byref(header), ctypes.byref(sets)) == 0
