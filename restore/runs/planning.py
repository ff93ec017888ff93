"""How a run comes to its plan: for an environment that would be rebuilt, and for one that stands.

What was found on the way is kept in the recorder, also when the plan is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from restore import model
from restore.adapters.docker.node_records import find_begun_nodes, find_nodes
from restore.adapters.docker.runner import Runner
from restore.adapters.postgres import sql
from restore.checks import check_ids
from restore.checks.anonymised import anonymised_check_ids
from restore.checks.certificate import ID as CERTIFICATE
from restore.checks.scenarios import is_step_key
from restore.checks.web import PRODUCTION
from restore.errors import UsageError
from restore.model.environment import StackOverrides
from restore.plan.blueprint import blueprint, configuration_texts
from restore.plan.configuration.files import ConfigurationTexts
from restore.plan.disk import disk_need
from restore.plan.equivalence.compare import clock_difference, is_difference_key
from restore.plan.equivalence.servers import disk_difference
from restore.plan.nodes import require_nodes
from restore.plan.planning import differences, plan
from restore.plan.request import (
    PlanRequest,
    PlanTarget,
    foreseen_target,
    standing_target,
    with_begun,
)
from restore.profile import Profile
from restore.replay.steps.bulk import bulk_state, resources_of
from restore.replay.steps.databases import find_databases
from restore.replay.steps.documents import find_documents
from restore.report import budget
from restore.runs.cache import choose_cache
from restore.runs.certificate import Served, foreseen_certificate, standing_certificate
from restore.runs.observe import observe_facts, predict_facts
from restore.runs.recorder import Run
from restore.runs.staging.safety import require_account
from stacks.outputs import REPOSITORY_PATH


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The environment that would be rebuilt, and the plan for it."""

    blueprint: model.Blueprint
    plan: model.RestorePlan


def plan_foreseen(run: Run, generation: model.Generation, overrides: StackOverrides) -> Foreseen:
    """Plan for the environment that would be rebuilt, from its images alone.

    Raises:
        RefusedError: it would not do.
        UsageError: as ``preflight`` says.
    """
    services, recorder = run.services, run.recorder
    texts = configuration_texts(services.repository, generation, services.profile)
    served = foreseen_certificate(services.repository, generation, overrides, services.now())
    intended = blueprint(generation, services.profile, texts, overrides.images)
    intended = replace(intended, certificate=served.pem)
    recorder.changes = intended.changes
    recorder.facts = facts = replace(
        predict_facts(services.runner, intended, services.profile, overrides.hosts),
        certificate=served.facts,
        external_url=overrides.external_url,
    )
    target = foreseen_target("drill", intended, REPOSITORY_PATH)
    target = replace(target, resources=resources_of(services.runner))
    wanted = _plan_request(run, _Subject(generation, texts, served), facts, target)
    return Foreseen(intended, _plan(run, wanted))


def plan_standing(
    run: Run, environment: model.Environment, generation: model.Generation
) -> model.RestorePlan:
    """Look at an environment that stands, and plan for it."""
    services, recorder = run.services, run.recorder
    runner, profile = services.runner, services.profile
    texts = configuration_texts(services.repository, generation, profile)
    recorder.changes = blueprint(generation, profile, texts).changes
    served = standing_certificate(environment, generation, services.now())
    recorder.facts = facts = replace(
        observe_facts(runner, environment, profile), certificate=served.facts
    )
    with sql.connect(environment.database) as connection:
        existing = find_databases(connection)
    names = [facts.name for facts in generation.fingerprint.databases]
    documents = find_documents(runner, environment.erp.container, profile, names)
    reports, half = None, environment.reports
    if half is not None and profile.reports is not None:
        with sql.connect(half.database) as connection:
            reports = standing_target(half, find_databases(connection))
        reports = with_server(runner, half, profile.reports.server, reports)
    stands = find_nodes(runner, environment)
    require_nodes(run.request.nodes, tuple(node.role for node in stands))
    proxy = any(node.role is model.Role.PROXY for node in stands)
    target = standing_target(environment, existing, documents, reports, proxy=proxy)
    target = with_server(runner, environment, profile, target)
    target = with_begun(target, find_begun_nodes(runner, stands))
    wanted = _plan_request(run, _Subject(generation, texts, served), facts, target)
    chosen = choose_cache(runner, environment, wanted, run.request.cache)
    recorder.mode, recorder.mode_reason = chosen.mode, chosen.reason
    recorder.warnings += chosen.warnings
    return _plan(run, chosen.request)


@dataclass(frozen=True, slots=True)
class _Subject:
    """The generation that a plan is of, its configuration files, and the certificate."""

    generation: model.Generation
    texts: ConfigurationTexts
    served: Served


def _plan_request(
    run: Run, subject: _Subject, facts: model.EnvironmentFacts, target: PlanTarget
) -> PlanRequest:
    """What is to be planned for a target, from what a run is asked and what was found.

    Raises:
        UsageError: a database that was asked for is not in the generation, or a staging copy has no
            administrator.
    """
    request, generation = run.request, subject.generation
    require_account(request)
    names = tuple(facts.name for facts in generation.fingerprint.databases)
    need = disk_need(generation, request.selection.databases or names)
    wanted = PlanRequest(
        generation=generation,
        profile=run.services.profile,
        texts=subject.texts,
        facts=facts,
        target=target,
        acceptances=request.accepted,
        databases=request.selection.databases,
        replace=request.replace,
        jobs=request.jobs,
        nodes=request.nodes,
        purpose=request.purpose,
        anonymise=request.anonymisation.rules if request.anonymisation else None,
        found=(
            *clock_difference(generation, run.services.now()),
            *subject.served.differences,
            *disk_difference(need, facts),
        ),
    )
    run.recorder.differences = differences(wanted)
    return wanted


def _plan(run: Run, wanted: PlanRequest) -> model.RestorePlan:
    """Plan, and keep the plan. A misspelt acceptance is refused before anything is changed.

    Raises:
        RefusedError: the target would not do.
        UsageError: an acceptance names neither a difference nor a check.
    """
    run.recorder.plan = planned = plan(wanted)
    # A stack may have a certificate of its own where the generation has none.
    others: tuple[str, ...] = (CERTIFICATE, budget.CHECK, budget.AGE, PRODUCTION.id)
    if wanted.anonymise is not None:
        trees = tuple(one.tree for one in wanted.anonymise.documents)
        others = (*others, *anonymised_check_ids(planned.databases, trees))
    ids = check_ids(wanted.profile, planned.databases, wanted.generation, wanted.purpose)
    known = (*ids, *others)
    accepted = (one.key for one in wanted.acceptances)
    checks = (key for key in accepted if not (is_difference_key(key) or is_step_key(key)))
    if wrong := [key for key in checks if key not in known]:
        raise UsageError(
            f"no difference or check is named {', '.join(wrong)}",
            "checks of this plan: " + ", ".join(known),
        )
    return planned


def with_server(
    runner: Runner, environment: model.Environment, profile: Profile, target: PlanTarget
) -> PlanTarget:
    """A target with what its database server may use, and the state that it was left in."""
    server = environment.database
    return replace(
        target,
        resources=resources_of(runner, server.container),
        bulk=bulk_state(runner, server.container, profile.database.data),
    )
