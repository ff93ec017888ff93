"""Rebuilds environments: the only importer of Pulumi's Automation API.

Stacks are made, updated and destroyed in this clone's own Pulumi program, whatever stack the user
has selected. The program runs in this interpreter, which has most of it imported: Pulumi would
start a language host, pip and another interpreter for it. An ephemeral stack's settings file stands
beside the program for as long as the stack does.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import runpy
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from pulumi import automation as auto
from pulumi.automation import errors
from pulumi.automation.events import EngineEvent
from semver import VersionInfo
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from restore.adapters import logs
from restore.adapters.docker import leftovers
from restore.adapters.docker.runner import Runner, tail
from restore.adapters.processes import Command, run_attended
from restore.adapters.pulumi import stack_file
from restore.adapters.pulumi.environment import BACKEND, pulumi_environment, read_set_up
from restore.adapters.pulumi.messages import hint, holder_lives, is_echo, plain
from restore.errors import EnvironmentFailure, NotFoundError
from restore.model import LOCAL, Progress, ProgressListener, Role, ignore_progress, locations
from restore.model.secret import Secret

OTHERS_SECONDS: Final = 60.0
"""How long a stack that another process is updating is waited for."""


_TAIL_LINES: Final = 25


@dataclass(frozen=True, slots=True)
class Preview:
    """What an update would do: how many resources for each kind of change, and Pulumi's text."""

    changes: tuple[tuple[str, int], ...]
    text: str


def up(
    spec: stack_file.StackSpec, listener: ProgressListener = ignore_progress
) -> Mapping[str, Any]:
    """Create or update a stack and return its outputs, secrets in clear.

    Raises:
        EnvironmentFailure: Pulumi can't be used, or the update failed; what it made until then
            stands: destroy it.
    """
    workspace = _Workspace()
    watch = _Watch(f"Rebuild stack {spec.name}", listener)
    with _explained(f"rebuild stack {spec.name}", watch, spec):
        stack = _prepared(workspace, spec)
        stack.up(color="never", on_event=watch.event, suppress_outputs=True, program=_run_program)
        return _outputs(workspace, spec.name)


def preview(spec: stack_file.StackSpec) -> Preview:
    """Say what ``up`` would do. The stack is created when there is none, and left empty.

    Raises:
        EnvironmentFailure: Pulumi can't be used, or the program failed.
    """
    workspace = _Workspace()
    watch = _Watch(f"Preview stack {spec.name}", ignore_progress)
    with _explained(f"preview stack {spec.name}", watch, spec):
        result = _prepared(workspace, spec).preview(
            color="never", on_event=watch.event, program=_run_program
        )
    changes = sorted((str(change), count) for change, count in result.change_summary.items())
    return Preview(tuple(changes), spec.masked(result.stdout))


def outputs_of(stack: str) -> Mapping[str, Any]:
    """Return a stack's outputs, secrets in clear.

    Raises:
        NotFoundError: there is no such stack.
        EnvironmentFailure: Pulumi can't be used.
    """
    workspace = _Workspace()
    with _explained(f"read stack {stack}"):
        return _outputs(workspace, stack)


def stacks() -> tuple[str, ...]:
    """Return the names of this program's stacks in the backend.

    Raises:
        EnvironmentFailure: Pulumi can't be used.
    """
    workspace = _Workspace()
    with _explained("list the stacks"):
        return tuple(sorted(_names(workspace)))


def destroy(stack: str, listener: ProgressListener = ignore_progress) -> None:
    """Destroy all that a stack has, however its last update ended; an unknown stack is no error.

    When Pulumi can't (resources were made that it doesn't know of, or vanished), what carries the
    stack's label is removed from the Docker engine. The stack is forgotten, too, and its settings
    file if the stack is ephemeral.

    Raises:
        EnvironmentFailure: Pulumi or Docker can't be used; something may stand still.
    """
    workspace = _Workspace()
    watch = _Watch(f"Destroy stack {stack}", listener)
    with _explained(f"destroy stack {stack}", watch):
        if stack in _names(workspace):
            _destroy(_Stack(stack, workspace), watch)
    stack_file.forget_settings(stack)


def discard(stack: str, listener: ProgressListener = ignore_progress) -> None:
    """Destroy a throw-away stack that this process has brought up, without stopping it gently.

    Its servers are killed: nobody needs what they hold. What carries the stack's label is removed
    from the Docker engines by this process, and Pulumi is told to forget the stack. Without the
    stack's file nothing tells on which hosts they stand, but Pulumi's own state.

    Raises:
        EnvironmentFailure: Pulumi or Docker can't be used; something may stand still.
    """
    if not stack_file.settings_file(stack).exists():
        destroy(stack, listener)
        return
    workspace = _Workspace()
    listener(Progress(f"Destroy stack {stack}"))
    with _explained(f"destroy stack {stack}"):
        _sweep(stack)
        workspace.remove_stack(stack, force=True, preserve_config=True)
    stack_file.forget_settings(stack)


def cancel(stack: str) -> None:
    """Break the lock of a stack whose update died. A living update is not stopped by it.

    Raises:
        EnvironmentFailure: Pulumi can't be used, or nothing locks the stack.
    """
    workspace = _Workspace()
    with _explained(f"cancel the update of stack {stack}"):
        workspace.cli.ask("cancel", "--yes", "--stack", stack)


def _names(workspace: _Workspace) -> frozenset[str]:
    """The names of the backend's stacks.

    A local backend is read file by file, and another process may just be writing one.
    """

    def half_written(error: BaseException) -> bool:
        text = str(error)
        return isinstance(error, errors.CommandError) and (
            "EOF" in text or "end of JSON input" in text
        )

    summaries = _retried(half_written, 10, 0.2)(workspace.list_stacks)
    return frozenset(summary.name for summary in summaries)


def _retried(when: Callable[[BaseException], bool], deadline: float, interval: float) -> Retrying:
    """What tries again until a deadline, after what an error says; times are in seconds."""
    return Retrying(
        retry=retry_if_exception(when),
        stop=stop_after_delay(deadline),
        wait=wait_fixed(interval),
        reraise=True,
    )


def _outputs(workspace: _Workspace, stack: str) -> Mapping[str, Any]:
    text = workspace.cli.ask("stack", "output", "--json", "--show-secrets", "--stack", stack)
    outputs: dict[str, Any] = json.loads(text)
    return outputs


def _run_program() -> None:
    """Run the program that ``pulumi up`` runs by itself, from the same file."""
    # The SDK leaves the loop of a program that failed open.
    atexit.register(asyncio.get_running_loop().close)
    runpy.run_path(str(locations.ROOT / "__main__.py"), run_name="__main__")


def _prepared(workspace: _Workspace, spec: stack_file.StackSpec) -> _Stack:
    """Write the settings of a stack and create it, if it isn't there."""
    is_new = not stack_file.settings_file(spec.name).exists()
    stack_file.write_settings(spec)
    stack = _Stack(spec.name, workspace)
    # One that has settings mostly is there; to create it would touch their encryption first.
    if is_new or spec.name not in _names(workspace):
        with suppress(errors.StackAlreadyExistsError):
            workspace.create_stack(spec.name)
    for key, value in spec.secrets:
        workspace.cli.ask("config", "set", "--secret", key, "--stack", spec.name, stdin=value)
    return stack


def _destroy(stack: _Stack, watch: _Watch) -> None:
    def busy(error: BaseException) -> bool:
        return isinstance(error, errors.ConcurrentUpdateError) and holder_lives(str(error))

    try:
        # One that a living process is updating is waited for.
        _retried(busy, OTHERS_SECONDS, 1)(
            stack.destroy, color="never", on_event=watch.event, program=_run_program
        )
    except errors.ConcurrentUpdateError as error:
        if holder_lives(str(error)):
            raise
        cancel(stack.name)
        # What a killed update has made last, Pulumi doesn't know of.
        _sweep(stack.name)
    except errors.CommandError:
        _sweep(stack.name)
    stack.workspace.remove_stack(stack.name, force=True, preserve_config=True)


def _sweep(stack: str) -> None:
    """Remove what carries a stack's label on any of its hosts, without Pulumi."""
    with ExitStack() as opened:
        engines = {
            host: opened.enter_context(closing(Runner.connect(host)))
            for host in {LOCAL, *stack_file.hosts_if_known(stack).distinct(Role)}
        }
        found = leftovers.find_everywhere(engines, stack)
        leftovers.remove(engines[LOCAL], found, engines)


class _Cli(auto.PulumiCommand):
    """Pulumi's CLI, found and run in the environment that set-up prepared."""

    def __init__(self) -> None:
        if not (locations.ROOT / "Pulumi.yaml").is_file():
            raise EnvironmentFailure(
                f"no Pulumi program in {locations.ROOT}: this pra is installed outside a clone",
                "clone the repository, run 'make setup' and '. .pra/activate' there, and try again",
            )
        self.environment = pulumi_environment(read_set_up(locations.ENVIRONMENT), os.environ)
        found = shutil.which("pulumi", path=self.environment["PATH"])
        if found is None:
            raise EnvironmentFailure("Pulumi is not installed", "run 'make setup'")
        self.command = found
        if BACKEND not in self.environment:
            # The program's own backend, named in Pulumi.yaml, is a folder that must be there.
            (locations.STATE / "state").mkdir(parents=True, exist_ok=True)
        # Set-up takes no CLI that is older than the SDK; to ask it would be one more process.
        self.version = VersionInfo.parse(metadata.version("pulumi"))

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: auto.OnOutput | None = None,
        on_error: auto.OnOutput | None = None,
    ) -> auto.CommandResult:
        """Run one command for the SDK, and be interrupted as ``run_attended`` is."""
        environment = {**self.environment, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        argv = (self.command, "--non-interactive", *args)
        return self._done(Command(argv, Path(cwd), environment), on_output, on_error)

    def ask(self, *args: str, stdin: Secret | None = None) -> str:
        """Run one command that the SDK doesn't have and return its output.

        Raises:
            CommandError: it failed.
        """
        argv = (self.command, "--non-interactive", *args)
        return self._done(Command(argv, locations.ROOT, self.environment, stdin)).stdout

    @staticmethod
    def _done(
        command: Command,
        on_output: auto.OnOutput | None = None,
        on_error: auto.OnOutput | None = None,
    ) -> auto.CommandResult:
        ended = run_attended(command, on_output, on_error)
        result = auto.CommandResult(ended.stdout, ended.stderr, ended.exit_code)
        if ended.exit_code != 0:
            raise errors.create_command_error(result)
        return result


class _Stack(auto.Stack):
    """A stack by its name, of which an update reads neither summary nor outputs by itself.

    The SDK starts one process more for each question, and asks three of them after an update.
    """

    def __init__(self, name: str, workspace: _Workspace) -> None:
        self.name = name
        self.workspace = workspace

    def outputs(self) -> auto.OutputMap:
        return {}

    def info(self, show_secrets: bool = False) -> auto.UpdateSummary:
        return auto.UpdateSummary("update", datetime.now(UTC), "", {}, {}, "succeeded")


class _Workspace(auto.LocalWorkspace):
    """This clone's Pulumi program. Unlike the SDK's, it leaves the user's selected stack alone."""

    def __init__(self) -> None:
        self.cli = _Cli()
        super().__init__(work_dir=str(locations.ROOT), pulumi_command=self.cli)

    def create_stack(self, stack_name: str) -> None:
        self.cli.ask("stack", "init", "--no-select", "--stack", stack_name)


class _Watch:
    """Follows an update's events: counts resources for the listener and keeps the errors."""

    def __init__(self, label: str, listener: ProgressListener) -> None:
        self.errors: list[str] = []
        self._label = label
        self._listener = listener
        self._begun = 0
        self._done = 0
        listener(Progress(label))

    def event(self, event: EngineEvent) -> None:
        """Take one event; called in the SDK's thread."""
        if event.diagnostic_event is not None:
            text = plain(event.diagnostic_event.message)
            if event.diagnostic_event.severity == "error" and not is_echo(text):
                self.errors.append(text)
            return
        if event.resource_pre_event is not None:
            self._begun += 1
        elif event.res_outputs_event is not None:
            self._done += 1
        else:
            return
        self._listener(Progress(self._label, done_items=self._done, total_items=self._begun))


@contextmanager
def _explained(
    act: str, watch: _Watch | None = None, spec: stack_file.StackSpec | None = None
) -> Iterator[None]:
    """Turn what Pulumi refuses into an error that says what was tried, and what next."""
    with logs.timed("pulumi", act=act):
        try:
            yield
        except errors.StackNotFoundError as error:
            raise NotFoundError(
                f"could not {act}: there is none", "see 'pulumi stack ls'"
            ) from error
        except errors.ConcurrentUpdateError as error:
            raise EnvironmentFailure(
                f"could not {act}: another process is updating it",
                "wait for it to end; if it died, run 'pulumi cancel'",
            ) from error
        except errors.CommandError as error:
            said = "\n".join(watch.errors) if watch is not None else ""
            text = said or tail(plain(str(error)), _TAIL_LINES)
            text = spec.masked(text) if spec is not None else text
            raise EnvironmentFailure(f"could not {act}:\n{text}", hint(text)) from error
