"""Sections on backups: perimeter, export, consistency, formats and volumes. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from restore.adapters.postgres import commands
from restore.model import Artifact, ArtifactKind, DatabaseFacts, Generation, Part, Role
from restore.profile import ConfigurationFile
from restore.report.language import Locale
from restore.report.prerequisites import document as doc
from restore.report.prerequisites.facts import Prerequisites

SYSTEM_USER: Final = "postgres"
"""Whom PostgreSQL lets in over the local socket; a test holds it against the capture's."""
_FILES: Final = (ArtifactKind.CONFIGURATION, ArtifactKind.KEYSTORE)
ERP_CONTAINER: Final = "ERP_CONTAINER"
PROXY_CONTAINER: Final = "PROXY_CONTAINER"
REPORTS_CONTAINER: Final = "REPORTS_CONTAINER"
REPORTS_DATABASE_CONTAINER: Final = "REPORTS_DATABASE_CONTAINER"
DATABASE_CONTAINER: Final = "DATABASE_CONTAINER"
FOLDER: Final = "DUMP_FOLDER"
SNAPSHOT: Final = "SNAPSHOT"
"""Names that stand for what only a capture knows."""


def perimeter(given: Prerequisites, words: Locale) -> Iterator[doc.Block]:
    """Every artefact and where production keeps it."""
    rows = (
        (item.name, words.text(f"kind.{item.kind}"), item.location, item.folder)
        for item in _artifacts(given)
    )
    yield doc.paragraph(words, "perimeter.intro")
    yield doc.table(
        words, rows, ("perimeter.artifact", 2.0, doc.CODE), ("perimeter.kind", 1.2),
        ("perimeter.location", 2.6, doc.CODE), ("perimeter.folder", 2.1, doc.CODE),
    )  # fmt: skip
    yield doc.paragraph(words, "perimeter.data", data=given.profile.database.data)
    yield doc.paragraph(words, "perimeter.outside", doc.Tone.NOTE)


def export(given: Prerequisites, words: Locale) -> Iterator[doc.Block]:
    """The command that makes a generation, and those that it runs."""
    capture = capture_argv(given.generation, given.source, given.repository, given.stack.jobs)
    verify = ("pra", "verify", given.generation.id, f"--repository={given.repository}")
    yield doc.paragraph(words, "export.intro", container=ERP_CONTAINER)
    yield doc.command(words, "export.capture", capture)
    yield doc.paragraph(words, "export.runs", user=SYSTEM_USER, folder=FOLDER, snapshot=SNAPSHOT)
    yield doc.Commands(tuple(export_commands(given, words)))
    yield doc.paragraph(words, "export.files")
    yield doc.table(
        words, _files_read(given, words), ("export.files.what", 1.2, doc.CODE),
        ("export.files.server", 1.0), ("export.files.path", 2.6, doc.CODE),
    )  # fmt: skip
    yield doc.paragraph(words, "export.verify")
    yield doc.command(words, "export.verify.caption", verify)


def consistency(given: Prerequisites, words: Locale) -> Iterator[doc.Block]:
    """In which order, and what must never be done."""
    point = words.moment(given.generation.consistency_point)
    yield doc.Items(tuple(words.text(f"consistency.{n}") for n in range(1, 7)), ordered=True)
    yield doc.paragraph(words, "consistency.point", doc.Tone.NOTE, point=point)


def volumes(given: Prerequisites, words: Locale) -> Iterator[doc.Block]:
    """What the reference generation weighs, artefact by artefact and database by database."""
    generation = given.generation
    artifacts = _artifacts(given)
    rows = (
        (
            item.name,
            words.text(f"volumes.format.{item.kind}"),
            words.number(item.files),
            words.size(item.bytes),
        )
        for item in artifacts
    )
    files = words.number(sum(item.files for item in artifacts))
    total = (words.text("volumes.total"), "", files, words.size(generation.bytes))
    took = words.duration((generation.finished - generation.started).total_seconds())
    yield doc.paragraph(words, "volumes.intro", generation=generation.id, duration=took)
    yield doc.table(
        words, (*rows, total), ("volumes.artifact", 1.8, doc.CODE), ("volumes.format", 2.4),
        ("volumes.files", 0.8, doc.NUMBER), ("volumes.size", 0.9, doc.NUMBER), total=True,
    )  # fmt: skip
    yield doc.paragraph(words, "volumes.index")
    yield doc.table(
        words, (_database_row(facts, words) for facts in generation.fingerprint.databases),
        ("volumes.database", 1.6, doc.CODE), ("volumes.locale", 1.6),
        ("volumes.restored", 1.0, doc.NUMBER), ("volumes.tables", 0.8, doc.NUMBER),
        ("volumes.rows", 0.9, doc.NUMBER), ("volumes.modules", 0.9, doc.NUMBER),
    )  # fmt: skip
    yield doc.paragraph(words, "volumes.growth", size=words.size(generation.bytes))


def _database_row(facts: DatabaseFacts, words: Locale) -> tuple[str, ...]:
    """A database in numbers; what a backup made by others does not tell is said to be unknown."""
    unknown = words.text("doc.unknown")
    counts = [one.rows for one in facts.tables if one.rows is not None]
    told = "tables" not in facts.unknown and len(counts) == len(facts.tables)
    locale = dict.fromkeys((facts.encoding, *facts.locales))
    return (
        facts.name,
        ", ".join(name or unknown for name in locale),
        unknown if "size" in facts.unknown else words.size(facts.size),
        unknown if "tables" in facts.unknown else words.number(len(facts.tables)),
        words.number(sum(counts)) if told else unknown,
        unknown if "modules" in facts.unknown else words.number(len(facts.modules)),
    )


def _artifacts(given: Prerequisites) -> tuple[Artifact, ...]:
    """The artefacts in the order in which a capture makes them."""
    order = (
        ArtifactKind.DATABASE,
        ArtifactKind.DOCUMENTS,
        ArtifactKind.ROLES,
        ArtifactKind.CONFIGURATION,
    )
    known = tuple(item for kind in order for item in given.generation.artifacts_of(kind))
    return (*known, *(item for item in given.generation.artifacts if item not in known))


def _files_read(given: Prerequisites, words: Locale) -> Iterator[tuple[str, str, str]]:
    for tree in given.profile.documents:
        for facts in given.generation.fingerprint.databases:
            path = tree.path.replace("{database}", facts.name)
            yield tree.name, words.text("servers.erp"), path
    for role in Role:
        files = given.profile.configuration_of(role)
        for file, path in zip(files, _paths(given, role, files), strict=True):
            yield file.name, words.text(f"servers.{role}"), path
    for artifact in given.generation.artifacts:
        if artifact.part is Part.REPORTS and artifact.kind in _FILES:
            yield artifact.name, words.text("servers.reports"), artifact.location
        elif artifact.kind is ArtifactKind.CERTIFICATE:
            yield artifact.name, words.text("servers.proxy"), artifact.location


def _paths(
    given: Prerequisites, role: Role, files: tuple[ConfigurationFile, ...]
) -> tuple[str, ...]:
    """Where a server's files were, as captured; as the profile says where that is not known."""
    for artifact in given.generation.artifacts_of(ArtifactKind.CONFIGURATION):
        recorded = tuple(artifact.location.split(", "))
        if artifact.name == f"configuration-{role}" and len(recorded) == len(files):
            return recorded
    return tuple(file.path for file in files)


def capture_argv(
    generation: Generation, source: str, repository: str, jobs: int
) -> tuple[str, ...]:
    """The command that captures a generation like this one.

    Args:
        source: the profile, as the user names it.
    """
    fingerprint = generation.fingerprint
    reports = (
        f"--reports-database-container={REPORTS_DATABASE_CONTAINER}",
        f"--reports-container={REPORTS_CONTAINER}",
    )
    return (
        "pra", "capture", f"--profile={source}", f"--repository={repository}",
        f"--database-container={database_container(generation)}",
        f"--erp-container={ERP_CONTAINER}",
        *(reports if fingerprint.reports else ()),
        *((f"--proxy-container={PROXY_CONTAINER}",) if fingerprint.proxy else ()),
        f"--jobs={jobs}",
    )  # fmt: skip


def export_commands(given: Prerequisites, words: Locale) -> Iterator[doc.Command]:
    """The commands that a capture runs in the database server's container, in order."""
    superuser, jobs = given.profile.database.superuser, given.stack.jobs
    for facts in given.generation.fingerprint.databases:
        request = commands.DumpRequest(
            database=facts.name, folder=FOLDER, superuser=superuser, jobs=jobs, snapshot=SNAPSHOT
        )
        dump, listing = commands.dump_database(request), commands.list_dump(FOLDER)
        yield doc.Command(words.text("export.dump", subject=facts.name), dump)
        yield doc.Command(words.text("export.list", subject=facts.name), listing)
    yield doc.Command(words.text("export.roles"), commands.dump_roles(superuser))
    for setting in ("config_file", "hba_file"):
        if any(f"{{{setting}}}" in file.path for file in given.profile.configuration):
            ask = commands.query(superuser, "postgres", f"SHOW {setting}")
            yield doc.Command(words.text("export.places", subject=setting), ask)


def database_container(generation: Generation) -> str:
    """The container that PostgreSQL ran in, as the capture recorded it."""
    for artifact in generation.artifacts_of(ArtifactKind.DATABASE):
        server = artifact.location.removeprefix("postgresql://").partition("/")[0]
        name = server.rpartition(":")[0]
        if name and artifact.location.startswith("postgresql://"):
            return name
    return DATABASE_CONTAINER
