"""The plan that a drill of a generation follows in an equivalent environment. Nothing is made.

No Docker engine is asked: the environment that the document calls for is, by definition, one that
offers what production had.
"""

from __future__ import annotations

from dataclasses import replace

from restore.model import Blueprint, EnvironmentFacts, Generation, RestorePlan
from restore.plan.blueprint import blueprint
from restore.plan.configuration.files import ConfigurationTexts
from restore.plan.planning import plan
from restore.plan.request import PlanRequest, PlanTarget, foreseen_target
from restore.profile import Profile
from restore.report.prerequisites.facts import StackFacts
from stacks.outputs import REPOSITORY_PATH


def foresee(
    generation: Generation, profile: Profile, texts: ConfigurationTexts, stack: StackFacts
) -> tuple[Blueprint, RestorePlan]:
    """The blueprint of the environment and the plan that replays the generation into it.

    Raises:
        RefusedError: the generation lacks something, or the profile does not know its series.
        DamagedGenerationError: its manifest or its configuration files are none.
    """
    intended = blueprint(generation, profile, texts, dict(stack.images))
    request = PlanRequest(
        generation=generation,
        profile=profile,
        texts=texts,
        facts=_equivalent(generation),
        target=_target(intended, stack),
        acceptances=stack.accepted,
        databases=stack.databases,
        jobs=stack.jobs,
    )
    return intended, plan(request)


def _equivalent(generation: Generation) -> EnvironmentFacts:
    fingerprint = generation.fingerprint
    return EnvironmentFacts(
        postgresql=fingerprint.postgresql, erp=fingerprint.erp, erp_series=fingerprint.erp_series
    )


def _target(intended: Blueprint, stack: StackFacts) -> PlanTarget:
    """The target of the plan, with the addresses that the settings fix."""
    target = foreseen_target(stack.name, intended, REPOSITORY_PATH)
    configuration = target.configuration
    if stack.fixed_subnet:
        configuration = replace(configuration, database_address=stack.addresses.database)
    if url := published_url(stack):
        configuration = replace(configuration, external_url=url)
    return replace(target, configuration=configuration)


def published_url(stack: StackFacts) -> str | None:
    """The URL at which people reach the ERP, when the settings fix it."""
    if stack.external_url:
        return stack.external_url
    return f"http://127.0.0.1:{stack.http_port}" if stack.http_port else None
