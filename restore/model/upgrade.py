"""An upgrade as it was rehearsed: what was measured before and after it, and what differs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from restore.model.checklist import LocalText


class Rule(StrEnum):
    """What an upgrade may do to a measure."""

    SAME = "same"
    """Nothing may differ."""
    KEPT = "kept"
    """Nothing that was there may be gone; what changed or came is told."""
    NO_FEWER = "no-fewer"
    """No number may be smaller, and only what was 0 may be gone."""
    SERVED = "served"
    """What was served must be served still, if it is there."""
    TOLD = "told"
    """All is told, nothing judged."""


MODULES = "modules"
COLUMNS = "columns"
ROWS = "rows"
TECHNICAL = "technical-rows"
"""With those above: names of the measures that every database has."""

COMMAND = "command"
"""Name of the check of the upgrade's command and of its log."""

SERVED = "served"
"""The value of what was served, in a measure whose rule is ``SERVED``; another is the problem."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A row of a measure: an account with its balance, a table with its number of rows."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Measure:
    """What was measured of a database under one heading. Keys of facts occur once.

    ``unknown`` says why it could not be measured; its facts then mean nothing.
    """

    database: str
    name: str
    title: LocalText
    rule: Rule
    facts: tuple[Fact, ...]
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class UpgradeChange:
    """One fact that differs; None where it was not there. ``wrong`` is against the rule."""

    key: str
    before: str | None
    after: str | None
    wrong: bool


@dataclass(frozen=True, slots=True)
class UpgradeSubject:
    """A measure held against itself: how many facts it had, has, and which differ.

    ``unknown`` says why it could not be compared.
    """

    database: str
    name: str
    title: LocalText
    rule: Rule
    before: int
    after: int
    changes: tuple[UpgradeChange, ...]
    unknown: str = ""

    @property
    def wrong(self) -> tuple[UpgradeChange, ...]:
        """The changes that are against the rule."""
        return tuple(change for change in self.changes if change.wrong)

    @property
    def ordered(self) -> tuple[UpgradeChange, ...]:
        """The changes, those first that are against the rule."""
        return (*self.wrong, *(change for change in self.changes if not change.wrong))


@dataclass(frozen=True, slots=True)
class ServerChange:
    """A server whose image the upgrade replaces, with the versions that both declare."""

    server: str
    before: str
    after: str
    version_before: str
    version_after: str


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What a rehearsal upgraded, and what that changed."""

    servers: tuple[ServerChange, ...]
    subjects: tuple[UpgradeSubject, ...]
    road_book: LocalText | None = None
    """Title of the road book whose entries are among the run's checks and operations."""


def distinct(facts: Iterable[tuple[object, ...]]) -> tuple[Fact, ...]:
    """Rows of a query as facts: the first value is the key, the others make the value.

    A key that comes again is numbered, so that no row hides another.
    """
    found: dict[str, str] = {}
    for first, *others in facts:
        key, number = _text(first), 1
        while key in found:
            number += 1
            key = f"{_text(first)} #{number}"
        found[key] = " ".join(map(_text, others))
    return tuple(Fact(key, value) for key, value in found.items())


def _text(value: object) -> str:
    return "" if value is None else str(value)
