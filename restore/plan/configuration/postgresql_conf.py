"""``postgresql.conf`` as PostgreSQL reads it: keys have no case, and the last of two equal wins."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from restore.plan.configuration.ini import newline_of

_SETTING: Final = re.compile(
    r"[ \t\r]*(?P<key>[A-Za-z_][\w$]*(?:\.[A-Za-z_][\w$]*)*)(?:[ \t\r]*=[ \t\r]*|[ \t\r]+|(?='))"
    r"(?P<value>'(?:[^'\\\n]|\\.|'')*'|[^\s#'=]+)"
)
_ESCAPE: Final = re.compile(r"''|\\.")
_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def postgresql_value(text: str, key: str) -> str | None:
    """The value of a key, without its quotes; None when it is absent or commented out."""
    value = None
    for line in text.split("\n"):
        found = _SETTING.match(line)
        if found and found["key"].lower() == key:
            value = unquote(found["value"])
    return value


def append_lines(text: str, lines: Sequence[str]) -> str:
    """Add whole lines at the end, where a setting wins over those above."""
    newline = newline_of(text)
    head = text if not text or text.endswith("\n") else text + newline
    return head + "".join(line + newline for line in lines)


def leave_out(text: str, keys: frozenset[str], why: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Comment out every line that sets one of the keys; also return those keys and values."""
    lines: list[str] = []
    gone: list[tuple[str, str]] = []
    for line in text.split("\n"):
        found = _SETTING.match(line)
        if found and found["key"].lower() in keys:
            gone.append((found["key"].lower(), unquote(found["value"])))
            lines += (_like(line, f"# {why}"), f"#{line}")
        else:
            lines.append(line)
    return "\n".join(lines), tuple(gone)


def hide(text: str, keys: frozenset[str], why: str) -> tuple[str, frozenset[str]]:
    """Take out every line that holds a value of one of the keys, commented out or not.

    Also return the keys that were set. The values are gone from the text: they may be secrets.
    """
    lines: list[str] = []
    gone: set[str] = set()
    for line in text.split("\n"):
        bare = line.lstrip("# \t")
        found = _SETTING.match(bare)
        if not found or found["key"].lower() not in keys or not unquote(found["value"]):
            lines.append(line)
            continue
        if bare == line.lstrip():
            gone.add(found["key"].lower())
        lines.append(_like(line, f"# {found['key'].lower()}: {why}"))
    return "\n".join(lines), frozenset(gone)


def _like(line: str, text: str) -> str:
    """A line with the same line ending as another."""
    return text + ("\r" if line.endswith("\r") else "")


def quote(value: str) -> str:
    """A value quoted for ``postgresql.conf``."""
    if re.fullmatch(r"[A-Za-z0-9_]+", value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def unquote(value: str) -> str:
    """A value of ``postgresql.conf`` without its quotes."""
    if not value.startswith("'"):
        return value

    def plain(found: re.Match[str]) -> str:
        return "'" if found[0] == "''" else _ESCAPES.get(found[0][1], found[0][1])

    return _ESCAPE.sub(plain, value[1:-1])
