"""The nightly backups of the OpenERP training case.

    sauvegardesLocales/<database>.dump.<day of year>        pg_dump -Fc, one a database and day

The folder holds at most a year: a day's file replaces the last year's. It holds no documents (that
ERP keeps them in its database), no roles and no configuration.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from restore.catalogue import foreign
from restore.catalogue.dumps import created_at, dump_at
from restore.errors import DamagedGenerationError, NotFoundError
from restore.model import DumpForm, Fingerprint
from restore.profile import Profile
from restore.repository.base import generation_id

LAYOUT: Final = "openerp"
FOLDER: Final = "sauvegardesLocales"

_FILE: Final = re.compile(r"(?P<database>.+)\.dump\.(?P<day>\d{1,3})")
_DAY: Final = timedelta(days=1)
_YEARS_BACK: Final = 8
"""Day 366 may be that far away: 1900 was no leap year."""


@dataclass(frozen=True, slots=True)
class _DayDump:
    """One file. ``moment`` is when it was made, never later than it was."""

    path: Path
    database: str
    day: date
    moment: datetime
    modified: datetime


class OpenErpTree:
    """A folder of nightly backups; see ``foreign.Layout``."""

    def __init__(self, path: Path, profile: Profile) -> None:
        self._path = path / FOLDER if (path / FOLDER).is_dir() else path
        self._profile = profile
        if not self._path.is_dir():
            raise NotFoundError(f"{path} is no folder", f"give the folder {FOLDER}")

    @property
    def location(self) -> str:
        """The folder, with its layout."""
        return f"{LAYOUT}:{self._path}"

    def ids(self) -> tuple[str, ...]:
        """One id a day, oldest first."""
        return tuple(sorted(self._days()))

    def describe(self, generation_id: str) -> str:
        """The day, and the databases that were dumped."""
        items = self._days()[generation_id]
        return f"{items[0].day}: " + ", ".join(item.database for item in items)

    def read(self, generation_id: str) -> foreign.ForeignGeneration:
        """Look at every dump of a day; see ``foreign.Layout.read``."""
        day = self._days().get(generation_id)
        if day is None:
            raise NotFoundError(f"{self.location} holds no {generation_id}")
        dumps = [(item, dump_at(item.path)) for item in day]
        for item, dump in dumps:
            if dump.form is not DumpForm.CUSTOM:
                raise DamagedGenerationError(
                    f"{item.path} is no dump of pg_dump -Fc", "other files: layout folder"
                )
        artifacts = tuple(dump.artifact(i.database, str(i.path)) for i, dump in dumps)
        return foreign.foreign_generation(
            id_=generation_id,
            profile=self._profile.name,
            layout=LAYOUT,
            path=self._path,
            moment=min(item.moment for item in day),
            finished=max(item.modified for item in day),
            fingerprint=Fingerprint(
                postgresql=foreign.server(dumps[0][1].facts.server_version),
                erp=foreign.no_server(),
                erp_series="",
                databases=tuple(foreign.database_facts(i.database, d.facts) for i, d in dumps),
            ),
            roles=tuple(sorted({role for _, d in dumps for role in d.facts.roles})),
            artifacts=artifacts,
        )

    def _days(self) -> dict[str, tuple[_DayDump, ...]]:
        """The dumps of each day, by id, each day's by database."""
        found: dict[date, list[_DayDump]] = {}
        for path in sorted(self._path.iterdir()):
            if match := _FILE.fullmatch(path.name):
                item = _day_dump(path, match["database"], int(match["day"]))
                found.setdefault(item.day, []).append(item)
        return {_id(day, items): tuple(items) for day, items in found.items()}


def resolve_day(day: int, modified: datetime, created: datetime | None) -> date:
    """The date of a day of the year (1 to 366), which names no year.

    Args:
        modified: the file's time, in UTC; a clock elsewhere may already show tomorrow.
        created: production's clock as the dump was begun, if the dump tells; within a day of it,
            as a script may name its files before midnight and dump after it.

    Raises:
        ValueError: no year has such a day.
    """
    if created is not None:
        for year in (created.year, created.year - 1, created.year + 1):
            found = _date(year, day)
            if found is not None and abs(found - created.date()) <= _DAY:
                return found
    last = modified.date() + _DAY
    for year in range(last.year, last.year - _YEARS_BACK - 1, -1):
        found = _date(year, day)
        if found is not None and found <= last:
            return found
    raise ValueError(f"no year has a day {day}")


def _date(year: int, day: int) -> date | None:
    found = date(year, 1, 1) + timedelta(days=day - 1)
    return found if found.year == year else None


def _day_dump(path: Path, database: str, day: int) -> _DayDump:
    status = path.lstat()
    modified = foreign.utc(status.st_mtime)
    created = created_at(path)
    try:
        resolved = resolve_day(day, modified, created)
    except ValueError as error:
        raise DamagedGenerationError(
            f"{path}: {error}", "rename it, or move it out of the folder"
        ) from error
    return _DayDump(path, database, resolved, foreign.earliest(modified, created), modified)


def _id(day: date, items: list[_DayDump]) -> str:
    digits = foreign.token(LAYOUT, day, *(f"{i.database} {i.modified}" for i in items))
    return generation_id(min(item.moment for item in items), digits)
