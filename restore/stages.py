"""The stages of a run: select, verify, foresee, plan, replay, check. Each is timed and kept.

They are shared by ``pra drill``, ``pra restore`` and ``pulumi up``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from restore import budget, sql
from restore.blueprint import blueprint, configuration_texts
from restore.checks import check_ids, run_checks
from restore.checks.anonymised import anonymised_check_ids
from restore.checks.base import with_acceptances
from restore.checks.certificate import ID as CERTIFICATE
from restore.choices import StackChoices
from restore.configuration import ConfigurationTexts
from restore.context import ReplayContext
from restore.copying import choose_copies
from restore.disk import disk_need
from restore.equivalence import clock_difference, is_difference_key
from restore.equivalence_nodes import disk_difference
from restore.errors import DamagedGenerationError, RefusedError, ReplayError, UsageError
from restore.model import (
    LOCAL,
    Blueprint,
    CheckStatus,
    Difference,
    Environment,
    Generation,
    Purpose,
    RestorePlan,
    Role,
    StepKind,
    StepStatus,
)
from restore.node_records import begun_nodes, environment_nodes
from restore.observe import observed_facts, predicted_facts
from restore.plan_nodes import require_nodes
from restore.plan_request import (
    PlanRequest,
    PlanTarget,
    copied_documents,
    foreseen_target,
    standing_target,
    with_begun,
)
from restore.planning import differences, plan
from restore.profile import Profile
from restore.reach import reached, require_same_repository
from restore.recorder import Recorder
from restore.replay import ReplayInterrupted, replay
from restore.request import ReplayRequest, Tools
from restore.runner import Runner
from restore.scenarios import Ground, is_step_key, play_all, require_playable, require_steps
from restore.selection import choose
from restore.served_certificate import Served, foreseen_certificate, standing_certificate
from restore.staging_safety import administrator_of, for_purpose, required_account, stop_unless_safe
from restore.steps.bulk import bulk_state, resources_of
from restore.steps.databases import existing_databases
from restore.steps.documents import existing_documents
from restore.verify import require_sound, verify
from stacks.outputs import REPOSITORY_PATH


def select(tools: Tools, choice: str, recorder: Recorder) -> Generation:
    """Stage "select": find the generation that a choice names."""
    with recorder.stage("select", f"Choose generation {choice}"):
        generation = choose(tools.repository, choice)
        recorder.generation = generation
        if generation.profile != tools.profile.name:
            raise RefusedError(
                f"generation {generation.id} was made with profile {generation.profile}, "
                f"not {tools.profile.name}",
                f"use --profile {generation.profile}",
            )
    return generation


def require_integrity(
    tools: Tools, generation: Generation, request: ReplayRequest, recorder: Recorder
) -> None:
    """Stage "verify": every checksum of the generation, before anything is made.

    Many documents that the replay copies must all be there; they are read once, and compared, when
    they are copied aside.
    """
    unread = copied_documents(generation, tools.profile, request.selection.databases, request.nodes)
    with recorder.stage("verify", f"Verify generation {generation.id}"):
        require_sound(
            verify(
                tools.repository,
                generation,
                jobs=request.jobs,
                listener=tools.listener,
                unread=unread,
            )
        )


def foresee(
    tools: Tools,
    generation: Generation,
    request: ReplayRequest,
    choices: StackChoices,
    recorder: Recorder,
) -> Blueprint:
    """Stage "foresee": plan for the environment that would be rebuilt, from its images alone.

    Args:
        choices: what the stack is told in place of what the generation says.

    Raises:
        RefusedError: the environment would not be equivalent; nothing was made.
        UsageError: an acceptance names neither a difference nor a check.
    """
    tools = for_purpose(tools, request)
    with recorder.stage("foresee", "Compare the images with the backup"):
        require_steps(request.accepted, request.scenarios)
        if choices.hosts.of(Role.ERP) == LOCAL:
            require_playable(request.scenarios, request.credentials, tools.runner)
        texts = configuration_texts(tools.repository, generation, tools.profile)
        served = foreseen_certificate(tools.repository, generation, choices, tools.now())
        intended = blueprint(generation, tools.profile, texts, choices.images)
        intended = replace(intended, certificate=served.pem)
        recorder.changes = intended.changes
        recorder.facts = replace(
            predicted_facts(tools.runner, intended, tools.profile, choices.hosts),
            certificate=served.facts,
            external_url=choices.external_url,
        )
        target = foreseen_target("drill", intended, REPOSITORY_PATH)
        target = replace(target, resources=resources_of(tools.runner))
        subject = _Subject(generation, texts, served)
        _plan(_wanted(tools, subject, request, target, recorder), recorder)
    return intended


def replay_into(
    environment: Environment,
    generation: Generation,
    request: ReplayRequest,
    tools: Tools,
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
    with reached(environment, tools.runner) as (at_hand, runner):
        require_same_repository(at_hand, generation, tools.repository, runner)
        _replay_into(at_hand, generation, request, replace(tools, runner=runner), recorder)


def _replay_into(
    environment: Environment,
    generation: Generation,
    request: ReplayRequest,
    tools: Tools,
    recorder: Recorder,
) -> None:
    """Replay into an environment whose every server this machine reaches."""
    tools = for_purpose(tools, request)
    with recorder.stage("plan", "Compare the environment with the backup and plan"):
        planned = _plan_standing(environment, generation, request, tools, recorder)
        require_reports_account(request, planned)
        require_steps(request.accepted, request.scenarios)
        erp = environment.erp.container
        require_playable(request.scenarios, request.credentials, tools.runner, erp)
    context = ReplayContext(
        runner=tools.runner,
        environment=environment,
        repository=tools.repository,
        generation=generation,
        profile=tools.profile,
        listener=tools.listener,
        now=tools.now,
        jobs=request.jobs,
        accepted=request.accepted,
        reports_account=request.reports_account,
        run=recorder.run,
        databases=planned.databases,
        purpose=request.purpose,
        administrator=administrator_of(request),
        most_copies=request.copies.most,
        anonymisation=request.anonymisation,
    )
    # What is left to people is about production's new place; a copy has none.
    recovery = request.purpose is Purpose.RECOVERY
    recorder.operations = tools.profile.checklist if recovery else ()
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
        recorder.checked = tools.now()
        stop_unless_safe(context, found)


def _play(context: ReplayContext, request: ReplayRequest, recorder: Recorder) -> None:
    """Play the scenarios that were asked for in the first database, as the check does pages."""
    for database in context.databases[:1]:
        ground = Ground(
            environment=context.environment,
            runner=context.runner,
            database=database,
            credentials=request.credentials,
            run=recorder.run,
            language=request.language,
        )
        played = play_all(ground, request.scenarios)
        results = with_acceptances(played.results, request.accepted)
        recorder.checks = (*recorder.checks, *results)
        recorder.pictures = (*recorder.pictures, *played.pictures)


def _plan_standing(
    environment: Environment,
    generation: Generation,
    request: ReplayRequest,
    tools: Tools,
    recorder: Recorder,
) -> RestorePlan:
    """Look at an environment that stands, and plan for it."""
    texts = configuration_texts(tools.repository, generation, tools.profile)
    recorder.changes = blueprint(generation, tools.profile, texts).changes
    served = standing_certificate(environment, generation, tools.now())
    recorder.facts = replace(
        observed_facts(tools.runner, environment, tools.profile), certificate=served.facts
    )
    with sql.connect(environment.database, "postgres") as connection:
        existing = existing_databases(connection)
    names = [facts.name for facts in generation.fingerprint.databases]
    documents = existing_documents(tools.runner, environment.erp.container, tools.profile, names)
    reports = _reports_target(tools, environment)
    stands = environment_nodes(tools.runner, environment)
    require_nodes(request.nodes, tuple(node.role for node in stands))
    proxy = any(node.role is Role.PROXY for node in stands)
    target = standing_target(environment, existing, documents, reports, proxy=proxy)
    target = with_server(tools.runner, environment, tools.profile, target)
    target = with_begun(target, begun_nodes(tools.runner, stands))
    wanted = _wanted(tools, _Subject(generation, texts, served), request, target, recorder)
    chosen = choose_copies(tools.runner, environment, wanted, request.copies)
    recorder.mode, recorder.mode_reason = chosen.mode, chosen.reason
    recorder.warnings += chosen.warnings
    return _plan(chosen.request, recorder)


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


@dataclass(frozen=True, slots=True)
class _Subject:
    """The generation that a stage is about, its configuration files, and the certificate."""

    generation: Generation
    texts: ConfigurationTexts
    served: Served


def _wanted(
    tools: Tools,
    subject: _Subject,
    request: ReplayRequest,
    target: PlanTarget,
    recorder: Recorder,
) -> PlanRequest:
    """What is to be planned for a target whose facts the recorder has.

    Raises:
        UsageError: a database that was asked for is not in the generation, or a staging copy has no
            administrator.
    """
    assert recorder.facts is not None  # noqa: S101 - the caller has just looked
    required_account(request)
    wanted = PlanRequest(
        generation=subject.generation,
        profile=tools.profile,
        texts=subject.texts,
        facts=recorder.facts,
        target=target,
        acceptances=request.accepted,
        databases=request.selection.databases,
        replace=request.replace,
        jobs=request.jobs,
        nodes=request.nodes,
        purpose=request.purpose,
        anonymise=request.anonymisation.rules if request.anonymisation else None,
        found=(
            *clock_difference(subject.generation, tools.now()),
            *subject.served.differences,
            *_short_disk(subject.generation, request, recorder),
        ),
    )
    recorder.differences = differences(wanted)
    return wanted


def _plan(wanted: PlanRequest, recorder: Recorder) -> RestorePlan:
    """Plan, and keep the plan.

    Raises:
        RefusedError: the target would not do.
        UsageError: an acceptance names neither a difference nor a check.
    """
    recorder.plan = planned = plan(wanted)
    _require_known(wanted, planned)
    return planned


def _short_disk(
    generation: Generation, request: ReplayRequest, recorder: Recorder
) -> tuple[Difference, ...]:
    """The difference of an environment without the disk that the restore takes."""
    names = tuple(facts.name for facts in generation.fingerprint.databases)
    need = disk_need(generation, request.selection.databases or names)
    return disk_difference(need, recorder.facts) if recorder.facts else ()


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


def _reports_target(tools: Tools, environment: Environment) -> PlanTarget | None:
    """The reports server's half of an environment that stands, with the databases that it holds."""
    reports = environment.reports
    if reports is None or tools.profile.reports is None:
        return None
    with sql.connect(reports.database, "postgres") as connection:
        target = standing_target(reports, existing_databases(connection))
    return with_server(tools.runner, reports, tools.profile.reports.server, target)


def with_server(
    runner: Runner, environment: Environment, profile: Profile, target: PlanTarget
) -> PlanTarget:
    """A target with what its database server may use, and the state that it was left in."""
    server = environment.database
    return replace(
        target,
        resources=resources_of(runner, server.container),
        bulk=bulk_state(runner, server, profile.database.data),
    )


def _require_known(wanted: PlanRequest, planned: RestorePlan) -> None:
    """Refuse a misspelt acceptance before anything is changed."""
    # A stack may have a certificate of its own where the generation has none.
    others: tuple[str, ...] = (CERTIFICATE, budget.CHECK)
    if wanted.anonymise is not None:
        trees = tuple(one.tree for one in wanted.anonymise.documents)
        others = (*others, *anonymised_check_ids(planned.databases, trees))
    ids = check_ids(wanted.profile, planned.databases, wanted.generation, wanted.purpose)
    known = (*ids, *others)
    accepted = (one.key for one in wanted.acceptances)
    checks = (key for key in accepted if not (is_difference_key(key) or is_step_key(key)))
    wrong = [key for key in checks if key not in known]
    if wrong:
        raise UsageError(
            f"no difference or check is named {', '.join(wrong)}",
            "checks of this plan: " + ", ".join(known),
        )
