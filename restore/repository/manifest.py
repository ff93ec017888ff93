"""The engine's own layout: ``manifest.json``, as ``schemas/manifest.schema.json`` describes it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from restore.errors import DamagedGenerationError
from restore.model import (
    Artifact,
    ArtifactKind,
    CertificateFacts,
    ConstraintFacts,
    DatabaseFacts,
    DatabaseLocale,
    DataSource,
    DumpForm,
    Fingerprint,
    Generation,
    ImageFacts,
    KeystoreFile,
    NodeFacts,
    Origin,
    Part,
    ProxyFacts,
    ReportsFacts,
    ServerFacts,
    TableFacts,
    Versioned,
)
from restore.model.schema import schema_errors
from restore.repository.safe_paths import UnsafePathError, safe_parts
from restore.repository.seal import SEAL, seal_of, sealed

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1
_RESERVED: Final = "indexes"
_SHOWN_ERRORS: Final = 20


def render_manifest(generation: Generation) -> str:
    """The manifest of a generation, as text. ``generation.root`` is not part of it."""
    fingerprint: dict[str, Any] = _times_rendered(asdict(generation.fingerprint))
    origin = generation.origin
    document = {
        "format": FORMAT,
        "id": generation.id,
        "profile": generation.profile,
        "engine_version": generation.engine_version,
        "started": _render_time(generation.started),
        "finished": _render_time(generation.finished),
        "consistency_point": _render_time(generation.consistency_point),
        "fingerprint": fingerprint,
        "artifacts": [asdict(artifact) for artifact in generation.artifacts],
        "origin": origin and {**asdict(origin), "imported": _render_time(origin.imported)},
    }
    return json.dumps(sealed(document), indent=1) + "\n"


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
        return _generation(document, root)
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
                if any(_overlap(parts, other) for other in folders):
                    errors.append(f"{where}.folder: {item[key]!r} is another's")
                folders.append(parts)
        if item["index"] != f"{_RESERVED}/{item['name']}.jsonl":
            errors.append(f"{where}.index: must be {_RESERVED}/{item['name']}.jsonl")
    return errors


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _generation(document: Mapping[str, Any], root: Path) -> Generation:
    return Generation(
        id=document["id"],
        profile=document["profile"],
        engine_version=document["engine_version"],
        started=_parse_time(document["started"]),
        finished=_parse_time(document["finished"]),
        consistency_point=_parse_time(document["consistency_point"]),
        fingerprint=_fingerprint(document["fingerprint"]),
        artifacts=tuple(_artifact(item) for item in document["artifacts"]),
        root=root,
        origin=_origin(document.get("origin")),
        seal=document.get(SEAL),
    )


def _artifact(data: Mapping[str, Any]) -> Artifact:
    enums = {
        "kind": ArtifactKind(data["kind"]),
        "form": DumpForm(data.get("form", DumpForm.DIRECTORY)),
        "part": Part(data.get("part", Part.ERP)),
    }
    return Artifact(**{**data, **enums})


def _origin(data: Mapping[str, Any] | None) -> Origin | None:
    if data is None:
        return None
    lists = {key: tuple(data[key]) for key in ("roles", "unknown")}
    return Origin(**{**data, **lists, "imported": _parse_time(data["imported"])})


def _fingerprint(data: Mapping[str, Any]) -> Fingerprint:
    return Fingerprint(
        postgresql=_server(data["postgresql"]),
        erp=_server(data["erp"]),
        erp_series=data["erp_series"],
        databases=tuple(_database(item) for item in data["databases"]),
        reports=_reports(data["reports"]) if data.get("reports") else None,
        proxy=_proxy(data["proxy"]) if data.get("proxy") else None,
        external_url=data.get("external_url"),
    )


def _proxy(data: Mapping[str, Any]) -> ProxyFacts:
    found = data.get("certificate")
    if found is None:
        return ProxyFacts(_server(data["server"]))
    times = {key: _parse_time(found[key]) for key in ("not_before", "not_after")}
    certificate = CertificateFacts(**{**found, **times, "names": tuple(found["names"])})
    return ProxyFacts(_server(data["server"]), certificate)


def _reports(data: Mapping[str, Any]) -> ReportsFacts:
    return ReportsFacts(
        server=_fingerprint(data["server"]),
        resources=tuple(data["resources"]),
        data_sources=tuple(DataSource(**item) for item in data["data_sources"]),
        keystore=tuple(KeystoreFile(**item) for item in data["keystore"]),
    )


def _server(data: Mapping[str, Any]) -> ServerFacts:
    image = data["image"]
    return ServerFacts(
        version=data["version"],
        version_number=data["version_number"],
        os=data["os"],
        image=image and ImageFacts(**{**image, "digests": tuple(image["digests"])}),
        node=NodeFacts(**data["node"]) if data.get("node") else None,
    )


def _database(data: Mapping[str, Any]) -> DatabaseFacts:
    lists = {
        "extensions": tuple(Versioned(**item) for item in data["extensions"]),
        "modules": tuple(Versioned(**item) for item in data["modules"]),
        "tables": tuple(TableFacts(**item) for item in data["tables"]),
        "unknown": tuple(data.get("unknown", ())),
    }
    locale = DatabaseLocale(**data["locale"]) if data.get("locale") else None
    not_valid = data.get("not_valid")
    others = {
        "locale": locale,
        "not_valid": (
            None if not_valid is None else tuple(ConstraintFacts(**item) for item in not_valid)
        ),
    }
    return DatabaseFacts(**{**data, **lists, **others})


def _times_rendered(value: Any) -> Any:
    """The same document, its times as texts."""
    if isinstance(value, datetime):
        return _render_time(value)
    if isinstance(value, dict):
        return {key: _times_rendered(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_times_rendered(item) for item in value]
    return value


def _render_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
