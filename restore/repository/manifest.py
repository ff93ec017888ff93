"""The engine's own layout: ``manifest.json``, as ``schemas/manifest.schema.json`` describes it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from restore.errors import DamagedGenerationError
from restore.model import Generation, ManifestSignature
from restore.model.codec import decode, encode
from restore.model.schema import schema_errors
from restore.repository.safe_paths import UnsafePathError, safe_parts

MANIFEST: Final = "manifest.json"
SEAL: Final = "seal"
"""The key that holds the manifest's checksum, itself left out of the sum."""
SIGNATURE: Final = "signature"
"""The key that holds what vouches for the seal, left out of the sum too."""

Sign = Callable[[bytes], ManifestSignature]
"""Signs what ``signed_bytes`` gives."""
FORMAT: Final = 1
_RESERVED: Final = "indexes"
_SHOWN_ERRORS: Final = 20


def signed_bytes(seal: str) -> bytes:
    """What a manifest's signature covers: its seal, and that it is one of a manifest."""
    return f"pra-manifest-1\n{seal}\n".encode()


def render_manifest(generation: Generation, sign: Sign | None = None) -> str:
    """The manifest of a generation, as text. ``generation.root`` is not part of it.

    Args:
        sign: vouches for its seal; without it, nobody does.
    """
    first = dict.fromkeys(("id", "profile", "engine_version"))
    document = {"format": FORMAT, **first, **encode(generation)}
    del document["root"], document[SIGNATURE]
    document = seal_document(document)
    if sign is not None:
        document[SIGNATURE] = encode(sign(signed_bytes(document[SEAL])))
    return json.dumps(document, indent=1) + "\n"


def seal_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same manifest with its seal, last, and no signature."""
    rest = _unsealed(document)
    return {**rest, SEAL: seal_of(rest)}


def seal_of(document: Mapping[str, Any]) -> str:
    """The SHA-256 that a manifest carries of itself, as the indexes carry those of the files.

    It is taken over the manifest's meaning, JSON with sorted keys and no spaces, so that a manifest
    that was only laid out anew is still the one that was written.
    """
    text = json.dumps(_unsealed(document), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _unsealed(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in (SEAL, SIGNATURE)}


def parse_manifest(text: str, root: Path) -> Generation:
    """Read a manifest; ``root`` is the generation's folder, only named in errors and kept.

    Raises:
        DamagedGenerationError: it is no JSON, of a newer format, not as it was written, breaks the
            schema, or names a path outside the generation; every error at once.
    """
    name = f"manifest of generation {root.name}"
    try:
        document = json.loads(text, object_pairs_hook=_without_duplicates)
        json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogateescape")
    except (ValueError, RecursionError) as error:
        raise DamagedGenerationError(
            f"{name} is not JSON: {error}", "choose another generation"
        ) from error
    found = document.get("format") if isinstance(document, dict) else None
    if type(found) is int and found > FORMAT:
        raise DamagedGenerationError(
            f"{name} has format {found}, this engine reads up to {FORMAT}",
            "use the engine that wrote it, or a newer one",
        )
    if isinstance(document, dict):
        _require_unchanged(document, name)
    if errors := schema_errors("manifest", document) or _path_errors(document["artifacts"]):
        raise DamagedGenerationError(
            f"{name} is wrong:\n" + "\n".join(f"  {line}" for line in errors[:_SHOWN_ERRORS]),
            "restore/model/schemas/manifest.schema.json describes it; choose another generation",
        )
    try:
        return replace(decode(Generation, {**document, "root": ""}), root=root)
    except (ValueError, OverflowError) as error:
        raise DamagedGenerationError(
            f"{name} is wrong: {error}", "choose another generation"
        ) from error


def _require_unchanged(document: Mapping[str, Any], name: str) -> None:
    """Refuse a manifest that is not as it was written; one without a seal can't tell."""
    actual = seal_of(document)
    if document.get(SEAL, actual) != actual:
        raise DamagedGenerationError(
            f"{name} was changed after it was written: its SHA-256 is {actual}, "
            f"not {document[SEAL]} as its seal says",
            "choose another generation, or fetch this manifest again from another copy",
        )


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object none of whose keys is there twice: which of two values counts would be chance."""
    found = dict(pairs)
    if len(found) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        name = next(name for name, number in counts.items() if number > 1)
        raise ValueError(f"{name!r} is there twice")
    return found


def _path_errors(artifacts: Iterable[Mapping[str, Any]]) -> list[str]:
    """What is wrong with the artefacts' names and paths, which a schema can't say."""
    errors: list[str] = []
    names: set[str] = set()
    folders: list[tuple[str, ...]] = [(_RESERVED,), (MANIFEST,)]
    for number, item in enumerate(artifacts):
        where = f"artifacts[{number}]"
        if item["name"] in names:
            errors.append(f"{where}.name: {item['name']!r} is there twice")
        names.add(item["name"])
        for key in ("folder", "index"):
            try:
                parts = safe_parts(item[key])
            except UnsafePathError as error:
                errors.append(f"{where}.{key}: {error}")
                continue
            if key == "folder":
                if any(parts[: len(one)] == one[: len(parts)] for one in folders):
                    errors.append(f"{where}.folder: {item[key]!r} is another's")
                folders.append(parts)
        if item["index"] != f"{_RESERVED}/{item['name']}.jsonl":
            errors.append(f"{where}.index: must be {_RESERVED}/{item['name']}.jsonl")
    return errors
