"""Ways to make a dump run a program, or reach a file: each is refused when the backup is read."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from restore.adapters.postgres import plain_dump
from restore.catalogue.dumps import dump_at
from restore.errors import DamagedGenerationError
from tests.support.foreign_samples import ENTRIES, PLAIN, CustomDump
from tests.unit.catalogue.test_foreign_dumps import COMMANDS, TRICKS, directory

STATEMENTS = {
    "ALTER SYSTEM": "ALTER SYSTEM SET archive_command = 'harm';",
    "DO": "DO $$ BEGIN EXECUTE 'harm'; END $$;",
    "a procedure": "CALL public.harm();",
    "a library": "LOAD '/tmp/harm.so';",
    "a prepared statement": "PREPARE harm AS SELECT 1;",
    "EXECUTE": "execute harm;",
    "a comment before": "/* x */ -- y\n  do $$harm$$;",
    "a server's file": "SELECT pg_catalog.pg_read_file('/etc/passwd');",
    "a server's file as rows": "INSERT INTO public.x SELECT pg_read_binary_file('/etc/passwd');",
    "a server's folder": "SELECT * FROM pg_ls_dir('/');",
    "a file as large object": "SELECT lo_import('/etc/passwd');",
    "a large object as file": "SELECT pg_catalog.lo_export(1, '/tmp/harm');",
    "another server": "SELECT * FROM dblink('host=production', 'SELECT 1') AS t(a int);",
    "settings read anew": "SELECT pg_reload_conf();",
    "an untrusted function": "CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS $$harm$$;",
    "a quoted language": "CREATE FUNCTION f() RETURNS int LANGUAGE 'PLPERLU' AS $$harm$$;",
    "a language in quotes": 'CREATE FUNCTION f() RETURNS int LANGUAGE "plpython3u" AS $$harm$$;',
    "an untrusted language": "CREATE OR REPLACE PROCEDURAL LANGUAGE pltclu;",
    "an extension for programs": "CREATE EXTENSION IF NOT EXISTS plpython3u;",
    "an extension for files": 'CREATE EXTENSION "file_fdw" WITH SCHEMA public;',
}

COPIES = (
    "COPY public.res_partner FROM PROGRAM 'harm';",
    "COPY public.res_partner (name) FROM '/etc/passwd';",
    "COPY public.res_partner (name) TO '/tmp/harm';",
    "COPY public.res_partner FROM stdin; SELECT 1;",
)

GOOD = (
    "SELECT pg_catalog.set_config('search_path', '', false);",
    "SELECT pg_catalog.setval('public.x_id_seq', 1, true);",
    "SELECT pg_catalog.lo_create('16384');",
    "SELECT pg_catalog.lowrite(0, '\\x00');",
    "CREATE VIEW public.v AS SELECT * FROM dblink('x') AS t(a int);",
    "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DO 'x'; LOAD 'y'; END $$;",
    'CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA public;',
    "CREATE EXTENSION IF NOT EXISTS dblink WITH SCHEMA public;",
    "CREATE RULE r AS ON INSERT TO public.x DO INSTEAD NOTHING;",
    "COMMENT ON TABLE public.x IS 'DO LOAD; LANGUAGE plpython3u';",
)


def plain(text: str) -> io.BytesIO:
    return io.BytesIO(PLAIN.replace(b"SET statement_timeout = 0;", text.encode()))


@pytest.mark.parametrize("way", STATEMENTS)
def test_a_statement_that_acts_outside_is_refused_in_a_plain_dump(way: str) -> None:
    with pytest.raises(DamagedGenerationError, match="no part of a database"):
        plain_dump.scan(plain(STATEMENTS[way]), "x")


@pytest.mark.parametrize("way", STATEMENTS)
def test_a_statement_that_acts_outside_is_refused_in_an_archive(way: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(CustomDump(entries=with_definition(STATEMENTS[way])).render())
    with pytest.raises(DamagedGenerationError, match="no part of a database"):
        dump_at(tmp_path / "x")


@pytest.mark.parametrize("statement", GOOD)
def test_what_a_dump_says_of_its_database_is_read(statement: str, tmp_path: Path) -> None:
    assert plain_dump.scan(plain(statement), "x").tables
    (tmp_path / "x").write_bytes(CustomDump(entries=with_definition(statement)).render())
    assert dump_at(tmp_path / "x").facts.tables


@pytest.mark.parametrize("copy", COPIES)
def test_rows_that_come_from_elsewhere_are_refused(
    copy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump = CustomDump()
    texts = iter(range(10**6))
    write = dump._text

    def forged(text: str | None) -> None:
        # The third empty text of an entry is how its rows are loaded.
        write(copy if text == "" and next(texts) == 1 else text)

    monkeypatch.setattr(dump, "_text", forged)
    (tmp_path / "x").write_bytes(dump.render())
    with pytest.raises(DamagedGenerationError, match="loaded by another statement"):
        dump_at(tmp_path / "x")
    with pytest.raises(DamagedGenerationError, match="COPY that pg_dump does not write"):
        plain_dump.scan(plain(copy.replace("FROM stdin; SELECT 1;", "FROM stdin CSV;")), "x")


@pytest.mark.parametrize(
    "line",
    [
        b"16000 ../../../etc/passwd\n",
        b"16000 /etc/passwd\n",
        b"16000 blob_1.dat\n",
        b"16000 blob_16000.dat\n16001 ../x\n",
        b"16000 toc.dat\n",
    ],
)
def test_a_folder_names_its_own_large_objects_only(line: bytes, tmp_path: Path) -> None:
    path = directory(tmp_path / "x")
    assert dump_at(path).facts.tables
    (table,) = (one for one in path.glob("[0-9]*.dat") if b"blob_" in one.read_bytes())
    table.write_bytes(line)
    with pytest.raises(DamagedGenerationError, match="that the folder does not hold"):
        dump_at(path)


def test_forty_ways_and_more() -> None:
    assert len(STATEMENTS) * 2 + len(COPIES) * 2 + len(TRICKS) + len(COMMANDS) >= 40


def with_definition(text: str) -> tuple[tuple[str, str, str, str, str, bytes | None], ...]:
    first = ENTRIES[0]
    return ((first[0], "TABLE", text, "public", "openerp", None), *ENTRIES)
