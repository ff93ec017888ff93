"""What pgBackRest says of a repository, and its argument vectors. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from restore.errors import DamagedGenerationError, NotFoundError, UsageError

REPOSITORY: Final = "/repository"
"""Where the container sees the repository, read-only."""
SCRATCH: Final = "/restored"
"""Where it keeps all that it makes."""
DATA: Final = f"{SCRATCH}/data"
RUN: Final = f"{SCRATCH}/run"

# Locks, logs and spools never lie in the repository.
_COMMON: Final = (
    f"--repo1-path={REPOSITORY}",
    f"--lock-path={RUN}",
    "--log-level-file=off",
    "--log-level-console=off",
    "--log-level-stderr=warn",
)
PASSPHRASE: Final = "PGBACKREST_REPO1_CIPHER_PASS"  # noqa: S105 - the variable's name
"""Environment variable in which pgBackRest expects the passphrase: no argument holds it."""
CIPHER: Final = ("PGBACKREST_REPO1_CIPHER_TYPE", "aes-256-cbc")
"""Variable and only value of an encrypted repository's: PostgreSQL hands it to ``archive-get``."""


UNUSABLE: Final = (
    "an encrypted repository needs PRA_PGBACKREST_PASSPHRASE, or the file that "
    "PRA_PGBACKREST_PASSPHRASE_FILE names; one of a newer pgBackRest, --pgbackrest-image"
)
"""What to do when pgBackRest can't read a repository."""


class Goal(StrEnum):
    """Up to where a cluster is recovered."""

    BACKUP = "backup"
    """The end of the backup: all that it holds by itself."""
    MOMENT = "moment"
    """A moment between two transactions."""
    ARCHIVE = "archive"
    """The last transaction that was archived."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup of a stanza. ``archive`` is the folder of its WAL; the last two name segments."""

    label: str
    kind: str
    begun: datetime
    ended: datetime
    version: str
    system: str
    archive: str
    newest_wal: str
    wal_stop: str


@dataclass(frozen=True, slots=True)
class Stanza:
    """A cluster in a repository, with its backups, oldest first."""

    name: str
    backups: tuple[Backup, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """A state that can be brought back: a backup, and how far the log is replayed after it.

    ``moment`` is its nominal time: of the backup's end, of the target, of the newest segment.
    """

    backup: Backup
    goal: Goal
    moment: datetime


def info(stanza: str) -> tuple[str, ...]:
    """``pgbackrest info`` of a repository, or of one stanza ("" for all)."""
    named = (f"--stanza={stanza}",) if stanza else ()
    return ("pgbackrest", "info", "--output=json", *named, *_COMMON)


def restore(stanza: str, point: Point, jobs: int) -> tuple[str, ...]:
    """``pgbackrest restore`` of a backup, which also writes how PostgreSQL is to recover.

    Whatever production archived to is cut off; tablespaces and links lie beside the data.
    """
    targets = {
        Goal.BACKUP: ("--type=immediate", "--target-action=promote"),
        Goal.MOMENT: (
            "--type=time",
            f"--target={point.moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f+00}",
            "--target-action=promote",
        ),
        Goal.ARCHIVE: ("--type=default",),
    }
    return (
        "pgbackrest",
        "restore",
        f"--stanza={stanza}",
        f"--pg1-path={DATA}",
        f"--set={point.backup.label}",
        *targets[point.goal],
        "--archive-mode=off",
        f"--tablespace-map-all={SCRATCH}/tablespaces",
        f"--process-max={jobs}",
        *_COMMON,
    )


def parse_info(text: str, location: str) -> tuple[Stanza, ...]:
    """The stanzas that have backups, by what ``pgbackrest info`` printed.

    Raises:
        DamagedGenerationError: the output is none, or tells what is wrong with the repository.
        NotFoundError: there is no backup.
    """
    try:
        found: list[dict[str, Any]] = json.loads(text)
        stanzas = tuple(_stanza(item) for item in found if item["backup"])
        words = "; ".join(f"{s['name']}: {s['status']['message']}" for s in found)
    except (ValueError, KeyError, TypeError, StopIteration) as error:
        raise DamagedGenerationError(
            f"pgbackrest info of {location} can't be read: {error!r}",
            "is it a repository of pgBackRest 2, and the image's pgBackRest recent enough?",
        ) from error
    if any(item["status"]["code"] not in (0, 2) for item in found):
        raise DamagedGenerationError(
            f"pgBackRest can't use {location}: {words}",
            UNUSABLE,
        )
    if not stanzas:
        raise NotFoundError(
            f"{location} holds no backup ({words or 'no stanza'})", "is it the right folder?"
        )
    return stanzas


def choose_stanza(stanzas: Sequence[Stanza], location: str) -> Stanza:
    """The only stanza.

    Raises:
        UsageError: there are several.
    """
    if len(stanzas) == 1:
        return stanzas[0]
    names = ", ".join(item.name for item in stanzas)
    raise UsageError(
        f"{location} holds stanzas {names}",
        f"name one by its folder: pgbackrest:{location}/backup/{stanzas[0].name}",
    )


def backup_before(stanza: Stanza, moment: datetime) -> Backup:
    """The newest backup that had ended by a moment: recovery to it starts there.

    Raises:
        NotFoundError: the oldest one ended later.
    """
    fitting = [item for item in stanza.backups if item.ended <= moment]
    if fitting:
        return fitting[-1]
    oldest = stanza.backups[0]
    raise NotFoundError(
        f"stanza {stanza.name} can't be brought back to {utc_text(moment)}: "
        f"its oldest backup, {oldest.label}, ended at {utc_text(oldest.ended)}",
        "ask for a later moment; 'pra import --list' shows what there is",
    )


def utc_text(moment: datetime) -> str:
    """A moment as people read it, always in UTC."""
    fraction = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}{fraction} UTC"


def _stanza(item: dict[str, Any]) -> Stanza:
    databases = {one["id"]: one for one in item["db"]}
    archives = {one["database"]["id"]: one for one in item["archive"]}
    backups = []
    for one in item["backup"]:
        number = one["database"]["id"]
        wal_stop = one["archive"]["stop"] or ""
        archive = archives.get(number, {})
        backups.append(
            Backup(
                label=one["label"],
                kind=one["type"],
                begun=datetime.fromtimestamp(one["timestamp"]["start"], UTC),
                ended=datetime.fromtimestamp(one["timestamp"]["stop"], UTC),
                version=databases[number]["version"],
                system=str(databases[number]["system-id"]),
                archive=archive.get("id", ""),
                newest_wal=archive.get("max") or wal_stop,
                wal_stop=wal_stop,
            )
        )
    return Stanza(item["name"], tuple(sorted(backups, key=lambda backup: backup.ended)))
