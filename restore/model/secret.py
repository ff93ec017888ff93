"""A text whose every rendering is ``***``."""

import base64
import html
import json
import re
import shlex
from functools import lru_cache
from typing import Final, NoReturn
from urllib.parse import quote, quote_plus

MASK: Final = "***"

_KNOWN: Final[set[str]] = set()
"""The texts of this process's secrets: what ``mask_known`` hides."""

_ESCAPE: Final = re.compile("%[0-9A-F]{2}")
_SHORT: Final = 8
"""Characters below which a secret is hidden as a whole word only: ``odoo``, not ``odoo_prod``."""


class Secret:
    """Holds a password, token or key so that no log, report or traceback can show it.

    ``reveal()`` is the only way to the text; its callers pass it on by file or environment, never
    by argv. Equality compares the texts, so that settings stay comparable.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text
        _KNOWN.add(text)

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return MASK

    def __format__(self, format_spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(("Secret", self._text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never pickled")


def mask_known(text: str) -> str:
    """Hide in a text every secret that this process holds, as it is, quoted, or line by line."""
    spellings = {spelling for secret in tuple(_KNOWN) for spelling in _spellings(secret)}
    for spelling in sorted(spellings, key=len, reverse=True):
        if len(spelling) >= _SHORT:
            text = text.replace(spelling, MASK)
        elif spelling in text:
            text = re.sub(rf"(?<!\w){re.escape(spelling)}(?!\w)", MASK, text)
    return text


@lru_cache(maxsize=4096)
def _spellings(secret: str) -> frozenset[str]:
    """How a secret may stand in a command, a URL, SQL, JSON or a page; a key's lines one by one."""
    plain = {secret, *(line for line in secret.splitlines() if len(line) >= 2 * _SHORT)}
    urls = quote(secret, safe=""), quote_plus(secret)
    quoted = {
        *urls,
        *(_ESCAPE.sub(lambda escape: escape[0].lower(), url) for url in urls),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        secret.replace("'", "''"),
        shlex.quote(secret),
        repr(secret)[1:-1],
        html.escape(secret),
        base64.b64encode(secret.encode(errors="surrogateescape")).decode(),
    }
    return frozenset(text for text in plain | quoted if text.strip())
