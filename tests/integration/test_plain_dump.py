"""What psql reads as a command of its own is held against what the lexer of plain dumps refuses."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from restore.adapters.docker.runner import Runner
from restore.adapters.postgres import commands, plain_dump
from restore.errors import DamagedGenerationError, ReplayError
from tests.support.servers import DatabaseLab, postgresql_lab

pytestmark = pytest.mark.docker

HARM = b"\\echo HARM\n"
PIECES = [
    HARM, b"'", b'"', b"''", b"$$", b"$a$", b"$a", b"$1", b"E'", b"e'", b"U&'", b"N'", b"B'", b"x",
    b"1E", b"1", b".", b"a", b"\\'", b"\\\\", b"--", b"/*", b"*/", b"*", b"/", b"(", b")", b";",
    b"\n", b"\n", b";\n", b"\r", b"\r\n", b" ", b" ", b":", b"::", b":e'", b":'a'", b":DBNAME",
    b"SELECT ", b"COPY t FROM stdin;\n", b"COPY t (a) FROM stdin;", b"\\.\n", b"\\.\r\n",
    b"\\.\r\r\n", b"row\n", b"create function f() returns int ", b"begin atomic ", b"begin ",
    b" case ", b" end", b"_", "é".encode(), b"+", b"@", b"[", b"\xef\xbb\xbf", b"PGDMP",
    b"CREATE DATABASE x;\n",
    b"\\connect x\n", b"\\restrict a\n", b"\\unrestrict a\n", b"ALTER DATABASE x SET a = '",
    b"SET standard_conforming_strings = off;\n",
]  # fmt: skip
TEXTS = st.lists(
    st.lists(st.sampled_from(PIECES), max_size=14).map(b"".join), min_size=30, max_size=30
)

LOOP = """\
psql -XqU postgres -c 'create table if not exists t (a text)' >/dev/null 2>&1
for file in /tmp/fuzz.*; do
  [ -e "$file" ] || exit 0
  echo "$file"
  timeout 20 psql -XqU postgres -o /dev/null -f - <"$file" 2>/dev/null
  rm "$file"
done
"""


@pytest.fixture(scope="module")
def labs(
    database_lab: DatabaseLab, docker_runner: Runner, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[DatabaseLab, ...]]:
    shared = tmp_path_factory.getbasetemp().resolve()
    with postgresql_lab(docker_runner, shared, image="pra/postgresql:16") as newer:
        yield (database_lab, newer)


def run_commands(lab: DatabaseLab, texts: Sequence[bytes]) -> set[int]:
    """The texts of which psql, whatever the server says, runs the command."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as members:
        for number, text in enumerate(texts):
            member = tarfile.TarInfo(f"fuzz.{number:04}")
            member.size, member.mode = len(text), 0o644
            members.addfile(member, io.BytesIO(text))
    lab.runner.write_archive(lab.container, "/tmp", [archive.getvalue()])
    out = lab.runner.execute(lab.container, ("sh", "-c", LOOP), user="root").stdout
    number, found = -1, set()
    for line in out.splitlines():
        if line.startswith("/tmp/fuzz."):
            number = int(line.rpartition(".")[2])
        elif "HARM" in line:
            found.add(number)
    return found


def shown(text: bytes) -> bytes | None:
    """What psql would be given of a dump that begins with a text; None when it is refused."""
    scanner = plain_dump._Scanner("x")
    try:
        for line in io.BytesIO(text):
            scanner.feed(line, line.endswith(b"\n"))
    except DamagedGenerationError:
        return None
    return b"".join(plain_dump.replayable(io.BytesIO(text), "x", scanner._facts.hidden))


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=TEXTS)
def test_no_text_that_is_accepted_makes_psql_run_a_command(
    texts: list[bytes], labs: tuple[DatabaseLab, ...]
) -> None:
    accepted = [text for each in texts if (text := shown(each)) is not None]
    for lab in labs:
        assert [accepted[number] for number in run_commands(lab, accepted)] == []


LOADS: dict[str, tuple[bytes, tuple[type[Exception], ...]]] = {
    "a command": (b"\\! touch /tmp/canary\n", (DamagedGenerationError,)),
    "rows in a parenthesis": (
        b"SELECT (\nCOPY t FROM stdin;\n\\! touch /tmp/canary\n\\.\n);\n",
        (DamagedGenerationError,),
    ),
    "a command that a setting made one": (
        b"SELECT pg_catalog.set_config('standard_conforming_strings', 'off', false);\n"
        b"SELECT 'a\\\\'' \\! touch /tmp/canary\n';\n",
        (DamagedGenerationError, ReplayError),
    ),
    "a setting": (
        b"SELECT pg_catalog.set_config('standard_conforming_strings', 'off', false);\n",
        (ReplayError,),
    ),
    "an encoding": (
        b"SELECT pg_catalog.set_config('client_encoding', 'SJIS', false);\n"
        b"SELECT '\x81', ' \\! touch /tmp/canary\n';\n",
        (ReplayError,),
    ),
}


@pytest.mark.parametrize("way", LOADS)
def test_a_dump_that_was_changed_once_it_was_stored_runs_nothing(
    way: str, clean_lab: DatabaseLab
) -> None:
    text, error = LOADS[way]
    dump = b"--\n" + text + plain_dump.END + b"\n"
    with pytest.raises(error):
        load(clean_lab, dump)
    seen = clean_lab.runner.execute(clean_lab.container, ("ls", "/tmp"), user="root").stdout
    assert "canary" not in seen


def test_a_dump_is_loaded_by_the_servers_own_user(clean_lab: DatabaseLab) -> None:
    text = b"CREATE TABLE t (a text);\nCOPY t FROM stdin;\n" + b"row \\\\! x\n" * 50_000 + b"\\.\n"
    load(clean_lab, b"--\n" + text + plain_dump.END + b"\n")
    assert clean_lab.execute("SELECT count(*) FROM t", "loaded") == [(50_000,)]


def load(lab: DatabaseLab, dump: bytes) -> None:
    """Feed a dump to psql as a replay does."""
    lab.execute("DROP DATABASE IF EXISTS loaded")
    lab.execute("CREATE DATABASE loaded")
    argv = commands.load_plain("postgres", "loaded", "postgres")
    chunks = plain_dump.guarded(io.BytesIO(dump), "x", None)
    lab.runner.feed(lab.container, argv, chunks, user=commands.OS_USER)
