"""Holds the sentences of reports against their translations: `python -m tests.lint.messages`.

Names each template of ``message`` and ``plural`` that a language lacks, each translation that
nothing uses, each that has other placeholders, and each template that is no literal.
"""

from __future__ import annotations

import ast
import string
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from restore.profile import load_profile, profile_names
from restore.report.language import LANGUAGES, locale

ROOT = Path(__file__).parents[2]
FOLDERS = ("restore", "stacks")
MAKERS = {"message": slice(0, 1), "plural": slice(1, 3)}
"""Functions that make messages, and which of their arguments are templates."""


def main() -> int:
    """Print what is wrong; 1 when anything is."""
    problems = list(_problems())
    sys.stdout.write("".join(f"{line}\n" for line in problems))
    return bool(problems)


def _problems() -> Iterator[str]:
    templates: dict[str, str] = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for place, template in _templates(tree, str(path.relative_to(ROOT))):
                if template is None:
                    yield f"{place}: a template is written as a literal"
                else:
                    templates.setdefault(template, place)
    titles = _titles()
    for language in LANGUAGES[1:]:
        catalogue = locale(language).templates
        for template, place in templates.items():
            if has_words(template) and template not in catalogue:
                yield f"{place}: not in phrases.{language}.yaml: {template!r}"
        for template, translation in catalogue.items():
            if template not in templates and template not in titles:
                yield f"phrases.{language}.yaml: nothing says {template!r}"
            elif placeholders(template) != placeholders(translation):
                yield f"phrases.{language}.yaml: other placeholders than in {template!r}"


def _templates(tree: ast.AST, file: str) -> Iterator[tuple[str, str | None]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for argument in node.args[MAKERS.get(node.func.id, slice(0, 0))]:
                literal = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
                yield f"{file}:{node.lineno}", argument.value if literal else None  # type: ignore[attr-defined]


def _titles() -> set[str]:
    """Every text of the profiles that ship: the titles of their rules are translated, too."""
    return set(_texts([load_profile(name) for name in profile_names()]))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from _texts(getattr(value, name))


def has_words(template: str) -> bool:
    """Whether anything of a template is to be translated."""
    return any(any(map(str.isalpha, text)) for text, *_ in string.Formatter().parse(template))


def placeholders(text: str) -> set[tuple[str, str | None]]:
    """The placeholders of a template with their formats."""
    return {(name, form) for _, name, form, _ in string.Formatter().parse(text) if name}


if __name__ == "__main__":
    sys.exit(main())
