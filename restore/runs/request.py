"""What a run is asked to replay, and the services that it uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from restore import model
from restore.adapters.docker.runner import Runner
from restore.anonymise import Anonymisation
from restore.checks.scenarios import Scenario
from restore.plan.cache.policy import NO_CACHE, CachePolicy
from restore.profile import Profile, load_profile
from restore.report.evidence.format import Signer
from restore.report.evidence.keys import signer_of_environment
from restore.repository import Repository, open_repository


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """What to replay into an environment that stands, and how to judge and report it.

    ``accepted`` holds accepted differences and ignored checks alike, each with its reason.
    ``reports_account`` is needed for a generation with a reports server. ``scenarios`` are played
    once everything else was checked.
    ``replace`` allows a database that is there already to be replaced. ``nodes`` are those that are
    replayed. ``rto_budget`` is the longest accepted recovery time in seconds; the profile's when
    None. ``cache`` says what may be done with caches: nothing, unless a new environment is
    made. For a ``STAGING`` copy, ``credentials`` are what its administrator is given: login, and a
    password that production does not have.
    """

    selection: model.Selection
    credentials: model.Credentials | None
    accepted: tuple[model.Acceptance, ...]
    reports: Path
    language: str = "en"
    scenarios: tuple[Scenario, ...] = ()
    jobs: int = 2
    replace: bool = False
    command: str = "pulumi up"
    reports_account: model.Credentials | None = None
    nodes: tuple[model.Role, ...] = tuple(model.Role)
    rto_budget: float | None = None
    rpo_budget: float | None = None
    """Longest accepted age of the newest generation in seconds; the profile's when None."""
    purpose: model.Purpose = model.Purpose.RECOVERY
    cache: CachePolicy = NO_CACHE
    anonymisation: Anonymisation | None = None
    """Rules and key by which a ``STAGING`` copy is anonymised; None when it is not."""
    require_signed: bool = False
    """Whether a generation for which no trusted key vouches is refused."""
    own: bool = False
    """Whether ``credentials`` are of an account that a drill puts into its throw-away copy."""
    production: model.Credentials | None = None
    """Production's own account, which is then tried as well."""


@dataclass(frozen=True, slots=True)
class Services:
    """What a run uses of the outside. Without a ``signer``, reports are not signed."""

    runner: Runner
    repository: Repository
    profile: Profile
    now: Callable[[], datetime]
    listener: model.ProgressListener
    signer: Signer | None = None


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def open_services(
    selection: model.Selection, listener: model.ProgressListener = model.ignore_progress
) -> Services:
    """Open the services that a run needs, or say at once what is missing.

    Raises:
        RestoreError: the repository, the profile, the signing key or the Docker engine can't be
            used.
    """
    return Services(
        runner=Runner.connect(),
        repository=open_repository(str(selection.repository)),
        profile=load_profile(selection.profile),
        now=utc_now,
        listener=listener,
        signer=signer_of_environment(),
    )
