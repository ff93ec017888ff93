"""The story of a rehearsal: a drill on the old version, then the upgrade, measured around it.

The environment is an ephemeral stack: production, and its generation, are only read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from restore import model
from restore.adapters.docker.access import open_access
from restore.adapters.docker.engine import DockerException
from restore.adapters.docker.runner import Runner
from restore.adapters.pulumi.outputs import environment_from_outputs
from restore.adapters.pulumi.rebuild import up
from restore.checks import content_checks
from restore.checks.base import with_acceptances
from restore.checks.scenarios import ScenarioResults, require_playable
from restore.context import ReplayContext
from restore.errors import NotFoundError
from restore.model.messages import message
from restore.profile import UpgradeProfile
from restore.replay.steps.servers import start_erp, stop_erp
from restore.runs.drill import (
    DrillRequest,
    begin,
    rebuilt,
    replayed_anew,
    stack_overrides,
    stack_spec,
)
from restore.runs.entry import run_to_report
from restore.runs.planning import Foreseen
from restore.runs.recorder import Recorder, Run
from restore.runs.request import Services
from restore.runs.stages import play_asked, replay_context, replay_into, select
from restore.runs.upgrade import checks
from restore.runs.upgrade.command import command_check, upgrade_database
from restore.runs.upgrade.command import configure as configure_erp
from restore.runs.upgrade.difference import compare_measures, subject_checks
from restore.runs.upgrade.measuring import measure
from restore.runs.upgrade.request import (
    AFTER,
    ON_NEW_SERVER,
    RehearsalRequest,
    new_image,
    require_known,
    require_upgrade,
    split,
)


@dataclass(slots=True)
class _Rehearsal:
    """What the stages of one rehearsal work with; ``environment`` is the one that stands now."""

    request: RehearsalRequest
    profile: UpgradeProfile
    drill: DrillRequest
    run: Run
    generation: model.Generation
    old: model.Blueprint
    plan: model.RestorePlan
    environment: model.Environment
    accepted: tuple[model.Acceptance, ...]

    @contextmanager
    def context(self) -> Iterator[ReplayContext]:
        """The environment as steps and checks see it, wherever its servers stand."""
        with open_access(self.environment, self.run.services.runner) as (at_hand, runner):
            run = replace(self.run, services=replace(self.run.services, runner=runner))
            yield replay_context(run, at_hand, self.generation, self.plan)

    @contextmanager
    def _stage(self, name: str, title: str) -> Iterator[ReplayContext]:
        with self.run.recorder.stage(name, title), self.context() as at:
            yield at

    def upgrade(self) -> None:
        """All stages after the restore of the old version: measure, upgrade, check, compare."""
        credentials = self.run.request.credentials
        before = self._measure("measure-before", "Measure before the upgrade")
        servers: list[model.ServerChange] = []
        if self.request.database is not None:
            servers.append(self._move_database(self.request.database))
        if self.request.erp is not None and not _failed(self.run.recorder.checks):
            servers.append(self._new_code(new_image(self.request.erp, self.old.erp.image)))
            if not self._run_commands():
                # A database whose upgrade broke off is neither the old one nor the new one.
                return
            with self._stage("start-upgraded", "Start the upgraded ERP") as at:
                start_erp(at, self.plan.steps[-1])
            with self._stage("check-upgraded", "Check the upgraded ERP") as at:
                found = content_checks(at, credentials, self.plan.databases)
                self._keep(checks.again(AFTER, message("After the upgrade"), tuple(found)))
        after = self._measure("measure-after", "Measure after the upgrade")
        subjects = compare_measures(before, after)
        book = self.request.road_book
        self.run.recorder.upgrade = model.Upgrade(
            tuple(servers), subjects, book.title if book else None
        )
        self._keep(subject_checks(subjects))
        # Last, as in the drill, since scenarios may change data. On a newer database server alone,
        # they were played when it was restored into.
        if self.run.request.scenarios and self.request.erp is not None:
            with self._stage("play-upgraded", "Play the scenarios on the upgraded ERP") as at:
                played = play_asked(at, self.run.request)
                self._keep_played(checks.played_again(AFTER, message("After the upgrade"), played))
        if book is not None:
            with self._stage("road-book", "Check the road book") as at:
                self._keep(checks.road_book_checks(at, book, credentials))
                self._keep_played(checks.play_road_book(at, self.run.request, book))

    def _measure(self, stage: str, title: str) -> tuple[model.Measure, ...]:
        with self._stage(stage, title) as at:
            return measure(at, self.profile, self.run.request.credentials)

    def _move_database(self, image: str) -> model.ServerChange:
        """Replace the database server by a newer one, and restore the dumps there."""
        change = self._server_change(model.Role.DATABASE, self.old.database.image, image)
        with self.run.recorder.stage("new-database", f"Make the database server anew from {image}"):
            self._rebuild(model.Role.DATABASE, image)
        request = replace(self.run.request, replace=True)
        other = Run.begin(self.drill.base, request, self.run.services)
        other.recorder.generation = self.generation
        # So that scenarios make what they made on the old server, by the same names.
        other.recorder.run = self.run.recorder.run
        try:
            with self.run.recorder.stage("replay-upgraded", "Restore into the new database server"):
                replay_into(other, self.environment, self.generation)
        finally:
            played = ScenarioResults(other.recorder.checks, other.recorder.pictures)
            self._keep_played(
                checks.played_again(ON_NEW_SERVER, message("On the new database server"), played)
            )
        return change

    def _new_code(self, image: str) -> model.ServerChange:
        """Stop the ERP and make it anew from the new image, with production's configuration."""
        change = self._server_change(model.Role.ERP, self.old.erp.image, image)
        with self.run.recorder.stage("new-code", f"Make the ERP anew from {image}"):
            with self.context() as at:
                stop_erp(at, self.plan.steps[0])
            self._rebuild(model.Role.ERP, image)
            with self.context() as at:
                configure_erp(at, self.plan.steps)
        return replace(change, version_after=self._declared(model.Role.ERP, image))

    def _rebuild(self, role: model.Role, image: str) -> None:
        """Update the stack with another image of one server; what its volumes hold stays."""
        accepted = self.run.request.accepted
        # Another series is what is rehearsed here, not a reason to refuse.
        meant = model.Acceptance("erp.series", f"rehearsal of an upgrade to {image}")
        if role is model.Role.ERP and meant.key not in [one.key for one in accepted]:
            accepted = (*accepted, meant)
        self.run = replace(self.run, request=replace(self.run.request, accepted=accepted))
        images = {**self.drill.images, role: image}
        self.drill = replace(self.drill, images=images, replay=self.run.request)
        spec = stack_spec(self.run.recorder.stack, self.generation, self.drill)
        outputs = up(spec, self.run.services.listener)
        self.environment = environment_from_outputs(outputs)

    def _run_commands(self) -> bool:
        """Upgrade every database; say whether every upgrade was completed."""
        completed = True
        with self._stage("upgrade", "Upgrade the databases") as at:
            for database in self.plan.databases:
                label = f"Upgrade {database}"
                lines = 0

                def see(_line: str, label: str = label) -> None:
                    nonlocal lines
                    lines += 1
                    self.run.services.listener(model.Progress(label, done_items=lines))

                done = upgrade_database(at, self.profile, self.plan.steps, database, see)
                self._keep((command_check(database, done),))
                completed = completed and done.completed
        return completed

    def _server_change(self, role: model.Role, before: str, after: str) -> model.ServerChange:
        old, new = self._declared(role, before), self._declared(role, after)
        return model.ServerChange(role.value, before, after, old, new)

    def _declared(self, role: model.Role, image: str) -> str:
        """The version that an image declares; empty while it is not on the engine."""
        found = self.run.services.runner.image(image)
        if found is None:
            return ""
        profile = self.run.services.profile
        if role is model.Role.DATABASE:
            return found.variables.get(profile.database.version_variable, "")
        release = found.variables.get(profile.erp.release_variable or "", "")
        return release or found.variables.get(profile.erp.version_variable, "")

    def _keep(self, found: tuple[model.CheckResult, ...]) -> None:
        self.run.recorder.checks = (
            *self.run.recorder.checks,
            *with_acceptances(found, self.accepted),
        )

    def _keep_played(self, played: ScenarioResults) -> None:
        self._keep(played.results)
        self.run.recorder.pictures = (*self.run.recorder.pictures, *played.pictures)


def rehearse(request: RehearsalRequest, services: Services) -> tuple[model.Report, Path, Recorder]:
    """Restore on the old version, upgrade there, and say what the upgrade changed.

    Raises:
        UsageError: the profile does not say how its ERP is upgraded, or nothing is to be upgraded.
    """
    profile = require_upgrade(request, services.profile)
    drill, run = begin(request.drill, services)
    ours, others = split(drill.replay.accepted)
    drill = replace(drill, replay=replace(drill.replay, accepted=others))
    run = replace(run, request=drill.replay)

    def story() -> None:
        generation = select(run)

        def refuse(foreseen: Foreseen) -> None:
            require_known(ours, request, services.profile, generation)
            _require_at_hand(request, drill, foreseen.blueprint, services)

        environment = rebuilt(run, drill, generation)
        with replayed_anew(run, drill, generation, environment, refuse) as old:
            # What people do after a disaster is nobody's to do here.
            run.recorder.operations = request.road_book.checklist if request.road_book else ()
            if not _failed(run.recorder.checks):
                _Rehearsal(
                    request, profile, drill, run, generation,
                    old.blueprint, old.plan, old.environment, ours,
                ).upgrade()  # fmt: skip

    return *run_to_report(run.recorder, run.request, story), run.recorder


def _require_at_hand(
    request: RehearsalRequest, drill: DrillRequest, old: model.Blueprint, services: Services
) -> None:
    """Refuse early what would stop a rehearsal later: a missing image, a missing browser."""
    hosts = stack_overrides(drill).hosts
    if request.erp is not None and hosts.of(model.Role.ERP) == model.LOCAL:
        require_image(services.runner, new_image(request.erp, old.erp.image))
    if request.database is not None and hosts.of(model.Role.DATABASE) == model.LOCAL:
        require_image(services.runner, request.database)
    for _, script in request.road_book.scripts if request.road_book else ():
        if hosts.of(model.Role.ERP) == model.LOCAL:
            require_playable((script,), drill.replay.credentials, services.runner)


def require_image(runner: Runner, image: str) -> None:
    """Make sure that the Docker engine has an image; pull it if it has not.

    A rehearsal would else end there, after all that a restore takes.

    Raises:
        NotFoundError: it has none, and none can be had.
        EnvironmentFailure: the engine does not answer.
    """
    if runner.image(image) is not None:
        return
    try:
        runner.client.images.pull(image)
    except (DockerException, OSError) as error:
        why = getattr(error, "explanation", None) or error
        raise NotFoundError(
            message(
                "image {image} is not on the Docker engine, and can't be pulled: {why}",
                image=image,
                why=why,
            ),
            message("name the new version's image: --to, --to-database"),
        ) from error


def _failed(results: tuple[model.CheckResult, ...]) -> bool:
    return any(one.status is model.CheckStatus.FAILED for one in results)
