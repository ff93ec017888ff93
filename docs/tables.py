"""Writes the reference's tables from the programs themselves: ``python -m docs.tables``.

A page marks a table's place with ``<!-- table: NAME -->`` and ``<!-- end -->``; what stands between
is replaced. ``make lint`` fails when a page is not what this program would write.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click

DOCS: Final = Path(__file__).resolve().parent
PAGES: Final = DOCS / "reference"
_BLOCK: Final = re.compile(r"(<!-- table: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
HELP_WIDTH: Final = 96


def main() -> int:
    """Rewrite every page; say which have changed."""
    sys.path.insert(0, str(DOCS.parent))
    for page in sorted(PAGES.glob("*.md")):
        before = page.read_text(encoding="utf-8")
        after = filled(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            sys.stdout.write(f"{page.relative_to(DOCS.parent)} rewritten\n")
    return 0


def filled(page: str) -> str:
    """A page with its tables as they must be."""
    return _BLOCK.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n\n{found[3]}", page)


def exit_codes() -> str:
    """The exit codes, from ``restore/errors.py``; what they mean stands under each there."""
    from restore import errors  # noqa: PLC0415

    tree = ast.parse(inspect.getsource(errors.ExitCode)).body[0]
    assert isinstance(tree, ast.ClassDef)  # noqa: S101 - the source of a class
    meanings = {
        assigned.targets[0].id: meaning.value.value
        for assigned, meaning in zip(tree.body, tree.body[1:], strict=False)
        if isinstance(assigned, ast.Assign)
        and isinstance(assigned.targets[0], ast.Name)
        and isinstance(meaning, ast.Expr)
        and isinstance(meaning.value, ast.Constant)
    }
    rows = [(str(int(code)), code.name, str(meanings[code.name])) for code in errors.ExitCode]
    return _table(("Code", "Name", "Meaning"), rows)


def settings() -> str:
    """The stack's settings, from ``stacks/keys.py``."""
    from stacks.keys import KEYS  # noqa: PLC0415

    rows = [
        (
            f"`{key.name}`{' (secret)' if key.secret else ''}",
            key.type,
            key.default,
            key.description,
            f"`{key.example}`" if not key.secret else "",
        )
        for key in KEYS
    ]
    return _table(("Key", "Type", "Default", "What it does", "Example"), rows)


def schema_table(name: str) -> Callable[[], str]:
    """A maker of the table of a schema's options."""

    def table() -> str:
        from restore.model.schema import schema  # noqa: PLC0415

        rows = list(_options(schema(name), schema(name), ""))
        return _table(("Option", "Type", "Required", "What it is", "Example"), rows)

    return table


def _options(
    root: dict[str, Any],
    node: dict[str, Any],
    path: str,
    above: tuple[dict[str, Any], ...] = (),
) -> Iterator[tuple[str, str, str, str, str]]:
    for name, described in node.get("properties", {}).items():
        option = _resolved(root, described)
        here = f"{path}{name}"
        required = "yes" if name in node.get("required", ()) else "no"
        text = described.get("description") or option.get("description", "")
        yield f"`{here}`", _type(option), required, text, _example(described, option)
        if option in above:
            # A description that holds one of its own kind: its options stand above.
            continue
        others = option.get("additionalProperties")
        if isinstance(others, dict):
            yield from _options(root, _resolved(root, others), f"{here}.*.", (*above, option))
        inner = _resolved(root, option.get("items", {}))
        yield from _options(root, option, f"{here}.", (*above, option))
        yield from _options(root, inner, f"{here}[].", (*above, inner))


def _resolved(root: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    choices = [one for one in node.get("anyOf", ()) if one.get("type") != "null"]
    if choices:
        return _resolved(root, choices[0])
    if "$ref" in node:
        found: dict[str, Any] = root["$defs"][node["$ref"].rpartition("/")[2]]
        return found
    return node


def _type(option: dict[str, Any]) -> str:
    if "enum" in option:
        return "one of " + ", ".join(f"`{value}`" for value in option["enum"])
    if "const" in option:
        return f"`{option['const']}`"
    kind = option.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _example(described: dict[str, Any], option: dict[str, Any]) -> str:
    examples = described.get("examples") or option.get("examples")
    if not examples:
        return ""
    value = examples[0]
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def commands() -> str:
    """What each command says of itself."""
    from restore.cli.main import pra  # noqa: PLC0415

    return "\n\n".join(_helps(pra, None, "pra"))


def _helps(command: click.Command, parent: click.Context | None, name: str) -> Iterator[str]:
    context = click.Context(
        command,
        parent=parent,
        info_name=name,
        terminal_width=HELP_WIDTH,
        **command.context_settings,
    )
    title = context.command_path
    yield f"## `{title}`\n\n```text\n{command.get_help(context).rstrip()}\n```"
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            # A verb is imported when it is resolved, not when it is listed.
            _, found, _ = command.resolve_command(context, [inner])
            assert found is not None  # noqa: S101 - it was listed
            yield from _helps(found, context, inner)


def broken_backups() -> str:
    """The corpus of broken backups, from the values that the tests hold the engine against."""
    from tests.corpus.kinds import ITEMS, KINDS  # noqa: PLC0415

    order = {item: number for number, item in enumerate(ITEMS)}
    rows = [
        (
            kind.item,
            kind.name,
            kind.base.value,
            kind.checksums,
            kind.found.value,
            f"{kind.code.value} {kind.code.name}",
            f"`{kind.says}`",
        )
        for kind in sorted(KINDS, key=lambda kind: order[kind.item])
    ]
    headings = ("What is broken", "How", "Made from", "Checksums", "Stage", "Exit code", "It says")
    return _table(headings, rows)


def _table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


TABLES: Final[dict[str, Callable[[], str]]] = {
    "exit-codes": exit_codes,
    "settings": settings,
    "profile": schema_table("profile"),
    "manifest": schema_table("manifest"),
    "report": schema_table("report"),
    "mapping": schema_table("mapping"),
    "anonymisation": schema_table("anonymisation"),
    "scenario": schema_table("scenario"),
    "commands": commands,
    "broken-backups": broken_backups,
}

if __name__ == "__main__":
    sys.exit(main())
