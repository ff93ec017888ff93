"""The stages of a run: select, verify, foresee, plan, replay, check. Each is timed and kept.

They are shared by ``pra drill``, ``pra restore`` and ``pulumi up``.
"""

from __future__ import annotations

from dataclasses import replace

from restore.adapters import logs
from restore.adapters.docker.access import open_access
from restore.checks import run_checks
from restore.checks.base import with_acceptances
from restore.checks.passwords import captured_secrets
from restore.checks.scenarios import (
    Ground,
    ScenarioResults,
    play_all,
    require_playable,
    require_steps,
)
from restore.context import ReplayContext
from restore.errors import DamagedGenerationError, RefusedError, ReplayError, UsageError
from restore.model import (
    LOCAL,
    Blueprint,
    CheckStatus,
    Environment,
    Generation,
    Purpose,
    RestorePlan,
    Role,
    StepKind,
    StepStatus,
)
from restore.model.environment import StackOverrides
from restore.plan.request import copied_documents
from restore.replay.replay import ReplayInterrupted, replay
from restore.repository.selection import choose
from restore.repository.verify import require_sound, verify
from restore.runs.planning import plan_foreseen, plan_standing
from restore.runs.recorder import Recorder
from restore.runs.request import ReplayRequest, Services
from restore.runs.same_repository import require_same_repository
from restore.runs.staging.safety import (
    administrator_of,
    for_purpose,
    require_anonymised,
    stop_unless_safe,
)


def select(services: Services, choice: str, recorder: Recorder) -> Generation:
    """Stage "select": find the generation that a choice names."""
    with recorder.stage("select", f"Choose generation {choice}"):
        generation = choose(services.repository, choice)
        recorder.generation = generation
        logs.describe_run(generation=generation.id)
        if generation.profile != services.profile.name:
            raise RefusedError(
                f"generation {generation.id} was made with profile {generation.profile}, "
                f"not {services.profile.name}",
                f"use --profile {generation.profile}",
            )
    return generation


def require_integrity(
    services: Services, generation: Generation, request: ReplayRequest, recorder: Recorder
) -> None:
    """Stage "verify": every checksum of the generation, before anything is made.

    Many documents that the replay copies must all be there; they are read once, and compared, when
    they are copied aside.
    """
    unread = copied_documents(
        generation, services.profile, request.selection.databases, request.nodes
    )
    with recorder.stage("verify", f"Verify generation {generation.id}"):
        require_sound(
            verify(
                services.repository,
                generation,
                jobs=request.jobs,
                listener=services.listener,
                unread=unread,
            )
        )


def preflight(
    services: Services,
    generation: Generation,
    request: ReplayRequest,
    overrides: StackOverrides,
    recorder: Recorder,
) -> Blueprint:
    """Stage "foresee": plan for the environment that would be rebuilt, from its images alone.

    Args:
        overrides: what the stack is told in place of what the generation says.

    Raises:
        RefusedError: the environment would not be equivalent; nothing was made.
        UsageError: an acceptance names neither a difference nor a check.
    """
    services = for_purpose(services, request)
    with recorder.stage("foresee", "Compare the images with the backup"):
        require_steps(request.accepted, request.scenarios)
        if overrides.hosts.of(Role.ERP) == LOCAL:
            require_playable(request.scenarios, request.credentials, services.runner)
        return plan_foreseen(services, generation, request, overrides, recorder)


def replay_into(
    environment: Environment,
    generation: Generation,
    request: ReplayRequest,
    services: Services,
    recorder: Recorder,
) -> None:
    """Stages "plan", "replay" and "check" on an environment that stands.

    A failed step or check is kept in the recorder; only what stops the run is raised.

    Raises:
        RefusedError: the environment is not equivalent or not empty; nothing was changed.
    """
    if environment.purpose is Purpose.STAGING:
        # Whatever command replays into a staging copy: production's data must not run there.
        request = replace(request, purpose=Purpose.STAGING)
    require_anonymised(environment, request)
    with open_access(environment, services.runner) as (at_hand, runner):
        require_same_repository(at_hand, generation, services.repository, runner)
        _replay_into(at_hand, generation, request, replace(services, runner=runner), recorder)


def _replay_into(
    environment: Environment,
    generation: Generation,
    request: ReplayRequest,
    services: Services,
    recorder: Recorder,
) -> None:
    """Replay into an environment whose every server this machine reaches."""
    services = for_purpose(services, request)
    with recorder.stage("plan", "Compare the environment with the backup and plan"):
        planned = plan_standing(environment, generation, request, services, recorder)
        require_reports_account(request, planned)
        require_steps(request.accepted, request.scenarios)
        erp = environment.erp.container
        require_playable(request.scenarios, request.credentials, services.runner, erp)
    context = replay_context(environment, generation, request, services, recorder)
    # What production holds is known from here on, and masked in the log.
    tuple(captured_secrets(context))
    # What is left to people is about production's new place; a copy has none.
    recovery = request.purpose is Purpose.RECOVERY
    recorder.operations = services.profile.checklist if recovery else ()
    with recorder.stage("replay", f"Replay generation {generation.id}"):
        _replay(planned, context, recorder)
    if any(check.status is CheckStatus.FAILED for check in recorder.checks):
        # The restored database is not production's: that is a verdict, no failure to judge.
        return
    with recorder.stage("check", "Check the restored environment"):
        found = run_checks(context, request.credentials, request.accepted, planned.databases)
        recorder.checks = (*recorder.checks, *found)
        # Last: scenarios may change what the other checks compare.
        _play(context, request, recorder)
        recorder.checked = services.now()
        stop_unless_safe(context, found)


def replay_context(
    environment: Environment,
    generation: Generation,
    request: ReplayRequest,
    services: Services,
    recorder: Recorder,
) -> ReplayContext:
    """What steps and checks work with, once there is a plan.

    Args:
        environment: as ``access.open_access`` gives it, as is the tools' runner.
    """
    assert recorder.plan is not None  # noqa: S101 - the caller has planned
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
        run=recorder.run,
        databases=recorder.plan.databases,
        purpose=request.purpose,
        administrator=administrator_of(request),
        most_caches=request.cache.most,
        anonymisation=request.anonymisation,
    )


def _play(context: ReplayContext, request: ReplayRequest, recorder: Recorder) -> None:
    """Play the scenarios that were asked for, and keep what they found and saw."""
    played = play_asked(context, request)
    results = with_acceptances(played.results, request.accepted)
    recorder.checks = (*recorder.checks, *results)
    recorder.pictures = (*recorder.pictures, *played.pictures)


def play_asked(context: ReplayContext, request: ReplayRequest) -> ScenarioResults:
    """Play a request's scenarios in the first database, as the check does pages."""
    played = ScenarioResults()
    for database in context.databases[:1]:
        played += play_all(ground_of(context, request, database), request.scenarios)
    return played


def ground_of(context: ReplayContext, request: ReplayRequest, database: str) -> Ground:
    """Where scenarios are played in one database of an environment."""
    return Ground(
        environment=context.environment,
        runner=context.runner,
        database=database,
        credentials=request.credentials,
        run=context.run,
        language=request.language,
    )


def _replay(planned: RestorePlan, context: ReplayContext, recorder: Recorder) -> None:
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
    if isinstance(outcome.error, DamagedGenerationError):
        # The copy ended at the first damaged document: name them all.
        require_sound(verify(context.repository, context.generation, jobs=context.jobs))
        raise outcome.error
    if any(check.status is CheckStatus.FAILED for check in outcome.checks):
        return
    if broken := [step for step in outcome.steps if step.status is StepStatus.FAILED]:
        raise ReplayError(f"{broken[0].title}: {broken[0].reason}")


def require_reports_account(request: ReplayRequest, planned: RestorePlan | None) -> None:
    """Refuse to begin what can't be ended: data sources are changed by the reports server itself.

    Raises:
        UsageError: the plan changes data sources and there is no account to do it as.
    """
    steps = planned.steps if planned else ()
    if request.reports_account is None and any(s.kind is StepKind.DATA_SOURCE for s in steps):
        raise UsageError(
            "the generation holds a reports server, and no account of it was given",
            "set PRA_REPORTS_PASSWORD (and PRA_REPORTS_LOGIN), or the stack's reportsPassword",
        )
