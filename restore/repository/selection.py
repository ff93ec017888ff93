"""Which generation a user means."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Protocol

from restore.errors import NotFoundError, UsageError
from restore.model import Generation
from restore.model.messages import message
from restore.repository.base import started_of

LATEST: Final = "latest"
LATEST_BEFORE: Final = "latest-before"
_SHOWN: Final = 10


class Catalogue(Protocol):
    """What generations can be chosen from: a repository, or a layout of backups by others."""

    @property
    def location(self) -> str:
        """How the user names it."""

    def ids(self) -> tuple[str, ...]:
        """What there is, oldest first."""

    def load(self, generation_id: str) -> Generation:
        """Describe one of them."""


def choose(repository: Catalogue, choice: str) -> Generation:
    """Load the generation that ``choice`` names; see ``choose_id``."""
    return repository.load(choose_id(repository, choice))


def choose_id(repository: Catalogue, choice: str) -> str:
    """The id of the generation that ``choice`` names; nothing else is read where it says so.

    ``choice`` is an id, the beginning of exactly one id, ``latest``, or ``latest-before DATE``:
    the newest one consistent before that moment, in UTC unless it says otherwise
    (``2026-11-23``, ``2026-11-23T18:00``, ``2026-11-23T18:00+01:00``).

    Raises:
        NotFoundError: none fits; lists what exists.
        UsageError: several ids begin so, or the date is none.
        DamagedGenerationError: the one that fits has no sound manifest; no other is taken silently.
    """
    words = choice.split()
    ids = repository.ids()
    if words == [LATEST]:
        if ids:
            return ids[-1]
    elif words and words[0] == LATEST_BEFORE:
        if found := _before(repository, ids, moment("T".join(words[1:]))):
            return found
    elif len(words) == 1:
        fitting = [name for name in ids if name.startswith(words[0])]
        if len(fitting) > 1:
            raise UsageError(
                f"{len(fitting)} generations begin with {words[0]}: {_listed(tuple(fitting))}",
                "give more of the id",
            )
        if fitting:
            return fitting[0]
    raise NotFoundError(
        message(
            "repository {place} has no generation '{choice}'",
            place=repository.location,
            choice=repr(choice)[1:-1],
        ),
        message("there is {ids}", ids=_listed(ids))
        if len(ids) == 1
        else message("there are {ids}", ids=_listed(ids)),
    )


def _before(repository: Catalogue, ids: tuple[str, ...], moment: datetime) -> str | None:
    for name in reversed(ids):
        started = started_of(name)
        # A generation is never consistent before it was begun: no need to read it.
        if started is None or started >= moment:
            continue
        if repository.load(name).consistency_point < moment:
            return name
    return None


def moment(text: str) -> datetime:
    """A moment that a user wrote, in UTC unless it says otherwise.

    Raises:
        UsageError: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            message("{text} is no date", text=repr(text)),
            message("for example 2026-11-23, 2026-11-23T18:00 or 2026-11-23T18:00+01:00"),
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _listed(ids: tuple[str, ...]) -> str:
    if not ids:
        return "none: 'pra capture' makes one"
    more = f" and {len(ids) - _SHOWN} older" if len(ids) > _SHOWN else ""
    return ", ".join(reversed(ids[-_SHOWN:])) + more
