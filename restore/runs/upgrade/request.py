"""What a rehearsal is asked for, and what is refused before anything is made. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from restore.checks import check_ids
from restore.errors import UsageError
from restore.model import Acceptance, Generation
from restore.model.upgrade import COMMAND
from restore.profile import Profile, UpgradeProfile
from restore.profile.lint import upgrade_problems
from restore.runs.drill import DrillRequest
from restore.runs.upgrade.difference import check_id, subject_names
from restore.runs.upgrade.road_book import BEGINNING as ROAD_BOOK
from restore.runs.upgrade.road_book import RoadBook, road_book_ids

AFTER: Final = "upgraded."
"""Beginning of the ids of checks of the drill that are run again after the upgrade."""

ON_NEW_SERVER: Final = "postgresql-upgraded."
"""Beginning of the ids of the checks of what was restored into the newer database server."""

_OURS: Final = ("upgrade.", AFTER, ON_NEW_SERVER, ROAD_BOOK)


@dataclass(frozen=True, slots=True)
class RehearsalRequest:
    """A rehearsal: the drill that it begins with, and the images that it upgrades to.

    ``erp`` is the new ERP's image, or a tag of the old one's; None upgrades the database server
    only, to the image ``database``. ``road_book`` is what is checked besides; None is nothing.
    """

    drill: DrillRequest
    erp: str | None
    database: str | None
    road_book: RoadBook | None = None


def require_upgrade(request: RehearsalRequest, profile: Profile) -> UpgradeProfile:
    """How the profile upgrades; refuse a rehearsal that can't be one.

    Raises:
        UsageError: says why.
    """
    if request.erp is None and request.database is None:
        raise UsageError("nothing is to be upgraded", "name --to, --to-database, or both")
    if profile.upgrade is None:
        raise UsageError(
            f"profile {profile.name} does not say how its ERP is upgraded",
            "add the key upgrade: 'pra profile show odoo' has one",
        )
    if problems := tuple(upgrade_problems(profile.upgrade)):
        raise UsageError(
            f"profile {profile.name} is wrong:\n" + "\n".join(f"  {one}" for one in problems),
            "see 'pra profile check'",
        )
    return profile.upgrade


def require_known(
    accepted: tuple[Acceptance, ...],
    request: RehearsalRequest,
    profile: Profile,
    generation: Generation,
) -> None:
    """Refuse a misspelt acceptance of one of the rehearsal's own checks before anything is made.

    Raises:
        UsageError: names those that there are.
    """
    names = tuple(facts.name for facts in generation.fingerprint.databases)
    subjects = subject_names(profile.upgrade) if profile.upgrade else ()
    steps = (one for scenario in request.drill.replay.scenarios for one in scenario.check_ids)
    again = (*check_ids(profile, names, generation), *steps)
    known = {
        *(check_id(one, name) for name in names for one in subjects),
        *(check_id(COMMAND, name) for name in names),
        *(f"{beginning}{one}" for beginning in (AFTER, ON_NEW_SERVER) for one in again),
        *(road_book_ids(request.road_book, names) if request.road_book else ()),
    }
    if wrong := [one.key for one in accepted if one.key not in known]:
        raise UsageError(
            f"a rehearsal has no check named {', '.join(wrong)}",
            "it has: " + ", ".join(sorted(one for one in known if one.startswith("upgrade."))),
        )


def new_image(named: str, old: str) -> str:
    """The image that ``--to`` names: as it is, or the old one's with that tag."""
    if "/" in named or ":" in named:
        return named
    head, slash, last = old.partition("@")[0].rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}:{named}"


def split(
    accepted: tuple[Acceptance, ...],
) -> tuple[tuple[Acceptance, ...], tuple[Acceptance, ...]]:
    """Acceptances of the rehearsal's own checks, and those of the drill that it begins with."""
    ours = tuple(one for one in accepted if one.key.startswith(_OURS))
    return ours, tuple(one for one in accepted if one not in ours)
