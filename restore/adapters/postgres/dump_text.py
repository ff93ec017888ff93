"""Reads single statements of a dump: database properties, tables, extensions, roles. Pure.

They are looked at as pg_dump writes them, one statement or its first line at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from restore.model import DatabaseLocale

# The names in single statements, as ``name_in`` and ``table_in`` read them.
_PART: Final = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
CREATED_TABLE: Final = re.compile(
    rf"CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?(?P<name>{_PART}(?:\.{_PART})?) ?\("
)
COPIED_TABLE: Final = re.compile(
    rf"COPY (?P<name>{_PART}(?:\.{_PART})?) +(?:\({_PART}(?:, {_PART})*\) +)?"
    r"(?:WITH OIDS +)?FROM stdin;\Z",
    re.I,
)
EXTENSION: Final = re.compile(rf"CREATE EXTENSION (?:IF NOT EXISTS )?(?P<name>{_PART})")
SEARCH_PATH: Final = re.compile(rf"SET search_path = (?P<name>{_PART})")
CLIENT_ENCODING: Final = re.compile(r"SET client_encoding = '(?P<name>[^']+)'")
_DATABASE: Final = re.compile(r"CREATE DATABASE ")
DATABASE_OWNER: Final = re.compile(rf"ALTER DATABASE {_PART} OWNER TO (?P<name>{_PART});")
_PROPERTY: Final = re.compile(
    r"\b(ENCODING|(?:ICU_|BUILTIN_)?LOCALE|LC_COLLATE|LC_CTYPE|ICU_RULES) = '((?:[^']|'')*)'"
)
_PROVIDER: Final = re.compile(r"\bLOCALE_PROVIDER = (libc|icu|builtin)\b")

# In the order of pg_dump: what comes before the role may hold any name, so the last one counts.
_ROLES: Final = (
    re.compile(rf"^ALTER ROLE (?P<name>{_PART}) IN DATABASE "),
    re.compile(rf"^ALTER .* OWNER TO (?P<name>{_PART});"),
    re.compile(rf"^GRANT .* TO (?P<name>{_PART})(?: WITH GRANT OPTION)?(?: GRANTED BY .*)?;"),
    re.compile(rf"^REVOKE .* FROM (?P<name>{_PART})(?: GRANTED BY .*)?(?: CASCADE)?;"),
    re.compile(rf"^ALTER DEFAULT PRIVILEGES FOR ROLE (?P<name>{_PART}) .*;"),
    re.compile(rf"^ALTER DEFAULT PRIVILEGES .* TO (?P<name>{_PART})(?: WITH GRANT OPTION)?;"),
    re.compile(rf"^ALTER DEFAULT PRIVILEGES .* FROM (?P<name>{_PART});"),
    re.compile(r"^SET SESSION AUTHORIZATION '(?P<text>(?:[^']|'')+)';"),
    re.compile(rf"^SET SESSION AUTHORIZATION (?P<name>{_PART});"),
)
_NO_ROLES: Final = frozenset({"", "PUBLIC", "DEFAULT", "CURRENT_USER", "SESSION_USER"})


@dataclass(frozen=True, slots=True)
class DatabaseProperties:
    """The options of ``CREATE DATABASE``; empty where the statement has none."""

    encoding: str = ""
    collate: str = ""
    ctype: str = ""
    locale: DatabaseLocale | None = None


def bare(name: str) -> str:
    """A name without its quotes."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def name_in(pattern: re.Pattern[str], text: str) -> str | None:
    """The name, without its quotes, in a statement that begins as one of the patterns above."""
    found = pattern.match(text)
    return bare(found["name"]) if found else None


def table_in(pattern: re.Pattern[str], line: str, schema: str) -> tuple[str, str] | None:
    """Schema and name of the table in a line; ``schema`` where the line says none."""
    found = pattern.match(line)
    if found is None:
        return None
    parts = [bare(part) for part in re.findall(_PART, found["name"])]
    return (parts[0], parts[1]) if len(parts) == 2 else (schema, parts[0])


def database_properties(statement: str) -> DatabaseProperties | None:
    """Read the options of ``CREATE DATABASE``; None for any other statement."""
    if not _DATABASE.match(statement):
        return None
    found = {key: value.replace("''", "'") for key, value in _PROPERTY.findall(statement)}
    locale = found.get("LOCALE", "")
    return DatabaseProperties(
        found.get("ENCODING", ""),
        found.get("LC_COLLATE", locale),
        found.get("LC_CTYPE", locale),
        _database_locale(statement, found),
    )


def _database_locale(statement: str, found: Mapping[str, str]) -> DatabaseLocale | None:
    provider = _PROVIDER.search(statement)
    if provider is None:
        return None
    name = found.get("ICU_LOCALE", "") or found.get("BUILTIN_LOCALE", "")
    return DatabaseLocale(provider[1], name, found.get("ICU_RULES", ""))


def roles_in(statement: str) -> Iterator[str]:
    """Yield the roles that statements, one a line, grant to, revoke from or make owners."""
    for line in statement.splitlines():
        for pattern in _ROLES:
            if found := pattern.match(line):
                groups = found.groupdict()
                text = groups.get("text")
                name = text.replace("''", "'") if text else bare(groups["name"])
                if groups.get("name", "") not in _NO_ROLES or text:
                    yield name
