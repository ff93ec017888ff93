"""Turns a backup that others made into a native generation. The original is only read."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, cast

from restore import __version__
from restore.adapters import logs
from restore.catalogue.foreign import ForeignArtifact, ForeignGeneration, Layout
from restore.errors import EnvironmentFailure, RestoreError
from restore.model import Generation, Progress, ProgressListener, ignore_progress
from restore.repository import Repository
from restore.repository.folder_writer import ArtifactWriter
from restore.repository.selection import choose_id
from restore.repository.transfer import Meter, Metered
from restore.repository.tree import remove_tree


@dataclass(frozen=True, slots=True)
class Imported:
    """A generation in the repository. ``new`` is False when it had been imported before."""

    generation: Generation
    new: bool


def import_generation(
    layout: Layout,
    choice: str,
    repository: Repository,
    *,
    now: Callable[[], datetime],
    listener: ProgressListener = ignore_progress,
) -> Imported:
    """Import the backup that ``choice`` names (see ``selection.choose``).

    The generation appears in the repository when it is complete, or not at all. The same backup is
    imported once: its id is made of what it is.

    Raises:
        NotFoundError: no backup fits, or a part of it is missing.
        DamagedGenerationError: it was cut, is damaged, or holds what could do harm.
        ReplayError: the repository can't take it.
    """
    listener(Progress(label=f"read {layout.location}"))
    with (
        logs.timed("import", location=layout.location, choice=choice) as told,
        closing(_Reading(layout)) as reading,
    ):
        told["generation"] = wanted = choose_id(reading, choice)
        if wanted in repository.ids():
            return Imported(repository.load(wanted), new=False)
        # Every byte is looked at before the first is stored.
        return Imported(_stored(reading.last(wanted), repository, now, listener), new=True)


def _stored(
    foreign: ForeignGeneration,
    repository: Repository,
    now: Callable[[], datetime],
    listener: ProgressListener,
) -> Generation:
    with repository.write(foreign.generation.id) as writer:
        writer.require_space(sum(item.size for item in foreign.artifacts))
        for item in foreign.artifacts:
            with writer.artifact(item.spec) as artifact:
                _store(item, artifact, listener)
        generation, imported = foreign.generation, now()
        origin = generation.origin and replace(generation.origin, imported=imported)
        return writer.finish(replace(generation, engine_version=__version__, origin=origin))


class _Reading:
    """A layout that is read for a choice, and what was read last: it takes long."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._last: ForeignGeneration | None = None
        self.location = layout.location
        self.ids = layout.ids

    def load(self, generation_id: str) -> Generation:
        return self.last(generation_id).generation

    def last(self, generation_id: str) -> ForeignGeneration:
        if self._last is not None and self._last.generation.id == generation_id:
            return self._last
        self.close()
        self._last = self._layout.read(generation_id)
        return self._last

    def close(self) -> None:
        """Release what was read last."""
        if self._last is not None:
            self._last.release()
            self._last = None


def _store(item: ForeignArtifact, artifact: ArtifactWriter, listener: ProgressListener) -> None:
    meter = Meter(f"import {item.spec.name}", item.size, listener)
    with closing(item.files()) as files:
        for file in files:
            with file.open() as content:
                artifact.add(file.path, cast(IO[bytes], Metered(content, meter)), file.origin)
            meter.item()


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """A folder for an import that serves one drill, removed at the end.

    What a drill left whose process was killed goes with the next one.

    Raises:
        EnvironmentFailure: it can't be made.
    """
    folder = parent / secrets.token_hex(4)
    try:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(parent):
            _sweep(parent)
            folder.mkdir(mode=0o700)
            held = _hold(folder)
    except OSError as error:
        raise EnvironmentFailure(f"{folder} can't be made: {error}") from error
    try:
        yield folder
    finally:
        remove_tree(folder)
        os.close(held)


def _sweep(parent: Path) -> None:
    for left in parent.iterdir():
        if not left.is_dir():
            continue
        with suppress(OSError, RestoreError):
            file = _hold(left)
            try:
                remove_tree(left)
            finally:
                os.close(file)


def _hold(folder: Path) -> int:
    """Lock a folder as long as this process lives; OSError when another holds it."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise
    return file


@contextmanager
def _alone(parent: Path) -> Iterator[None]:
    with (parent / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
