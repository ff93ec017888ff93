"""Sections on backups: perimeter, export, consistency, formats and volumes. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from restore.model import Artifact, ArtifactKind, DatabaseFacts, Part, Role
from restore.profile import ConfigurationFile
from restore.report.language import Locale
from restore.report.prerequisites.document import (
    Column,
    ColumnKind,
    Command,
    Commands,
    Items,
    Paragraph,
    Section,
    Table,
    Tone,
)
from restore.report.prerequisites.exports import (
    ERP_CONTAINER,
    FOLDER,
    SNAPSHOT,
    capture_argv,
    export_commands,
)
from restore.report.prerequisites.facts import Prerequisites

SYSTEM_USER: Final = "postgres"
"""Whom PostgreSQL lets in over the local socket; a test holds it against the capture's."""
_FILES: Final = (ArtifactKind.CONFIGURATION, ArtifactKind.KEYSTORE)


def perimeter(given: Prerequisites, words: Locale) -> Section:
    """Every artefact and where production keeps it."""
    columns = (
        Column(words.text("perimeter.artifact"), 2.0, ColumnKind.CODE),
        Column(words.text("perimeter.kind"), 1.2),
        Column(words.text("perimeter.location"), 2.6, ColumnKind.CODE),
        Column(words.text("perimeter.folder"), 2.1, ColumnKind.CODE),
    )
    rows = tuple(
        (item.name, words.text(f"kind.{item.kind}"), item.location, item.folder)
        for item in _artifacts(given)
    )
    data = given.profile.database.data
    return Section(
        "perimeter",
        "",
        words.text("perimeter.title"),
        (
            Paragraph(words.text("perimeter.intro")),
            Table(columns, rows),
            Paragraph(words.text("perimeter.data", data=data)),
            Paragraph(words.text("perimeter.outside"), Tone.NOTE),
        ),
    )


def export(given: Prerequisites, words: Locale) -> Section:
    """The command that makes a generation, and those that it runs."""
    capture = capture_argv(given.generation, given.source, given.repository, given.stack.jobs)
    commands = tuple(
        Command(words.text(f"export.{item.kind}", subject=item.subject), item.argv)
        for item in export_commands(given.generation, given.profile, given.stack.jobs)
    )
    columns = (
        Column(words.text("export.files.what"), 1.2, ColumnKind.CODE),
        Column(words.text("export.files.server"), 1.0),
        Column(words.text("export.files.path"), 2.6, ColumnKind.CODE),
    )
    verify = ("pra", "verify", given.generation.id, f"--repository={given.repository}")
    runs = words.text("export.runs", user=SYSTEM_USER, folder=FOLDER, snapshot=SNAPSHOT)
    return Section(
        "export",
        "",
        words.text("export.title"),
        (
            Paragraph(words.text("export.intro", container=ERP_CONTAINER)),
            Commands((Command(words.text("export.capture"), capture),)),
            Paragraph(runs),
            Commands(commands),
            Paragraph(words.text("export.files")),
            Table(columns, tuple(_files_read(given, words))),
            Paragraph(words.text("export.verify")),
            Commands((Command(words.text("export.verify.caption"), verify),)),
        ),
    )


def consistency(given: Prerequisites, words: Locale) -> Section:
    """In which order, and what must never be done."""
    point = words.moment(given.generation.consistency_point)
    return Section(
        "consistency",
        "",
        words.text("consistency.title"),
        (
            Items(tuple(words.text(f"consistency.{n}") for n in range(1, 7)), ordered=True),
            Paragraph(words.text("consistency.point", point=point), Tone.NOTE),
        ),
    )


def volumes(given: Prerequisites, words: Locale) -> Section:
    """What the reference generation weighs, artefact by artefact and database by database."""
    generation = given.generation
    took = (generation.finished - generation.started).total_seconds()
    intro = words.text("volumes.intro", generation=generation.id, duration=words.duration(took))
    size = words.size(generation.bytes)
    return Section(
        "volumes",
        "",
        words.text("volumes.title"),
        (
            Paragraph(intro),
            _artifact_table(given, words),
            Paragraph(words.text("volumes.index")),
            _database_table(given, words),
            Paragraph(words.text("volumes.growth", size=size)),
        ),
    )


def _artifact_table(given: Prerequisites, words: Locale) -> Table:
    columns = (
        Column(words.text("volumes.artifact"), 1.8, ColumnKind.CODE),
        Column(words.text("volumes.format"), 2.4),
        Column(words.text("volumes.files"), 0.8, ColumnKind.NUMBER),
        Column(words.text("volumes.size"), 0.9, ColumnKind.NUMBER),
    )
    artifacts = _artifacts(given)
    rows = tuple(
        (
            item.name,
            words.text(f"volumes.format.{item.kind}"),
            words.number(item.files),
            words.size(item.bytes),
        )
        for item in artifacts
    )
    files = words.number(sum(item.files for item in artifacts))
    total = (words.text("volumes.total"), "", files, words.size(given.generation.bytes))
    return Table(columns, (*rows, total), total=True)


def _database_table(given: Prerequisites, words: Locale) -> Table:
    columns = (
        Column(words.text("volumes.database"), 1.6, ColumnKind.CODE),
        Column(words.text("volumes.locale"), 1.6),
        Column(words.text("volumes.restored"), 1.0, ColumnKind.NUMBER),
        Column(words.text("volumes.tables"), 0.8, ColumnKind.NUMBER),
        Column(words.text("volumes.rows"), 0.9, ColumnKind.NUMBER),
        Column(words.text("volumes.modules"), 0.9, ColumnKind.NUMBER),
    )
    databases = given.generation.fingerprint.databases
    return Table(columns, tuple(_database_row(facts, words) for facts in databases))


def _database_row(facts: DatabaseFacts, words: Locale) -> tuple[str, ...]:
    """A database in numbers; what a backup made by others does not tell is said to be unknown."""
    unknown = words.text("doc.unknown")
    counts = [table.rows for table in facts.tables if table.rows is not None]
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
