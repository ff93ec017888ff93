"""Dumps by others: what they say of themselves, and how they are found cut or harmful."""

from __future__ import annotations

import gzip
import io
import lzma
import random
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from restore.adapters.postgres import plain_dump
from restore.adapters.postgres.dump_text import roles_in
from restore.catalogue.compression import plain_stream
from restore.catalogue.dumps import created_at, dump_at
from restore.errors import DamagedGenerationError, NotFoundError
from restore.model import DumpForm, TableFacts
from tests.support.foreign_samples import ENTRIES, PLAIN, CustomDump

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def stored(path: Path) -> dict[str, bytes]:
    """The files of a dump as they would be stored."""
    found = {}
    for file in dump_at(path).files():
        with file.open() as content:
            pieces = iter(lambda content=content: content.read(1000), b"")  # type: ignore[misc]
            found[file.path] = b"".join(pieces)
    return found


def test_a_plain_dump_tells_what_it_holds(tmp_path: Path) -> None:
    dump = dump_at(written(tmp_path / "x.sql", PLAIN))
    facts = dump.facts
    assert dump.form is DumpForm.PLAIN
    assert facts.server_version == "13.23 (Debian 13.23-0+deb11u1)"
    assert (facts.encoding, facts.collate, facts.owner) == ("UTF8", "", "")
    assert facts.extensions == ("unaccent",)
    assert facts.roles == ("openerp", "re porting")
    assert facts.tables == (
        TableFacts("public", 'Odd "one"', 0),
        TableFacts("public", "res_partner", 3),
    )


def test_a_plain_dump_is_stored_without_commands_for_psql(tmp_path: Path) -> None:
    path = written(tmp_path / "x.sql", PLAIN)
    (content,) = stored(path).values()
    expected = PLAIN.replace(b"\n\\restrict aB3xyz", b"\n-- \\restrict aB3xyz", 1)
    expected = expected.replace(b"\n\\unrestrict", b"\n-- \\unrestrict")
    assert content == expected
    assert b"\n\\restrict in a text\n" in content
    assert len(content) == dump_at(path).size


@pytest.mark.parametrize("kind", COMPRESSIONS)
def test_a_compressed_dump_is_read_and_a_cut_one_is_told(kind: str, tmp_path: Path) -> None:
    compressed = COMPRESSIONS[kind](PLAIN)
    whole = written(tmp_path / "whole", compressed)
    assert dump_at(whole).facts == dump_at(written(tmp_path / "plain", PLAIN)).facts
    for size in (len(compressed) - 1, len(compressed) // 2, 20):
        with pytest.raises(DamagedGenerationError, match=f"{kind}.* was cut"):
            dump_at(written(tmp_path / "cut", compressed[:size]))


@pytest.mark.parametrize("kind", COMPRESSIONS)
def test_a_dump_that_was_cut_before_it_was_compressed_is_told(kind: str, tmp_path: Path) -> None:
    path = written(tmp_path / "cut", COMPRESSIONS[kind](PLAIN[: len(PLAIN) // 2]))
    with pytest.raises(DamagedGenerationError, match="was cut: pg_dump's last line"):
        dump_at(path)


@pytest.mark.parametrize("kind", COMPRESSIONS)
@settings(max_examples=15, deadline=None)
@given(parts=st.lists(st.binary(max_size=200_000), min_size=1, max_size=3))
def test_several_frames_are_one_stream(kind: str, parts: list[bytes]) -> None:
    # gzip and friends append to a file so.
    compressed = b"".join(COMPRESSIONS[kind](part) for part in parts)
    assert plain_stream(io.BytesIO(compressed), "x").read() == b"".join(parts)


def test_damage_in_compressed_data_is_told(tmp_path: Path) -> None:
    for kind, compress in COMPRESSIONS.items():
        data = bytearray(compress(random.Random(1).randbytes(50_000)))  # noqa: S311
        data[len(data) // 2] ^= 0xFF
        with pytest.raises(DamagedGenerationError, match=kind):
            dump_at(written(tmp_path / kind, bytes(data)))


@given(st.integers(0, len(PLAIN) - 30))
def test_a_plain_dump_cut_anywhere_is_told(size: int) -> None:
    # Its last word is 25 bytes before its end.
    with pytest.raises(DamagedGenerationError):
        plain_dump.scan(io.BytesIO(PLAIN[: min(size, PLAIN.rindex(b"complete"))]), "x")


COMMANDS = [
    b"\\! touch /tmp/harm",
    b"SELECT 1 \\! touch /tmp/harm",
    b"\\i /etc/passwd",
    b"\\copy public.x FROM PROGRAM 'harm'",
    b"SELECT 'a' \\gexec",
    b"\\restrict x\\! harm",
    b"/* a /* b */ c */ \\! harm",
    b"SELECT $a$ ' $a$ \\! harm",
    b"SELECT 'it''s' \\! harm",
    b"SELECT E'\\'' \\! harm",
    b'SELECT 1 AS "x""" \\! harm',
    b"-- comment\n\\! harm",
    b"SELECT a$b$ \\! harm $b$",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_for_psql_is_refused(command: bytes) -> None:
    evil = PLAIN.replace(b"SET statement_timeout = 0;", command)
    with pytest.raises(DamagedGenerationError, match="command for psql"):
        plain_dump.scan(io.BytesIO(evil), "x")


# Each hides a command for psql from whoever follows a dump less exactly than psql does.
TRICKS = {
    "COPY in a parenthesis": b"SELECT (\nCOPY public.x FROM stdin;\n\\! harm\n\\.\n);",
    "COPY after another statement": b"SELECT 1; COPY public.x FROM stdin;\n\\! harm\n\\.",
    "COPY within a statement": b"SELECT 1\nCOPY public.x FROM stdin;\n\\! harm\n\\.\n;",
    "COPY and a comment": b"COPY public.x FROM stdin; -- (\n\\! harm\n\\.",
    "COPY from a program": b"COPY public.x FROM PROGRAM 'harm' --FROM stdin;",
    "COPY in lower case": b"copy public.x from program 'harm';",
    "COPY to a file": b"COPY public.x TO '/tmp/harm';",
    "end of rows that is none": b"COPY public.x FROM stdin;\n\\.\r\r\n'\n\\.\n\\! harm\n'",
    "return ends a comment": b"-- x\r\\! harm",
    "return in a command left out": b"\\restrict x\r\\! harm",
    "return in what is left out": b"ALTER DATABASE x SET a = 'b\r\\! harm';",
    "return continues a text": b"SELECT E'a'\r'b\\' \\! harm",
    "number and text": b"SELECT 1E'\\'' \\! harm ;'",
    "number and dollars": b"SELECT 1$$ ' $$ \\! harm ';",
    "parameter and text": b"SELECT $1e'\\'' \\! harm ;'",
    "variable and text": b"SELECT :e'\\' \\! harm ' \n",
    "variable of psql": b"SELECT :PROMPT1;",
    "number and comment": b"SELECT 1E-- '\n \\! harm ';",
    "tag of dollars": b"SELECT $tag$ ' $tag$ \\! harm ';",
    "variable in quotes": b"SELECT :'USER';",
    "whether a variable is": b"SELECT :{?x};",
    "old strings half a line early": (
        b"SET standard_conforming_strings = off; SELECT 'a\\' \\! harm ;'"
    ),
    "U& beside old strings": b"SET standard_conforming_strings = off;\nSELECT U&'\\' \\! harm ';",
    "function named begin": b"CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS 'x';\n",
    "COPY in a body": b"CREATE FUNCTION f() BEGIN ATOMIC SELECT 1;\nCOPY public.x FROM stdin;\n",
    "half a statement after one": b"SELECT 1; SELECT '\n\\! harm\n';",
}


@pytest.mark.parametrize("trick", TRICKS)
def test_what_psql_reads_otherwise_than_it_looks_is_refused(trick: str) -> None:
    evil = PLAIN.replace(b"SET statement_timeout = 0;", TRICKS[trick])
    with pytest.raises(DamagedGenerationError, match=r"command for psql|otherwise than it looks"):
        plain_dump.scan(io.BytesIO(evil), "x")


GOOD = [
    b"SELECT (1)\n;\nCOPY public.x  FROM stdin;\n\\.\n",
    b"SELECT a[1:2], x::TEXT, 1e-5, .5, b'1', N'x', U&'d\\0061' FROM t;",
    b"CREATE FUNCTION f() RETURNS x BEGIN ATOMIC SELECT CASE WHEN 1 THEN 1 END;\nSELECT 2;\nEND;",
    b"SELECT '\\! no', E'\\'\\! no', $$\\! no$$, \"\\! no\" /* \\! no */; -- \\! no",
    b"COMMENT ON TABLE t IS 'a\r\n\\! no\rb';",
    b"CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);",
    b"SET a = 1; SET b = 2; -- two",
]


@pytest.mark.parametrize("statement", GOOD)
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_what_a_dump_may_hold_is_read(statement: bytes, ends: bytes) -> None:
    dump = PLAIN.replace(b"SET statement_timeout = 0;", statement)
    dump = dump.replace(b"\r\n", b"\n").replace(b"\n", ends)
    for mark in (b"", b"\xef\xbb\xbf"):
        assert plain_dump.scan(io.BytesIO(mark + dump), "x").tables


@pytest.mark.parametrize("size", range(70, 94))
def test_a_piece_of_a_long_line_may_end_anywhere(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = PLAIN.replace(b"SET statement_timeout = 0;", b"\n".join(GOOD))
    expected = plain_dump.scan(io.BytesIO(good), "x")
    monkeypatch.setattr(plain_dump, "_LONGEST_PIECE", size)
    assert plain_dump.scan(io.BytesIO(good), "x") == expected
    for name, text in TRICKS.items():
        if name in ("return in what is left out", "U& beside old strings"):
            # What they begin with counts at the beginning of a line only.
            continue
        evil = PLAIN.replace(b"SET statement_timeout = 0;", b"/*" + b" " * 50 + b"*/" + text)
        with pytest.raises(DamagedGenerationError):
            plain_dump.scan(io.BytesIO(evil), "x")


def test_what_is_said_of_a_database_is_left_out_where_a_statement_begins_only() -> None:
    text = b"SELECT (\nCREATE DATABASE x; '\n\\! a text\n');"
    dump = PLAIN.replace(b"SET statement_timeout = 0;", text)
    hidden = plain_dump.scan(io.BytesIO(dump), "x").hidden
    lines = [dump.splitlines()[number - 1] for number in hidden]
    assert all(line.startswith((b"\\restrict", b"\\unrestrict")) for line in lines)


def test_psql_is_given_what_was_read_and_asked_what_it_reads_by() -> None:
    facts = plain_dump.scan(io.BytesIO(PLAIN), "x")
    dump = b"".join(plain_dump.replayable(io.BytesIO(PLAIN), "x", facts.hidden))
    restricted = b"".join(plain_dump.guarded(io.BytesIO(dump), "x", "k3y"))
    assert restricted.startswith(b"\\restrict k3y\n")
    assert restricted.split(b"\n", 1)[1] == dump.removeprefix(b"--\n")
    asked = b"".join(plain_dump.guarded(io.BytesIO(dump), "x", None))
    assert asked.count(b"\n") == dump.count(b"\n")
    assert asked.count(b"the dump changed how psql reads it") > 5
    with pytest.raises(DamagedGenerationError, match="not as it was imported"):
        list(plain_dump.guarded(io.BytesIO(PLAIN + b"\\restrict x\n"), "x", "k3y"))


def test_a_command_far_into_a_long_line_is_refused() -> None:
    piece = plain_dump._LONGEST_PIECE
    for shift in range(-4, 5):
        start = b"INSERT INTO x VALUES ('"
        long = start + b"a" * (piece - len(start) + shift)
        for tail in (b"' \\! harm", b"''' \\! harm", b"') /* x */ \\! harm"):
            evil = PLAIN.replace(b"SET statement_timeout = 0;", long + tail)
            with pytest.raises(DamagedGenerationError, match="command for psql"):
                plain_dump.scan(io.BytesIO(evil), "x")
        good = PLAIN.replace(b"SET statement_timeout = 0;", long + b"\n\\! a text\n');")
        assert plain_dump.scan(io.BytesIO(good), "x").table_facts()


def test_backslashes_count_in_texts_of_old_servers() -> None:
    old = PLAIN.replace(b"_strings = on;", b"_strings = off;\nSELECT 'a\\'b' ;")
    assert plain_dump.scan(io.BytesIO(old), "x").tables
    evil = old.replace(b"'a\\'b' ;", b"'a\\\\' \\! harm")
    with pytest.raises(DamagedGenerationError, match="command for psql"):
        plain_dump.scan(io.BytesIO(evil), "x")


def test_what_create_says_of_the_database_is_left_out() -> None:
    made = (
        b"CREATE DATABASE specibike WITH TEMPLATE = template0 ENCODING = 'LATIN1'"
        b" LOCALE = 'fr_FR';\n\nALTER DATABASE specibike OWNER TO boss;\n\n\\connect specibike\n\n"
        b"COMMENT ON DATABASE specibike IS 'of two;\nlines';\n"
        b"ALTER DATABASE specibike SET work_mem TO '8MB';\n"
        b"ALTER ROLE \"a b\" IN DATABASE specibike SET work_mem TO '8MB';\n\\connect specibike\n\n"
    )
    dump = PLAIN.replace(b"CREATE EXTENSION", made + b"CREATE EXTENSION")
    dump = dump.replace(b"\nGRANT", b"\nGRANT CONNECT,CREATE ON DATABASE specibike TO x;\nGRANT")
    facts = plain_dump.scan(io.BytesIO(dump), "x")
    assert facts.owner == "boss"
    assert {"a b", "boss", "x"} <= facts.roles
    assert facts.properties is not None and facts.properties.collate == "fr_FR"
    shown = b"".join(plain_dump.replayable(io.BytesIO(dump), "x", facts.hidden))
    assert len(shown) == plain_dump.replayable_size(facts)
    told = [line for line in shown.splitlines() if b"DATABASE" in line or b"connect" in line]
    assert len(told) == 8 and all(line.startswith(b"-- ") for line in told)
    assert b"\n-- lines';\n" in shown
    for kept in (b"\nCREATE EXTENSION", b"\nGRANT SELECT", b"\nSET client_encoding"):
        assert kept in shown
    twice = dump.replace(b"CREATE FUNCTION", b"CREATE DATABASE other;\nCREATE FUNCTION")
    with pytest.raises(DamagedGenerationError, match="two databases"):
        plain_dump.scan(io.BytesIO(twice), "x")
    late = dump.replace(b"COPY public.res", b"\\connect other\nCOPY public.res")
    with pytest.raises(DamagedGenerationError, match="command for psql"):
        plain_dump.scan(io.BytesIO(late), "x")


def test_a_dump_of_a_whole_server_is_refused() -> None:
    with pytest.raises(DamagedGenerationError, match="whole server"):
        plain_dump.scan(io.BytesIO(b"--\n-- PostgreSQL database cluster dump\n--\n"), "x")


def test_rows_that_are_not_counted_are_unknown() -> None:
    dump = PLAIN.replace(
        b'COPY public."Odd ""one""" (id) FROM stdin;\n\\.\n',
        b'INSERT INTO public."Odd ""one""" VALUES (1);\n',
    )
    facts = plain_dump.scan(io.BytesIO(dump), "x")
    assert facts.tables[("public", 'Odd "one"')] is None


def test_tables_of_old_and_partitioned_dumps() -> None:
    dump = PLAIN.replace(
        b"CREATE FUNCTION",
        b"SET search_path = stock, pg_catalog;\nCREATE TABLE moves (\n a int\n);\n"
        b"CREATE TABLE parts (\n a int\n)\nPARTITION BY RANGE (a);\nCREATE FUNCTION",
    )
    facts = plain_dump.scan(io.BytesIO(dump), "x")
    assert ("stock", "moves") in facts.tables
    assert ("stock", "parts") not in facts.tables


@pytest.mark.parametrize(
    ("statement", "roles"),
    [
        ("ALTER TABLE public.x OWNER TO odoo;", ["odoo"]),
        ('GRANT ALL ON TABLE public."a TO b" TO "c d" WITH GRANT OPTION;', ["c d"]),
        ("REVOKE ALL ON SCHEMA public FROM PUBLIC;", []),
        ("REVOKE ALL ON SCHEMA public FROM postgres;", ["postgres"]),
        (
            "ALTER DEFAULT PRIVILEGES FOR ROLE a IN SCHEMA s GRANT SELECT ON TABLES TO b;",
            ["a", "b"],
        ),
        ("SET SESSION AUTHORIZATION 'o''dd';", ["o'dd"]),
        ("SET SESSION AUTHORIZATION DEFAULT;", []),
        ("SELECT 'OWNER TO x;'", []),
    ],
)
def test_roles_are_found_where_they_are_named(statement: str, roles: list[str]) -> None:
    assert list(roles_in(statement)) == roles


@pytest.mark.parametrize("version", [(1, 10), (1, 12), (1, 14), (1, 15), (1, 16)])
def test_a_custom_dump_tells_what_it_holds(version: tuple[int, int], tmp_path: Path) -> None:
    content = CustomDump(version).render()
    path = written(tmp_path / "x.dump", content)
    dump = dump_at(path)
    facts = dump.facts
    assert dump.form is DumpForm.CUSTOM and dump.size == len(content)
    assert facts.created == datetime(2025, 12, 31, 23, 59, 5)
    assert (facts.database, facts.owner) == ("specibike", "openerp")
    assert (facts.encoding, facts.collate, facts.ctype) == ("UTF8", "fr_FR.utf8", "fr_FR.utf8")
    assert facts.extensions == ("unaccent",)
    assert facts.roles == ("openerp", "reporting", "x")
    assert facts.tables == (TableFacts("public", "res_partner", None),)
    assert stored(path) == {"dump": content}
    assert created_at(path) == facts.created


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(CustomDump().render()) - 1))
def test_a_custom_dump_cut_anywhere_is_told(
    tmp_path_factory: pytest.TempPathFactory, size: int
) -> None:
    path = written(tmp_path_factory.getbasetemp() / "cut.dump", CustomDump().render()[:size])
    with pytest.raises(DamagedGenerationError):
        dump_at(path)


def test_dumps_that_are_not_read_are_told(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with pytest.raises(DamagedGenerationError, match=r"1\.17"):
        dump_at(written(path, CustomDump((1, 17)).render()))
    with pytest.raises(DamagedGenerationError, match="several files"):
        dump_at(written(path, CustomDump(form=3).render()))
    with pytest.raises(DamagedGenerationError, match="compressed twice"):
        dump_at(written(path, gzip.compress(gzip.compress(PLAIN))))
    with pytest.raises(NotFoundError):
        dump_at(tmp_path / "absent")
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(DamagedGenerationError, match="is a link"):
        dump_at(tmp_path / "link")


def directory(path: Path) -> Path:
    path.mkdir()
    (path / "toc.dat").write_bytes(CustomDump(form=3).render())
    for number, entry in enumerate(ENTRIES, 1):
        if entry[1] == "BLOBS":
            (path / f"{number}.dat").write_bytes(b"16000 blob_16000.dat\n")
            (path / "blob_16000.dat.gz").write_bytes(gzip.compress(entry[5] or b""))
        elif entry[5] is not None:
            (path / f"{number}.dat.gz").write_bytes(gzip.compress(entry[5]))
    return path


def test_a_dump_in_directory_format_is_read(tmp_path: Path) -> None:
    path = directory(tmp_path / "x")
    dump = dump_at(path)
    assert dump.form is DumpForm.DIRECTORY
    assert dump.facts.owner == "openerp"
    assert stored(path) == {item.name: item.read_bytes() for item in path.iterdir()}


def test_a_broken_dump_in_directory_format_is_told(tmp_path: Path) -> None:
    path = directory(tmp_path / "x")
    data = next(path.glob("[0-9]*.dat.gz"))
    whole = data.read_bytes()
    data.write_bytes(whole[:-4])
    with pytest.raises(DamagedGenerationError, match="was cut"):
        dump_at(path)
    data.unlink()
    with pytest.raises(DamagedGenerationError, match=r"\.dat, the data of .* is missing"):
        dump_at(path)
    data.symlink_to("/etc/passwd")
    with pytest.raises(DamagedGenerationError, match="is a link"):
        dump_at(path)
    with pytest.raises(NotFoundError, match=r"toc\.dat"):
        dump_at(tmp_path)
