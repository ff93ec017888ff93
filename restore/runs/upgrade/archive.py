"""What takes an accepted upgrade back: production's generation, the images of its version, and the
rehearsal's report, together in one folder.

<archive>/archive.json        what it holds, with the digests of its files
<archive>/repository/         a repository with the one generation, which vouches for itself
<archive>/images.tar.zst      the images, as ``docker save`` writes them, compressed
<archive>/profile.yaml        the profile that the generation is read by
<archive>/report/             the run's folder: the report, and who signed what off
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

import zstandard

from restore.adapters.docker.engine import answers
from restore.adapters.docker.runner import Runner
from restore.adapters.streams import CHUNK
from restore.errors import DamagedGenerationError, NotFoundError, RefusedError, UsageError
from restore.model import Generation, Report, Role
from restore.model.codec import decode, encode, time_with_offset
from restore.profile import profile_text
from restore.repository import create_repository
from restore.repository.folder import GENERATIONS
from restore.repository.verify import require_sound, verify

MANIFEST: Final = "archive.json"
IMAGES: Final = "images.tar.zst"
PROFILE: Final = "profile.yaml"
REPORT: Final = "report"
REPOSITORY: Final = "repository"
FORMAT: Final = 1
PREFIX: Final = "pra-archive"
"""First part of the names that archived images have, so that loading them moves no other name."""

_LEVEL: Final = 1
_JOBS: Final = 2


@dataclass(frozen=True, slots=True)
class ArchivedImage:
    """An image of the old version: whose it is, the name that it is loaded as, what it was."""

    role: Role
    name: str
    reference: str
    id: str


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive that stands at ``root``. ``files`` are its own files with their SHA-256."""

    root: Path
    run: str
    generation: str
    accepted_by: str
    accepted_at: datetime
    images: tuple[ArchivedImage, ...]
    files: tuple[tuple[str, str], ...]

    @property
    def repository(self) -> Path:
        """The repository with the one generation."""
        return self.root / REPOSITORY

    @property
    def profile(self) -> Path:
        """The profile that the generation is read by."""
        return self.root / PROFILE


@dataclass(frozen=True, slots=True)
class Accepted:
    """What is archived: a run's report and folder, its generation, and who accepts it, when."""

    report: Report
    folder: Path
    generation: Generation
    profile: str
    by: str
    at: datetime


def old_images(report: Report) -> tuple[ArchivedImage, ...]:
    """The images that the rehearsal restored on, as it found them.

    Raises:
        UsageError: the report does not tell; names the servers.
    """
    facts = report.facts
    servers = {
        Role.DATABASE: facts.postgresql if facts else None,
        Role.ERP: facts.erp if facts else None,
        Role.PROXY: facts.proxy if facts else None,
    }
    if facts and facts.reports:
        servers[Role.REPORTS_DATABASE] = facts.reports.postgresql
        servers[Role.REPORTS] = facts.reports.erp
    images = {role: server.image if server else None for role, server in servers.items()}
    if missing := [role.value for role, image in images.items() if image is None]:
        raise UsageError(f"run {report.run} does not tell the image of {', '.join(missing)}")
    return tuple(
        ArchivedImage(role, f"{PREFIX}/{role.value}:{report.run}", image.reference, image.id)
        for role, image in images.items()
        if image is not None
    )


def make_archive(target: Path, accepted: Accepted, runner: Runner) -> Archive:
    """Put together an archive; what was begun there is removed when it fails.

    Raises:
        RefusedError: there is something at ``target`` already.
        NotFoundError: an image of the old version is gone from the engine.
        DamagedGenerationError: the generation is not what its manifest says.
        EnvironmentFailure: the engine refuses to save the images.
    """
    if target.exists():
        raise RefusedError(f"{target} is there already", "name a folder that is not")
    images = old_images(accepted.report)
    for image in images:
        if runner.image(image.id) is None:
            raise NotFoundError(
                f"the image of {image.role.value}, {image.reference} ({image.id[:19]}), is gone",
                "rehearse again: an archive holds what was restored on",
            )
    target.mkdir(parents=True, mode=0o750)
    try:
        _copy_generation(accepted.generation, target / REPOSITORY)
        shutil.copytree(accepted.folder, target / REPORT)
        (target / PROFILE).write_text(profile_text(accepted.profile), encoding="utf-8")
        _save_images(runner, images, target / IMAGES)
        archive = Archive(
            target, accepted.report.run, accepted.generation.id, accepted.by,
            accepted.at, images, tuple(_digests(target)),
        )  # fmt: skip
        (target / MANIFEST).write_text(archive_text(archive), encoding="utf-8")
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return archive


def read_archive(root: Path) -> Archive:
    """Read an archive's manifest and hold its files against it.

    Raises:
        NotFoundError: there is none.
        DamagedGenerationError: a file is missing or is not what was archived; names it.
    """
    try:
        data = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
        form = data["format"]
        archive = decode(Archive, {**data, "root": str(root)}) if form == FORMAT else None
    except FileNotFoundError as error:
        raise NotFoundError(
            f"{root} is no archive: it has no {MANIFEST}",
            "name the folder that 'pra upgrade accept --archive' made",
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedGenerationError(
            f"{root / MANIFEST} can't be read: {type(error).__name__}: {error}",
            "take another copy of the archive",
        ) from error
    if archive is None:
        raise UsageError(f"{root} has format {form}", "use the engine that wrote it")
    found = dict(_digests(root))
    wrong = [name for name, digest in archive.files if found.get(name) != digest]
    if wrong:
        raise DamagedGenerationError(
            f"archive {root} is damaged: {', '.join(wrong)} is not what was archived",
            "take another copy of it",
        )
    return archive


def load_images(runner: Runner, archive: Archive) -> None:
    """Give the archived images to the engine, under names of their own.

    Raises:
        EnvironmentFailure: the engine refuses them.
        DamagedGenerationError: what was loaded is not what was archived.
    """
    with answers("load the archived images"), (archive.root / IMAGES).open("rb") as file:
        runner.client.images.load(cast(Any, zstandard.ZstdDecompressor().stream_reader(file)))
    for image in archive.images:
        found = runner.image(image.name)
        if found is None or found.facts.id != image.id:
            raise DamagedGenerationError(
                f"the engine has no {image.name} with the archived content {image.id[:19]}"
            )


def _copy_generation(generation: Generation, repository: Path) -> None:
    """Copy a generation, and hold the copy's every checksum against its manifest."""
    copies = create_repository(str(repository))
    target = Path(copies.location) / GENERATIONS / generation.id
    shutil.copytree(generation.root, target, copy_function=shutil.copy2, symlinks=True)
    require_sound(verify(copies, copies.load(generation.id), jobs=_JOBS))


def _save_images(runner: Runner, images: tuple[ArchivedImage, ...], path: Path) -> None:
    """Save images in one archive, which holds layers that they share once."""
    with answers("save the images"), _named(runner, images) as names:
        # The SDK saves one image at a time only.
        api = cast(Any, runner.client.api)
        url = api._url("/images/get")
        with (
            closing(api._get(url, params={"names": names}, stream=True)) as response,
            path.open("xb") as file,
        ):
            api._raise_for_status(response)
            compressor = zstandard.ZstdCompressor(level=_LEVEL, threads=-1)
            with compressor.stream_writer(file, closefd=False) as out:
                for chunk in response.iter_content(CHUNK):
                    out.write(chunk)


@contextmanager
def _named(runner: Runner, images: tuple[ArchivedImage, ...]) -> Iterator[list[str]]:
    """The images under the names that they are archived by; no name is left behind."""
    names: list[str] = []
    try:
        for image in images:
            repository, _, tag = image.name.partition(":")
            runner.client.api.tag(image.id, repository, tag)
            names.append(image.name)
        yield names
    finally:
        for name in names:
            runner.client.api.remove_image(name, noprune=True)


def _digests(root: Path) -> Iterator[tuple[str, str]]:
    """The archive's own files with their SHA-256; the generation vouches for itself."""
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if name == MANIFEST or name.startswith(f"{REPOSITORY}/") or not path.is_file():
            continue
        with path.open("rb") as file:
            yield name, hashlib.file_digest(cast(Any, file), "sha256").hexdigest()


def archive_text(archive: Archive) -> str:
    """The text of ``archive.json``; ``archive.root`` is not part of it."""
    document = {"format": FORMAT, **encode(archive, time_with_offset), "files": dict(archive.files)}
    del document["root"]
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
