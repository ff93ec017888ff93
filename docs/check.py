"""Holds the documentation against the programs: ``python -m docs.check``, a part of ``make lint``.

Each function yields what is wrong, a line each; the exit code is 1 when there is anything.
"""

from __future__ import annotations

import ast
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click
import yaml

from docs import tables
from restore.cli.main import load_verb, pra
from restore.errors import ExitCode
from stacks.keys import KEYS

ROOT: Final = Path(__file__).resolve().parents[1]
DOCS: Final = ROOT / "docs"
PAGES: Final = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
EXAMPLES: Final = sorted((DOCS / "examples").glob("*.yml"))
OWN_HOSTS: Final = re.compile(r"127\.0\.0\.1(:\d+)?|localhost(:\d+)?|([\w-]+\.)*example\.(org|com)")
FENCE: Final = re.compile(r"^ *```(sh|yaml|text)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
FAULTS: Final = ("test_faults*.py", "test_killed.py", "test_engine_restart.py")
FAULT: Final = re.compile(
    r"\| `(?P<file>tests/\S+\.py)::(?P<test>\w+)`(?P<heavy> \(heavy\))? \|$", re.MULTILINE
)
PICTURE_BYTES: Final = 200_000


def commands(name: str) -> Iterator[tuple[Path, list[str]]]:
    """Every use of a command in the pages' and examples' shell lines."""
    for path in (*PAGES, *EXAMPLES):
        text = path.read_text(encoding="utf-8")
        blocks = [block for _, block in FENCE.findall(text)] if path.suffix == ".md" else [text]
        inline = re.findall(rf"`({name} [^`\n]+)`", text) if path.suffix == ".md" else []
        for line in "\n".join([*blocks, *inline]).replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|\|\||;|\$\(", line):
                words = part.split(" #")[0].strip().removeprefix("- ").removeprefix("run: ")
                words = re.sub(r"^([A-Z_]+=\S+ )+", "", words)
                if words.startswith(f"{name} "):
                    yield path, shlex.split(words.rstrip('")') if words.count('"') % 2 else words)


def check_tables() -> Iterator[str]:
    """Tables of the reference are what the programs say, and each has its place."""
    texts = {page: page.read_text(encoding="utf-8") for page in sorted(tables.PAGES.glob("*.md"))}
    for page, text in texts.items():
        if text != tables.filled(text):
            yield f"{page}: a table is out of date; run python -m docs.tables"
    placed = set(re.findall(r"<!-- table: ([a-z-]+) -->", "".join(texts.values())))
    for name in sorted(placed ^ set(tables.TABLES)):
        yield f"table {name} is made and has no place, or has one and isn't made"
    rows = [row.split("|") for row in tables.exit_codes().splitlines()[2:]]
    if [int(row[1]) for row in rows] != [int(code) for code in ExitCode]:
        yield "an exit code is missing from its table"
    yield from (f"exit code {row[1].strip()} has no meaning" for row in rows if not row[3].strip())


def check_links() -> Iterator[str]:
    """Links lead to a file, and an anchor to a heading of it."""
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            path, _, anchor = target.partition("#")
            found = (page.parent / path).resolve() if path else page
            if not found.exists():
                yield f"{page}: {target} leads nowhere"
            elif anchor and anchor not in _anchors(found):
                yield f"{page}: {target} names no heading"


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def check_hosts() -> Iterator[str]:
    """No host of others is named."""
    for path in (*PAGES, *EXAMPLES):
        for url in re.findall(r"https?://[^\s)`'\"|]+", path.read_text(encoding="utf-8")):
            host = urlsplit(url).netloc
            if host != "json-schema.org" and not OWN_HOSTS.fullmatch(host):
                yield f"{path}: {url} is a host of others"


def check_pra() -> Iterator[str]:
    """Commands of ``pra`` exist, with the options that pages give them."""
    seen = set()
    for path, words in commands("pra"):
        seen.add(words[1])
        yield from (f"{path}: {shlex.join(words)}: no {word}" for word in _unknown(words[1:]))
    for verb in sorted({"drill", "capture", "restore", "verify", "plan", "report", "gc"} - seen):
        yield f"no page shows pra {verb}"


def _unknown(words: list[str]) -> Iterator[str]:
    """Words of a command line that ``pra`` doesn't know."""
    command: click.Command = pra
    for word in words:
        options = [
            name for item in command.get_params(click.Context(command)) for name in item.opts
        ]
        if word.startswith("-"):
            if word.partition("=")[0] not in (*options, "--help"):
                yield word
        elif isinstance(command, click.Group) and word not in ("command", "RUN"):
            if "|" in word:
                return
            if word not in command.commands:
                yield word
                return
            command = load_verb(word) if command is pra else command.commands[word]


def check_make() -> Iterator[str]:
    """Targets of ``make`` exist."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for path, words in commands("make"):
        if not words[1].startswith("-") and words[1] not in targets:
            yield f"{path}: make has no target {words[1]}"


def check_settings() -> Iterator[str]:
    """Settings of stacks exist, and secret ones are set as such."""
    names = {key.name for key in KEYS}
    secret = {key.name for key in KEYS if key.secret}
    for path, words in commands("pulumi"):
        if words[1:3] != ["config", "set"]:
            continue
        given = [word for word in words[3:] if not word.startswith("--")] or ["KEY"]
        name = given[0].partition(".")[0]
        if name == "KEY":
            continue
        if name not in names:
            yield f"{path}: {shlex.join(words)}: no such setting"
        elif ("--secret" in words) != (name in secret):
            yield f"{path}: {shlex.join(words)}: --secret is for secret settings, and for all"


def check_architecture() -> Iterator[str]:
    """Files and folders that the architecture shows exist."""
    page = DOCS / "architecture.md"
    house = re.search(r"```text\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    folder = ROOT
    for line in house[1].splitlines() if house else ():
        if found := re.match(r"^(stacks|restore|offline|fixtures|tests)/", line):
            folder = ROOT / found[1]
        for name in re.findall(r"[\w<>]+(?:\.py|/)(?= |$)", line[:24]):
            if line.startswith("  ") and not (folder / name).exists():
                yield f"{page}: {folder.name}/{name} is not there"
    if house is None:
        yield f"{page} shows no tree"


def check_order() -> Iterator[str]:
    """The glossary is in order, and runbooks have the same steps in both languages."""
    text = (DOCS / "glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r"^\| ([^|]+?) \|", text, re.MULTILINE)[2:]
    expected = sorted(set(terms), key=str.lower)
    for term, other in zip(terms, expected, strict=False):
        if term != other:
            yield f"glossary: {other} comes before {term}, or a term is there twice"
            break
    for name in ("disaster.md", "disaster.fr.md"):
        runbook = (DOCS / "runbooks" / name).read_text(encoding="utf-8")
        if re.findall(r"^(\d+)\. ", runbook, re.MULTILINE) != [str(n) for n in range(1, 13)]:
            yield f"{name} does not have the steps 1 to 12"


def check_files() -> Iterator[str]:
    """Examples are mappings, and the picture of a report is small."""
    for path in EXAMPLES:
        if not isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict):
            yield f"{path} is no mapping"
    picture = DOCS / "images" / "report.png"
    size = picture.stat().st_size
    if size > PICTURE_BYTES or not picture.read_bytes().startswith(b"\x89PNG"):
        yield f"{picture} is no PNG of at most {PICTURE_BYTES} bytes: {size}"


def check_faults() -> Iterator[str]:
    """The table of faults names tests that are there, and every test of a fault is in it."""
    text = (DOCS / "reference" / "faults.md").read_text(encoding="utf-8")
    rows = list(FAULT.finditer(text))
    if len(rows) != text.partition("\n## ")[0].count("\n| ") - 2:
        yield "faults: a row names no test"
    for row in rows:
        if _tests_of(row["file"]).get(row["test"]) is not bool(row["heavy"]):
            yield f"faults: no such test, or heavy and not told: {row[0]}"
    named = {(row["file"], row["test"]) for row in rows}
    for pattern in FAULTS:
        files = sorted((ROOT / "tests" / "integration").glob(pattern))
        if not files:
            yield f"faults: tests/integration has no {pattern}"
        for path in (str(file.relative_to(ROOT)) for file in files):
            for test in sorted(set(_tests_of(path)) - {t for file, t in named if file == path}):
                yield f"faults: {path}::{test} has no row"


def _tests_of(path: str) -> dict[str, bool]:
    """The tests of a file, and whether each is heavy."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    marked = any("heavy" in ast.unparse(node) for node in tree.body if isinstance(node, ast.Assign))
    return {
        node.name: marked or any("heavy" in ast.unparse(mark) for mark in node.decorator_list)
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


CHECKS: Final[tuple[Callable[[], Iterator[str]], ...]] = (
    check_tables,
    check_links,
    check_hosts,
    check_pra,
    check_make,
    check_settings,
    check_architecture,
    check_order,
    check_files,
    check_faults,
)


def main() -> int:
    """Print all that is wrong."""
    problems = [problem for check in CHECKS for problem in check()]
    sys.stdout.writelines(f"{problem}\n" for problem in problems)
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
