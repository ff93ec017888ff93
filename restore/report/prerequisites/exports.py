"""The commands that make a generation: the user's, and those that the engine then runs. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from restore.adapters.postgres import commands
from restore.model import ArtifactKind, Generation
from restore.profile import Profile

ERP_CONTAINER: Final = "ERP_CONTAINER"
PROXY_CONTAINER: Final = "PROXY_CONTAINER"
REPORTS_CONTAINER: Final = "REPORTS_CONTAINER"
REPORTS_DATABASE_CONTAINER: Final = "REPORTS_DATABASE_CONTAINER"
DATABASE_CONTAINER: Final = "DATABASE_CONTAINER"
FOLDER: Final = "DUMP_FOLDER"
SNAPSHOT: Final = "SNAPSHOT"
"""Names that stand for what only a capture knows."""


class ExportKind(StrEnum):
    """What an export's command is for."""

    DUMP = "dump"
    LIST = "list"
    ROLES = "roles"
    PLACES = "places"


@dataclass(frozen=True, slots=True)
class ExportCommand:
    """One command that a capture runs in the database server's container, as ``postgres``.

    ``subject`` is the database that it exports, or the setting that it asks for.
    """

    kind: ExportKind
    subject: str
    argv: tuple[str, ...]


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


def export_commands(
    generation: Generation, profile: Profile, jobs: int
) -> tuple[ExportCommand, ...]:
    """The commands of PostgreSQL's tools that a capture runs, in order."""
    superuser = profile.database.superuser
    found: list[ExportCommand] = []
    for facts in generation.fingerprint.databases:
        request = commands.DumpRequest(
            database=facts.name, folder=FOLDER, superuser=superuser, jobs=jobs, snapshot=SNAPSHOT
        )
        found += (
            ExportCommand(ExportKind.DUMP, facts.name, commands.dump_database(request)),
            ExportCommand(ExportKind.LIST, facts.name, commands.list_dump(FOLDER)),
        )
    found.append(ExportCommand(ExportKind.ROLES, "", commands.dump_roles(superuser)))
    for setting in ("config_file", "hba_file"):
        if any(f"{{{setting}}}" in file.path for file in profile.configuration):
            ask = commands.query(superuser, "postgres", f"SHOW {setting}")
            found.append(ExportCommand(ExportKind.PLACES, setting, ask))
    return tuple(found)


def database_container(generation: Generation) -> str:
    """The container that PostgreSQL ran in, as the capture recorded it."""
    for artifact in generation.artifacts_of(ArtifactKind.DATABASE):
        server = artifact.location.removeprefix("postgresql://").partition("/")[0]
        name = server.rpartition(":")[0]
        if name and artifact.location.startswith("postgresql://"):
            return name
    return DATABASE_CONTAINER
