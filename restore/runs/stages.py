"""The stages of a run: select, verify, foresee, plan, replay, check. Each is timed and kept.

They are shared by ``pra drill``, ``pra restore`` and ``pulumi up``.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Final

from restore import errors, model
from restore.adapters import logs
from restore.adapters.docker.access import open_access
from restore.adapters.docker.runner import Runner
from restore.checks import checks_left_out, foreseen_checks, run_checks, scenarios
from restore.checks.base import with_acceptances
from restore.checks.passwords import captured_secrets
from restore.checks.tls import tls_of
from restore.checks.web import production_check
from restore.context import ReplayContext
from restore.model.environment import StackOverrides
from restore.model.messages import message
from restore.plan.neutralise import administrator
from restore.plan.request import copied_documents
from restore.replay.replay import ReplayInterrupted, replay
from restore.repository import Repository
from restore.repository.selection import LATEST, choose
from restore.repository.verify import require_sound, verify
from restore.runs.own_account import put_own_account
from restore.runs.planning import Foreseen, plan_foreseen, plan_standing
from restore.runs.recorder import Recorder, Run
from restore.runs.request import ReplayRequest
from restore.runs.staging import safety
from restore.runs.vouching import vouching_warnings

_SALT: Final = 16


def select(run: Run) -> model.Generation:
    """Stage "select": find the generation that the request names."""
    choice, profile = run.request.selection.generation, run.services.profile
    with run.recorder.stage("select", f"Choose generation {choice}"):
        generation = choose(run.services.repository, choice)
        run.recorder.generation = generation
        # A copy is made of what is asked for: how old that is, nobody needs to be told.
        recovery = run.request.purpose is model.Purpose.RECOVERY
        run.recorder.newest = recovery and choice == LATEST
        logs.describe_run(generation=generation.id)
        if generation.profile != profile.name:
            raise errors.RefusedError(
                message(
                    "generation {id} was made with profile {a}, not {b}",
                    id=generation.id,
                    a=generation.profile,
                    b=profile.name,
                ),
                message("use --profile {name}", name=generation.profile),
            )
        run.recorder.warnings += vouching_warnings(
            generation, require_signed=run.request.require_signed
        )
    return generation


def verify_generation(
    run: Run, generation: model.Generation, listener: model.ProgressListener | None = None
) -> None:
    """Stage "verify": every checksum of the generation, before anything is made.

    Many documents that the replay copies must all be there; they are read once, and compared, when
    they are copied aside.
    """
    services, request = run.services, run.request
    unread = copied_documents(
        generation, services.profile, request.selection.databases, request.nodes
    )
    told, jobs = listener or services.listener, request.jobs
    with run.recorder.stage("verify", f"Verify generation {generation.id}"):
        found = verify(services.repository, generation, jobs=jobs, listener=told, unread=unread)
        require_sound(found)


def preflight(run: Run, generation: model.Generation, overrides: StackOverrides) -> Foreseen:
    """Stage "foresee": plan for the environment that would be rebuilt, from its images alone.

    Args:
        overrides: what the stack is told in place of what the generation says.

    Raises:
        RefusedError: the environment would not be equivalent; nothing was made.
        UsageError: an acceptance names neither a difference nor a check.
    """
    run = safety.for_purpose(run)
    request = run.request
    with run.recorder.stage("foresee", "Compare the images with the backup"):
        scenarios.require_steps(request.accepted, request.scenarios)
        if overrides.hosts.of(model.Role.ERP) == model.LOCAL:
            scenarios.require_playable(request.scenarios, request.credentials, run.services.runner)
        return plan_foreseen(run, generation, overrides)


def replay_into(
    run: Run, environment: model.Environment, generation: model.Generation
) -> model.RestorePlan:
    """Stages "plan", "replay" and "check" on an environment that stands.

    A failed step or check is kept in the recorder; only what stops the run is raised.

    Returns:
        The plan that was replayed.

    Raises:
        RefusedError: the environment is not equivalent or not empty; nothing was changed.
    """
    if environment.purpose is model.Purpose.STAGING:
        # Whatever command replays into a staging copy: production's data must not run there.
        run = replace(run, request=replace(run.request, purpose=model.Purpose.STAGING))
    safety.require_anonymised(environment, run.request)
    with open_access(environment, run.services.runner) as (at_hand, runner):
        require_same_repository(at_hand, generation, run.services.repository, runner)
        run = replace(run, services=replace(run.services, runner=runner))
        return _replay_at_hand(run, at_hand, generation)


def _replay_at_hand(
    run: Run, environment: model.Environment, generation: model.Generation
) -> model.RestorePlan:
    """Replay into an environment whose every server this machine reaches."""
    run = safety.for_purpose(run)
    services, request, recorder = run.services, run.request, run.recorder
    with recorder.stage("plan", "Compare the environment with the backup and plan"):
        planned = plan_standing(run, environment, generation)
        require_reports_account(request, planned)
        scenarios.require_steps(request.accepted, request.scenarios)
        erp = environment.erp.container
        scenarios.require_playable(request.scenarios, request.credentials, services.runner, erp)
    context = replay_context(run, environment, generation, planned)
    # What production holds is known from here on, and masked in the log.
    tuple(captured_secrets(context))
    # What is left to people is about production's new place; a copy has none.
    recovery = request.purpose is model.Purpose.RECOVERY
    recorder.operations = services.profile.checklist if recovery else ()
    with recorder.stage("replay", f"Replay generation {generation.id}"):
        _replay(planned, context, recorder)
    if any(check.status is model.CheckStatus.FAILED for check in recorder.checks):
        # The restored database is not production's: that is a verdict, no failure to judge.
        return planned
    with recorder.stage("check", "Check the restored environment"):
        request = put_own_account(context, request, recorder)
        results = run_checks(context, request.credentials, request.accepted, planned.databases)
        recorder.checks = (*recorder.checks, *results, *_production_tried(context, request))
        foreseen = foreseen_checks(services.profile, planned.databases, generation, request.purpose)
        left_out = tuple(checks_left_out(recorder.checks, foreseen, request.nodes))
        recorder.checks += with_acceptances(left_out, request.accepted)
        # Last: scenarios may change what the other checks compare.
        played = play_asked(context, request)
        found = with_acceptances(played.results, request.accepted)
        recorder.checks = (*recorder.checks, *found)
        recorder.pictures = (*recorder.pictures, *played.pictures)
        recorder.checked = services.now()
        safety.stop_unless_safe(context, results)
    return planned


def _production_tried(
    context: ReplayContext, request: ReplayRequest
) -> tuple[model.CheckResult, ...]:
    """Production's own account, beside the one with which all else was looked at."""
    if request.production is None or not context.databases:
        return ()
    environment = context.environment
    found = production_check(
        environment.erp.endpoint,
        context.databases[0],
        context.profile.web,
        request.production,
        tls_of(environment),
    )
    return with_acceptances((found,), request.accepted)


def replay_context(
    run: Run,
    environment: model.Environment,
    generation: model.Generation,
    planned: model.RestorePlan,
) -> ReplayContext:
    """What steps and checks of a plan work with.

    Args:
        environment: as ``access.open_access`` gives it, as is the services' runner.
    """
    services, request = run.services, run.request
    account = safety.require_account(request)
    return ReplayContext(
        runner=services.runner,
        environment=environment,
        repository=services.repository,
        generation=generation,
        profile=services.profile,
        listener=services.listener,
        now=services.now,
        jobs=request.jobs,
        accepted=request.accepted,
        reports_account=request.reports_account,
        run=run.recorder.run,
        databases=planned.databases,
        purpose=request.purpose,
        administrator=administrator(account, os.urandom(_SALT)) if account else None,
        most_caches=request.cache.most,
        anonymisation=request.anonymisation,
    )


def play_asked(context: ReplayContext, request: ReplayRequest) -> scenarios.ScenarioResults:
    """Play a request's scenarios in the first restored database."""
    played = scenarios.ScenarioResults()
    for database in context.databases[:1]:
        played += scenarios.play_all(ground_of(context, request, database), request.scenarios)
    return played


def ground_of(context: ReplayContext, request: ReplayRequest, database: str) -> scenarios.Ground:
    """Where scenarios are played in one database of an environment."""
    return scenarios.Ground(
        environment=context.environment,
        runner=context.runner,
        database=database,
        credentials=request.credentials,
        run=context.run,
        language=request.language,
    )


def _replay(planned: model.RestorePlan, context: ReplayContext, recorder: Recorder) -> None:
    """Run a plan's steps and keep how they ended; a failed check is no error.

    Raises:
        ReplayInterrupted: Ctrl-C.
        DamagedGenerationError: a document that was copied is not what the manifest says.
        ReplayError: a step failed.
    """
    try:
        outcome = replay(planned, context)
    except ReplayInterrupted as interruption:
        recorder.steps, recorder.checks = interruption.outcome.steps, interruption.outcome.checks
        raise
    recorder.steps, recorder.checks = outcome.steps, outcome.checks
    recorder.warnings += outcome.warnings
    recorder.checked = context.now()
    if isinstance(outcome.error, errors.DamagedGenerationError):
        # The copy ended at the first damaged document: name them all.
        require_sound(verify(context.repository, context.generation, jobs=context.jobs))
        raise outcome.error
    if any(check.status is model.CheckStatus.FAILED for check in outcome.checks):
        return
    if broken := [step for step in outcome.steps if step.status is model.StepStatus.FAILED]:
        raise errors.ReplayError(f"{broken[0].title}: {broken[0].reason}")


def require_reports_account(request: ReplayRequest, planned: model.RestorePlan) -> None:
    """Refuse a plan that changes data sources when no account of the reports server was given.

    Raises:
        UsageError: the plan changes data sources and there is no account to do it as.
    """
    changed = any(step.kind is model.StepKind.DATA_SOURCE for step in planned.steps)
    if changed and request.reports_account is None:
        raise errors.UsageError(
            "the generation holds a reports server, and no account of it was given",
            "set PRA_REPORTS_PASSWORD (and PRA_REPORTS_LOGIN), or the stack's reportsPassword",
        )


def require_same_repository(
    environment: model.Environment,
    generation: model.Generation,
    repository: Repository,
    runner: Runner,
) -> None:
    """Refuse a database server whose host shows it another repository, or none.

    Only for servers on other hosts: what this machine mounts is what it reads.

    Raises:
        UsageError: names the host.
        EnvironmentFailure: the host doesn't answer.
    """
    ours = (generation.root / "manifest.json").read_bytes()
    folder = generation.root.relative_to(repository.location)
    for half in (environment, environment.reports):
        if half is None or half.database.host is None:
            continue
        server = half.database
        path = f"{server.repository}/{folder}/manifest.json"
        try:
            same = runner.read_file(server.container, path) == ours
        except errors.NotFoundError:
            same = False
        if not same:
            raise errors.UsageError(
                f"Docker host {server.host} does not see generation {generation.id} "
                f"in the repository of container {server.container[:12]}",
                "mount the repository on that host, read-only, and name its path there in the "
                "stack's setting repositoryPaths",
            )
