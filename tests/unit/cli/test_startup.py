"""What a short command imports, verb help from the table, and options that stand anywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from restore.cli.main import VERBS, load_verb, run
from restore.errors import ExitCode
from restore.model import Generation
from restore.repository.folder import FolderRepository

SERVERS = {
    "asyncio", "docker", "grpc", "httpx", "paramiko", "playwright", "psycopg", "pulumi",
    "pulumi_docker", "pypdf", "reportlab", "requests", "tenacity", "weasyprint",
}  # fmt: skip
"""Libraries that reach servers, or make documents."""

RENDERING = {"jinja2", "rich", "yaml"}

UNMEASURED = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
"""The environment without the measure of coverage, which imports libraries of its own."""

PROGRAM = """
import json, sys
from restore.cli.main import run
code = run(sys.argv[1:])
print(json.dumps([code, sorted(name for name in sys.modules if "." not in name)]), file=sys.stderr)
"""


def modules(*arguments: str) -> tuple[int, set[str]]:
    """Run a command in a process of its own: the exit code, and what was imported at its end."""
    argv = (sys.executable, "-c", PROGRAM, *arguments)
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env=UNMEASURED)
    code, names = json.loads(done.stderr.splitlines()[-1])
    return code, set(names)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        ("completion", "bash"),
        *((verb, "--help") for verb in ("status", "drill", "history", "generations", "gc")),
    ],
    ids=" ".join,
)
def test_help_imports_no_library_but_that_of_commands(arguments: tuple[str, ...]) -> None:
    code, imported = modules(*arguments)
    assert code == ExitCode.PASS and "click" in imported
    assert not imported & (SERVERS | RENDERING | {"cryptography", "jsonschema"})


def test_help_of_the_program_imports_no_verb() -> None:
    program = "import sys; from restore.cli.main import run; run(['--help'])\n"
    program += (
        "print([name for name in sys.modules if name.startswith('restore.')], file=sys.stderr)"
    )
    argv = (sys.executable, "-c", program)
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert "restore.cli.verbs" in done.stderr
    assert not [verb for verb in VERBS if f"restore.cli.{verb}'" in done.stderr]


def test_completion_of_verbs_and_options_imports_no_library() -> None:
    for words, word, completed in (("pra ", "1", "drill"), ("pra status --", "2", "--stack")):
        environment = {"_PRA_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": word}
        program = "import sys; from restore.cli.main import run\ntry: run([])\n"
        program += "finally: print(*sys.modules, file=sys.stderr)"
        argv = (sys.executable, "-c", program)
        done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment)
        assert completed in done.stdout
        assert not set(done.stderr.split()) & (SERVERS | RENDERING | {"jsonschema"})


def test_what_reads_a_repository_imports_what_validates_it_and_no_more(
    small_generation: Generation, repository: FolderRepository
) -> None:
    code, imported = modules("generations", "list", "--repository", repository.location)
    assert code == ExitCode.PASS
    assert not imported & (SERVERS | RENDERING | {"cryptography", "sqlite3"})


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (("profile", "list"), {"yaml", "rich"}),
        (("history", "--reports", "/nowhere"), {"sqlite3"}),
        (("evidence", "verify", "20261124-060102-1a2b"), {"cryptography"}),
    ],
    ids=lambda value: " ".join(sorted(value) if isinstance(value, set) else value),
)
def test_what_looks_back_imports_what_it_needs(
    arguments: tuple[str, ...], needed: set[str]
) -> None:
    _, imported = modules(*arguments)
    others = (RENDERING | {"cryptography", "jsonschema", "sqlite3"}) - needed
    assert not imported & (SERVERS | others)


def test_every_verb_has_the_line_of_help_that_the_table_says() -> None:
    for name, text in VERBS.items():
        verb = load_verb(name)
        assert verb.name == name
        assert verb.get_short_help_str(limit=200) == text


@pytest.mark.parametrize("where", [0, 1, 2], ids=["first", "after the group", "last"])
def test_json_is_understood_before_and_after_the_verb(
    where: int,
    small_generation: Generation,
    repository: FolderRepository,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PRA_REPOSITORY", repository.location)
    words = ["generations", "list"]
    words.insert(where, "--json")
    assert run(words) == ExitCode.PASS
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed["id"] == small_generation.id

    assert run(["verify", "latest", "--repository", "/nowhere", "--json"]) == ExitCode.NOT_FOUND
    assert json.loads(capsys.readouterr().out)["exit_code"] == ExitCode.NOT_FOUND


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["stats"], "'status'"),
        (["generations", "lst"], "'list'"),
        (["verify", "--repositry", "x"], "'--repository'"),
        (["history", "--jsn"], "'--json'"),
        (["--verbos", "history"], "'--verbose'"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_is_misspelt_suggests_the_near_one(
    words: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == ExitCode.USAGE
    assert meant in capsys.readouterr().err
