"""Post-operations: what is left to do once a generation is replayed, and who has done it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LocalText:
    """A text in the languages of reports. ``fr`` is None where the English one serves both."""

    en: str
    fr: str | None = None

    def of(self, language: str) -> str:
        """The text in a language, ``en`` or ``fr``."""
        return (self.fr if language == "fr" else None) or self.en


@dataclass(frozen=True, slots=True)
class ManualOperation:
    """One thing that a person does after a restore: an entry of the checklist."""

    name: str
    title: LocalText
    owner: LocalText
    instructions: LocalText


@dataclass(frozen=True, slots=True)
class OperationEvent:
    """A person has done an operation of a run, or says that it is to be done again.

    The last event of a name counts.
    """

    name: str
    done: bool
    by: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class OperationRow:
    """An entry of the checklist, and who has done it; None while it is to be done."""

    operation: ManualOperation
    done: OperationEvent | None
