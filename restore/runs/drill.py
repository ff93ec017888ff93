"""A drill: select, verify, foresee, rebuild, plan, replay, check, destroy, report.

A large generation is verified while its environment is rebuilt.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from restore.adapters import lock
from restore.adapters.pulumi.outputs import environment_from_outputs
from restore.adapters.pulumi.rebuild import destroy, discard, outputs_of, up
from restore.adapters.pulumi.stack_file import StackSpec, setting_of, settings_file, stack_hosts
from restore.catalogue.foreign import Layout
from restore.catalogue.importing import import_generation
from restore.errors import UsageError
from restore.model import (
    Blueprint,
    Environment,
    Generation,
    Report,
    RestorePlan,
    Role,
    locations,
)
from restore.model.durations import parse_budget, parse_days
from restore.model.environment import StackOverrides, certificate_choice
from restore.model.messages import message
from restore.model.stack_names import EPHEMERAL
from restore.plan.cache.policy import AS_TOLD, CacheOptions, CachePolicy, decide
from restore.plan.request import MANY_BYTES
from restore.profile import is_profile_path
from restore.report.history import RunGroup, before, history_file
from restore.repository.selection import LATEST
from restore.runs.background import in_background
from restore.runs.entry import replay_standing, run_to_report
from restore.runs.own_account import with_own_account
from restore.runs.planning import Foreseen
from restore.runs.recorder import Recorder, Run
from restore.runs.request import ReplayRequest, Services
from restore.runs.stages import (
    preflight,
    replay_into,
    require_reports_account,
    select,
    verify_generation,
)


@dataclass(frozen=True, slots=True)
class DrillRequest:
    """A drill: what to replay, and how to rebuild for it.

    ``base`` names the stack file whose settings the ephemeral stack starts from; ``keep`` leaves
    the environment standing afterwards. ``backup`` is one that others made, and which of it: it is
    imported first, into the repository of the replay's selection. ``certificate`` is the absolute
    path of a PEM in place of the generation's, or ``none``. ``cache`` is what may be done with
    caches of database servers' data.
    """

    replay: ReplayRequest
    base: str
    keep: bool
    images: Mapping[Role, str]
    certificate: str | None = None
    backup: tuple[Layout, str] | None = None
    cache: CacheOptions = AS_TOLD


@dataclass(frozen=True, slots=True)
class Replayed:
    """What stands once a generation was replayed into it anew, by which plan, from which images."""

    environment: Environment
    plan: RestorePlan
    blueprint: Blueprint


def drill(request: DrillRequest, services: Services) -> tuple[Report, Path, Recorder]:
    """Rebuild an equivalent environment, replay a generation into it, judge, and destroy it.

    Raises:
        NotFoundError: there is no such stack file to start from.
    """
    request, run = begin(with_policy(request, services), services)

    def story() -> None:
        import_backup(run, request)
        generation = select(run)
        if request.backup is not None and request.backup[1] != LATEST:
            # The newest that was imported, of one that was chosen among others.
            run.recorder.newest = False
        environment = rebuilt(run, request, generation)
        with replayed_anew(run, request, generation, environment):
            # Checked by now; it is destroyed when this ends, unless it is to be kept.
            return

    return *run_to_report(run.recorder, run.request, story), run.recorder


@contextmanager
def replayed_anew(
    run: Run,
    request: DrillRequest,
    generation: Generation,
    rebuilt: AbstractContextManager[Environment],
    refuse: Callable[[Foreseen], None] = lambda _foreseen: None,
) -> Iterator[Replayed]:
    """Verify, foresee, rebuild, replay and check, before the body, which gets what stands then.

    Args:
        rebuilt: rebuilds when it is entered, and sees to what becomes of it afterwards.
        refuse: raises what else is in the way, before anything is made.
    """
    with verified(run, generation) as verification:
        foreseen = preflight(run, generation, stack_overrides(request))
        require_reports_account(run.request, foreseen.plan)
        refuse(foreseen)
        if verification.done():
            verification.result()
        with rebuilt as environment:
            verification.result()
            planned = replay_into(run, environment, generation)
            yield Replayed(environment, planned, foreseen.blueprint)


@contextmanager
def verified(run: Run, generation: Generation) -> Iterator[Future[None]]:
    """Stage "verify", beside the body where it takes longer than seconds, else before it.

    The body waits for it before anything is replayed.
    """
    act = partial(verify_generation, run, generation)
    with in_background(act, run.services.listener) as verification:
        if generation.bytes < MANY_BYTES:
            verification.result()
        yield verification


@contextmanager
def rebuilt(run: Run, request: DrillRequest, generation: Generation) -> Iterator[Environment]:
    """Stages "rebuild" and "destroy" around the body, which gets the environment that stands.

    The environment is destroyed however the body ends, unless it is to be kept; a stack that
    could not be built is destroyed too.
    """
    stack, listener, now = run.recorder.stack, run.services.listener, run.services.now()
    with lock.stack_lock(locations.LOCKS, stack, run.request.command, now=now, kept=request.keep):
        stands = False
        try:
            with run.recorder.stage("rebuild", "Rebuild the environment with Pulumi"):
                spec = stack_spec(stack, generation, request)
                if not request.keep:
                    # Its dump may be anybody's: it sees no other.
                    spec = replace(spec, settings=(*spec.settings, ("onlyGeneration", "true")))
                outputs = up(spec, listener)
                environment = environment_from_outputs(outputs)
            stands = True
            yield environment
        finally:
            if not (request.keep and stands):
                with run.recorder.stage("destroy", "Destroy the environment"):
                    # What stands is thrown away; an update that failed may still be going on.
                    (discard if stands else destroy)(stack, listener)
                # Only of what is gone: the lock file tells 'pra gc' of the rest.
                lock.release(locations.LOCKS, stack)


def begin(request: DrillRequest, services: Services) -> tuple[DrillRequest, Run]:
    """A drill's request with what its stack file says, and its run, on a stack of its own."""
    base = request.base
    request = replace(
        request,
        images={**stack_images(base), **request.images},
        replay=with_own_account(within_budget(request.replay, base), services.profile),
    )
    run = Run.begin(base, request.replay, services)
    run.recorder.stack = f"{EPHEMERAL}{run.recorder.run}"
    return request, run


def import_backup(run: Run, request: DrillRequest) -> None:
    """Stage "import": make a generation from a backup of others, when the drill is of one."""
    if request.backup is None:
        return
    layout, choice = request.backup
    services = run.services
    with run.recorder.stage("import", f"Import {layout.location}"):
        import_generation(
            layout, choice, services.repository, now=services.now, listener=services.listener
        )


def stack_images(stack: str) -> dict[Role, str]:
    """The images that a stack's file asks for, by role."""
    found = {role: setting_of(stack, f"{role.setting}Image") for role in Role}
    return {role: image for role, image in found.items() if image is not None}


def stack_overrides(request: DrillRequest) -> StackOverrides:
    """What the ephemeral stack is told: by the drill, else by the stack file it starts from."""
    told = request.certificate or setting_of(request.base, "certificate")
    certificate, plain = certificate_choice(told, locations.ROOT)
    return StackOverrides(
        images=request.images,
        certificate=certificate,
        external_url=setting_of(request.base, "externalUrl"),
        plain=plain,
        hosts=stack_hosts(request.base),
    )


def within_budget(request: ReplayRequest, stack: str) -> ReplayRequest:
    """A request with what a stack's file demands of time, data and signatures, and its own.

    Raises:
        UsageError: one of those settings is no duration.
    """
    if request.rto_budget is None and (given := setting_of(stack, "rtoBudget")) is not None:
        request = replace(request, rto_budget=parse_budget(given))
    if request.rpo_budget is None and (given := setting_of(stack, "rpoBudget")) is not None:
        request = replace(request, rpo_budget=parse_budget(given, "age of data"))
    if not request.require_signed:
        request = replace(request, require_signed=setting_of(stack, "requireSigned") == "true")
    return request


def with_policy(request: DrillRequest, services: Services) -> DrillRequest:
    """A drill with what it may do with caches, by its options, its stack and the history.

    Raises:
        UsageError: the stack's setting is no number of days.
    """
    replay, options = request.replay, request.cache
    if request.backup is not None:
        # What is imported is another generation each time.
        policy = CachePolicy(why=message("a backup of others is loaded each time"))
    else:
        days = setting_of(request.base, "coldEvery") if options.cold_every is None else None
        if days is not None:
            options = replace(options, cold_every=parse_days(days))
        group = RunGroup(replay.command, services.profile.name, request.base)
        policy = decide(options, before(history_file(replay.reports), group), services.now())
    return replace(request, replay=replace(replay, cache=policy))


def stack_spec(stack: str, generation: Generation, request: DrillRequest) -> StackSpec:
    """The ephemeral stack's settings; the engine replays itself, so the stack doesn't."""
    replay = request.replay
    profile = replay.selection.profile
    accepted = [{"difference": one.key, "reason": one.reason} for one in replay.accepted]
    settings: tuple[tuple[str, str], ...] = (
        ("generation", generation.id),
        # The program runs in the project's folder, whatever folder the command runs in.
        ("repository", str(replay.selection.repository.expanduser().resolve())),
        ("profile", str(Path(profile).resolve()) if is_profile_path(profile) else profile),
        ("replay", "false"),
        # The program refuses what is not equivalent, as this drill has done already.
        ("accept", json.dumps(accepted)),
        *((f"{role.setting}Image", image) for role, image in request.images.items()),
        *((("certificate", request.certificate),) if request.certificate else ()),
    )
    return StackSpec(name=stack, settings=settings, base=request.base)


def restore_stack(
    stack: str, request: ReplayRequest, services: Services
) -> tuple[Report, Path, Recorder]:
    """Replay a generation into a stack that stands."""
    # A stack without its file in this clone has no settings to take a budget from.
    if settings_file(stack).exists():
        request = within_budget(request, stack)
    run = Run.begin(stack, request, services)

    def story() -> None:
        # Asked first: a stack that isn't there gets no lock file.
        environment = environment_from_outputs(outputs_of(stack))
        require_mounted(environment, request, services)
        replay_standing(run, environment)

    return *run_to_report(run.recorder, request, story), run.recorder


def require_mounted(environment: Environment, request: ReplayRequest, services: Services) -> None:
    """Refuse a repository that is not the one that the database server sees.

    Raises:
        UsageError: names both.
    """
    server = environment.database
    if server.host is not None:
        # Its host may see it under another path: the replay looks what is there.
        return
    wanted = request.selection.repository.expanduser().resolve()
    mounts = services.runner.container(server.container).attrs["Mounts"]
    seen = [Path(m["Source"]) for m in mounts if m["Destination"] == server.repository]
    if wanted not in seen:
        raise UsageError(
            f"stack {environment.stack} sees repository {', '.join(map(str, seen)) or 'none'}, "
            f"not {wanted}",
            "name that one, or 'pulumi config set repository' and 'pulumi up' first",
        )
