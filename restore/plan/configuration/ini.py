"""INI files as Python's ``configparser`` reads them, changed in place.

``configparser`` itself would lose comments, order and spacing when it writes. Keys are compared
without case; a key may stand there twice (the last one wins) and its value may go on over
indented lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_SECTION: Final = re.compile(r"\[(?P<name>.+)\]")
_OPTION: Final = re.compile(
    r"\s*(?P<key>.*?)(?P<before>\s*)(?P<delimiter>[=:])(?P<gap>\s*)(?P<value>.*)"
)


@dataclass(frozen=True, slots=True)
class _Option:
    """An active key: the number of its line, and of the lines on which its value goes on."""

    key: str
    value: str
    line: int
    continued: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Section:
    """A header and the active keys under it; a name may have several.

    ``last`` is the number of its last line that is neither empty nor a comment.
    """

    name: str
    last: int
    options: tuple[_Option, ...] = ()


def ini_value(text: str, section: str, key: str) -> str | None:
    """The value of a key, the last one when it stands there twice; None when it is absent."""
    found = _find(_parse(_lines(text)), section, key)
    return found[-1].value if found else None


def set_ini_value(text: str, section: str, key: str, value: str) -> str:
    """Give a key a value wherever it stands, or add it at the end of its section.

    ``value`` is one line without outer spaces. Every other byte of the text is kept.
    """
    lines = _lines(text)
    sections = _parse(lines)
    found = _find(sections, section, key)
    if not found:
        ends = [item.last + 1 for item in sections if item.name == section]
        _add(lines, ends[-1] if ends else None, section, f"{key} = {value}".rstrip())
    for option in found:
        if option.value != value:
            _replace(lines, option, value)
    return "".join(lines)


def newline_of(text: str) -> str:
    """The line ending of a text: that of its first line."""
    found = re.search(r"\r\n|\n|\r", text)
    return found[0] if found else "\n"


def _lines(text: str) -> list[str]:
    return [line for line in _LINE.findall(text) if line]


def _find(sections: Sequence[_Section], name: str, key: str) -> list[_Option]:
    return [
        option
        for section in sections
        if section.name == name
        for option in section.options
        if option.key == key.lower()
    ]


def _parse(lines: Sequence[str]) -> list[_Section]:
    sections: list[_Section] = []
    indent: int | None = None
    for number, line in enumerate(lines):
        content = line.strip()
        if not content or content[0] in "#;":
            continue
        depth = len(line) - len(line.lstrip())
        if indent is not None and depth > indent:
            *options, last = sections[-1].options
            longer = replace(
                last, value=f"{last.value}\n{content}", continued=(*last.continued, number)
            )
            sections[-1] = replace(sections[-1], options=(*options, longer))
        elif header := _SECTION.match(content):
            sections.append(_Section(header["name"], number))
            indent = None
        elif sections and (found := _OPTION.match(line.rstrip())):
            option = _Option(found["key"].lower(), found["value"], number)
            sections[-1] = replace(sections[-1], options=(*sections[-1].options, option))
            indent = depth
        if sections:
            sections[-1] = replace(sections[-1], last=number)
    return sections


def _replace(lines: list[str], option: _Option, value: str) -> None:
    """Put a value in the place of another; the lines on which that went on become empty texts."""
    line = lines[option.line]
    body = line.rstrip()
    tail = line[len(body) :]
    found = _OPTION.match(body)
    if found is None:
        raise ValueError(f"line {option.line} holds no option")
    gap = found["gap"]
    if not found["value"]:
        # The spaces after the delimiter are at the line's end.
        ending = tail.lstrip(" \t")
        gap, tail = tail[: len(tail) - len(ending)] or (" " if found["before"] else ""), ending
    lines[option.line] = body[: found.end("delimiter")] + gap + value + tail
    for number in option.continued:
        lines[number] = ""


def _add(lines: list[str], place: int | None, section: str, line: str) -> None:
    newline = newline_of("".join(lines))
    added = [line + newline]
    if place is None:
        place = len(lines)
        added.insert(0, f"[{section}]{newline}")
    if place and not lines[place - 1].endswith(("\n", "\r")):
        lines[place - 1] += newline
    lines[place:place] = added
