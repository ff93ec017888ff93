"""What the replay and the checks work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from restore.model import (
    Acceptance,
    DatabaseFacts,
    Environment,
    Generation,
    ProgressListener,
    ignore_progress,
)
from restore.profile import Profile
from restore.repository.base import Repository
from restore.runner import Runner


@dataclass(frozen=True, slots=True)
class ReplayContext:
    """One generation, the environment that it goes into, and the tools for it.

    ``now`` gives the time in UTC. ``accepted`` holds the checks that the user ignores, each with
    its reason; keys that name no check are of no concern here.
    """

    runner: Runner
    environment: Environment
    repository: Repository
    generation: Generation
    profile: Profile
    now: Callable[[], datetime]
    listener: ProgressListener = ignore_progress
    jobs: int = 2
    accepted: tuple[Acceptance, ...] = ()

    def facts_of(self, database: str) -> DatabaseFacts:
        """What production said of a database.

        Raises:
            KeyError: the generation has no such database; a plan never names one.
        """
        for facts in self.generation.fingerprint.databases:
            if facts.name == database:
                return facts
        raise KeyError(database)
