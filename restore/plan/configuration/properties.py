"""Java properties files, changed in place: ``key=value``, one a line, every other byte kept.

Continued lines and escapes are not understood: a key on one of them counts as absent.
"""

from __future__ import annotations

import re
from typing import Final

_LINE: Final = re.compile(
    r"^(?P<before>[ \t]*(?P<key>[^\s#!=:][^\s=:]*)[ \t]*[=:][ \t]*)(?P<value>[^\r\n]*)", re.M
)


def properties_value(text: str, key: str) -> str | None:
    """The value of a key, the last one when it stands there twice; None when it is absent."""
    found = [match["value"].rstrip() for match in _LINE.finditer(text) if match["key"] == key]
    return found[-1] if found else None


def set_properties_value(text: str, key: str, value: str) -> str:
    """Give a key a value wherever it stands, or add it at the end."""
    if properties_value(text, key) is None:
        gap = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{gap}{key}={value}\n"
    return _LINE.sub(
        lambda match: match["before"] + value if match["key"] == key else match[0], text
    )
