"""Reads plain dumps (SQL that ``psql`` runs): their facts, and whether they are safe to run.

psql runs commands of its own in such a file (``\\!`` starts a program) and ends well on a dump
that was cut. So each is read to its end, quotes and comments followed as psql does: the last word
of pg_dump must be there, and no command but ``\\restrict``, which needs a recent psql and is left
out, as is all that ``pg_dump --create`` says of the database itself: it has another name yet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Final

from restore.adapters.postgres import dump_text
from restore.adapters.postgres.dump_text import DatabaseProperties
from restore.errors import DamagedGenerationError
from restore.model import TableFacts

END: Final = b"-- PostgreSQL database dump complete"
CLUSTER: Final = b"-- PostgreSQL database cluster dump"

_LONGEST_PIECE: Final = 1 << 20
"""Bytes of a line looked at together: a row may be of any length."""

_COMMENT: Final = b"-- "
_SERVER: Final = re.compile(r"-- Dumped from database version (.+)")
_TOOL: Final = re.compile(r"-- Dumped by pg_dump version (.+)")
_TOKEN: Final = re.compile(rb"--|/\*|'|\"|\\|\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$")
_ALLOWED: Final = re.compile(rb"\\(?:un)?restrict [A-Za-z0-9]+\s*$")
_CONNECT: Final = re.compile(rb"\\connect\b")
_OLD_STRINGS: Final = b"SET standard_conforming_strings = off;"
_ABOUT_DATABASE: Final = re.compile(
    rb"(?:CREATE|ALTER) DATABASE |COMMENT ON DATABASE |SECURITY LABEL FOR \S+ ON DATABASE "
    rb"|ALTER ROLE (?:\"(?:[^\"]|\"\")+\"|\S+) IN DATABASE |(?:GRANT|REVOKE) [A-Z, ]+ ON DATABASE "
)
_COMMENT_ENDS: Final = re.compile(rb"/\*|\*/")

# Where a long line must not be cut: within what only its next byte makes clear.
_UNCLEAR: Final = re.compile(rb"(?:['\"\\\-/*$eE]|\$[\w\x80-\xff]+)$")
_LONGEST_UNCLEAR: Final = 4096


@dataclass(slots=True)
class PlainFacts:
    """The facts in a plain dump. ``hidden`` are the numbers of lines that must not be run."""

    server_version: str = ""
    dump_version: str = ""
    encoding: str = ""
    owner: str = ""
    properties: DatabaseProperties | None = None
    extensions: list[str] = field(default_factory=list)
    roles: set[str] = field(default_factory=set)
    tables: dict[tuple[str, str], int | None] = field(default_factory=dict)
    hidden: frozenset[int] = frozenset()
    size: int = 0

    def table_facts(self) -> tuple[TableFacts, ...]:
        """The tables, by name; rows are those that the dump holds."""
        return tuple(
            TableFacts(schema, name, rows) for (schema, name), rows in sorted(self.tables.items())
        )


def scan(stream: IO[bytes], name: str) -> PlainFacts:
    """Read a plain dump to its end; ``name`` names it in errors.

    Raises:
        DamagedGenerationError: it was cut, holds a command for psql, or is no dump of one database.
    """
    scanner = _Scanner(name)
    for piece, whole in _pieces(stream, name):
        scanner.feed(piece, whole)
    return scanner.finish()


def replayable(stream: IO[bytes], name: str, hidden: frozenset[int]) -> Iterator[bytes]:
    """Yield the dump as any psql runs it into a database that is there.

    Hidden lines become comments, so that psql's errors name the right lines.
    """
    number = 1
    begins = True
    for piece, whole in _pieces(stream, name):
        if begins and number in hidden:
            yield _COMMENT
        yield piece
        begins = whole
        number += whole


def replayable_size(facts: PlainFacts) -> int:
    """Bytes of what ``replayable`` yields."""
    return facts.size + len(facts.hidden) * len(_COMMENT)


def _pieces(stream: IO[bytes], name: str) -> Iterator[tuple[bytes, bool]]:
    """Lines, long ones in pieces; the second value says whether the line ends there."""
    while piece := stream.readline(_LONGEST_PIECE):
        if len(piece) == _LONGEST_PIECE:
            while _UNCLEAR.search(piece, len(piece) - 80) and (more := stream.read(1)):
                piece += more
                if len(piece) > _LONGEST_PIECE + _LONGEST_UNCLEAR:
                    raise DamagedGenerationError(
                        f"{name} holds a run of quotes or signs that no dump has",
                        "choose another backup",
                    )
        yield piece, piece.endswith(b"\n")


class _Scanner:
    """Follows a dump line by line as psql reads it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._facts = PlainFacts()
        self._inside: Callable[[bytes, int], int] | None = None
        self._mark = b""
        self._depth = 0
        self._old_strings = False
        self._copying: tuple[str, str] | None = None
        self._schema = "public"
        self._line = 1
        self._begins = True
        self._ended = False
        self._hiding = False
        self._last: tuple[str, str] | None = None
        self._partitioned: set[tuple[str, str]] = set()
        self._before = b""

    def feed(self, piece: bytes, whole: bool) -> None:
        """Take the next piece of a line."""
        self._facts.size += len(piece)
        if b"\0" in piece:
            raise self._refused(
                f"line {self._line} holds a zero byte, which no SQL does",
                "it was damaged, or is no dump; choose another backup",
            )
        if self._copying is not None:
            self._row(self._copying, piece, whole)
        else:
            if self._begins and self._inside is None:
                self._statement(piece)
                self._hiding = self._hiding or _ABOUT_DATABASE.match(piece) is not None
            # A COPY's rows begin on the next line.
            self._follow(piece)
            if self._hiding:
                self._facts.hidden |= {self._line}
                self._hiding = self._inside is not None or not piece.rstrip().endswith(b";")
        self._line += whole
        self._begins = whole
        self._before = b"" if whole else piece[-2:]

    def finish(self) -> PlainFacts:
        """The facts, once the last line was taken."""
        inside = self._inside not in (None, self._line_comment)
        if self._copying is not None or inside or not self._ended:
            raise DamagedGenerationError(
                f'{self._name} was cut: pg_dump\'s last line, "{END.decode()}", is not there',
                "its copy broke off, or pg_dump was stopped; choose another backup",
            )
        for table in self._partitioned:
            self._facts.tables.pop(table, None)
        return self._facts

    def _row(self, table: tuple[str, str], piece: bytes, whole: bool) -> None:
        if self._begins and piece.rstrip(b"\r\n") == b"\\.":
            self._copying = None
        elif whole:
            self._facts.tables[table] = (self._facts.tables[table] or 0) + 1

    def _statement(self, piece: bytes) -> None:
        """Look at a line on which a statement may begin."""
        line = piece.decode("utf-8", "surrogateescape").rstrip("\r\n")
        facts = self._facts
        if line.startswith("--"):
            self._comment(piece, line)
            return
        if line and not line.startswith("\\"):
            self._ended = False
        if piece.startswith(_OLD_STRINGS):
            self._old_strings = True
        elif copied := dump_text.table_in(dump_text.COPIED_TABLE, line, self._schema):
            self._copying = copied
            facts.tables[copied] = 0
        elif created := dump_text.table_in(dump_text.CREATED_TABLE, line, self._schema):
            self._last = created
            facts.tables.setdefault(created, None)
        elif line.startswith("PARTITION BY ") and self._last is not None:
            # It holds no row itself.
            self._partitioned.add(self._last)
        elif (found := dump_text.database_properties(line)) is not None:
            if facts.properties is not None:
                raise self._refused("makes two databases", "dump each database by itself")
            facts.properties = found
        else:
            self._property(line)

    def _property(self, line: str) -> None:
        facts = self._facts
        facts.roles.update(dump_text.roles_in(line))
        if (encoding := dump_text.name_in(dump_text.CLIENT_ENCODING, line)) is not None:
            facts.encoding = encoding
        elif (extension := dump_text.name_in(dump_text.EXTENSION, line)) is not None:
            facts.extensions.append(extension)
        elif (schema := dump_text.name_in(dump_text.SEARCH_PATH, line)) is not None:
            self._schema = schema
        elif (owner := dump_text.name_in(dump_text.DATABASE_OWNER, line)) is not None:
            facts.owner = owner

    def _comment(self, piece: bytes, line: str) -> None:
        if piece.startswith(CLUSTER):
            raise self._refused(
                "is a dump of a whole server", "dump each database by itself, with pg_dump"
            )
        if piece.startswith(END):
            self._ended = True
        elif found := _SERVER.fullmatch(line):
            self._facts.server_version = found[1]
        elif found := _TOOL.fullmatch(line):
            self._facts.dump_version = found[1]

    def _follow(self, piece: bytes) -> None:
        """Go through a piece, in and out of quotes and comments."""
        position = 0
        while position < len(piece):
            if self._inside is not None:
                position = self._inside(piece, position)
                continue
            found = _TOKEN.search(piece, position)
            if found is None:
                return
            position = self._enter(piece, found)

    def _enter(self, piece: bytes, found: re.Match[bytes]) -> int:
        """Go into what a token begins; the position after it."""
        token = found[0]
        before = (self._before + piece)[: len(self._before) + found.start()][-2:]
        if token == b"'":
            after_e = before[-1:] in (b"e", b"E") and not _in_word(before[:-1])
            escaped = self._old_strings or after_e
            self._inside = self._escaped_text if escaped else self._until_mark
            self._mark = token
        elif token == b'"':
            self._inside, self._mark = self._until_mark, token
        elif token == b"/*":
            self._inside, self._depth = self._long_comment, 1
        elif token == b"--":
            self._inside = self._line_comment
        elif token == b"\\":
            self._command(piece, found.start())
            return len(piece)
        elif not _in_word(before):
            self._inside, self._mark = self._until_mark, token
        return found.end()

    def _command(self, piece: bytes, start: int) -> None:
        facts = self._facts
        if start == 0 and self._begins:
            made = facts.properties is not None and not facts.tables
            if _ALLOWED.match(piece) or (made and _CONNECT.match(piece)):
                facts.hidden |= {self._line}
                return
        command = piece[start:].decode("utf-8", "replace").strip()[:60]
        raise self._refused(
            f"line {self._line} is a command for psql ({command}), which may do anything",
            "a dump holds no such command: dump one database again, with pg_dump",
        )

    def _refused(self, problem: str, hint: str) -> DamagedGenerationError:
        return DamagedGenerationError(f"{self._name}: {problem}", hint)

    def _until_mark(self, piece: bytes, position: int) -> int:
        # A doubled quote leaves and enters again at once.
        found = piece.find(self._mark, position)
        if found < 0:
            return len(piece)
        self._inside = None
        return found + len(self._mark)

    def _escaped_text(self, piece: bytes, position: int) -> int:
        while position < len(piece):
            if piece[position : position + 1] == b"\\":
                position += 2
            elif piece[position : position + 1] == b"'":
                if piece[position + 1 : position + 2] != b"'":
                    self._inside = None
                    return position + 1
                position += 2
            else:
                position += 1
        return position

    def _long_comment(self, piece: bytes, position: int) -> int:
        for found in _COMMENT_ENDS.finditer(piece, position):
            self._depth += 1 if found[0] == b"/*" else -1
            if not self._depth:
                self._inside = None
                return found.end()
        return len(piece)

    def _line_comment(self, piece: bytes, _position: int) -> int:
        if piece.endswith(b"\n"):
            self._inside = None
        return len(piece)


def _in_word(before: bytes) -> bool:
    """Whether what follows these bytes belongs to the same word."""
    last = before[-1:]
    return last.isalnum() or last in (b"_", b"$") or last >= b"\x80"
