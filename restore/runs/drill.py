"""The whole story: select, verify, plan, rebuild, replay, check, report, destroy.

A large generation is verified while its environment is rebuilt.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from restore.adapters import lock
from restore.adapters.pulumi.outputs import environment_from_outputs
from restore.adapters.pulumi.rebuild import destroy, outputs_of, up
from restore.adapters.pulumi.stack_file import StackSpec, setting_of, settings_file, stack_hosts
from restore.catalogue.foreign import Layout
from restore.catalogue.importing import import_generation
from restore.errors import UsageError
from restore.model import Environment, Generation, ProgressListener, Report, Role, locations
from restore.model.durations import parse_budget, parse_days
from restore.model.environment import StackOverrides, certificate_choice
from restore.model.stack_names import EPHEMERAL
from restore.plan.cache.policy import AS_TOLD, CacheOptions, CachePolicy, decide
from restore.plan.request import MANY_BYTES
from restore.profile import is_profile_path
from restore.report.history import RunGroup, before, history_file
from restore.runs.background import BackgroundTask, in_background
from restore.runs.entry import new_recorder, replay_standing, run_to_report
from restore.runs.recorder import Recorder
from restore.runs.request import ReplayRequest, Services
from restore.runs.stages import (
    preflight,
    replay_into,
    require_integrity,
    require_reports_account,
    select,
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


def drill(request: DrillRequest, services: Services) -> tuple[Report, Path, Recorder]:
    """Rebuild an equivalent environment, replay a generation into it, judge, and destroy it.

    Raises:
        NotFoundError: there is no such stack file to start from.
    """
    request = replace(
        request,
        images={**stack_images(request.base), **request.images},
        replay=with_policy(within_budget(request.replay, request.base), request, services),
    )
    recorder = new_recorder(request.base, request.replay, services)
    recorder.stack = stack = f"{EPHEMERAL}{recorder.run}"

    def story() -> None:
        if request.backup is not None:
            layout, choice = request.backup
            with recorder.stage("import", f"Import {layout.location}"):
                import_generation(
                    layout,
                    choice,
                    services.repository,
                    now=services.now,
                    listener=services.listener,
                )
        generation = select(services, request.replay.selection.generation, recorder)
        standing = rebuilt(stack, generation, request, services, recorder)
        with replayed_anew(generation, request, services, recorder, standing):
            pass

    report, folder = run_to_report(recorder, request.replay, story)
    return report, folder, recorder


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
    """A request with the recovery time that a stack's file accepts, unless it names its own.

    Raises:
        UsageError: that setting is no recovery time.
    """
    given = setting_of(stack, "rtoBudget") if request.rto_budget is None else None
    return request if given is None else replace(request, rto_budget=parse_budget(given))


def with_policy(replay: ReplayRequest, request: DrillRequest, services: Services) -> ReplayRequest:
    """A replay with what it may do with caches, by the options, the stack and the history.

    Raises:
        UsageError: the stack's setting is no number of days.
    """
    if request.backup is not None:
        # What is imported is another generation each time.
        return replace(replay, cache=CachePolicy(why="a backup of others is loaded each time"))
    options = request.cache
    days = setting_of(request.base, "coldEvery") if options.cold_every is None else None
    if days is not None:
        options = replace(options, cold_every=parse_days(days))
    group = RunGroup(replay.command, services.profile.name, request.base)
    known = before(history_file(replay.reports), group)
    return replace(replay, cache=decide(options, known, services.now()))


@contextmanager
def replayed_anew(
    generation: Generation,
    request: DrillRequest,
    services: Services,
    recorder: Recorder,
    standing: AbstractContextManager[Environment],
) -> Iterator[Environment]:
    """Verify, foresee, rebuild and replay, before the body, which gets what stands then.

    Args:
        standing: rebuilds when it is entered, and sees to what becomes of it afterwards.
    """
    with verified(generation, request, services, recorder) as verification:
        preflight(services, generation, request.replay, stack_overrides(request), recorder)
        require_reports_account(request.replay, recorder.plan)
        verification.require_so_far()
        with standing as environment:
            verification.require_done()
            replay_into(environment, generation, request.replay, services, recorder)
            yield environment


@contextmanager
def verified(
    generation: Generation, request: DrillRequest, services: Services, recorder: Recorder
) -> Iterator[BackgroundTask]:
    """Stage "verify", beside the body where it takes longer than seconds, else before it.

    The body waits for it before anything is replayed.
    """

    def act(listener: ProgressListener) -> None:
        told = replace(services, listener=listener)
        require_integrity(told, generation, request.replay, recorder)

    with in_background(act, services.listener) as verification:
        if generation.bytes < MANY_BYTES:
            verification.require_done()
        yield verification


@contextmanager
def rebuilt(
    stack: str,
    generation: Generation,
    request: DrillRequest,
    services: Services,
    recorder: Recorder,
) -> Iterator[Environment]:
    """Stages "rebuild" and "destroy" around the body, which gets the environment that stands.

    The environment is destroyed however the body ends, unless it is to be kept; a stack that
    could not be built is destroyed too.
    """
    started = services.now()
    with lock.stack_lock(
        locations.LOCKS, stack, request.replay.command, now=started, kept=request.keep
    ):
        stands = False
        try:
            with recorder.stage("rebuild", "Rebuild the environment with Pulumi"):
                outputs = up(stack_spec(stack, generation, request), services.listener)
                environment = environment_from_outputs(outputs)
            stands = True
            yield environment
        finally:
            if not (request.keep and stands):
                with recorder.stage("destroy", "Destroy the environment"):
                    destroy(stack, services.listener)
                # Only of what is gone: the lock file tells 'pra gc' of the rest.
                lock.release(locations.LOCKS, stack)


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
    recorder = new_recorder(stack, request, services)

    def story() -> None:
        # Asked first: a stack that isn't there gets no lock file.
        environment = environment_from_outputs(outputs_of(stack))
        require_mounted(environment, request, services)
        replay_standing(environment, request, services, recorder)

    report, folder = run_to_report(recorder, request, story)
    return report, folder, recorder


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
