"""The native manifest: what is written is read back, what is wrong is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore.errors import DamagedGenerationError, ExitCode
from restore.model import (
    Artifact,
    ArtifactKind,
    CertificateFacts,
    ConstraintFacts,
    DatabaseFacts,
    DatabaseLocale,
    FileEntry,
    Fingerprint,
    Generation,
    ImageFacts,
    LargeObjects,
    NodeFacts,
    ObjectFacts,
    ProxyFacts,
    SequenceFacts,
    ServerFacts,
    SettingFacts,
    TableFacts,
    Versioned,
)
from restore.model.schema import schema, schema_errors
from restore.repository.index import parse_entry, render_entry
from restore.repository.manifest import parse_manifest, render_manifest
from tests.support.repository import edit_manifest

ROOT = Path("/backups/generations/20261123T180000Z-00ff00")

# Half a surrogate pair is no text: neither JSON in UTF-8 nor PostgreSQL can hold one.
characters = st.characters(exclude_categories=["Cs"])
text = st.text(characters, min_size=1, max_size=12)
name = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=12
).filter(lambda part: part not in (".", ".."))
whole = st.integers(min_value=0, max_value=1 << 50)
digest = st.text("0123456789abcdef", min_size=64, max_size=64)
moment = st.datetimes(
    min_value=datetime(2000, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=2))]),
)
versioned = st.builds(Versioned, text, st.text(characters, max_size=5))
image = st.builds(ImageFacts, text, text, st.lists(text, max_size=2).map(tuple))
amount = st.none() | whole
cpus = st.none() | st.floats(0, 1000)
node = st.builds(NodeFacts, cpus, amount, amount, amount, st.none() | text)
server = st.builds(ServerFacts, text, whole, st.none() | text, st.none() | image, st.none() | node)
names = st.lists(text, max_size=2).map(tuple)
certificate = st.builds(CertificateFacts, text, text, names, moment, moment, digest, whole)
proxy = st.builds(ProxyFacts, server, st.none() | certificate)
tables = st.lists(st.builds(TableFacts, text, text, whole), max_size=3).map(tuple)
versions = st.lists(versioned, max_size=3).map(tuple)


def optional(item: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...] | None]:
    """What a backup may not tell."""
    return st.none() | st.lists(item, max_size=2).map(tuple)


databases = st.builds(
    DatabaseFacts,
    name=text,
    owner=text,
    encoding=text,
    collate=text,
    ctype=text,
    collation_version=st.none() | text,
    size=whole,
    extensions=versions,
    modules=versions,
    tables=tables,
    locale=st.none() | st.builds(DatabaseLocale, text, text, text),
    not_valid=st.none()
    | st.lists(st.builds(ConstraintFacts, text, text, text), max_size=2).map(tuple),
    objects=optional(st.builds(ObjectFacts, text, whole, digest, names)),
    sequences=optional(
        st.builds(SequenceFacts, text, text, st.none() | whole, st.booleans(), st.none() | whole)
    ),
    large_objects=st.none() | st.builds(LargeObjects, whole, st.none() | whole),
    settings=optional(st.builds(SettingFacts, text, st.booleans(), text, text)),
    comment=st.none() | text,
    tablespaces=st.none() | names,
)


@st.composite
def artifacts(draw: st.DrawFn) -> tuple[Artifact, ...]:
    """Artefacts whose names and folders differ."""
    made = []
    for part in draw(st.lists(name, max_size=4, unique=True)):
        made.append(
            Artifact(
                name=part,
                kind=draw(st.sampled_from(ArtifactKind)),
                database=draw(st.none() | text),
                location=draw(st.text(characters, max_size=5)),
                folder=f"documents/{part}",
                index=f"indexes/{part}.jsonl",
                index_sha256=draw(digest),
                files=draw(whole),
                bytes=draw(whole),
            )
        )
    return tuple(made)


generations = st.builds(
    Generation,
    id=st.just(ROOT.name),
    profile=text,
    started=moment,
    finished=moment,
    consistency_point=moment,
    engine_version=text,
    fingerprint=st.builds(
        Fingerprint,
        server,
        server,
        text,
        st.lists(databases, max_size=2).map(tuple),
        proxy=st.none() | proxy,
        external_url=st.none() | text,
    ),
    artifacts=artifacts(),
    root=st.just(ROOT),
)


@given(generations)
def test_what_is_written_is_read_back(generation: Generation) -> None:
    assert parse_manifest(render_manifest(generation), ROOT) == generation


def test_a_manifest_of_an_older_engine_is_read(small_generation: Generation) -> None:
    def older(document: dict[str, Any]) -> None:
        fingerprint = document["fingerprint"]
        for key in ("proxy", "external_url", "reports"):
            del fingerprint[key]
        for part in ("postgresql", "erp"):
            del fingerprint[part]["node"]

    edit_manifest(small_generation, older)
    text = (small_generation.root / "manifest.json").read_text(encoding="utf-8")
    assert parse_manifest(text, small_generation.root) == small_generation


@given(
    st.builds(
        FileEntry,
        path=st.lists(name, min_size=1, max_size=3).map("/".join),
        size=whole,
        sha256=digest,
        owner=st.none() | whole,
        group=st.none() | whole,
        mode=st.none() | whole,
        modified=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_a_line_of_an_index_written_is_read_back(entry: FileEntry) -> None:
    line = render_entry(entry)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert parse_entry(line) == entry


def test_every_option_of_the_schema_is_described() -> None:
    def check(node: Any, where: str) -> None:
        if isinstance(node, dict):
            for key, option in node.get("properties", {}).items():
                assert "description" in option or "$ref" in option, f"{where}.{key}"
            if node.get("type") == "object":
                assert node["additionalProperties"] is False, where
            for key, value in node.items():
                check(value, f"{where}.{key}")

    check(schema("manifest"), "manifest")


def damaged(generation: Generation, edit: Callable[[dict[str, Any]], object]) -> str:
    """The message that an edited manifest is refused with."""
    edit_manifest(generation, edit)
    with pytest.raises(DamagedGenerationError) as caught:
        parse_manifest((generation.root / "manifest.json").read_text(), generation.root)
    assert generation.id in caught.value.message
    assert caught.value.hint
    return caught.value.message


def set_artifact(number: int, **values: Any) -> Callable[[dict[str, Any]], object]:
    """An edit of one artefact."""
    return lambda document: document["artifacts"][number].update(values)


def test_a_newer_format_is_said_before_anything_else(small_generation: Generation) -> None:
    message = damaged(small_generation, lambda d: d.update(format=2, novelty=1, artifacts=None))
    assert "format 2" in message
    assert "novelty" not in message


def test_every_error_is_told_with_its_path(small_generation: Generation) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["surprise"] = 1
        document["fingerprint"]["databases"][0]["size"] = -1
        document["artifacts"][1]["kind"] = "poetry"

    message = damaged(small_generation, edit)
    assert "surprise" in message
    assert "fingerprint.databases[0].size" in message
    assert "artifacts[1].kind" in message


@pytest.mark.parametrize("path", ["/etc", "../other", "database/../..", "a//b", ""])
def test_a_folder_outside_the_generation_is_refused(
    small_generation: Generation, path: str
) -> None:
    assert "artifacts[0].folder" in damaged(small_generation, set_artifact(0, folder=path))


@pytest.mark.parametrize(
    "path", ["roles", "roles/inner", "indexes", "manifest.json", "configuration"]
)
def test_a_folder_within_anothers_is_refused(small_generation: Generation, path: str) -> None:
    assert "folder" in damaged(small_generation, set_artifact(0, folder=path))


def test_an_index_elsewhere_is_refused(small_generation: Generation) -> None:
    message = damaged(small_generation, set_artifact(0, index="indexes/../../x.jsonl"))
    assert "artifacts[0].index" in message


def test_a_name_used_twice_is_refused(small_generation: Generation) -> None:
    assert "twice" in damaged(small_generation, set_artifact(0, name="roles"))


def test_one_changed_character_is_refused(small_generation: Generation) -> None:
    text = (small_generation.root / "manifest.json").read_text()
    assert parse_manifest(text, small_generation.root).seal is not None
    place = text.index('"rows": ') + len('"rows": ')
    assert text[place].isdigit()
    changed = text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :]
    with pytest.raises(DamagedGenerationError, match="was changed after it was written") as caught:
        parse_manifest(changed, small_generation.root)
    assert caught.value.exit_code == ExitCode.DAMAGED
    assert caught.value.hint


def test_every_changed_character_is_refused_or_means_the_same(
    small_generation: Generation,
) -> None:
    text = (small_generation.root / "manifest.json").read_text()
    for place in range(0, len(text), 7):
        changed = text[:place] + ("1" if text[place] != "1" else "2") + text[place + 1 :]
        if text[place].isspace() and json.loads(text) == _document(changed):
            continue
        with pytest.raises(DamagedGenerationError):
            parse_manifest(changed, small_generation.root)


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def test_a_manifest_laid_out_anew_keeps_its_seal_and_one_without_is_read(
    small_generation: Generation,
) -> None:
    document = json.loads((small_generation.root / "manifest.json").read_text())
    again = dict(reversed(document.items()))
    assert parse_manifest(json.dumps(again), small_generation.root) == small_generation
    del document["seal"]
    read = parse_manifest(json.dumps(document), small_generation.root)
    assert (read, read.seal) == (small_generation, None)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": "1"}', '{"format": true}'])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(DamagedGenerationError):
        parse_manifest(text, ROOT)


def test_an_impossible_date_is_refused(small_generation: Generation) -> None:
    damaged(small_generation, lambda d: d.update(started="2026-13-45T00:00:00Z"))


def test_times_are_written_in_utc(small_generation: Generation) -> None:
    document = json.loads(render_manifest(small_generation))
    assert document["started"] == "2026-11-23T18:00:00Z"
    assert not schema_errors("manifest", document)
