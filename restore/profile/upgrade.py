"""How an ERP is upgraded, as a profile describes it, and what an upgrade must not change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from restore.model import LocalText
from restore.model.upgrade import Rule

DEADLINE: Final = 14_400.0
"""Seconds that the upgrade of a database may take where a profile does not say."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """A query on each of the ERP's databases; a row is a key and one or more values."""

    name: str
    title: LocalText
    sql: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class ServedThings:
    """Things that the ERP serves to a logged-in user: a request for each row of a query.

    ``sql`` names its columns: ``label`` is how a thing is called, and each column fills its
    placeholder of the request. The answer is good with status 200, with ``contains`` and without
    ``absent``; ``problem`` is a regular expression whose first group says what is wrong.
    """

    name: str
    title: LocalText
    sql: str
    path: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    json: Any = None
    contains: str | None = None
    absent: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class UpgradeProfile:
    """The ERP's own upgrade of a database.

    ``command`` is run for each database (``{database}``) by the new code, the ERP being stopped;
    a line of its log must match ``ready``, and none ``errors``, but for those that match
    ``harmless`` (regular expressions). ``deadline`` is in seconds. ``technical`` are regular
    expressions of tables whose rows belong to the ERP itself, so that an upgrade may remove some.
    """

    command: tuple[str, ...]
    ready: str
    errors: tuple[str, ...]
    harmless: tuple[str, ...] = ()
    deadline: float = DEADLINE
    technical: tuple[str, ...] = ()
    invariants: tuple[Invariant, ...] = ()
    served: tuple[ServedThings, ...] = ()

    def argv(self, database: str) -> tuple[str, ...]:
        """The command for a database."""
        return tuple(word.replace("{database}", database) for word in self.command)
