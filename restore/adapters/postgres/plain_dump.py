"""Reads plain dumps (SQL that ``psql`` runs): their facts, and whether they are safe to run.

psql runs commands of its own in such a file (``\\!`` starts a program) and ends well on a dump
that was cut. So each is read to its end, followed as psql's own lexer does: line by line, in and
out of quotes, dollar quotes, comments, parentheses and bodies of functions. The last word of
pg_dump must be there, and no command but ``\\restrict``, which needs a recent psql and is left out,
as is all that ``pg_dump --create`` says of the database itself: it has another name yet.

What versions of psql read differently is refused, as is what fills in psql's variables. What a
statement makes of psql's reading while it runs (another encoding, other rules for backslashes),
no text tells: ``guarded`` asks the server after each statement.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Final, NoReturn

from restore.adapters.postgres import dump_text
from restore.adapters.postgres.dump_text import DatabaseProperties
from restore.adapters.streams import CHUNK
from restore.errors import DamagedGenerationError
from restore.model import TableFacts

END: Final = b"-- PostgreSQL database dump complete"
CLUSTER: Final = b"-- PostgreSQL database cluster dump"

_LONGEST_PIECE: Final = 1 << 20
"""Bytes of a line looked at together: a row may be of any length."""

_LONGEST_TOKEN: Final = 4096
"""Bytes of a name, a number or a run of spaces at the end of a piece; those of a dump are short."""

_COMMENT: Final = b"-- "
_SERVER: Final = re.compile(r"-- Dumped from database version (.+)")
_TOOL: Final = re.compile(r"-- Dumped by pg_dump version (.+)")
_ALLOWED: Final = re.compile(rb"\\(?:un)?restrict [A-Za-z0-9]+\s*$")
_CONNECT: Final = re.compile(rb"\\connect\b")
_STRINGS: Final = {
    b"SET standard_conforming_strings = off;": True,
    b"SET standard_conforming_strings = on;": False,
}
"""Whether backslashes count in texts from the next line on."""
_ABOUT_DATABASE: Final = re.compile(
    rb"(?:CREATE|ALTER) DATABASE |COMMENT ON DATABASE |SECURITY LABEL FOR \S+ ON DATABASE "
    rb"|ALTER ROLE (?:\"(?:[^\"]|\"\")+\"|\S+) IN DATABASE |(?:GRANT|REVOKE) [A-Z, ]+ ON DATABASE "
)
_COMMENT_ENDS: Final = re.compile(rb"/\*|\*/")
_ESCAPED: Final = re.compile(rb"(?:[^'\\]+|\\.|'')*", re.S)
_LONE_RETURN: Final = re.compile(rb"\r(?!\n)")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

_NEVER: Final = frozenset(
    {b"call", b"declare", b"do", b"execute", b"listen", b"load", b"notify", b"prepare"}
)
"""First words of statements that run what is in them, or load a library: pg_dump writes none."""

_RUNS: Final = frozenset(
    {b"select", b"table", b"update", b"values", b"with", b"delete", b"insert", b"explain"}
)
_OUTSIDE: Final = re.compile(
    rb"(?:pg_(?:read|ls|file|logfile|stat_file|reload|rotate|terminate|cancel|promote|switch"
    rb"|create_restore_point|start|stop|backup|advisory)\w*|lo_(?:import|export)|dblink\w*"
    rb"|query_to_xml\w*|database_to_xml\w*)"
)
"""Functions that reach files, other servers or the server itself; a view may name them."""
_UNTRUSTED: Final = re.compile(
    rb"(?:pl(?:perl|python2?|python3|tcl)u|plsh|pljavau?|plv8u|plr|plrustu?|adminpack|file_fdw"
    rb"|http|pg_background|plproxy)(?![\w$])",
    re.I,
)
"""Languages and extensions through which SQL reaches files, programs or the network."""

# The tokens of psql's lexer outside of quotes and comments, as far as they tell where it is.
_TOKEN: Final = re.compile(
    rb"""
      (?P<space>(?:[ \t\n\f\v]|\r(?=\n))+)
    | (?P<comment>--)
    | (?P<long>/\*)
    | (?P<escaped>[eE]')
    | (?P<bare>(?:[bBxX]|[uU]&)')
    | (?P<word>[A-Za-z_\x80-\xff][A-Za-z0-9_$\x80-\xff]*)
    | (?P<number>[0-9](?:[eE][+-]|[A-Za-z0-9_.$\x80-\xff])*)
    | (?P<dollar>\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$)
    | (?P<parameter>\$[0-9]+[A-Za-z_$\x80-\xff]?)
    | (?P<cast>::|:=)
    | (?P<partial>(?::['"]|\$)[A-Za-z0-9_\x80-\xff]*\Z)
    | (?P<variable>:(?:(?P<mark>['"]?)[A-Za-z0-9_\x80-\xff]+(?P=mark)|\{))
    | (?P<quote>['"])
    | (?P<open>\(+)
    | (?P<close>\)+)
    | (?P<end>;)
    | (?P<command>\\)
    | (?P<return>\r)
    | (?P<other>.)
    """,
    re.X | re.S,
)
# Tokens that tell nothing once a statement's first words are known: many are taken at once.
_PLAIN: Final = re.compile(
    rb"""
    (?:
      [ \t\n]+ | [,=.<>\[\]] | :: | -(?!-) | \([0-9,\ ]*\)
    | [0-9]+(?:\.[0-9]+)?(?![0-9A-Za-z_.$'"\x80-\xff])
    | (?!(?i:pg_|lo_|dblink|query_to|database_to|language|begin|case|end|copy))
      [A-Za-z_][A-Za-z0-9_]*(?![A-Za-z0-9_$'"&\x80-\xff])
    | '[^'\\\r\n]*'(?!') | "[^"\r\n]*"(?!")
    )+
    """,
    re.X,
)
_FIRST_WORDS: Final = 4
_NUMBER: Final = re.compile(rb"[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
_SPECIAL_VARIABLE: Final = re.compile(rb":['\"]?[A-Z][A-Z0-9_]*['\"]?|:\{")
_UNSAFE_ENCODINGS: Final = ("BIG5", "GB18030", "GBK", "JOHAB", "SHIFT_JIS_2004", "SJIS", "UHC")
"""Those whose characters hold bytes that are signs of SQL in others."""

_GUARD: Final = """\
SELECT CAST(CASE WHEN pg_catalog.current_setting('standard_conforming_strings') \
OPERATOR(pg_catalog.=) '{strings}' AND pg_catalog.array_position(CAST(ARRAY[{encodings}] AS \
pg_catalog.text[]), CAST(pg_catalog.pg_client_encoding() AS pg_catalog.text)) IS NULL THEN '0' \
ELSE 'the dump changed how psql reads it' END AS pg_catalog.int4); """


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
    for piece, whole in _pieces(stream):
        scanner.feed(piece, whole)
    return scanner.finish()


def require_harmless(statements: str, name: str) -> None:
    """Refuse statements of an archive that act outside of the database they are for.

    Raises:
        DamagedGenerationError: names the statement.
    """
    scanner = _Definition(name)
    for line in statements.encode("utf-8", "surrogateescape").splitlines(keepends=True):
        scanner.follow(line)


def replayable(stream: IO[bytes], name: str, hidden: frozenset[int]) -> Iterator[bytes]:
    """Yield the dump as any psql runs it into a database that is there.

    Hidden lines become comments, so that psql's errors name the right lines.
    """
    number = 1
    begins = True
    for piece, whole in _pieces(stream):
        if begins and number in hidden:
            yield _COMMENT
        yield piece
        begins = whole
        number += whole


def replayable_size(facts: PlainFacts) -> int:
    """Bytes of what ``replayable`` yields."""
    return facts.size + len(facts.hidden) * len(_COMMENT)


def guarded(stream: IO[bytes], name: str, restrict: str | None) -> Iterator[bytes]:
    """Yield a dump that was made replayable to a psql, each piece once it is known to be safe.

    Args:
        restrict: key for psql's own ``\\restrict``; None when it knows none. Then the server is
            asked after each statement whether psql still reads as this module does.

    Raises:
        DamagedGenerationError: the dump holds a command for psql, or was cut.
    """
    scanner = _Scanner(name)
    parts: list[bytes] = []
    held, begins, first = 0, True, True
    for piece, whole in _pieces(stream):
        before = b"" if restrict is not None or not begins else scanner.guard()
        scanner.feed(piece, whole)
        if scanner.hides:
            raise scanner.refused("is not as it was imported", "import the backup again")
        shown = piece
        if first:
            shown = piece.removeprefix(_BYTE_ORDER_MARK)
        if first and restrict is not None:
            before = f"\\restrict {restrict}\n".encode()
            # pg_dump begins with an empty comment: the numbers of lines stay.
            shown = shown.removeprefix(b"--\n")
        parts.append(before + shown)
        held += len(piece)
        if held >= CHUNK:
            yield b"".join(parts)
            parts, held = [], 0
        begins, first = whole, False
    scanner.finish()
    yield b"".join(parts)


def _pieces(stream: IO[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Lines, long ones in pieces; the second value says whether the line ends there."""
    while piece := stream.readline(_LONGEST_PIECE):
        yield piece, piece.endswith(b"\n")


class _Scanner:
    """Follows a dump line by line as psql reads it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._facts = PlainFacts()
        self._inside: Callable[[bytes, int, bool], int] | None = None
        self._mark = b""
        self._comments = 0
        self._held = b""
        self._old_strings = self._old_strings_next = False
        self._copying: tuple[str, str] | None = None
        self._schema = "public"
        self._line = 1
        self._broken_off = False
        self._begins = True
        self._ended = False
        self._hiding = False
        self._last: tuple[str, str] | None = None
        self._partitioned: set[tuple[str, str]] = set()
        # The statement that is open: its first words, parentheses, bodies of functions.
        self._words: list[bytes] = []
        self._before = b""
        self._started = False
        self._parentheses = 0
        self._bodies = 0
        self._body_begins = False
        self._next_in_body = False
        self._ended_on_line = False
        self._unasked = False

    def feed(self, piece: bytes, whole: bool) -> None:
        """Take the next piece of a line."""
        self._facts.size += len(piece)
        self._broken_off = not whole and len(piece) < _LONGEST_PIECE
        if b"\0" in piece:
            raise self.refused(
                f"line {self._line} holds a zero byte, which no SQL does",
                "it was damaged, or is no dump; choose another backup",
            )
        if self._copying is not None:
            self._row(self._copying, piece, whole)
        else:
            if self._line == 1 and self._begins:
                piece = piece.removeprefix(_BYTE_ORDER_MARK)
            self._sql(piece, whole)
            # As psql does, it follows a line by the rules that held at its beginning.
            if whole:
                self._old_strings = self._old_strings_next
        self._line += whole
        self._begins = whole

    def finish(self) -> PlainFacts:
        """The facts, once the last line was taken."""
        if self._held:
            self._follow(b"", True)
        inside = self._inside not in (None, self._line_comment)
        open_ = self._started or inside or self._copying is not None
        if open_ or not self._ended:
            raise self._cut()
        for table in self._partitioned:
            self._facts.tables.pop(table, None)
        return self._facts

    @property
    def hides(self) -> bool:
        """Whether it has met a line that psql must not be given."""
        return bool(self._facts.hidden)

    def guard(self) -> bytes:
        """What asks the server whether psql still reads as this does; empty while nothing ran."""
        if not self._unasked or self._copying is not None:
            return b""
        self._unasked = False
        encodings = ", ".join(f"'{name}'" for name in _UNSAFE_ENCODINGS)
        strings = "off" if self._old_strings else "on"
        return _GUARD.format(strings=strings, encodings=encodings).encode()

    def refused(self, problem: str, hint: str) -> DamagedGenerationError:
        return DamagedGenerationError(f"{self._name}: {problem}", hint)

    def _sql(self, piece: bytes, whole: bool) -> None:
        copied = None
        if self._begins and self._inside is None:
            fresh = not self._started and not self._held
            copied = self._statement(piece, fresh and whole)
            if fresh and _ABOUT_DATABASE.match(piece):
                self._hiding = True
            elif fresh and self._is_left_out(piece):
                self._facts.hidden |= {self._line}
                return
        hiding = self._hiding
        if hiding:
            self._facts.hidden |= {self._line}
            if _LONE_RETURN.search(piece):
                self._unclear("a carriage return in what is said of the database")
        # A COPY's rows begin on the next line.
        if copied is None:
            self._follow(piece, whole)
        else:
            self._copying, self._unasked = copied, True
        if whole and self._ended_on_line:
            if self._inside not in (None, self._line_comment) or self._started:
                self._unclear("the beginning of another statement after the end of one")
            self._ended_on_line = self._hiding = False

    def _row(self, table: tuple[str, str], piece: bytes, whole: bool) -> None:
        if self._begins and piece in (b"\\.\n", b"\\.\r\n", b"\\."):
            self._copying = None
        elif whole:
            self._facts.tables[table] = (self._facts.tables[table] or 0) + 1

    def _statement(self, piece: bytes, fresh: bool) -> tuple[str, str] | None:
        """Look at a line on which a statement may begin; the table whose rows come next."""
        line = piece.decode("utf-8", "surrogateescape").rstrip("\r\n")
        facts = self._facts
        if line.startswith("--"):
            self._comment(piece, line)
            return None
        if line and not line.startswith("\\"):
            self._ended = False
        if fresh and (old := _STRINGS.get(piece.rstrip())) is not None:
            self._old_strings_next = old
        elif fresh and (copied := dump_text.table_in(dump_text.COPIED_TABLE, line, self._schema)):
            facts.tables[copied] = 0
            return copied
        elif created := dump_text.table_in(dump_text.CREATED_TABLE, line, self._schema):
            self._last = created
            facts.tables.setdefault(created, None)
        elif line.startswith("PARTITION BY ") and self._last is not None:
            # It holds no row itself.
            self._partitioned.add(self._last)
        elif (found := dump_text.database_properties(line)) is not None:
            if facts.properties is not None:
                raise self.refused("makes two databases", "dump each database by itself")
            facts.properties = found
        else:
            self._property(line)
        return None

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
            raise self.refused(
                "is a dump of a whole server", "dump each database by itself, with pg_dump"
            )
        if piece.startswith(END):
            self._ended = True
        elif found := _SERVER.fullmatch(line):
            self._facts.server_version = found[1]
        elif found := _TOOL.fullmatch(line):
            self._facts.dump_version = found[1]

    def _is_left_out(self, piece: bytes) -> bool:
        """Whether a line is a command for psql that a dump may hold."""
        if _LONE_RETURN.search(piece) or not piece.endswith(b"\n"):
            return False
        facts = self._facts
        made = facts.properties is not None and not facts.tables
        return bool(_ALLOWED.match(piece) or (made and _CONNECT.match(piece)))

    def _follow(self, piece: bytes, whole: bool) -> None:
        """Go through a piece, in and out of quotes and comments; hold what its end leaves open."""
        text, position = self._held + piece, 0
        while position < len(text):
            if self._inside is not None:
                after = self._inside(text, position, whole)
                if after == position:
                    break
            elif self._is_known() and (after := _plain_end(text, position, whole)) > position:
                self._before = b""
            elif (found := _TOKEN.match(text, position)) is not None:
                after = found.end()
                if after == len(text) and not whole:
                    break
                self._enter(text, found)
            position = after
        self._held = text[position:]
        if len(self._held) > _LONGEST_TOKEN:
            self._unclear("a run of signs that no dump has")
        if whole and self._inside == self._line_comment:
            self._inside = None

    def _is_known(self) -> bool:
        """Whether a statement's kind is known, and what comes next is no name that counts."""
        return (
            len(self._words) == _FIRST_WORDS
            and not (self._body_begins or self._next_in_body)
            and not self._names_language()
        )

    def _enter(self, text: bytes, found: re.Match[bytes]) -> None:
        """Take a token, and go into what it begins."""
        token = found[0]
        kind = "variable" if found["variable"] is not None else str(found.lastgroup)
        if kind == "space":
            return
        if kind in ("comment", "long"):
            self._inside = self._line_comment if kind == "comment" else self._long_comment
            self._comments = 1
            return
        if self._body_begins and (kind != "word" or token.lower() != b"atomic"):
            self._unclear("BEGIN without ATOMIC in what makes a function")
        self._body_begins = False
        if kind == "end":
            self._end_statement()
            return
        if kind == "word":
            self._word(token.lower())
        self._started, self._next_in_body = True, False
        if kind in ("quote", "escaped", "bare", "dollar"):
            untrusted = _UNTRUSTED.match(text, found.end())
            if untrusted and self._names_language():
                self._deny(untrusted[0])
            self._before = b""
            self._enter_text(kind, token)
        elif kind == "open":
            self._parentheses += len(token)
        elif kind == "close":
            self._parentheses = max(0, self._parentheses - len(token))
        elif kind == "command":
            self._command(text, found.start())
        else:
            self._require_clear(kind, token, text[found.end() : found.end() + 1])

    def _enter_text(self, kind: str, token: bytes) -> None:
        old = self._old_strings
        if kind == "bare" and old and token[:1] in b"uU":
            self._unclear("U&'…' beside old strings")
        if kind == "escaped" or (token == b"'" and old):
            self._inside = self._escaped_text
        else:
            self._inside = self._until_mark
            self._mark = b"'" if kind == "bare" else token

    def _require_clear(self, kind: str, token: bytes, after: bytes) -> None:
        """Refuse what versions of psql take for different tokens, or replace by something else."""
        shown = token[:40].decode(errors="replace")
        if kind == "return":
            self._unclear("a carriage return within a line")
        if kind == "parameter" and not token[1:].isdigit():
            self._unclear(f"{shown}, a parameter and more")
        if kind == "number" and (not _NUMBER.fullmatch(token) or after in (b"'", b'"')):
            self._unclear(f"{shown}, a number and more")
        if kind == "variable" and _SPECIAL_VARIABLE.fullmatch(token):
            self._unclear(f"{shown}, which psql replaces by a value")

    def _word(self, word: bytes) -> None:
        """Take a word: those of statements that make functions tell where their bodies are."""
        if word == b"copy" and (not self._started or self._next_in_body):
            self._unclear("a COPY that pg_dump does not write")
        untrusted = _UNTRUSTED.fullmatch(word) and self._names_language()
        if len(self._words) < _FIRST_WORDS:
            self._words.append(word)
        first = self._words[0]
        runs = first in _RUNS and _OUTSIDE.fullmatch(word)
        system = self._words == [b"alter", b"system"]
        if untrusted or runs or system or (first is word and word in _NEVER):
            self._deny(b" ".join(self._words) if system else word)
        self._before = word
        kinds = (b"function", b"procedure")
        words = self._words
        makes = words[0] == b"create" and (
            (len(words) > 1 and words[1] in kinds)
            or (len(words) > 3 and words[1:3] == [b"or", b"replace"] and words[3] in kinds)
        )
        if not makes or self._parentheses:
            return
        if word == b"begin":
            self._bodies += 1
            self._body_begins = True
        elif word == b"case" and self._bodies:
            self._bodies += 1
        elif word == b"end" and self._bodies:
            self._bodies -= 1

    def _names_language(self) -> bool:
        """Whether what comes next is the name of a language or of an extension."""
        return self._before == b"language" or self._words[:2] == [b"create", b"extension"]

    def _deny(self, what: bytes) -> NoReturn:
        shown = what.decode(errors="replace")
        raise self.refused(
            f"line {self._line} runs or reaches what is no part of a database ({shown})",
            "if it is production's own, recover it by hand: its server is no more than this dump's",
        )

    def _end_statement(self) -> None:
        if self._parentheses:
            return
        if self._bodies:
            self._next_in_body = True
            return
        self._words.clear()
        self._before = b""
        self._started = False
        self._ended_on_line = self._unasked = True

    def _command(self, text: bytes, start: int) -> NoReturn:
        command = text[start : start + 200].decode("utf-8", "replace").strip()[:60]
        raise self.refused(
            f"line {self._line} is a command for psql ({command}), which may do anything",
            "a dump holds no such command: dump one database again, with pg_dump",
        )

    def _cut(self) -> DamagedGenerationError:
        return DamagedGenerationError(
            f'{self._name} was cut: pg_dump\'s last line, "{END.decode()}", is not there',
            "its copy broke off, or pg_dump was stopped; choose another backup",
        )

    def _unclear(self, what: str) -> NoReturn:
        if self._broken_off:
            raise self._cut()
        raise self.refused(
            f"line {self._line} holds {what}: psql may read it otherwise than it looks",
            "pg_dump writes no such line: dump one database again, with pg_dump",
        )

    # Each goes on in what it is named after: from a position, to the one after what it has read.
    # The same position: it needs what comes next in the line.

    def _until_mark(self, text: bytes, position: int, whole: bool) -> int:
        # A doubled quote leaves and enters again at once.
        found = text.find(self._mark, position)
        if found >= 0:
            self._inside = None
            return found + len(self._mark)
        return len(text) if whole else max(position, len(text) - len(self._mark) + 1)

    def _escaped_text(self, text: bytes, position: int, whole: bool) -> int:
        found = _ESCAPED.match(text, position)
        after = len(text) if found is None else found.end()
        if after == len(text) or (after == len(text) - 1 and not whole):
            # The line ends, or the next piece tells whether this quote or backslash is the last.
            return after
        self._inside = None
        return after + 1

    def _long_comment(self, text: bytes, position: int, whole: bool) -> int:
        for found in _COMMENT_ENDS.finditer(text, position):
            self._comments += 1 if found[0] == b"/*" else -1
            position = found.end()
            if not self._comments:
                self._inside = None
                return position
        return len(text) if whole else max(position, len(text) - 1)

    def _line_comment(self, text: bytes, position: int, whole: bool) -> int:
        if _LONE_RETURN.search(text[:-1] if not whole and text.endswith(b"\r") else text, position):
            self._unclear("a carriage return within a comment")
        return len(text) if whole or not text.endswith(b"\r") else max(position, len(text) - 1)


def _plain_end(text: bytes, position: int, whole: bool) -> int:
    """Where the tokens that tell nothing end; where they begin, when the last may go on."""
    found = _PLAIN.match(text, position)
    if found is None or (found.end() == len(text) and not whole):
        return position
    return found.end()


class _Definition(_Scanner):
    """Follows a definition in an archive: psql reads none, so that nothing is unclear in it."""

    def follow(self, line: bytes) -> None:
        """Take the next line."""
        self._follow(line, True)
        self._line += 1

    def _word(self, word: bytes) -> None:
        if word == b"copy" and not self._started:
            self._deny(word)
        super()._word(word)

    def _command(self, text: bytes, start: int) -> None:  # type: ignore[override]
        pass

    def _unclear(self, what: str) -> None:  # type: ignore[override]
        pass
