"""What a document is made from: the same profile, settings, generation and plan as a drill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from restore import model
from restore.model.environment import Addresses, Limits
from restore.profile import Profile

if TYPE_CHECKING:
    from restore.checks.base import Check


@dataclass(frozen=True, slots=True)
class StackFacts:
    """What a stack's settings say of the environment, as the stack itself reads them.

    ``fixed_subnet`` tells whether the settings name the subnet; if not, each drill has its own.
    ``certificate`` tells whether they name one in place of production's.
    """

    name: str
    subnet: str
    fixed_subnet: bool
    addresses: Addresses
    external_url: str | None
    http_port: int | None
    certificate: bool
    database: Limits
    erp: Limits
    images: tuple[tuple[model.Role, str], ...]
    databases: tuple[str, ...]
    accepted: tuple[model.Acceptance, ...]
    jobs: int


@dataclass(frozen=True, slots=True)
class Prerequisites:
    """All that a document says.

    ``last`` is the newest drill's report, None when there is none. ``client`` and ``integrator``
    are left out where they are None. ``source`` is the profile as the user named it,
    ``repository`` where generations are kept, ``renew`` the command that writes the document anew.
    """

    profile: Profile
    source: str
    repository: str
    generation: model.Generation
    blueprint: model.Blueprint
    plan: model.RestorePlan
    checks: tuple[Check, ...]
    stack: StackFacts
    last: model.Report | None
    client: str | None
    integrator: str | None
    renew: tuple[str, ...]
    issued: datetime
    engine_version: str


def is_drill_of(report: model.Report, generation: model.Generation) -> bool:
    """Whether a report is of a drill of the same installation as a generation's.

    Reports of several clients may lie in one folder, so its databases must be among those of the
    report. ``pra restore`` rebuilds nothing, and is no drill.
    """
    drilled = report.generation
    if drilled is None or drilled.profile != generation.profile:
        return False
    if report.command.startswith("pra restore"):
        return False
    names = {facts.name for facts in generation.fingerprint.databases}
    return bool(names & {facts.name for facts in drilled.fingerprint.databases})
