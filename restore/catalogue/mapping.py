"""The YAML file that says what the files of a folder are: ``schemas/mapping.schema.json``."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from restore.errors import NotFoundError, UsageError
from restore.model import Role
from restore.model.schema import schema_errors
from restore.profile import Profile


@dataclass(frozen=True, slots=True)
class MappedDatabase:
    """A database, its dump, and what of it the dump may not tell (None: left out)."""

    name: str
    dump: Path
    owner: str | None
    encoding: str | None
    locale: str | None


@dataclass(frozen=True, slots=True)
class MappedDocuments:
    """The documents of a database: a folder or a tar archive, and the folder in it."""

    tree: str
    database: str
    path: Path
    within: str


@dataclass(frozen=True, slots=True)
class MappedConfiguration:
    """A configuration file of the profile."""

    server: Role
    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Mapping:
    """What the files of a backup are; every path exists."""

    path: Path
    time: datetime | None
    databases: tuple[MappedDatabase, ...]
    roles: Path | None
    series: str
    version: str
    documents: tuple[MappedDocuments, ...]
    configuration: tuple[MappedConfiguration, ...]
    pgbackrest: Path | None = None


def load_mapping(path: Path, profile: Profile) -> Mapping:
    """Read a mapping for a profile.

    Raises:
        NotFoundError: there is none.
        UsageError: it is no YAML, breaks the schema, or names what is not there; all at once.
    """
    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFoundError(f"mapping {path} does not exist") from error
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise UsageError(f"mapping {path} can't be read as YAML: {error}") from error
    if isinstance(data, dict) and isinstance(data.get("time"), datetime):
        # YAML has dates of its own.
        data["time"] = data["time"].isoformat()
    errors = schema_errors("mapping", data)
    if not errors:
        mapping = _mapping(path, data)
        errors = [
            *_kind_errors(data),
            *_path_errors(mapping),
            *_name_errors(mapping, profile),
        ]
    if errors:
        raise UsageError(
            f"mapping {path} is wrong:\n" + "\n".join(f"  {line}" for line in errors),
            "each option is described in restore/model/schemas/mapping.schema.json",
        )
    return mapping


def _mapping(path: Path, data: dict[str, Any]) -> Mapping:
    root = path.parent / data.get("root", ".")
    erp = data.get("erp", {})
    return Mapping(
        path=path,
        time=_time(data.get("time")),
        databases=tuple(
            MappedDatabase(
                name=item["name"],
                dump=root / item["dump"],
                **{key: item.get(key) for key in ("owner", "encoding", "locale")},
            )
            for item in data.get("databases", ())
        ),
        roles=root / data["roles"] if "roles" in data else None,
        series=erp.get("series", ""),
        version=erp.get("version", ""),
        documents=tuple(
            MappedDocuments(
                tree=item["tree"],
                database=item["database"],
                path=root / item["path"],
                within=_folder(item.get("within", "")),
            )
            for item in data.get("documents", ())
        ),
        configuration=tuple(
            MappedConfiguration(Role(item["server"]), item["name"], root / item["path"])
            for item in data.get("configuration", ())
        ),
        pgbackrest=root / data["pgbackrest"] if "pgbackrest" in data else None,
    )


def _folder(text: str) -> str:
    path = posixpath.normpath(text).strip("/")
    return "" if path == "." else path


def _time(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if text is not None else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo else None


def _kind_errors(data: dict[str, Any]) -> Iterator[str]:
    """Either dumps are mapped, or what belongs to a physical backup; and a time has its zone."""
    if "time" in data and _time(data["time"]) is None:
        yield f"time: {data['time']!r} is no moment with its zone, as 2026-11-23T18:00:00+01:00 is"
    if "pgbackrest" not in data:
        if "databases" not in data:
            yield "(top): 'databases' is a required property, or 'pgbackrest'"
        return
    for key in ("databases", "roles", "time"):
        if key in data:
            yield f"{key}: the physical backup tells it itself"


def _path_errors(mapping: Mapping) -> Iterator[str]:
    paths = {
        **{f"databases[{n}].dump": item.dump for n, item in enumerate(mapping.databases)},
        **{f"documents[{n}].path": item.path for n, item in enumerate(mapping.documents)},
        **{f"configuration[{n}].path": item.path for n, item in enumerate(mapping.configuration)},
    }
    if mapping.pgbackrest is not None:
        paths["pgbackrest"] = mapping.pgbackrest
    if mapping.roles is not None:
        paths["roles"] = mapping.roles
    for where, path in paths.items():
        if not path.exists():
            yield f"{where}: {path} does not exist"
    for number, item in enumerate(mapping.documents):
        if ".." in item.within.split("/"):
            yield f"documents[{number}].within: {item.within!r} leads upwards"


def _name_errors(mapping: Mapping, profile: Profile) -> Iterator[str]:
    names = [item.name for item in mapping.databases]
    for number, name in enumerate(names):
        if name in names[:number] or name in (".", ".."):
            yield f"databases[{number}].name: {name!r} is there twice, or is no name"
    trees = [tree.name for tree in profile.documents]
    known = ", ".join(trees) or "none"
    seen: set[tuple[str, str]] = set()
    for number, item in enumerate(mapping.documents):
        # Which databases a physical backup holds is known when it is back.
        if mapping.pgbackrest is not None:
            names.append(item.database)
        if item.tree not in trees:
            yield f"documents[{number}].tree: profile {profile.name} has trees {known}"
        if item.database not in names:
            yield f"documents[{number}].database: {item.database!r} is none of the databases"
        if (item.tree, item.database) in seen:
            yield f"documents[{number}]: {item.tree} of {item.database} is there twice"
        seen.add((item.tree, item.database))
    files = {(file.server, file.name) for file in profile.configuration}
    for number, file in enumerate(mapping.configuration):
        if (file.server, file.name) not in files:
            here = ", ".join(sorted(f"{name} of {server}" for server, name in files))
            yield f"configuration[{number}]: profile {profile.name} knows {here}"
