"""The road book of an upgrade: what to check after it, by the engine and by people.

A YAML file: changes that the upgrade brings, and the business processes that must go on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import yaml

from restore.checks.scenarios import Scenario, ScenarioStep, load_scenario
from restore.errors import NotFoundError, UsageError
from restore.model import LocalText, ManualOperation
from restore.model.codec import decode
from restore.model.schema import schema_errors

BEGINNING: Final = "road-book."
"""Beginning of the ids of its checks."""

_NOTHING: Final = LocalText("")
_KEYS: Final = ("changes", "processes")


class EntryKind(StrEnum):
    """How an entry is checked."""

    SQL = "sql"
    HTTP = "http"
    SCENARIO = "scenario"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to check.

    ``process`` tells a business process from a change. SQL gives one value, which must be
    ``expected``, on every upgraded database; a request (``path``) is a logged-in user's. A scenario
    is a file, beside the road book where its path is relative; ``script`` is what it holds. A
    manual entry is signed off by a person.
    """

    name: str
    title: LocalText
    kind: EntryKind
    process: bool
    sql: str = ""
    expected: str = ""
    path: str = ""
    status: int = 200
    contains: str | None = None
    scenario: str = ""
    script: Scenario | None = None
    owner: LocalText = _NOTHING
    instructions: LocalText = _NOTHING


@dataclass(frozen=True, slots=True)
class RoadBook:
    """What is to be checked after an upgrade, changes first. Names of entries occur once."""

    title: LocalText
    entries: tuple[Entry, ...]

    @property
    def automated(self) -> tuple[Entry, ...]:
        """The entries that the engine asks the database or the ERP for."""
        asked = (EntryKind.SQL, EntryKind.HTTP)
        return tuple(one for one in self.entries if one.kind in asked)

    @property
    def scripts(self) -> tuple[tuple[Entry, Scenario], ...]:
        """The entries that are played, with their scenarios."""
        return tuple((one, one.script) for one in self.entries if one.script is not None)

    @property
    def checklist(self) -> tuple[ManualOperation, ...]:
        """The entries that people sign off."""
        return tuple(
            ManualOperation(one.name, one.title, one.owner, one.instructions)
            for one in self.entries
            if one.kind is EntryKind.MANUAL
        )


def entry_id(entry: Entry, database: str) -> str:
    """The id of an entry's check."""
    return f"{BEGINNING}{entry.name}:{database}"


def step_id(entry: Entry, step: ScenarioStep, database: str) -> str:
    """The id of the check of a step of an entry's scenario."""
    return f"{BEGINNING}{entry.name}.{step.name}:{database}"


def road_book_ids(book: RoadBook, databases: tuple[str, ...]) -> tuple[str, ...]:
    """The ids of the checks of a road book, in order."""
    return (
        *(entry_id(entry, name) for entry in book.automated for name in databases),
        *(
            step_id(entry, step, name)
            for entry, script in book.scripts
            for name in databases
            for step in script.steps
        ),
    )


def load_road_book(path: Path) -> RoadBook:
    """Read a road book, and the scenarios that it names.

    Raises:
        NotFoundError: there is no such file.
        UsageError: it is no road book, or a scenario of it is none; every error of a file at once.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFoundError(f"road book {path} does not exist") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"road book {path} can't be read: {error}") from error
    book = parse_road_book(text, str(path))
    entries = (
        replace(one, script=load_scenario(path.parent / one.scenario))
        if one.kind is EntryKind.SCENARIO
        else one
        for one in book.entries
    )
    return replace(book, entries=tuple(entries))


def parse_road_book(text: str, source: str) -> RoadBook:
    """Turn a road book's text into the value; ``source`` names it in errors.

    Its scenarios are other files, which are not read.

    Raises:
        UsageError: it is no YAML, breaks the schema, or has a name twice; all errors at once.
    """
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"road book {source} is not valid YAML: {error}") from error
    errors = schema_errors("road-book", data) or list(_twice(data))
    if errors:
        raise UsageError(
            f"road book {source} is wrong:\n" + "\n".join(f"  {line}" for line in errors),
            "each option is described in restore/model/schemas/road-book.schema.json",
        )
    entries = tuple(
        decode(Entry, {**entry, "process": key == "processes"})
        for key in _KEYS
        for entry in data.get(key, ())
    )
    return RoadBook(decode(LocalText, data["title"]), entries)


def _twice(data: Mapping[str, Any]) -> Iterator[str]:
    names = [one["name"] for key in _KEYS for one in data.get(key, ())]
    for name, number in Counter(names).items():
        if number > 1:
            yield f"(top): {name} stands there {number} times"
