"""The folder backend: what it writes, what it refuses to read, what a crash leaves."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from restore.errors import DamagedGenerationError, NotFoundError, ReplayError, UsageError
from restore.model import ArtifactKind, Generation
from restore.repository import create_repository, open_repository
from restore.repository import tree as tree_module
from restore.repository.base import (
    ArtifactSpec,
    DamagedFileError,
    ProblemKind,
    generation_id,
    started_of,
)
from restore.repository.folder import FolderRepository
from tests.support.repository import (
    DATABASE,
    STARTED,
    Contents,
    GenerationFactory,
    artifact_of,
    edit_index,
    edit_manifest,
    flip_byte,
    remove_file,
    small_documents,
    writable,
)

ID = "20261123T180000Z-00ff00"
SPEC = ArtifactSpec("d", ArtifactKind.DOCUMENTS, DATABASE, "/var/lib/odoo", "documents/d")
DOCUMENTS = f"filestore-{DATABASE}"


def test_a_generation_written_is_read_back_whole(
    repository: FolderRepository, small_generation: Generation
) -> None:
    assert repository.load(small_generation.id) == small_generation
    contents = {}
    artifact = artifact_of(small_generation, ArtifactKind.DOCUMENTS)
    for entry in repository.read_index(small_generation, artifact):
        with repository.open(small_generation, artifact, entry) as file:
            contents[entry.path] = file.read()
        assert entry.sha256 == hashlib.sha256(contents[entry.path]).hexdigest()
        assert (entry.owner, entry.group, entry.mode) == (101, 101, 0o644)
    assert contents == small_documents()
    assert repository.partials() == ()


def test_a_generation_is_read_only_and_configuration_is_its_owners_alone(
    small_generation: Generation,
) -> None:
    modes = {
        str(path.relative_to(small_generation.root)): path.stat().st_mode & 0o777
        for path in small_generation.root.rglob("*")
    }
    assert small_generation.root.stat().st_mode & 0o777 == 0o550
    assert modes["configuration/erp/odoo.conf"] == 0o400
    assert modes["manifest.json"] == modes["roles/roles.sql"] == 0o440
    assert not [path for path, mode in modes.items() if mode & 0o222]


def test_unchanged_documents_are_stored_once_and_others_anew(
    generation_factory: GenerationFactory,
) -> None:
    first = generation_factory()
    documents = small_documents()
    same, other, *_ = documents
    second = generation_factory(Contents(documents={**documents, other: b"rewritten"}))
    folder = artifact_of(first, ArtifactKind.DOCUMENTS).folder

    def inode(generation: Generation, path: str) -> int:
        return (generation.root / folder / path).stat().st_ino

    assert inode(first, same) == inode(second, same)
    assert inode(first, other) != inode(second, other)
    toc = "database/specibike_prod/toc.dat"
    assert (first.root / toc).stat().st_ino != (second.root / toc).stat().st_ino


def test_a_document_that_rotted_is_never_handed_on(generation_factory: GenerationFactory) -> None:
    first = generation_factory()
    path = next(iter(small_documents()))
    folder = artifact_of(first, ArtifactKind.DOCUMENTS).folder
    flip_byte(first.root / folder / path)
    second = generation_factory()
    assert (second.root / folder / path).read_bytes() == small_documents()[path]


def test_documents_are_copied_where_there_are_no_hard_links(
    generation_factory: GenerationFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any, **_options: Any) -> None:
        raise PermissionError(1, "not supported")

    first = generation_factory()
    monkeypatch.setattr(os, "link", refuse)
    second = generation_factory()
    folder = artifact_of(first, ArtifactKind.DOCUMENTS).folder
    for path, content in small_documents().items():
        assert (second.root / folder / path).read_bytes() == content
        assert (second.root / folder / path).stat().st_nlink == 1


def test_names_that_are_no_utf8_survive(generation_factory: GenerationFactory) -> None:
    name = os.fsdecode(b"factur\xe9.pdf")
    generation = generation_factory(Contents(documents={name: b"x", "a\nb": b"y"}))
    artifact = artifact_of(generation, ArtifactKind.DOCUMENTS)
    entries = list(generation_factory.repository.read_index(generation, artifact))
    assert [entry.path for entry in entries] == [name, "a\nb"]
    with generation_factory.repository.open(generation, artifact, entries[0]) as file:
        assert file.read() == b"x"


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "a//b", "", ".", "a/.", "\0"])
def test_an_unsafe_path_is_not_written(repository: FolderRepository, path: str) -> None:
    with (
        pytest.raises(ReplayError, match="plain relative path"),
        repository.write(ID) as writer,
        writer.artifact(SPEC) as artifact,
    ):
        artifact.add(path, io.BytesIO(b""))
    assert repository.partials() == ()


def test_an_artefact_whose_name_leads_elsewhere_is_not_written(
    repository: FolderRepository,
) -> None:
    spec = ArtifactSpec("../x", ArtifactKind.DATABASE, "x", "", "database/x")
    with (
        pytest.raises(ReplayError, match="cannot be stored"),
        repository.write(ID) as writer,
        writer.artifact(spec),
    ):
        pass


def test_the_same_path_twice_is_refused(repository: FolderRepository) -> None:
    with (
        pytest.raises(ReplayError, match="already stored"),
        repository.write(ID) as writer,
        writer.artifact(SPEC) as artifact,
    ):
        artifact.add("a", io.BytesIO(b"1"))
        artifact.add("a", io.BytesIO(b"2"))


def test_a_link_takes_the_content_of_its_target(repository: FolderRepository) -> None:
    with repository.write(ID) as writer, writer.artifact(SPEC) as artifact:
        first = artifact.add("a", io.BytesIO(b"same"))
        second = artifact.add_link("b", "a")
        assert (first.sha256, first.size) == (second.sha256, second.size)
        with pytest.raises(ReplayError, match="not stored"):
            artifact.add_link("c", "nothing")
        with pytest.raises(ReplayError, match="not stored"):
            artifact.add_link("c", "../../../etc/passwd")


def test_what_was_not_finished_vanishes(repository: FolderRepository) -> None:
    with repository.write(ID) as writer, writer.artifact(SPEC) as artifact:
        artifact.add("a", io.BytesIO(b"1"))
        assert [item.id for item in repository.partials()] == [ID]
        assert repository.ids() == ()
    assert repository.partials() == ()
    assert repository.ids() == ()


def test_a_failure_while_sealing_leaves_nothing(
    generation_factory: GenerationFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tree_module, "sync", fail)
    with pytest.raises(ReplayError, match="No space left") as caught:
        generation_factory()
    assert "disk is full" in caught.value.hint
    assert generation_factory.repository.ids() == ()
    assert generation_factory.repository.partials() == ()


def test_an_id_is_never_used_twice(
    repository: FolderRepository, small_generation: Generation
) -> None:
    with (
        pytest.raises(ReplayError, match="already exists"),
        repository.write(small_generation.id),
    ):
        pass
    with (
        repository.write(ID),
        pytest.raises(ReplayError, match="already being written"),
        repository.write(ID),
    ):
        pass
    with pytest.raises(ReplayError, match="no generation id"), repository.write("../x"):
        pass


def test_too_little_room_is_said_before_writing(repository: FolderRepository) -> None:
    with repository.write(ID) as writer:
        writer.require_space(1)
        with pytest.raises(ReplayError, match="bytes left") as caught:
            writer.require_space(1 << 62)
    assert caught.value.hint


CRASH = """
import io, os, sys
from restore.repository import open_repository
from tests.unit.repository.test_repository import ID, SPEC
with open_repository(sys.argv[1]).write(ID) as writer, writer.artifact(SPEC) as artifact:
    artifact.add("a", io.BytesIO(b"1"))
    print("written", flush=True)
    sys.stdin.read()
"""


def test_a_killed_writer_leaves_a_partial_that_readers_ignore_and_gc_removes(
    repository: FolderRepository, small_generation: Generation
) -> None:
    with subprocess.Popen(
        (sys.executable, "-c", CRASH, repository.location),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        (alive,) = repository.partials()
        assert alive.active
        with pytest.raises(ReplayError, match="being written"):
            repository.remove_partial(ID)
        process.kill()
    (dead,) = repository.partials()
    assert (dead.id, dead.active) == (ID, False)
    assert repository.ids() == (small_generation.id,)
    with pytest.raises(NotFoundError):
        repository.load(ID)
    repository.remove_partial(ID)
    assert repository.partials() == ()
    with pytest.raises(NotFoundError):
        repository.remove_partial(ID)


def test_a_repository_is_made_once_and_kept(tmp_path: Path) -> None:
    location = str(tmp_path / "a" / "b")
    assert create_repository(location).location == location
    assert create_repository(location).location == open_repository(location).location == location


def test_an_interrupted_creation_is_taken_up_again(tmp_path: Path) -> None:
    (tmp_path / "generations").mkdir()
    assert create_repository(str(tmp_path)).ids() == ()


def test_a_folder_with_other_things_is_not_made_a_repository(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(UsageError, match="not empty"):
        create_repository(str(tmp_path))
    assert not (tmp_path / "generations").exists()
    with pytest.raises(UsageError, match="cannot be made"):
        create_repository(str(tmp_path / "mine.txt" / "below"))


def test_what_is_no_repository_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        open_repository(str(tmp_path))
    assert "pra capture" in caught.value.hint
    with pytest.raises(UsageError, match="only folders"):
        open_repository("s3://bucket")
    marker = tmp_path / "pra-repository.json"
    marker.write_text('{"format": 2}')
    with pytest.raises(UsageError, match="format 2"):
        open_repository(str(tmp_path))
    marker.write_text("[]")
    with pytest.raises(UsageError, match="format None"):
        open_repository(str(tmp_path))
    marker.write_text("{")
    with pytest.raises(DamagedGenerationError):
        open_repository(str(tmp_path))


@pytest.mark.parametrize("name", ["20260101T000000Z-aaaaaa", "latest", "../generations", ""])
def test_a_generation_that_is_not_there_is_not_found(
    repository: FolderRepository, name: str
) -> None:
    with pytest.raises(NotFoundError):
        repository.load(name)


def test_only_generations_are_listed(
    repository: FolderRepository, small_generation: Generation
) -> None:
    (Path(repository.location) / "generations" / "lost+found").mkdir()
    assert repository.ids() == (small_generation.id,)


def test_a_manifest_under_another_id_is_damage(
    repository: FolderRepository, small_generation: Generation
) -> None:
    edit_manifest(small_generation, lambda document: document.update(id=ID))
    with pytest.raises(DamagedGenerationError, match=f"manifest of generation {ID}"):
        repository.load(small_generation.id)


def test_a_missing_or_linked_manifest_is_damage(
    repository: FolderRepository, small_generation: Generation, tmp_path: Path
) -> None:
    manifest = writable(small_generation.root / "manifest.json")
    elsewhere = tmp_path / "manifest.json"
    elsewhere.write_bytes(manifest.read_bytes())
    manifest.unlink()
    with pytest.raises(DamagedGenerationError, match="cannot be read"):
        repository.load(small_generation.id)
    manifest.symlink_to(elsewhere)
    with pytest.raises(DamagedGenerationError, match="crosses a link"):
        repository.load(small_generation.id)


def read_documents(repository: FolderRepository, generation: Generation) -> None:
    """Read every document of a generation as it is on disk now."""
    loaded = repository.load(generation.id)
    artifact = artifact_of(loaded, ArtifactKind.DOCUMENTS)
    for entry in repository.read_index(loaded, artifact):
        with repository.open(loaded, artifact, entry) as file:
            file.read()


def test_an_index_that_is_not_the_manifests_is_damage(
    repository: FolderRepository, small_generation: Generation
) -> None:
    artifact = artifact_of(small_generation, ArtifactKind.DOCUMENTS)
    flip_byte(small_generation.root / artifact.index, 4)
    with pytest.raises(DamagedFileError) as caught:
        read_documents(repository, small_generation)
    assert caught.value.kind is ProblemKind.CHANGED
    remove_file(small_generation.root / artifact.index)
    with pytest.raises(DamagedFileError) as caught:
        read_documents(repository, small_generation)
    assert caught.value.kind is ProblemKind.MISSING


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("path", "/etc/passwd", ProblemKind.UNSAFE),
        ("path", "../../../x", ProblemKind.UNSAFE),
        ("path", 7, ProblemKind.UNREADABLE),
        ("size", -1, ProblemKind.UNREADABLE),
        ("size", True, ProblemKind.UNREADABLE),
        ("sha256", "0", ProblemKind.UNREADABLE),
        ("mode", "0644", ProblemKind.UNREADABLE),
        ("modified", "now", ProblemKind.UNREADABLE),
        ("surprise", 1, ProblemKind.UNREADABLE),
    ],
)
def test_a_bad_line_of_an_index_is_damage(
    repository: FolderRepository, small_generation: Generation, key: str, value: Any, kind: str
) -> None:
    edit_index(
        small_generation,
        DOCUMENTS,
        lambda lines: [{**lines[0], key: value}, *lines[1:]] if key != "size" else lines,
    )
    if key == "size":
        # The sum in the manifest stays whole, so the line itself must be refused.
        edit_index(small_generation, DOCUMENTS, lambda lines: [{**lines[0], key: value}])
        edit_manifest(small_generation, lambda d: d["artifacts"][2].update(bytes=0))
    with pytest.raises(DamagedFileError, match="line 1") as caught:
        read_documents(repository, small_generation)
    assert caught.value.kind == kind


def test_an_index_with_another_number_of_files_is_damage(
    repository: FolderRepository, small_generation: Generation
) -> None:
    edit_manifest(small_generation, lambda d: d["artifacts"][2].update(files=7))
    with pytest.raises(DamagedFileError, match="the manifest 7"):
        read_documents(repository, small_generation)


def set_digest(document: dict[str, Any], *, digest: str) -> None:
    """Let a manifest say that the index of the documents has this digest."""
    document["artifacts"][2].update(index_sha256=digest)


def test_an_index_that_is_no_json_is_damage(
    repository: FolderRepository, small_generation: Generation
) -> None:
    for text in ("{\n", "[]\n", '{"path": "a"}\n'):
        artifact = artifact_of(small_generation, ArtifactKind.DOCUMENTS)
        path = writable(small_generation.root / artifact.index)
        path.write_text(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        edit_manifest(small_generation, partial(set_digest, digest=digest))
        with pytest.raises(DamagedFileError, match="line 1"):
            read_documents(repository, small_generation)


@pytest.mark.parametrize("what", ["link", "folder link", "pipe", "folder", "missing"])
def test_what_is_no_file_is_not_opened(
    repository: FolderRepository, small_generation: Generation, tmp_path: Path, what: str
) -> None:
    artifact = artifact_of(small_generation, ArtifactKind.DOCUMENTS)
    entry = next(repository.read_index(small_generation, artifact))
    path = small_generation.root / artifact.folder / entry.path
    content = path.read_bytes()
    remove_file(path)
    if what == "link":
        (tmp_path / "x").write_bytes(content)
        path.symlink_to(tmp_path / "x")
    elif what == "folder link":
        path.write_bytes(content)
        path.parent.rename(tmp_path / "away")
        path.parent.symlink_to(tmp_path / "away")
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    with pytest.raises(DamagedFileError) as caught:
        repository.open(small_generation, artifact, entry)
    wanted = ProblemKind.MISSING if what == "missing" else ProblemKind.UNSAFE
    assert caught.value.kind is wanted
    assert entry.path in str(caught.value)


def test_ids_carry_their_time() -> None:
    assert started_of(generation_id(STARTED, "00ff00")) == STARTED
    assert started_of("20269923T180000Z-00ff00") is None
    with pytest.raises(ValueError, match="no generation id"):
        generation_id(STARTED, "xyz")
