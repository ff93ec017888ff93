"""A staging copy is made: rebuilt, replayed, neutralised, checked, and kept only if all passed.

It is written down before anything of it is made, and forgotten after all of it has gone: so
whatever process dies when, ``pra gc`` finds what is left.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from restore import model
from restore.adapters import lock
from restore.adapters.docker import leftovers
from restore.adapters.docker.runner import Runner
from restore.adapters.pulumi.outputs import environment_from_outputs
from restore.adapters.pulumi.rebuild import stacks, up
from restore.adapters.pulumi.stack_file import settings_file
from restore.checks.anonymised import PREFIX as ANONYMISED
from restore.checks.neutralised import PREFIX as NEUTRALISED
from restore.errors import RefusedError
from restore.model import locations
from restore.model.secret import Secret
from restore.runs.drill import DrillRequest, replayed_anew, stack_images, stack_spec
from restore.runs.entry import run_to_report
from restore.runs.recorder import Recorder, Run
from restore.runs.request import Services
from restore.runs.stages import select
from restore.runs.staging import copies, places, records
from restore.runs.staging.life import destroy_stack, engines_of, stop_servers
from restore.runs.staging.safety import is_proved, is_safe

_PASSWORD_BYTES: Final = 18
_PATIENCE: Final = 120.0
"""Seconds that a step of the web scenario may take at least."""


@dataclass(frozen=True, slots=True)
class CopyRequest:
    """A copy to make.

    ``drill`` says what is replayed, and on what. ``login`` is the administrator's, whose password
    is made here. ``life`` counts from when the copy stands. ``keep_failed`` leaves what failed
    stopped, in place of destroying it. ``folder`` is where copies are written down.
    """

    name: str
    owner: str
    life: timedelta
    login: str
    drill: DrillRequest
    keep_failed: bool = False
    external_url: str | None = None
    folder: Path = locations.STAGING


@dataclass(frozen=True, slots=True)
class Made:
    """How a creation ended. ``copy`` is None when nothing of it was left."""

    report: model.Report
    folder: Path
    recorder: Recorder
    copy: copies.StagingCopy | None


def create(request: CopyRequest, services: Services) -> Made:
    """Make a staging copy: rebuilt, replayed, neutralised, checked, and kept only if all passed.

    Raises:
        UsageError: name, owner or time to live are wrong.
        RefusedError: there is a copy, or a stack, of that name already.
    """
    copies.require_name(request.name)
    copies.require_life(request.life)
    account = model.Credentials(request.login, Secret(secrets.token_urlsafe(_PASSWORD_BYTES)))
    drill = request.drill
    replay = replace(
        drill.replay, credentials=account, purpose=model.Purpose.STAGING, command=copies.CREATE
    )
    images = {**stack_images(drill.base), **drill.images}
    drill = replace(drill, replay=replay, images=images, keep=True)
    request = replace(request, owner=copies.require_owner(request.owner), drill=drill)
    run = Run.begin(drill.base, replay, services)
    # A step of a copy's web scenario may take two minutes.
    web = services.profile.web
    steps = tuple(replace(step, sla=max(step.sla, _PATIENCE)) for step in web.steps)
    unhurried = replace(services.profile, web=replace(web, steps=steps))
    run = replace(run, services=replace(services, profile=unhurried))
    recorder = run.recorder
    recorder.stack = copies.stack_of(request.name)
    # A copy beside production is no recovery: it is judged by what it is, not by its pace.
    recorder.rto_budget = recorder.rpo_budget = None
    with lock.stack_lock(
        locations.LOCKS, recorder.stack, replay.command, now=services.now(), kept=True
    ):
        creation = _Creation(request, run, account, _begin(request, run))
        report, folder = run_to_report(recorder, replay, creation.story)
        return Made(report, folder, recorder, creation.end())


def _begin(request: CopyRequest, run: Run) -> copies.StagingCopy:
    """Choose a copy's places and write it down, before anything of it is made.

    Raises:
        RefusedError: its name is taken.
    """
    now = run.services.now()
    selection = request.drill.replay.selection
    with records.alone(request.folder), engines_of(request.drill.base) as found:
        engines = tuple(found.values())
        _require_new(request, run.recorder.stack, engines)
        others = records.load_all(request.folder).copies
        ports = {copy.port for copy in others}.union(*map(places.published_ports, engines))
        copy = copies.StagingCopy(
            name=request.name,
            owner=request.owner,
            state=copies.CopyState.CREATING,
            created=now,
            expires=now + request.life,
            generation=selection.generation,
            profile=run.services.profile.name,
            repository=run.services.repository.location,
            base=request.drill.base,
            subnet=str(places.free_subnet(request.name, places.used_subnets(engines, others))),
            port=places.free_port(lambda port: port in ports or places.port_taken(port)),
            login=request.login,
            run=run.recorder.run,
        )
        records.save(request.folder, copy)
    return copy


@dataclass(slots=True)
class _Creation:
    """A copy under way, by a process that holds its stack's lock."""

    request: CopyRequest
    run: Run
    account: model.Credentials
    copy: copies.StagingCopy
    made_anything: bool = False
    forgotten: bool = False

    def story(self) -> None:
        """Make the copy; what fails on the way leaves nothing that can be reached."""
        drill, generation = self.request.drill, select(self.run)
        rebuilt = self._rebuilt(generation)
        with replayed_anew(self.run, drill, generation, rebuilt) as replayed:
            if self._passed():
                self._keep(replayed.environment)

    def end(self) -> copies.StagingCopy | None:
        """The copy as it is left; one of which nothing was made is forgotten."""
        if not self.made_anything:
            self._forget()
        return None if self.forgotten else self.copy

    @contextmanager
    def _rebuilt(self, generation: model.Generation) -> Iterator[model.Environment]:
        """The copy's environment: stopped or destroyed at the end, unless it was kept."""
        copy, recorder = self.copy, self.run.recorder
        self._save(replace(copy, generation=generation.id))
        self.made_anything = True
        try:
            with recorder.stage("rebuild", "Rebuild the environment with Pulumi"):
                spec = stack_spec(copy.stack, generation, self.request.drill)
                own = (
                    ("keep", "true"),
                    ("purpose", model.Purpose.STAGING.value),
                    ("subnet", copy.subnet),
                    ("httpPort", str(copy.port)),
                )
                url = self.request.external_url
                told = (*spec.settings, *own, *((("externalUrl", url),) if url else ()))
                outputs = up(replace(spec, settings=told), self.run.services.listener)
                environment = environment_from_outputs(outputs)
            yield environment
        finally:
            if self.copy.state is not copies.CopyState.READY:
                self._give_up()

    def _passed(self) -> bool:
        """Whether the copy is whole, and proved to be safe.

        Raises:
            RefusedError: nothing was proved.
        """
        found = self.run.recorder.report()
        if found.verdict is not model.Verdict.PASS:
            return False
        proved = any(check.id.startswith(NEUTRALISED) for check in found.checks)
        if not proved or not is_safe(found.checks):
            raise RefusedError(
                f"staging copy {self.copy.name} is not kept: it was not proved that it is safe",
                "the report lists its checks: neutralised.* and isolation.*",
            )
        return True

    def _keep(self, environment: model.Environment) -> None:
        """Write down that the copy stands, and its administrator's password apart from it."""
        request = self.request
        file = records.save_password(request.folder, request.name, self.account.password)
        self._save(
            replace(
                self.copy,
                state=copies.CopyState.READY,
                expires=self.run.services.now() + request.life,
                url=environment.external_url,
                password_file=str(file),
                neutralised=is_proved(self.run.recorder.checks, NEUTRALISED),
                anonymised=is_proved(self.run.recorder.checks, ANONYMISED),
            )
        )

    def _give_up(self) -> None:
        """Let nothing of the copy run: stopped when it is to be looked at, else destroyed."""
        recorder, stack = self.run.recorder, self.run.recorder.stack
        if self.request.keep_failed:
            with recorder.stage("stop", "Stop the servers of the copy that failed"):
                stop_servers(stack)
            expires = self.run.services.now() + self.request.life
            self._save(replace(self.copy, state=copies.CopyState.FAILED, expires=expires))
            return
        with recorder.stage("destroy", "Destroy the environment"):
            destroy_stack(stack, self.run.services.listener)
        self._forget()

    def _save(self, copy: copies.StagingCopy) -> None:
        records.save(self.request.folder, copy)
        self.copy = copy

    def _forget(self) -> None:
        records.forget(self.request.folder, self.request.name)
        lock.release(locations.LOCKS, self.run.recorder.stack)
        self.forgotten = True


def _require_new(request: CopyRequest, stack: str, engines: Iterable[Runner]) -> None:
    """Refuse a name that is taken: by a copy, or by a stack that somebody made otherwise."""
    if any(copy.name == request.name for copy in records.load_all(request.folder).copies):
        raise RefusedError(
            f"there is a staging copy {request.name} already",
            f"choose another name, or 'pra staging destroy {request.name}' first",
        )
    left = [
        one for engine in engines for one in leftovers.find_leftovers(engine) if one.stack == stack
    ]
    if settings_file(stack).exists() or left or stack in stacks():
        raise RefusedError(
            f"there is a stack {stack} already, which is no staging copy of this clone",
            f"choose another name, or remove it: 'pra gc --stack {stack}'",
        )
