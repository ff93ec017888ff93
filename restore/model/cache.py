"""Caches: the data of a database server, as an earlier drill had loaded and checked it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final


@dataclass(frozen=True, slots=True)
class CacheUse:
    """What a plan does with the cache of a database server's data.

    ``key`` names all that the server's data depend on. ``volume`` holds the cache of that key which
    is placed; None loads the databases, and then makes a cache under that key.
    """

    key: str
    volume: str | None = None


@dataclass(frozen=True, slots=True)
class Cache:
    """A copy of a database server's data, in a volume of its own on a Docker engine.

    ``kept`` is None for one that was not finished: it can't be used. ``stack`` is that of the run
    that made it, ``used`` when it was last placed, or made. ``bytes`` and ``files`` are the data's.
    """

    volume: str
    key: str
    generation: str
    part: str
    stack: str
    created: datetime
    kept: datetime | None = None
    used: datetime | None = None
    bytes: int = 0
    files: int = 0

    @property
    def complete(self) -> bool:
        """Whether it was finished."""
        return self.kept is not None


MOUNTED: Final = "/pra-copy"
"""Where a helper sees the volume of a cache."""


DATA: Final = f"{MOUNTED}/data"
"""The cached data in it."""
