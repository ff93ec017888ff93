"""Holds every file of a generation against its manifest, in constant memory."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO, Final

from restore import model
from restore.adapters.streams import CHUNK
from restore.errors import DamagedGenerationError
from restore.model.messages import joined, message, plural
from restore.repository.base import DamagedFileError, ProblemKind
from restore.repository.dump_contents import contradictions
from restore.repository.folder import FolderRepository
from restore.repository.manifest import MANIFEST

SHOWN_PROBLEMS: Final = 20
_WAITING_PER_JOB: Final = 8


@dataclass(frozen=True, slots=True)
class Problem:
    """One file that is not what the manifest says.

    ``path`` is relative to the generation; ``artifact`` is empty for what belongs to none.
    """

    artifact: str
    path: str
    kind: ProblemKind
    detail: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was read and found: number and size of the files that were hashed, in seconds."""

    generation: str
    files: int
    bytes: int
    problems: tuple[Problem, ...]
    duration: float


def verify(
    repository: FolderRepository,
    generation: model.Generation,
    *,
    jobs: int,
    listener: model.ProgressListener = model.ignore_progress,
    unread: frozenset[str] = frozenset(),
) -> Verification:
    """Read every file of a generation and compare size and checksum, ``jobs`` files at a time.

    Of the artefacts named ``unread``, the index is read and each file must be there, but none is
    opened: who copies them compares what they read. Damage never raises: it is listed, sorted by
    path. What is stored but in no index is damage, and so is a dump that says something else than
    the manifest.
    """
    started = time.monotonic()
    tally = _Tally(repository, generation, listener, unread)
    expected = _Fingerprint()
    expected.add(MANIFEST)
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        waiting: deque[Future[None]] = deque()
        for artifact in generation.artifacts:
            expected.add(artifact.index)
            for entry in tally.entries(artifact):
                expected.add(f"{artifact.folder}/{entry.path}")
                if artifact.name in unread:
                    continue
                waiting.append(pool.submit(_check, tally, artifact, entry))
                if len(waiting) > jobs * _WAITING_PER_JOB:
                    waiting.popleft().result()
        for future in waiting:
            future.result()
    _check_stored(tally, expected)
    _check_dump_contents(tally)
    return Verification(
        generation=generation.id,
        files=tally.files,
        bytes=tally.bytes,
        problems=tuple(sorted(tally.problems, key=lambda problem: (problem.path, problem.kind))),
        duration=time.monotonic() - started,
    )


_KINDS: Final = {
    ProblemKind.MISSING: message("missing"),
    ProblemKind.SIZE: message("size"),
    ProblemKind.CHANGED: message("changed"),
    ProblemKind.EXTRA: message("extra"),
    ProblemKind.UNREADABLE: message("unreadable"),
    ProblemKind.UNSAFE: message("unsafe"),
    ProblemKind.CONTRADICTS: message("contradicts"),
}


def require_sound(verification: Verification) -> None:
    """Accept only a generation without problems.

    Raises:
        DamagedGenerationError: names each file, the first of many.
    """
    problems = verification.problems
    if not problems:
        return
    number = len(problems)
    lines = [
        plural(
            number,
            "generation {id} is damaged, {n} file is not what the manifest says:",
            "generation {id} is damaged, {n} files are not what the manifest says:",
            id=verification.generation,
        ),
        *(
            message(
                "  {path}: {kind} ({detail})",
                path=item.path,
                kind=_KINDS[item.kind],
                detail=item.detail,
            )
            for item in problems[:SHOWN_PROBLEMS]
        ),
    ]
    if len(problems) > SHOWN_PROBLEMS:
        lines.append(message("  and {n} more", n=len(problems) - SHOWN_PROBLEMS))
    raise DamagedGenerationError(
        joined("\n", lines),
        message("choose another generation, or fetch these files again from another copy"),
    )


@dataclass(slots=True)
class _Tally:
    """What the threads have found so far."""

    repository: FolderRepository
    generation: model.Generation
    listener: model.ProgressListener
    unread: frozenset[str]
    files: int = 0
    bytes: int = 0
    total_files: int = field(init=False)
    total_bytes: int = field(init=False)
    problems: list[Problem] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        # Once: progress is told for each file and each piece of one.
        read = [one for one in self.generation.artifacts if one.name not in self.unread]
        self.total_files = sum(artifact.files for artifact in read)
        self.total_bytes = sum(artifact.bytes for artifact in read)

    def read(self, size: int) -> None:
        with self.lock:
            self.bytes += size
            self._tell()

    def ended(self) -> None:
        with self.lock:
            self.files += 1
            self._tell()

    def problem(self, artifact: str, path: str, kind: ProblemKind, detail: str) -> None:
        with self.lock:
            self.problems.append(Problem(artifact, path, kind, detail))

    def entries(
        self, artifact: model.Artifact, *, again: bool = False
    ) -> Iterator[model.FileEntry]:
        """What an index lists; what is wrong with it is a problem, unless that is known."""
        try:
            yield from self.repository.read_index(self.generation, artifact)
        except DamagedFileError as error:
            if not again:
                self.problem(artifact.name, error.path, error.kind, error.detail)

    def _tell(self) -> None:
        self.listener(
            model.Progress(
                label=f"verify {self.generation.id}",
                done_bytes=self.bytes,
                total_bytes=self.total_bytes,
                done_items=self.files,
                total_items=self.total_files,
            )
        )


class _Fingerprint:
    """Stands for a set of paths, whatever their order, in 16 bytes instead of the paths."""

    def __init__(self) -> None:
        self._sum = 0

    def add(self, path: str) -> None:
        digest = hashlib.blake2b(path.encode(errors="surrogatepass"), digest_size=16).digest()
        self._sum = (self._sum + int.from_bytes(digest)) % (1 << 128)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Fingerprint) and self._sum == other._sum

    __hash__ = None  # type: ignore[assignment]


def _check(tally: _Tally, artifact: model.Artifact, entry: model.FileEntry) -> None:
    name, path = artifact.name, f"{artifact.folder}/{entry.path}"
    try:
        with tally.repository.open(tally.generation, artifact, entry) as file:
            size, sha256 = _digest(file, entry.size, tally)
    except DamagedFileError as error:
        tally.problem(name, path, error.kind, error.detail)
    except OSError as error:
        detail = f"reading it failed: {error.strerror or error}"
        tally.problem(name, path, ProblemKind.UNREADABLE, detail)
    else:
        if size != entry.size:
            more = "more" if size > entry.size else str(size)
            detail = message("it has {n} bytes, not {wanted}", n=more, wanted=entry.size)
            tally.problem(name, path, ProblemKind.SIZE, detail)
        elif sha256 != entry.sha256:
            detail = message(
                "its SHA-256 is {found}, not {wanted}", found=sha256, wanted=entry.sha256
            )
            tally.problem(name, path, ProblemKind.CHANGED, detail)
    tally.ended()


def _digest(file: IO[bytes], expected: int, tally: _Tally) -> tuple[int, str]:
    """Size and SHA-256 of a file; of one that is too large, no more than shows it."""
    digest = hashlib.sha256()
    size = 0
    while size <= expected and (chunk := file.read(CHUNK)):
        digest.update(chunk)
        size += len(chunk)
        tally.read(len(chunk))
    return size, digest.hexdigest()


def _check_stored(tally: _Tally, expected: _Fingerprint) -> None:
    """Find what is stored but belongs to no index, and what is no regular file."""
    repository, generation = tally.repository, tally.generation
    stored = _Fingerprint()
    for path, regular in repository.stored(generation):
        stored.add(path)
        known = any(problem.path == path for problem in tally.problems)
        if not regular and not known:
            tally.problem("", path, ProblemKind.UNSAFE, "it is a link or a special file")
    if stored == expected:
        return
    there = {path for path, _ in repository.stored(generation)}
    # Only a damaged generation costs the memory of its paths.
    twice: list[tuple[str, str, str]] = []
    paths = {MANIFEST} | {artifact.index for artifact in generation.artifacts}
    for artifact in generation.artifacts:
        # What is wrong with an index is listed already.
        for entry in tally.entries(artifact, again=True):
            path = f"{artifact.folder}/{entry.path}"
            if artifact.name in tally.unread and path not in there:
                tally.problem(artifact.name, path, ProblemKind.MISSING, message("it is missing"))
            if path in paths:
                twice.append((artifact.name, artifact.index, f"it lists {entry.path} twice"))
            paths.add(path)
    readable = {artifact.index for artifact in generation.artifacts} - {
        problem.path for problem in tally.problems
    }
    for path, regular in repository.stored(generation):
        owner = next((a for a in generation.artifacts if path.startswith(f"{a.folder}/")), None)
        judged = owner is None or owner.index in readable
        if regular and judged and path not in paths:
            name = owner.name if owner else ""
            tally.problem(name, path, ProblemKind.EXTRA, message("no index lists it"))
    for name, path, detail in twice[:SHOWN_PROBLEMS]:
        tally.problem(name, path, ProblemKind.CHANGED, detail)


def _check_dump_contents(tally: _Tally) -> None:
    """Look into dumps whose bytes are sound; into others there is no need to."""
    hit = {problem.artifact for problem in tally.problems}
    # A reports server's artefacts have other names when they are looked at by themselves.
    names = {artifact.folder: artifact.name for artifact in tally.generation.artifacts}
    damaged = {folder for folder, name in names.items() if name in hit}
    for found in contradictions(tally.repository, tally.generation, damaged):
        name = names[found.artifact.folder]
        tally.problem(name, found.path, ProblemKind.CONTRADICTS, found.detail)
