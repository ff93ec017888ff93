"""Every way in which a generation's files can differ from its manifest is found and named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from restore.errors import DamagedGenerationError
from restore.model import ArtifactKind, Generation, Progress
from restore.repository.base import ProblemKind
from restore.repository.folder import FolderRepository
from restore.repository.verify import Verification, require_sound, verify
from tests.support.repository import (
    DATABASE,
    Contents,
    GenerationFactory,
    artifact_of,
    copy_repository,
    edit_index,
    flip_byte,
    forget_file,
    remove_file,
    writable,
)

DUMP = f"database/{DATABASE}/toc.dat"
DOCUMENTS = f"filestore-{DATABASE}"


def found(repository: FolderRepository, generation: Generation) -> list[tuple[str, str, str]]:
    """Problems of a generation as it is on disk now: artefact, path, kind."""
    result = verify(repository, repository.load(generation.id), jobs=2)
    return [(problem.artifact, problem.path, str(problem.kind)) for problem in result.problems]


def document(generation: Generation, number: int = 0) -> str:
    """Path of a document, relative to the generation."""
    folder = artifact_of(generation, ArtifactKind.DOCUMENTS).folder
    files = sorted(path for path in (generation.root / folder).rglob("*") if path.is_file())
    return str(files[number].relative_to(generation.root))


def test_a_sound_generation_is_read_whole(
    repository: FolderRepository, small_generation: Generation
) -> None:
    seen: list[Progress] = []
    result = verify(repository, small_generation, jobs=2, listener=seen.append)
    assert result.problems == ()
    assert result.files == sum(artifact.files for artifact in small_generation.artifacts)
    assert result.bytes == small_generation.bytes
    assert seen[-1].done_bytes == seen[-1].total_bytes == small_generation.bytes
    assert seen[-1].done_items == seen[-1].total_items
    require_sound(result)


def test_what_is_read_when_it_is_copied_must_be_there_and_is_not_opened(
    repository: FolderRepository, small_generation: Generation
) -> None:
    unread = frozenset({DOCUMENTS})
    flip_byte(small_generation.root / document(small_generation))
    seen: list[Progress] = []
    result = verify(repository, small_generation, jobs=2, listener=seen.append, unread=unread)
    assert result.problems == ()
    assert result.files == sum(a.files for a in small_generation.artifacts if a.name != DOCUMENTS)
    assert seen[-1].done_bytes == seen[-1].total_bytes == result.bytes

    gone = document(small_generation)
    remove_file(small_generation.root / gone)
    result = verify(repository, small_generation, jobs=2, unread=unread)
    assert [(p.artifact, p.path, p.kind) for p in result.problems] == [
        (DOCUMENTS, gone, ProblemKind.MISSING)
    ]


@pytest.mark.parametrize("jobs", [1, 4])
def test_one_byte_changed_in_a_dump_and_in_a_document(
    repository: FolderRepository, small_generation: Generation, jobs: int
) -> None:
    changed = document(small_generation)
    flip_byte(small_generation.root / DUMP, 7)
    flip_byte(small_generation.root / changed)
    result = verify(repository, small_generation, jobs=jobs)
    assert [(problem.path, problem.kind) for problem in result.problems] == [
        (DUMP, "changed"),
        (changed, "changed"),
    ]
    with pytest.raises(DamagedGenerationError) as caught:
        require_sound(result)
    assert DUMP in caught.value.message
    assert changed in caught.value.message
    assert caught.value.hint


def test_a_missing_an_extra_and_a_grown_file(
    repository: FolderRepository, small_generation: Generation
) -> None:
    missing, grown = document(small_generation), document(small_generation, 1)
    remove_file(small_generation.root / missing)
    with writable(small_generation.root / grown).open("ab") as file:
        file.write(b"x")
    writable(small_generation.root / "roles" / "more.sql").write_text("DROP ROLE odoo;")
    writable(small_generation.root / "readme.txt").write_text("")
    assert sorted(found(repository, small_generation), key=lambda item: item[2]) == [
        ("", "readme.txt", "extra"),
        ("roles", "roles/more.sql", "extra"),
        (DOCUMENTS, missing, "missing"),
        (DOCUMENTS, grown, "size"),
    ]


def test_links_and_special_files_are_unsafe_and_never_read(
    repository: FolderRepository, small_generation: Generation, tmp_path: Path
) -> None:
    linked = document(small_generation)
    content = (small_generation.root / linked).read_bytes()
    remove_file(small_generation.root / linked)
    (tmp_path / "same").write_bytes(content)
    (small_generation.root / linked).symlink_to(tmp_path / "same")
    os.mkfifo(writable(small_generation.root / "roles" / "pipe"))
    (small_generation.root / "roles" / "away").symlink_to(tmp_path)
    assert found(repository, small_generation) == [
        (DOCUMENTS, linked, "unsafe"),
        ("", "roles/away", "unsafe"),
        ("", "roles/pipe", "unsafe"),
    ]


def test_a_damaged_index_is_named_and_the_rest_is_still_verified(
    repository: FolderRepository, small_generation: Generation
) -> None:
    index = artifact_of(small_generation, ArtifactKind.DOCUMENTS).index
    flip_byte(small_generation.root / index, 20)
    flip_byte(small_generation.root / DUMP)
    assert found(repository, small_generation) == [
        (f"database-{DATABASE}", DUMP, "changed"),
        (DOCUMENTS, index, "changed"),
    ]


def test_an_index_that_leads_outside_is_unsafe(
    repository: FolderRepository, small_generation: Generation
) -> None:
    edit_index(
        small_generation,
        DOCUMENTS,
        lambda lines: [{**lines[0], "path": "../../../../../etc/passwd"}, *lines[1:]],
    )
    index = artifact_of(small_generation, ArtifactKind.DOCUMENTS).index
    assert (DOCUMENTS, index, "unsafe") in found(repository, small_generation)


def test_a_file_listed_twice_does_not_hide_an_extra_one(
    repository: FolderRepository, small_generation: Generation
) -> None:
    edit_index(small_generation, DOCUMENTS, lambda lines: [lines[0], *lines])
    extra = str(Path(document(small_generation)).parent / "extra")
    writable(small_generation.root / extra).write_bytes(b"")
    index = artifact_of(small_generation, ArtifactKind.DOCUMENTS).index
    assert found(repository, small_generation) == [
        (DOCUMENTS, extra, "extra"),
        (DOCUMENTS, index, "changed"),
    ]


def test_a_loss_that_the_manifest_agrees_with_is_sound(
    repository: FolderRepository, small_generation: Generation
) -> None:
    folder = artifact_of(small_generation, ArtifactKind.DOCUMENTS).folder
    path = document(small_generation).removeprefix(f"{folder}/")
    forget_file(small_generation, DOCUMENTS, path)
    assert found(repository, small_generation) == []


def test_a_file_that_cannot_be_read_to_its_end_is_named(
    repository: FolderRepository, small_generation: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing:
        def __enter__(self) -> Failing:
            return self

        def __exit__(self, *_arguments: object) -> None:
            return None

        def read(self, _size: int) -> bytes:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(FolderRepository, "open", lambda *_arguments: Failing())
    result = verify(repository, small_generation, jobs=2)
    assert {str(problem.kind) for problem in result.problems} == {"unreadable"}
    assert "Input/output error" in result.problems[0].detail


def test_only_the_first_of_many_problems_are_named(
    generation_factory: GenerationFactory,
) -> None:
    documents = {f"{number:03d}": b"x" for number in range(30)}
    generation = generation_factory(Contents(documents=documents))
    for name in documents:
        flip_byte(generation.root / artifact_of(generation, ArtifactKind.DOCUMENTS).folder / name)
    result: Verification = verify(generation_factory.repository, generation, jobs=2)
    assert len(result.problems) == 30
    with pytest.raises(DamagedGenerationError, match="30 files are not") as caught:
        require_sound(result)
    assert "and 10 more" in caught.value.message


def test_a_copy_shares_nothing_with_its_original(
    repository: FolderRepository, small_generation: Generation, tmp_path: Path
) -> None:
    copied = copy_repository(Path(repository.location), tmp_path / "copy")
    flip_byte(copied.load(small_generation.id).root / DUMP)
    assert found(copied, small_generation) != []
    assert found(repository, small_generation) == []
