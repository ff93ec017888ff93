"""A document in one language, before it has a form: sections of blocks.

Texts may hold code between backquotes (``code``); cells of code columns are code as they are.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

from restore.report.language import Locale

_OPTION: Final = re.compile(r"--[a-z-]+=")
_SPECIAL: Final = re.compile(r'([\\"])')
_EXPANDED: Final = frozenset("!$`")
"""What some shells expand between double quotes."""
_ESCAPED: Final = r"\\\1"
_BREAKS: Final = re.compile(r"(?<=[/_:.,=-])")
COMMAND_WIDTH: Final = 84
"""Characters of a command's line, where its words allow it."""


class Tone(StrEnum):
    """How a paragraph is meant."""

    NORMAL = "normal"
    NOTE = "note"
    GOOD = "good"
    BAD = "bad"


class ColumnKind(StrEnum):
    """What the cells of a column hold."""

    TEXT = "text"
    CODE = "code"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A text."""

    block: ClassVar[str] = "paragraph"
    text: str
    tone: Tone = Tone.NORMAL


@dataclass(frozen=True, slots=True)
class Items:
    """A list; numbered when its order counts."""

    block: ClassVar[str] = "items"
    items: tuple[str, ...]
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. ``weight`` is its share of the width."""

    title: str
    weight: float = 1.0
    kind: ColumnKind = ColumnKind.TEXT


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; with ``total``, the last one sums up. ``blank`` rows are to be written on."""

    block: ClassVar[str] = "table"
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    total: bool = False
    blank: bool = False

    def is_code(self, row: tuple[str, ...], position: int) -> bool:
        """Whether a cell is code: the row that sums up never is."""
        summing = self.total and row is self.rows[-1]
        return self.columns[position].kind is ColumnKind.CODE and not summing


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it is run; ``caption`` says what for."""

    caption: str
    argv: tuple[str, ...]

    @property
    def text(self) -> str:
        """The command for a shell, on lines of a fair length."""
        return shell_text(self.argv)


@dataclass(frozen=True, slots=True)
class Commands:
    """Commands in the order in which they are run."""

    block: ClassVar[str] = "commands"
    commands: tuple[Command, ...]


Block = Paragraph | Items | Table | Commands

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


@dataclass(frozen=True, slots=True)
class Section:
    """A numbered part. ``id`` is the same in every language; ``number`` is such as ``7.2``."""

    id: str
    number: str
    title: str
    blocks: tuple[Block, ...]
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """A property of the title page."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Labels:
    """Words that every form of the document needs."""

    contents: str
    page: str
    """With ``{page}`` and ``{pages}``."""
    footer: str


@dataclass(frozen=True, slots=True)
class Document:
    """The whole, in one language."""

    language: str
    author: str
    kicker: str
    title: str
    subtitle: str
    facts: tuple[Fact, ...]
    highlights: tuple[Fact, ...]
    sections: tuple[Section, ...]
    labels: Labels


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text; ``code`` when it stood between backquotes."""

    text: str
    code: bool


def code(text: str) -> str:
    """A text marked as code."""
    return "`" + text.replace("`", "'") + "`"


def spans(text: str) -> tuple[Span, ...]:
    """A text's pieces, in order, none empty."""
    pieces = text.split("`")
    return tuple(Span(piece, position % 2 == 1) for position, piece in enumerate(pieces) if piece)


def breakable(text: str) -> tuple[str, ...]:
    """A name or path in pieces between which a line may be broken."""
    return tuple(piece for piece in _BREAKS.split(text) if piece)


def quoted(word: str) -> str:
    """A word for a shell; of an option, only the value, and as people would quote it."""
    option = _OPTION.match(word)
    head, value = (option[0], word[option.end() :]) if option else ("", word)
    if "'" in value and not set(value) & _EXPANDED:
        return f'{head}"{_SPECIAL.sub(_ESCAPED, value)}"'
    return head + shlex.quote(value)


def shell_text(argv: tuple[str, ...], width: int = COMMAND_WIDTH) -> str:
    """A command for a shell, on lines of ``width`` characters at most where its words allow it."""
    lines = [""]
    for word in map(quoted, argv):
        if lines[-1] and len(lines[-1]) + 1 + len(word) + 2 > width:
            lines[-1] += " \\"
            lines.append("  " + word)
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return "\n".join(lines)
