"""A staging copy, and what is decided about it. Pure: the time is an argument."""

from __future__ import annotations

import getpass
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from restore.errors import RefusedError, UsageError

PREFIX: Final = "staging-"
"""How the stack of a staging copy begins; the copy's name follows."""

CREATE: Final = "pra staging create"

LONGEST_LIFE: Final = timedelta(days=366)

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,28}[a-z0-9])?")


class CopyState(StrEnum):
    """The state of a copy, as its record says."""

    CREATING = "creating"
    READY = "ready"
    FAILED = "failed"
    """Kept stopped, on demand, after its creation failed."""
    DESTROYING = "destroying"


class Condition(StrEnum):
    """The state of a copy now, from its record, the time, and whether its process lives."""

    CREATING = "creating"
    READY = "ready"
    EXPIRED = "expired"
    FAILED = "failed"
    DESTROYING = "destroying"
    ABANDONED = "abandoned"
    """The process that made or ended it died."""


@dataclass(frozen=True, slots=True)
class StagingCopy:
    """One staging copy. None of it is a secret.

    ``subnet`` and ``port`` are its own, taken from its creation on. ``url`` is empty until it
    stands. ``generation`` is what was asked for until one was chosen. ``neutralised`` is true when
    every proof of it has passed; ``password_file`` is where the administrator's password lies.
    """

    name: str
    owner: str
    state: CopyState
    created: datetime
    expires: datetime
    generation: str
    profile: str
    repository: str
    base: str
    subnet: str
    port: int
    url: str = ""
    login: str = ""
    password_file: str = ""
    run: str = ""
    neutralised: bool = False
    anonymised: bool = False

    @property
    def stack(self) -> str:
        """Its stack."""
        return stack_of(self.name)


def stack_of(name: str) -> str:
    """The stack of the copy with that name."""
    return f"{PREFIX}{name}"


def require_name(name: str) -> None:
    """Refuse a name that stacks, containers and files can't all have.

    Raises:
        UsageError: says what a name is.
    """
    if _NAME.fullmatch(name) is None:
        raise UsageError(
            f"{name!r} is no name of a staging copy",
            "lower-case letters, digits and inner hyphens, 30 at most: sales-test",
        )


def require_life(life: timedelta) -> None:
    """Refuse a time to live that is not above zero, or is longer than a year.

    Raises:
        UsageError: names the bounds.
    """
    if not timedelta(0) < life <= LONGEST_LIFE:
        raise UsageError(
            f"a staging copy can't live for {life}", "from 1s to 366d; 'renew' gives it more later"
        )


def require_owner(owner: str) -> str:
    """The owner as it is recorded: one line, not empty.

    Raises:
        UsageError: it is none.
    """
    kept = " ".join(owner.split())
    if not kept or not kept.isprintable():
        raise UsageError(f"{owner!r} is no owner", "name who answers for the copy: --owner 'A. M.'")
    return kept


def this_user() -> str:
    """Who owns a copy when nobody is named: the user that runs the command."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def condition(copy: StagingCopy, *, alive: bool, now: datetime) -> Condition:
    """The condition of a copy now. ``alive``: a living process works on it."""
    if copy.state in (CopyState.CREATING, CopyState.DESTROYING):
        return Condition(copy.state.value) if alive else Condition.ABANDONED
    if now >= copy.expires:
        return Condition.EXPIRED
    return Condition(copy.state.value)


def why_due(copy: StagingCopy, *, alive: bool, now: datetime) -> str | None:
    """Why garbage collection ends a copy; None when it stays.

    One that a living process works on stays, whatever its age; so does one that has not expired.
    """
    if alive:
        return None
    match condition(copy, alive=alive, now=now):
        case Condition.ABANDONED:
            act = "creation" if copy.state is CopyState.CREATING else "destruction"
            return f"the process of its {act} ended before it was done"
        case Condition.EXPIRED:
            return f"expired on {copy.expires:%Y-%m-%d %H:%M} UTC (owner {copy.owner})"
    return None


def renewed(copy: StagingCopy, life: timedelta, *, now: datetime) -> StagingCopy:
    """The copy with a time to live that begins now; this process must hold its lock.

    Raises:
        RefusedError: it is not one that stands.
    """
    found = condition(copy, alive=False, now=now)
    if found is Condition.ABANDONED:
        raise RefusedError(
            f"staging copy {copy.name} can't be renewed: it is {found}",
            "'pra gc' ends what was abandoned",
        )
    return replace(copy, expires=now + life)
