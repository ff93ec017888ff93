"""Blocks in a document's language, every text by its key in the catalogues. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from restore.report.language import Locale
from restore.report.prerequisites.document import (
    Column,
    ColumnKind,
    Command,
    Commands,
    Paragraph,
    Table,
    Tone,
)

CODE: Final = ColumnKind.CODE
NUMBER: Final = ColumnKind.NUMBER

Heading = tuple[str, float] | tuple[str, float, ColumnKind]
"""A column: its title's key, its share of the width, and what it holds if that isn't text."""


def paragraph(words: Locale, key: str, tone: Tone = Tone.NORMAL, **values: object) -> Paragraph:
    """The text of a key, its placeholders filled."""
    return Paragraph(words.text(key, **values), tone)


def table(
    words: Locale,
    rows: Iterable[tuple[str, ...]],
    *headings: Heading,
    total: bool = False,
    blank: bool = False,
) -> Table:
    """A table of rows that are written already; ``total`` and ``blank`` as in ``Table``."""
    columns = tuple(Column(words.text(key), *rest) for key, *rest in headings)
    return Table(columns, tuple(rows), total, blank)


def command(words: Locale, key: str, argv: tuple[str, ...]) -> Commands:
    """One command, and what it is for."""
    return Commands((Command(words.text(key), argv),))
