"""Sentences of reports: English text that knows the template it was made from.

A report is read in other languages, too. So a sentence that appears in one is made by ``message``
from a template, an English sentence with ``{placeholders}``, which a catalogue translates
(``restore/report/templates/phrases.<language>.yaml``). ``make lint`` names the templates that no
catalogue has. Texts of the outside, such as names and servers' errors, are values, never templates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

_PLACEHOLDERS: Final = re.compile(r"(?:[^{}]|\{[a-z]\w*(?::(?:\.\d)?[fg])?\})*")

_NO_VALUES: Final[Mapping[str, Any]] = {}


class Message(str):
    """A finished English sentence, with its template and the values that fill it.

    Values are texts, numbers and further messages, which are translated in turn. A template
    without values is the sentence itself, braces and all.
    """

    template: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, values: Mapping[str, Any] = _NO_VALUES) -> Message:
        """Fill the template."""
        text = super().__new__(cls, template.format(**values) if values else template)
        text.template, text.values = str.__str__(template), values
        return text

    def __str__(self) -> Message:
        """The message itself, so that ``str(error)`` keeps the template."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles are made of the template and its values."""
        return Message, (self.template, dict(self.values))


class OldSentence(str):
    """A finished sentence of a report of 0.1, which kept no templates."""

    def __str__(self) -> OldSentence:
        """The sentence itself, which ``str`` does not forget to be old."""
        return self


def message(template: str, /, **values: object) -> Message:
    """Make a message of a template: ``message("table {name} is missing", name=table)``.

    The template is written as a literal, for ``make lint`` reads it. A number keeps its format in
    the placeholder (``{seconds:.2f}``) and gets the decimal mark of the reader's language.
    """
    return Message(template, {name: _value(value) for name, value in values.items()})


def plural(number: int, one: str, many: str, /, **values: object) -> Message:
    """A message with a count, ``{n}``, from the template for one or that for any other number."""
    counted = {"n": f"{number:,}".replace(",", " "), **values}
    return Message(one if number == 1 else many, {k: _value(v) for k, v in counted.items()})


def joined(separator: str, parts: Iterable[str]) -> str:
    """Texts in a row, each translated by itself: a ``str.join`` that keeps messages."""
    values = {f"part{number}": part for number, part in enumerate(parts)}
    if len(values) < 2:
        return "".join(values.values()) if not values else next(iter(values.values()))
    return Message(separator.join(f"{{{name}}}" for name in values), values)


def mapped(text: str, change: Callable[[str], str]) -> str:
    """A text changed by a function; of a message, its values are, and the template stays."""
    if not isinstance(text, Message) or not text.values:
        return change(text)
    values = {
        name: mapped(value, change) if isinstance(value, str) else value
        for name, value in text.values.items()
    }
    return Message(text.template, values)


def is_template(text: str) -> bool:
    """Whether a text of unknown origin may be filled: it has plain placeholders only."""
    return _PLACEHOLDERS.fullmatch(text) is not None


def _value(value: object) -> object:
    return value if isinstance(value, str | int | float) else str(value)
