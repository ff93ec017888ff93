"""The story of a rehearsal: a drill on the old version, then the upgrade, measured around it.

The environment is an ephemeral stack: production, and its generation, are only read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from restore.adapters.docker.access import open_access
from restore.adapters.pulumi.outputs import environment_from_outputs
from restore.adapters.pulumi.rebuild import up
from restore.checks import content_checks
from restore.checks.base import with_acceptances
from restore.checks.scenarios import ScenarioResults, require_playable
from restore.context import ReplayContext
from restore.model import (
    LOCAL,
    Acceptance,
    Blueprint,
    CheckResult,
    CheckStatus,
    Environment,
    Generation,
    Measure,
    Progress,
    Report,
    Role,
    ServerChange,
    Step,
    Upgrade,
)
from restore.model.stack_names import EPHEMERAL
from restore.replay.steps.servers import start_erp, stop_erp
from restore.runs.drill import (
    DrillRequest,
    rebuilt,
    stack_images,
    stack_overrides,
    stack_spec,
    verified,
    within_budget,
)
from restore.runs.entry import new_recorder, run_to_report
from restore.runs.recorder import Recorder
from restore.runs.request import Services
from restore.runs.stages import (
    preflight,
    replay_context,
    replay_into,
    require_reports_account,
    select,
)
from restore.runs.upgrade.command import command_check, upgrade_database
from restore.runs.upgrade.command import configure as configure_erp
from restore.runs.upgrade.difference import compared, subject_checks
from restore.runs.upgrade.images import declared_version, require_image
from restore.runs.upgrade.measuring import measured
from restore.runs.upgrade.request import (
    AFTER,
    ON_NEW_SERVER,
    RehearsalRequest,
    new_image,
    require_known,
    require_upgrade,
    split,
)
from restore.runs.upgrade.road_book_checks import road_book_checks
from restore.runs.upgrade.scenarios import again, play_road_book, play_upgraded, played_again


@dataclass(slots=True)
class _Rehearsal:
    """What the stages of one rehearsal work with; ``environment`` is the one that stands now."""

    request: RehearsalRequest
    drill: DrillRequest
    services: Services
    recorder: Recorder
    generation: Generation
    old: Blueprint
    environment: Environment
    accepted: tuple[Acceptance, ...]

    @property
    def databases(self) -> tuple[str, ...]:
        assert self.recorder.plan is not None  # noqa: S101 - it was replayed
        return self.recorder.plan.databases

    @property
    def steps(self) -> tuple[Step, ...]:
        assert self.recorder.plan is not None  # noqa: S101 - it was replayed
        return self.recorder.plan.steps

    @contextmanager
    def context(self) -> Iterator[ReplayContext]:
        """The environment as steps and checks see it, wherever its servers stand."""
        with open_access(self.environment, self.services.runner) as (at_hand, runner):
            services = replace(self.services, runner=runner)
            replay = self.drill.replay
            yield replay_context(at_hand, self.generation, replay, services, self.recorder)


def rehearse(request: RehearsalRequest, services: Services) -> tuple[Report, Path, Recorder]:
    """Restore on the old version, upgrade there, and say what the upgrade changed.

    Raises:
        UsageError: the profile does not say how its ERP is upgraded, or nothing is to be upgraded.
    """
    require_upgrade(request, services.profile)
    drill = request.drill
    drill = replace(
        drill,
        images={**stack_images(drill.base), **drill.images},
        replay=within_budget(drill.replay, drill.base),
    )
    recorder = new_recorder(drill.base, drill.replay, services)
    recorder.stack = stack = f"{EPHEMERAL}{recorder.run}"
    ours, others = split(drill.replay.accepted)
    drill = replace(drill, replay=replace(drill.replay, accepted=others))

    def story() -> None:
        generation = select(services, drill.replay.selection.generation, recorder)
        with verified(generation, drill, services, recorder) as verification:
            old = preflight(services, generation, drill.replay, stack_overrides(drill), recorder)
            require_reports_account(drill.replay, recorder.plan)
            require_known(ours, request, services.profile, generation)
            _require_at_hand(request, drill, old, services)
            verification.require_so_far()
            with rebuilt(stack, generation, drill, services, recorder) as environment:
                verification.require_done()
                replay_into(environment, generation, drill.replay, services, recorder)
                # What people do after a disaster is nobody's to do here.
                recorder.operations = request.road_book.checklist if request.road_book else ()
                if not _failed(recorder.checks):
                    _upgrade(
                        _Rehearsal(
                            request, drill, services, recorder, generation, old, environment, ours
                        )
                    )

    report, folder = run_to_report(recorder, drill.replay, story)
    return report, folder, recorder


def _require_at_hand(
    request: RehearsalRequest, drill: DrillRequest, old: Blueprint, services: Services
) -> None:
    """Refuse what would end a rehearsal after its restore, as far as this machine can tell."""
    hosts = stack_overrides(drill).hosts
    if request.erp is not None and hosts.of(Role.ERP) == LOCAL:
        require_image(services.runner, new_image(request.erp, old.erp.image))
    if request.database is not None and hosts.of(Role.DATABASE) == LOCAL:
        require_image(services.runner, request.database)
    for _, script in request.road_book.scripts if request.road_book else ():
        if hosts.of(Role.ERP) == LOCAL:
            require_playable((script,), drill.replay.credentials, services.runner)


def _upgrade(run: _Rehearsal) -> None:
    """Every stage from the restored old version to the difference."""
    credentials = run.drill.replay.credentials
    before = _measure(run, "measure-before", "Measure before the upgrade")
    servers: list[ServerChange] = []
    if run.request.database is not None:
        servers.append(_move_database(run, run.request.database))
    if run.request.erp is not None and not _failed(run.recorder.checks):
        servers.append(_new_code(run, new_image(run.request.erp, run.old.erp.image)))
        if not _run_commands(run):
            # A database whose upgrade broke off is neither the old one nor the new one.
            return
        with run.recorder.stage("start-upgraded", "Start the upgraded ERP"), run.context() as at:
            start_erp(at, run.steps[-1])
        with run.recorder.stage("check-upgraded", "Check the upgraded ERP"), run.context() as at:
            found = content_checks(at, credentials, run.databases)
            _keep(run, again(AFTER, "After the upgrade", tuple(found)))
    after = _measure(run, "measure-after", "Measure after the upgrade")
    subjects = compared(before, after)
    book = run.request.road_book
    run.recorder.upgrade = Upgrade(tuple(servers), subjects, book.title if book else None)
    _keep(run, subject_checks(subjects))
    _play(run)
    if book is not None:
        with run.recorder.stage("road-book", "Check the road book"), run.context() as at:
            _keep(run, road_book_checks(at, book, credentials))
            _keep_played(run, play_road_book(at, run.drill.replay, book))


def _play(run: _Rehearsal) -> None:
    """What the drill played on the old version: last, as there, since it may change what is."""
    # On a newer database server alone, they were played when it was restored into.
    if run.drill.replay.scenarios and run.request.erp is not None:
        title = "Play the scenarios on the upgraded ERP"
        with run.recorder.stage("play-upgraded", title), run.context() as at:
            _keep_played(run, play_upgraded(at, run.drill.replay))


def _measure(run: _Rehearsal, stage: str, title: str) -> tuple[Measure, ...]:
    with run.recorder.stage(stage, title), run.context() as at:
        return measured(at, run.drill.replay.credentials)


def _move_database(run: _Rehearsal, image: str) -> ServerChange:
    """Replace the database server by a newer one, and restore the dumps there."""
    change = _server_change(run, Role.DATABASE, run.old.database.image, image)
    with run.recorder.stage("new-database", f"Make the database server anew from {image}"):
        _rebuild(run, Role.DATABASE, image)
    request = replace(run.drill.replay, replace=True)
    other = new_recorder(run.drill.base, request, run.services)
    other.generation = run.generation
    # So that scenarios make what they made on the old server, by the same names.
    other.run = run.recorder.run
    try:
        with run.recorder.stage("replay-upgraded", "Restore into the new database server"):
            replay_into(run.environment, run.generation, request, run.services, other)
    finally:
        played = ScenarioResults(other.checks, other.pictures)
        _keep_played(run, played_again(ON_NEW_SERVER, "On the new database server", played))
    return change


def _new_code(run: _Rehearsal, image: str) -> ServerChange:
    """Stop the ERP and make it anew from the new image, with production's configuration."""
    change = _server_change(run, Role.ERP, run.old.erp.image, image)
    with run.recorder.stage("new-code", f"Make the ERP anew from {image}"):
        with run.context() as at:
            stop_erp(at, run.steps[0])
        _rebuild(run, Role.ERP, image)
        with run.context() as at:
            configure_erp(at, run.steps)
    return replace(change, version_after=_declared(run, Role.ERP, image))


def _rebuild(run: _Rehearsal, role: Role, image: str) -> None:
    """Update the stack with another image of one server; what its volumes hold stays."""
    accepted = run.drill.replay.accepted
    # Another series is what is rehearsed here, not a reason to refuse.
    meant = Acceptance("erp.series", f"rehearsal of an upgrade to {image}")
    if role is Role.ERP and meant.key not in [one.key for one in accepted]:
        accepted = (*accepted, meant)
    run.drill = replace(
        run.drill,
        images={**run.drill.images, role: image},
        replay=replace(run.drill.replay, accepted=accepted),
    )
    outputs = up(stack_spec(run.recorder.stack, run.generation, run.drill), run.services.listener)
    run.environment = environment_from_outputs(outputs)


def _run_commands(run: _Rehearsal) -> bool:
    """Upgrade every database; whether all went to their end."""
    completed = True
    with run.recorder.stage("upgrade", "Upgrade the databases"), run.context() as at:
        for database in run.databases:
            label = f"Upgrade {database}"
            lines = 0

            def see(_line: str, label: str = label) -> None:
                nonlocal lines
                lines += 1
                run.services.listener(Progress(label, done_items=lines))

            done = upgrade_database(at, run.steps, database, see)
            _keep(run, (command_check(database, done),))
            completed = completed and done.completed
    return completed


def _server_change(run: _Rehearsal, role: Role, before: str, after: str) -> ServerChange:
    old, new = _declared(run, role, before), _declared(run, role, after)
    return ServerChange(role.value, before, after, old, new)


def _declared(run: _Rehearsal, role: Role, image: str) -> str:
    """The version that an image declares; empty while it is not on the engine."""
    return declared_version(run.services.runner, run.services.profile, role, image)


def _keep(run: _Rehearsal, found: tuple[CheckResult, ...]) -> None:
    run.recorder.checks = (*run.recorder.checks, *with_acceptances(found, run.accepted))


def _keep_played(run: _Rehearsal, played: ScenarioResults) -> None:
    _keep(run, played.results)
    run.recorder.pictures = (*run.recorder.pictures, *played.pictures)


def _failed(checks: tuple[CheckResult, ...]) -> bool:
    return any(one.status is CheckStatus.FAILED for one in checks)
