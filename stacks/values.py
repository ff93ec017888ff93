"""Reads texts as typed values and gathers what is wrong, so that all of it is told at once."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit


class Values:
    """Settings by name, as texts. A reader that finds an error notes it and returns a stand-in."""

    def __init__(self, namespace: str, raw: Mapping[str, str]) -> None:
        self.errors: list[str] = []
        self._namespace = namespace
        self._raw = raw

    def wrong(self, name: str, message: str) -> None:
        """Note an error of one setting."""
        self.errors.append(f"{self._namespace}:{name}: {message}")

    def optional(self, name: str) -> str | None:
        """A text that may be absent, but not blank."""
        text = self._raw.get(name)
        if text is not None and not text.strip():
            self.wrong(name, "must not be empty")
            return None
        return text

    def text(self, name: str, default: str | None = None) -> str:
        """A text; required when there is no default."""
        if name not in self._raw and default is None:
            self.wrong(name, "is required")
        return self.optional(name) or default or ""

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """One of a few texts; the first is the default."""
        text = self.text(name, choices[0])
        if text not in choices:
            self.wrong(name, f"must be one of {', '.join(choices)}, not {text!r}")
        return text

    def boolean(self, name: str, default: bool) -> bool:
        """``true`` or ``false``."""
        text = self.optional(name)
        if text is not None and text not in ("true", "false"):
            self.wrong(name, f"must be true or false, not {text!r}")
        return default if text is None else text == "true"

    def integer(self, name: str, lowest: int, highest: int) -> int | None:
        """A whole number between two bounds; None when it is absent."""
        text = self.optional(name)
        if text is None:
            return None
        if not text.isascii() or not text.isdigit() or not lowest <= int(text) <= highest:
            self.wrong(name, f"must be a whole number from {lowest} to {highest}, not {text!r}")
            return None
        return int(text)

    def url(self, name: str) -> str | None:
        """An HTTP URL of a whole site, without its last slash; None when it is absent."""
        text = self.optional(name)
        if text is None:
            return None
        try:
            parts = urlsplit(text)
            good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            good = False
        if not good or parts.query or parts.fragment or parts.username is not None:
            self.wrong(name, f"must be a URL such as https://erp.example.org, not {text!r}")
        return text.rstrip("/")

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; empty when it is absent."""
        items = self._list(name)
        bad = [index for index, item in enumerate(items) if not _is_text(item)]
        for index in bad:
            self.wrong(f"{name}[{index}]", "must be a text, not empty")
        return () if bad else tuple(items)

    def records(self, name: str, fields: tuple[str, ...]) -> list[dict[str, str]]:
        """A list of objects that have exactly these fields, all texts; empty when it is absent."""
        before = len(self.errors)
        items = self._list(name)
        for index, item in enumerate(items):
            self._record(f"{name}[{index}]", item, fields)
        return items if len(self.errors) == before else []

    def fields(self, name: str, known: tuple[str, ...]) -> dict[str, str]:
        """An object of texts, each under a known name; empty when it is absent."""
        found = self._json(name, dict, "an object")
        for field, text in found.items():
            if field not in known:
                self.wrong(f"{name}.{field}", f"there is none such; known: {', '.join(known)}")
            elif not _is_text(text):
                self.wrong(f"{name}.{field}", "must be a text, not empty")
        return {field: text for field, text in found.items() if field in known and _is_text(text)}

    def numbers(self, name: str, fields: tuple[str, ...]) -> Numbers:
        """An object whose fields are numbers."""
        found = self._json(name, dict, "an object")
        for field in found:
            if field not in fields:
                self.wrong(f"{name}.{field}", f"there is no such size; known: {', '.join(fields)}")
        return Numbers(self, name, found)

    def _record(self, path: str, item: object, fields: tuple[str, ...]) -> None:
        if not isinstance(item, dict):
            self.wrong(path, f"must be an object with {' and '.join(fields)}")
            return
        for field in fields:
            if not _is_text(item.get(field)):
                self.wrong(f"{path}.{field}", "must be a text, not empty")
        for field in item:
            if field not in fields:
                self.wrong(f"{path}.{field}", f"unknown; known: {', '.join(fields)}")

    def _list(self, name: str) -> list[Any]:
        return list(self._json(name, list, "a list"))

    def _json(self, name: str, kind: type, what: str) -> Any:
        text = self.optional(name)
        if text is None:
            return kind()
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if isinstance(value, kind):
            return value
        self.wrong(name, f"must be {what}, in JSON")
        return kind()


class Numbers:
    """The numbers of one setting that is an object."""

    def __init__(self, values: Values, name: str, found: Mapping[str, object]) -> None:
        self._values = values
        self._name = name
        self._found = found

    def number(self, field: str, lowest: float) -> float | None:
        """A number of at least ``lowest``; None when it is absent."""
        value = self._found.get(field)
        if value is None:
            return None
        number = _number(value)
        if number is None or number < lowest:
            self._values.wrong(f"{self._name}.{field}", f"must be a number of at least {lowest}")
            return None
        return number

    def whole(self, field: str, lowest: int) -> int | None:
        """A whole number of at least ``lowest``; None when it is absent."""
        number = self.number(field, lowest)
        if number is not None and not number.is_integer():
            self._values.wrong(f"{self._name}.{field}", "must be a whole number")
            return None
        return None if number is None else int(number)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _number(value: object) -> float | None:
    """A finite number, or its text: `pulumi config set --path` keeps decimals as texts."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
