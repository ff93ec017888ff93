"""Reads the script of roles that ``pg_dumpall --globals-only`` writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from restore.errors import ReplayError

# The pieces that a semicolon must not be looked for in: quoted texts (with and without
# backslashes), quoted names, dollar-quoted texts, comments; psql's own commands fill a line.
_PIECE: Final = re.compile(
    r"""
      [eE]'(?:[^'\\]|\\.|'')*'
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | (?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?P=tag)
    | (?P<comment>--[^\n]*)
    | (?P<psql>^\\[^\n]*)
    | (?P<end>;)
    | [^\W\d][\w$]*
    | .
    """,
    re.X | re.S | re.M,
)
_NAME: Final = r"""(?:"(?P<quoted>(?:[^"]|"")*)"|(?P<plain>[\w$]+))"""
CREATE_ROLE: Final = re.compile(rf"CREATE\s+(?:ROLE|USER|GROUP)\s+{_NAME}", re.I)
_ALTER: Final = re.compile(rf"ALTER\s+(?:ROLE|USER)\s+{_NAME}", re.I)
_QUOTED: Final = re.compile(r'"(?:[^"]|"")*"')
_ALTER_IN_DATABASE: Final = re.compile(r"ALTER\s+(?:ROLE|USER)\s+\S+\s+IN\s+DATABASE\b", re.I)
_MEMBERSHIP: Final = re.compile(r"GRANT\b(?:(?!\bON\b).)*\bTO\b", re.I | re.S)
_COMMENT: Final = re.compile(r"COMMENT\s+ON\s+ROLE\b", re.I)


def role_statements(script: str, superuser: str) -> tuple[str, ...]:
    """Choose what of ``pg_dumpall``'s script concerns roles, except the superuser's attributes.

    Settings of sessions, tablespaces, databases and psql's own commands are left out.
    """
    return tuple(text for text in split_statements(script) if _concerns_roles(text, superuser))


def created_roles(script: str) -> frozenset[str]:
    """The names of the roles that ``pg_dumpall``'s script creates."""
    found = (CREATE_ROLE.match(statement) for statement in split_statements(script))
    return frozenset(_name_in(match) for match in found if match)


def split_statements(script: str) -> Iterator[str]:
    """Cut a script of SQL into statements, comments left out.

    Names and texts may hold semicolons, quotes and line breaks.
    """
    parts: list[str] = []
    for piece in _PIECE.finditer(script):
        if piece["comment"] is not None or piece["psql"] is not None:
            continue
        if piece["end"] is None:
            parts.append(piece[0])
            continue
        if statement := "".join(parts).strip():
            yield statement
        parts.clear()
    if statement := "".join(parts).strip():
        raise ReplayError(
            f"the roles' script ends within a statement: {first_words(statement)} …",
            "the script was cut: choose another generation",
        )


def _concerns_roles(statement: str, superuser: str) -> bool:
    # Names are taken out first: they may hold any word.
    bare = _QUOTED.sub('""', statement)
    if _ALTER_IN_DATABASE.match(bare):
        # The database does not exist yet; its archive holds these settings (see properties).
        return False
    if altered := _ALTER.match(statement):
        return _name_in(altered) != superuser
    return any(pattern.match(bare) is not None for pattern in (CREATE_ROLE, _MEMBERSHIP, _COMMENT))


def _name_in(match: re.Match[str]) -> str:
    quoted = match["quoted"]
    return quoted.replace('""', '"') if quoted is not None else match["plain"].lower()


def first_words(statement: str) -> str:
    """The first words of a statement: act and role, never a password."""
    for pattern in (CREATE_ROLE, _ALTER):
        if match := pattern.match(statement):
            return match[0]
    return " ".join(statement.split()[:4])
