"""What a database is made of beside its rows: objects by kind, sequences, settings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MOST_NAMES: Final = 5000
"""Names of one kind that are kept; of a kind that has more, number and digest only."""

COUNTED: Final = ("column", "not-null column")
"""Kinds that are many, and whose names are never kept."""

_SECRET: Final = ("pass", "secret", "token", "key", "conninfo", "credential")


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """The objects of one kind: how many, and the SHA-256 of their sorted names.

    ``names`` is empty where they are only counted.
    """

    kind: str
    number: int
    digest: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SequenceFacts:
    """Where a sequence stood. ``called`` says whether it has given ``last_value`` already.

    A dump reads it a moment after the fingerprint: ``later`` is where it stood when the dump was
    over, if elsewhere. ``last_value`` is None where the capture's role may not read it.
    """

    schema: str
    name: str
    last_value: int | None
    called: bool = True
    later: int | None = None


@dataclass(frozen=True, slots=True)
class LargeObjects:
    """How many large objects there were, and their bytes; None when they are not known."""

    number: int
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class SettingFacts:
    """A setting of a database (``role`` is empty), of a role in it, or of a role ``everywhere``.

    What may be a secret is held as its digest.
    """

    role: str
    everywhere: bool
    name: str
    value: str

    @property
    def text(self) -> str:
        """How it is shown: ``odoo: work_mem=7MB``."""
        shown = f"{self.name}={self.value}"
        return f"{self.role}: {shown}" if self.role else shown


def object_facts(kind: str, names: Iterable[str]) -> ObjectFacts:
    """Count the objects of a kind, and keep their names where they are not too many."""
    each = sorted(set(names))
    digest = hashlib.sha256("\0".join(each).encode("utf-8", "surrogateescape")).hexdigest()
    kept = () if kind in COUNTED or len(each) > MOST_NAMES else tuple(each)
    return ObjectFacts(kind, len(each), digest, kept)


def setting_facts(role: str, everywhere: bool, setting: str) -> SettingFacts:
    """A setting as the catalogue holds it (``name=value``), without what may be a secret."""
    name, _, value = setting.partition("=")
    if "." in name or any(word in name.lower() for word in _SECRET):
        value = f"sha256:{hashlib.sha256(value.encode(errors='surrogateescape')).hexdigest()}"
    return SettingFacts(role, everywhere, name, value)
