"""The documentation says what the programs do."""

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import click
import pytest
import yaml

from restore.cli.main import load_verb, pra
from restore.errors import ExitCode
from stacks.keys import KEYS

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.yml"))
OWN_HOSTS = re.compile(r"127\.0\.0\.1(:\d+)?|localhost(:\d+)?|([\w-]+\.)*example\.(org|com)")
FENCE = re.compile(r"^ *```(sh|yaml|text)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


def load_tables() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_tables", ROOT / "docs" / "tables.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tables = load_tables()
each_page = pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(ROOT)) for p in PAGES])


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


@pytest.mark.parametrize("page", sorted(tables.PAGES.glob("*.md")), ids=lambda page: page.name)
def test_tables_of_the_reference_are_up_to_date(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text == tables.filled(text), "run: python docs/tables.py"


def test_every_table_has_its_place() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in tables.PAGES.glob("*.md"))
    assert set(re.findall(r"<!-- table: ([a-z-]+) -->", text)) == set(tables.TABLES)


def test_every_exit_code_has_its_meaning() -> None:
    rows = tables.exit_codes().splitlines()[2:]
    assert [int(row.split("|")[1]) for row in rows] == [int(code) for code in ExitCode]
    assert all(row.split("|")[3].strip() for row in rows)


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {
                re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings
            }


@pytest.mark.parametrize("path", [*PAGES, *EXAMPLES], ids=lambda path: path.name)
def test_no_host_of_others_is_named(path: Path) -> None:
    for url in re.findall(r"https?://[^\s)`'\"|]+", path.read_text(encoding="utf-8")):
        if urlsplit(url).netloc != "json-schema.org":
            assert OWN_HOSTS.fullmatch(urlsplit(url).netloc), url


def test_pra_commands_exist_with_their_options() -> None:
    seen = set()
    for path, words in commands("pra"):
        seen.add(words[1])
        command: click.Command = pra
        names = {option for item in pra.get_params(click.Context(pra)) for option in item.opts}
        rest = words[1:]
        while rest:
            word = rest.pop(0)
            if word.startswith("-"):
                option = word.partition("=")[0]
                assert option in names | {"--help"}, f"{path}: {shlex.join(words)}: {word}"
            elif isinstance(command, click.Group) and word not in ("command", "RUN"):
                if "|" in word:
                    break
                assert word in command.commands, f"{path}: {shlex.join(words)}: {word}"
                command = load_verb(word) if command is pra else command.commands[word]
                names = {
                    option
                    for item in command.get_params(click.Context(command))
                    for option in item.opts
                }
    assert {"drill", "capture", "restore", "verify", "plan", "report", "gc"} <= seen


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    used = {words[1] for _, words in commands("make") if not words[1].startswith("-")}
    assert used and used <= targets


def test_settings_exist() -> None:
    names = {key.name for key in KEYS}
    secret = {key.name for key in KEYS if key.secret}
    used = [words for _, words in commands("pulumi") if words[1:3] == ["config", "set"]]
    assert used
    for words in used:
        given = [word for word in words[3:] if not word.startswith("--")] or ["KEY"]
        name = given[0].partition(".")[0]
        assert name in (*names, "KEY"), shlex.join(words)
        assert name == "KEY" or ("--secret" in words) == (name in secret), shlex.join(words)


def test_modules_that_the_architecture_names_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    house = re.search(r"```text\n(.*?)```", text, re.DOTALL)
    assert house is not None
    folder = ROOT
    for line in house[1].splitlines():
        if found := re.match(r"^(stacks|restore|offline|fixtures|tests)/", line):
            folder = ROOT / found[1]
            assert folder.is_dir()
        for name in re.findall(r"[\w<>]+(?:\.py|/)(?= |$)", line[:24]):
            if not line.startswith(name) and line.startswith("  "):
                assert (folder / name).exists(), name


def test_runbooks_have_the_same_steps_in_both_languages() -> None:
    folder = ROOT / "docs" / "runbooks"
    steps = [
        re.findall(r"^(\d+)\. ", (folder / name).read_text(encoding="utf-8"), re.MULTILINE)
        for name in ("disaster.md", "disaster.fr.md")
    ]
    assert steps[0] == steps[1] == [str(n) for n in range(1, 13)]


def test_glossary_is_in_order() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r"^\| ([^|]+?) \|", text, re.MULTILINE)[2:]
    assert terms == sorted(terms, key=str.lower) and len(terms) == len(set(terms))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_valid_yaml(path: Path) -> None:
    assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)


def test_picture_of_the_report_is_small() -> None:
    picture = ROOT / "docs" / "images" / "report.png"
    assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size <= 200_000
