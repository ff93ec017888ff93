"""What the replay and the checks work with."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from restore.adapters.docker.runner import Runner
from restore.anonymise.rules import Anonymisation
from restore.model import (
    Acceptance,
    Credentials,
    DatabaseFacts,
    Environment,
    Generation,
    Part,
    ProgressListener,
    Purpose,
    ignore_progress,
)
from restore.model.parts import reports_generation
from restore.plan.cache.policy import MOST_CACHES
from restore.plan.neutralise import Administrator
from restore.profile import Profile
from restore.repository import Repository


@dataclass(frozen=True, slots=True)
class ReplayContext:
    """One generation, the environment that it goes into, and the tools for it.

    ``now`` gives the time in UTC. ``accepted`` holds the checks that the user ignores, each with
    its reason; keys that name no check are of no concern here. ``reports_account`` is the reports
    server's account, as which the engine speaks to its REST interface. ``run``
    is the run's id; ``databases`` are those of the ERP that are replayed, every one when empty.
    ``administrator`` is whom a ``STAGING`` copy is given to; None for a recovery.
    ``most_caches`` is how many caches an engine may hold once one is added.
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
    reports_account: Credentials | None = None
    run: str = ""
    databases: tuple[str, ...] = ()
    purpose: Purpose = Purpose.RECOVERY
    administrator: Administrator | None = None
    most_caches: int = MOST_CACHES
    anonymisation: Anonymisation | None = None
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when what is under way is to be given up: something beside it failed."""

    def of(self, part: Part) -> ReplayContext:
        """The context of a step of that part: the reports half as if it were an ERP of its own.

        Raises:
            KeyError: there is no such part; a plan never has a step for it.
        """
        if part is Part.ERP:
            return self
        generation = reports_generation(self.generation)
        environment, profile = self.environment.reports, self.profile.reports
        if generation is None or environment is None or profile is None:
            raise KeyError(part)
        administrator = self.administrator
        if administrator is not None:
            # That of a copy's reports server is the account that the engine uses there.
            login = self.reports_account.login if self.reports_account else ""
            administrator = replace(administrator, login=login)
        return replace(
            self,
            generation=generation,
            environment=environment,
            profile=profile.server,
            administrator=administrator,
        )

    def facts_of(self, database: str) -> DatabaseFacts:
        """A database's facts, as the generation recorded them in production.

        Raises:
            KeyError: the generation has no such database; a plan never names one.
        """
        return {facts.name: facts for facts in self.generation.fingerprint.databases}[database]
