"""Writes a generation into a folder: aside first, complete and on disk, then renamed.

Whatever interrupts it, readers see the whole generation or nothing.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, astuple, replace
from pathlib import Path
from typing import IO, Final

from restore.adapters.streams import CHUNK
from restore.errors import ReplayError
from restore.model import Artifact, ArtifactKind, FileEntry, Generation
from restore.repository import base
from restore.repository.index import render_entry
from restore.repository.manifest import MANIFEST, Sign, parse_manifest, render_manifest
from restore.repository.safe_paths import UnsafePathError, beneath, open_beneath, safe_parts
from restore.repository.tree import FOLDER_MODE, lock, remove_tree, seal, sync

INDEXES: Final = "indexes"
_SPARE: Final = ".linked"
"""Name under which a hard link is made before it takes its place."""
_PRIVATE: Final = (ArtifactKind.CONFIGURATION, ArtifactKind.KEYSTORE, ArtifactKind.CERTIFICATE)
"""Artefacts whose files hold passwords or keys."""


@contextmanager
def open_writer(
    partial: Path,
    complete: Path,
    generation_id: str,
    previous: Path | None,
    sign: Sign | None = None,
) -> Iterator[GenerationWriter]:
    """Write generation ``generation_id`` in ``partial``; ``finish`` moves it into ``complete``.

    Args:
        previous: root of the generation whose unchanged documents are linked instead of stored.
        sign: vouches for its manifest.

    Raises:
        ReplayError: the id is taken, or the folders can't be written.
    """
    root = partial / generation_id
    if not base.is_generation_id(generation_id):
        raise ReplayError(f"{generation_id!r} is no generation id")
    if (complete / generation_id).exists():
        raise ReplayError(f"generation {generation_id} already exists", "try again")
    try:
        partial.mkdir(mode=0o700, exist_ok=True)
        complete.mkdir(mode=0o750, exist_ok=True)
        root.mkdir(mode=0o700)
    except FileExistsError as error:
        raise ReplayError(f"generation {generation_id} is already being written") from error
    except OSError as error:
        raise ReplayError(f"repository {partial.parent} cannot be written: {error}") from error
    held = lock(root)
    try:
        yield GenerationWriter(root, complete, previous, sign)
    finally:
        if root.exists():
            remove_tree(root)
        os.close(held)


class GenerationWriter:
    """A generation being written; it exists for readers only once ``finish`` returned."""

    def __init__(
        self, root: Path, complete: Path, previous: Path | None, sign: Sign | None
    ) -> None:
        self._root = root
        self._complete = complete
        self._previous = previous
        self._sign = sign
        self._artifacts: list[Artifact] = []

    @property
    def id(self) -> str:
        """The generation's id."""
        return self._root.name

    @property
    def folder(self) -> Path:
        """Its temporary place."""
        return self._root

    def require_space(self, size: int) -> None:
        """Refuse early what would not fit.

        Raises:
            ReplayError: the repository has less than ``size`` bytes left.
        """
        free = shutil.disk_usage(self._root).free
        if free < size:
            raise ReplayError(
                f"repository {self._complete.parent} has {free} bytes left, "
                f"the next part takes {size}",
                "free some space, or use another repository",
            )

    @contextmanager
    def artifact(self, spec: base.ArtifactSpec) -> Iterator[ArtifactWriter]:
        """Begin an artefact; its index is complete at the end of the context."""
        index = f"{INDEXES}/{spec.name}.jsonl"
        try:
            path, folder = beneath(self._root, index), beneath(self._root, spec.folder)
        except UnsafePathError as error:
            raise ReplayError(f"artefact {spec.name}: {error}: it cannot be stored") from error
        with _writing(path):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            file = path.open("xb")
        hashed = _HashedFile(file)
        reuse = self._previous if spec.kind is ArtifactKind.DOCUMENTS else None
        writer = ArtifactWriter(self._root, reuse, spec, hashed)
        try:
            yield writer
        finally:
            with _writing(path):
                file.close()
        self._artifacts.append(
            Artifact(
                **asdict(spec),
                index=index,
                index_sha256=hashed.hexdigest(),
                files=writer.files,
                bytes=writer.bytes,
            )
        )

    def finish(self, generation: Generation) -> Generation:
        """Write the manifest, bring all to disk, then make the generation appear at once.

        ``generation`` says all but what the writer knows: id, artefacts and root.
        """
        target = self._complete / self.id
        generation = replace(generation, id=self.id, artifacts=tuple(self._artifacts), root=target)
        manifest = self._root / MANIFEST
        with _writing(manifest):
            text = render_manifest(generation, self._sign)
            manifest.write_text(text, encoding="utf-8")
            # What can't be read back must not look complete.
            written = parse_manifest(text, target)
            secret = {artifact.folder for artifact in self._artifacts if artifact.kind in _PRIVATE}
            seal(self._root, "", secret)
            if target.exists():
                raise ReplayError(f"generation {self.id} already exists", "try again")
            self._root.rename(target)
            # Only now: moving a folder needs write access to it.
            target.chmod(FOLDER_MODE)
            sync(self._root.parent)
            sync(self._complete)
        return written


class ArtifactWriter:
    """Takes the files of one artefact, one after the other."""

    def __init__(
        self, root: Path, previous: Path | None, spec: base.ArtifactSpec, index: _HashedFile
    ) -> None:
        self._root = root
        self._previous = previous
        self._folder = spec.folder
        self._index = index
        self.files = 0
        self.bytes = 0

    def add(
        self, path: str, content: IO[bytes], origin: base.FileOrigin | None = None
    ) -> FileEntry:
        """Store a file, read once to its end, and return what the index says of it.

        Raises:
            ReplayError: the path is unsafe or taken, or the repository can't take it.
        """
        try:
            target = self._root.joinpath(*safe_parts(self._folder), *safe_parts(path))
        except UnsafePathError as error:
            raise ReplayError(f"{error}: it cannot be stored") from error
        with _writing(target):
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            size, sha256 = _store(content, target)
            self._reuse(path, target, size, sha256)
            entry = FileEntry(path, size, sha256, *(astuple(origin) if origin else ()))
            self._index.write(render_entry(entry))
        self.files += 1
        self.bytes += size
        return entry

    def add_link(self, path: str, target: str, origin: base.FileOrigin | None = None) -> FileEntry:
        """Store under ``path`` the content already stored under ``target``."""
        try:
            content = open_beneath(self._root, f"{self._folder}/{target}")
        except (UnsafePathError, OSError) as error:
            raise ReplayError(f"{path} is a link to {target!r}, which is not stored") from error
        with content:
            return self.add(path, content, origin)

    def _reuse(self, path: str, target: Path, size: int, sha256: str) -> None:
        """Replace a stored file by a hard link to the previous generation's, if it is the same.

        That one is read again rather than believed: a copy that has rotted is never handed on.
        """
        if self._previous is None:
            return
        relative = f"{self._folder}/{path}"
        try:
            with open_beneath(self._previous, relative) as file:
                if os.fstat(file.fileno()).st_size != size:
                    return
                if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                    return
        except (UnsafePathError, OSError):
            return
        spare = self._root / _SPARE
        # A file system without hard links, or with too many of them: the copy stays.
        with suppress(OSError):
            os.link(beneath(self._previous, relative), spare, follow_symlinks=False)
            spare.replace(target)


class _HashedFile:
    """A file that is hashed while it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self._hash.update(data)
        self._file.write(data)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def _store(content: IO[bytes], target: Path) -> tuple[int, str]:
    """Write a new file and return its size and SHA-256; it is brought to disk by ``seal``."""
    size = 0
    with target.open("xb", buffering=0) as file:
        hashed = _HashedFile(file)
        while chunk := content.read(CHUNK):
            hashed.write(chunk)
            size += len(chunk)
    return size, hashed.hexdigest()


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise ReplayError(f"{path} is already stored: two files have the same name") from error
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise ReplayError(
            f"{path} cannot be written: {error.strerror or error}",
            "the disk is full: free some space, or use another repository" if full else "",
        ) from error
