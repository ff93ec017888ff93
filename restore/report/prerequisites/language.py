"""The document's words: catalogues of its own over the formats and phrases of reports."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Final

from restore.model.shipped import load_shipped
from restore.report.language import Locale, locale

_FRENCH_SPACES: Final = (
    (" :", "\N{NO-BREAK SPACE}:"),
    (" ;", "\N{NARROW NO-BREAK SPACE};"),
    (" ?", "\N{NARROW NO-BREAK SPACE}?"),
    (" !", "\N{NARROW NO-BREAK SPACE}!"),
    ("« ", "«\N{NO-BREAK SPACE}"),
    (" »", "\N{NO-BREAK SPACE}»"),
    (" %", "\N{NO-BREAK SPACE}%"),
)


@cache
def words(language: str) -> Locale:
    """The words and formats of a language.

    Raises:
        UsageError: there is no such language.
    """
    base = locale(language)
    own = catalogue(language)
    if language == "fr":
        own = {key: _spaced(text) for key, text in own.items()}
    return replace(base, messages={**base.messages, **own})


def catalogue(language: str) -> dict[str, str]:
    """The document's own messages, as they are written."""
    path = resources.files("restore.report") / "templates" / f"prerequisites.{language}.yaml"
    found: dict[str, str] = load_shipped(path.read_text(encoding="utf-8"))
    return found


def _spaced(text: str) -> str:
    """French typography: spaces that no line breaks at, before tall punctuation."""
    for plain, right in _FRENCH_SPACES:
        text = text.replace(plain, right)
    return text
