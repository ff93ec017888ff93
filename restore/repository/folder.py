"""Generations in a folder, on a local disk or a mounted one.

<repository>/pra-repository.json            what marks the folder as a repository
<repository>/generations/<id>/              complete generations, read-only
<repository>/partial/<id>/                  being written; renamed at the end
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from io import BufferedReader, FileIO
from pathlib import Path
from typing import IO, Final

from restore.errors import DamagedGenerationError, NotFoundError, UsageError
from restore.model import Artifact, FileEntry, Generation
from restore.repository import base
from restore.repository.folder_writer import GenerationWriter, open_writer
from restore.repository.index import BadLineError, parse_entry
from restore.repository.manifest import MANIFEST, Sign, parse_manifest
from restore.repository.safe_paths import Beneath, UnsafePathError, open_beneath
from restore.repository.tree import partials, remove_partial, sync

MARKER: Final = "pra-repository.json"
FORMAT: Final = 1
GENERATIONS: Final = "generations"
PARTIAL: Final = "partial"


class FolderRepository:
    """A repository in a folder. Readers need only read access.

    ``sign`` vouches for the manifests that are written; nobody does without it.
    """

    def __init__(self, root: Path, sign: Sign | None = None) -> None:
        self._root = root
        self._sign = sign

    @classmethod
    def at(cls, root: Path, sign: Sign | None = None) -> FolderRepository:
        """Use an existing repository.

        Raises:
            NotFoundError: the folder is no repository.
            UsageError: it was made by a newer engine.
        """
        try:
            marker = json.loads((root / MARKER).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise NotFoundError(
                f"{root} is no repository: it has no {MARKER}",
                "is the disk mounted? name another by --repository or PRA_REPOSITORY; "
                "'pra capture' makes one",
            ) from error
        except (OSError, ValueError) as error:
            raise DamagedGenerationError(
                f"{root / MARKER} cannot be read: {error}", f'it should hold {{"format": {FORMAT}}}'
            ) from error
        found = marker.get("format") if isinstance(marker, dict) else None
        if found != FORMAT:
            raise UsageError(
                f"repository {root} has format {found}, this engine reads {FORMAT}",
                "use the engine that wrote it, or a newer one",
            )
        return cls(root.resolve(), sign)

    @classmethod
    def create(cls, root: Path, sign: Sign | None = None) -> FolderRepository:
        """Make a repository, or use the one that is there.

        Raises:
            UsageError: the folder holds other things, or cannot be made.
        """
        try:
            root.mkdir(mode=0o750, parents=True, exist_ok=True)
            if not (root / MARKER).exists():
                # An interrupted creation is taken up again.
                if {item.name for item in root.iterdir()} - {GENERATIONS, PARTIAL, f".{MARKER}"}:
                    raise UsageError(
                        f"{root} is not empty and no repository", "give an empty or a new folder"
                    )
                (root / GENERATIONS).mkdir(mode=0o750, exist_ok=True)
                (root / PARTIAL).mkdir(mode=0o700, exist_ok=True)
                marker = root / f".{MARKER}"
                marker.write_text(json.dumps({"format": FORMAT}) + "\n", encoding="utf-8")
                sync(marker)
                marker.rename(root / MARKER)
                sync(root)
        except OSError as error:
            raise UsageError(f"repository {root} cannot be made: {error}") from error
        return cls.at(root, sign)

    @property
    def location(self) -> str:
        """The folder."""
        return str(self._root)

    def ids(self) -> tuple[str, ...]:
        """Complete generations, oldest first."""
        folder = self._root / GENERATIONS
        found = folder.iterdir() if folder.is_dir() else ()
        return tuple(sorted(item.name for item in found if base.is_generation_id(item.name)))

    def load(self, generation_id: str) -> Generation:
        """Read a generation's manifest.

        Raises:
            NotFoundError: there is no such generation.
            DamagedGenerationError: its manifest is unreadable, wrong, unsafe or of a newer format.
        """
        root = self._root / GENERATIONS / generation_id
        if not base.is_generation_id(generation_id) or not root.is_dir() or root.is_symlink():
            raise NotFoundError(
                f"repository {self._root} has no generation {generation_id}",
                "'pra generations list' shows what there is",
            )
        try:
            with open_beneath(root, MANIFEST) as file:
                text = file.read().decode("utf-8")
        except (OSError, ValueError) as error:
            raise base.DamagedFileError(
                generation_id, MANIFEST, base.ProblemKind.UNREADABLE, f"cannot be read: {error}"
            ) from error
        generation = parse_manifest(text, root)
        if generation.id != generation_id:
            raise base.DamagedFileError(
                generation_id,
                MANIFEST,
                base.ProblemKind.CHANGED,
                f"it is the manifest of generation {generation.id}",
            )
        return generation

    def read_index(self, generation: Generation, artifact: Artifact) -> Iterator[FileEntry]:
        """Yield an artefact's files in constant memory.

        Raises:
            DamagedFileError: the index is not the one of the manifest, has a bad line or an
                unsafe path, or lists another number of files or bytes.
        """
        damaged = partial(base.DamagedFileError, generation.id, artifact.index)
        with _open(generation, artifact.index) as file:
            # Hashed as a whole before the first line is believed.
            if hashlib.file_digest(file, "sha256").hexdigest() != artifact.index_sha256:
                raise damaged(base.ProblemKind.CHANGED, "its checksum is not the manifest's")
            file.seek(0)
            files = size = 0
            for number, line in enumerate(file, start=1):
                try:
                    entry = parse_entry(line)
                except UnsafePathError as error:
                    raise damaged(base.ProblemKind.UNSAFE, f"line {number}: {error}") from error
                except BadLineError as error:
                    raise damaged(base.ProblemKind.UNREADABLE, f"line {number}: {error}") from error
                files += 1
                size += entry.size
                yield entry
        if (files, size) != (artifact.files, artifact.bytes):
            raise damaged(
                base.ProblemKind.CHANGED,
                f"it lists {files} files of {size} bytes, "
                f"the manifest {artifact.files} of {artifact.bytes}",
            )

    def open(self, generation: Generation, artifact: Artifact, entry: FileEntry) -> BufferedReader:
        """Open a file of a generation for reading.

        Raises:
            DamagedFileError: it is missing, unsafe or unreadable.
        """
        return _open(generation, f"{artifact.folder}/{entry.path}")

    @contextmanager
    def reader(
        self, generation: Generation, artifact: Artifact
    ) -> Iterator[Callable[[FileEntry], IO[bytes]]]:
        """What opens files as ``open`` does, quicker where many lie in one folder.

        Only for one thread, and in the order of the index.
        """
        with Beneath(generation.root) as files:

            def opened(entry: FileEntry) -> IO[bytes]:
                path = f"{artifact.folder}/{entry.path}"
                with _telling(generation, path):
                    return FileIO(files.open(path))

            yield opened

    def stored(self, generation: Generation) -> Iterator[tuple[str, bool]]:
        """Yield the path, relative to the generation, of all that is stored under it.

        The second value is False for what is no regular file (links, devices): unsafe.
        """
        yield from _walk(generation.root, "")

    def write(self, generation_id: str) -> AbstractContextManager[GenerationWriter]:
        """Begin a generation; it vanishes unless ``finish`` was reached.

        Raises:
            ReplayError: the id is taken, or the repository can't be written.
        """
        known = self.ids()
        previous = self._root / GENERATIONS / known[-1] if known else None
        return open_writer(
            self._root / PARTIAL, self._root / GENERATIONS, generation_id, previous, self._sign
        )

    def partials(self) -> tuple[base.Partial, ...]:
        """What interrupted captures left, and what running ones are writing."""
        return partials(self._root / PARTIAL)

    def remove_partial(self, generation_id: str) -> None:
        """Remove what an interrupted capture left.

        Raises:
            NotFoundError: there is nothing of that name.
            ReplayError: its writer still lives.
        """
        remove_partial(self._root / PARTIAL, generation_id)


def _open(generation: Generation, path: str) -> BufferedReader:
    with _telling(generation, path):
        return open_beneath(generation.root, path)


@contextmanager
def _telling(generation: Generation, path: str) -> Iterator[None]:
    """Tell what is wrong with a file that can't be opened."""
    damaged = partial(base.DamagedFileError, generation.id, path)
    try:
        yield
    except UnsafePathError as error:
        raise damaged(base.ProblemKind.UNSAFE, str(error)) from error
    except FileNotFoundError as error:
        if not generation.root.is_dir():
            # Not this file alone: a disk that was unplugged is no damage of the backup.
            raise NotFoundError(
                f"the folder of generation {generation.id} is gone: {generation.root}",
                "is its disk still mounted? once it is, run it again",
            ) from error
        raise damaged(base.ProblemKind.MISSING, "it is missing") from error
    except OSError as error:
        raise damaged(base.ProblemKind.UNREADABLE, f"cannot be read: {error.strerror}") from error


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, bool]]:
    with os.scandir(folder) as items:
        for item in items:
            if item.is_dir(follow_symlinks=False):
                yield from _walk(Path(item.path), f"{prefix}{item.name}/")
            else:
                yield f"{prefix}{item.name}", item.is_file(follow_symlinks=False)
