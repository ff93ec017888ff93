"""Runs the ERP's own upgrade of a database: by the new code, the ERP being stopped."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Final

from restore.adapters.docker import rights
from restore.adapters.docker.engine import Container, DockerException, answers
from restore.adapters.docker.helpers import HelperOptions, helper
from restore.adapters.docker.runner import Runner
from restore.adapters.streams import LineSplitter
from restore.checks.base import MOST_DETAILS, masked
from restore.context import ReplayContext
from restore.model import CheckResult, CheckStatus, Part, Step, StepKind
from restore.model.messages import message, plural
from restore.model.upgrade import COMMAND
from restore.profile import UpgradeProfile
from restore.replay.steps.servers import restore_configuration
from restore.runs.upgrade.difference import check_id

EXPECTED: Final = message("exit code 0, its ready line, and no error in its log")
TAIL_LINES: Final = 20
LONGEST_LINE: Final = 500
"""Characters of a line that are kept: some programs log whole documents."""


@dataclass(slots=True)
class LogWatch:
    """Reads a log line by line. ``errors`` holds the first that match, ``wrong`` is how many do."""

    profile: UpgradeProfile
    ready: bool = False
    wrong: int = 0
    lines: int = 0
    errors: list[str] = field(default_factory=list)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))

    def see(self, line: str) -> None:
        """Judge one line of the log."""
        text = line.rstrip()[:LONGEST_LINE]
        self.lines += 1
        self.tail.append(text)
        if re.search(self.profile.ready, text):
            self.ready = True
        matches = any(re.search(pattern, text) for pattern in self.profile.errors)
        if matches and not any(re.search(pattern, text) for pattern in self.profile.harmless):
            self.wrong += 1
            if len(self.errors) < MOST_DETAILS:
                self.errors.append(text)


@dataclass(frozen=True, slots=True)
class Upgrading:
    """How the upgrade of a database ended. ``late`` is over its deadline; durations in seconds."""

    exit_code: int
    seconds: float
    late: bool
    watch: LogWatch

    @property
    def completed(self) -> bool:
        """Whether it went to its end, with errors or without."""
        return self.exit_code == 0 and self.watch.ready and not self.late


def upgrade_database(
    context: ReplayContext,
    profile: UpgradeProfile,
    steps: tuple[Step, ...],
    database: str,
    see: Callable[[str], None] = lambda _line: None,
) -> Upgrading:
    """Run the profile's upgrade command for a database, in a container of its own.

    It has the ERP's image, volumes, rights and network, and production's configuration, and is
    gone afterwards.

    Args:
        steps: the plan that was replayed, whose configuration it takes.
        see: called with each line of the log.

    Raises:
        EnvironmentFailure: the Docker engine refuses.
    """
    watch = LogWatch(profile)
    begun = time.monotonic()
    secrets = (context.environment.database.erp_password,)
    with _container(context, profile.argv(database)) as made:
        inside = _with_erp(context, str(made.id))
        configure(inside, steps)
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            with suppress(DockerException, OSError):
                made.kill()

        timer = threading.Timer(profile.deadline, expire)
        made.start()
        timer.start()
        try:
            for line in _lines(made):
                plain = masked(line, secrets)
                watch.see(plain)
                see(plain)
            code = int(made.wait()["StatusCode"])
        finally:
            timer.cancel()
    return Upgrading(code, time.monotonic() - begun, expired.is_set(), watch)


def configure(context: ReplayContext, steps: tuple[Step, ...]) -> None:
    """Write production's configuration into a container of the ERP that was made anew."""
    for step in steps:
        if step.kind is StepKind.CONFIGURATION and step.part is Part.ERP:
            restore_configuration(context, step)


def command_check(database: str, done: Upgrading) -> CheckResult:
    """What the command and its log say of an upgrade."""
    watch = done.watch
    observed = message(
        "exit code {code}, {ready}, {errors} in {lines}",
        code=done.exit_code,
        ready=message("its ready line") if watch.ready else message("no ready line"),
        errors=plural(watch.wrong, "{n} error", "{n} errors"),
        lines=plural(watch.lines, "{n} line", "{n} lines"),
    )
    good = done.completed and not watch.wrong
    details = tuple(watch.errors)
    if not done.completed:
        late = (message("over its deadline"),) if done.late else ()
        details = (
            *late,
            *details,
            *(message("at its end: {line}", line=line) for line in watch.tail),
        )
    return CheckResult(
        id=check_id(COMMAND, database),
        title=message(
            "Upgrade of {database}: {title}",
            database=database,
            title=message("the ERP's own command"),
        ),
        status=CheckStatus.PASSED if good else CheckStatus.FAILED,
        expected=EXPECTED,
        observed=observed,
        duration=done.seconds,
        details=() if good else details,
    )


def _with_erp(context: ReplayContext, container: str) -> ReplayContext:
    """The context with another container in the ERP's place."""
    environment = context.environment
    erp = replace(environment.erp, container=container)
    engine = Runner(context.runner.engine_of(environment.erp.container))
    runner = context.runner.reaching({container: engine})
    return replace(context, runner=runner, environment=replace(environment, erp=erp))


@contextmanager
def _container(context: ReplayContext, argv: tuple[str, ...]) -> Iterator[Container]:
    """A container beside the ERP's, like it in all that the upgrade sees; not started."""
    erp, user = context.environment.erp.container, context.profile.erp.user
    variables = context.runner.container(erp).attrs["Config"].get("Env") or ()
    given = HelperOptions(
        user=user,
        network=context.environment.network,
        environment=tuple(variables),
        kept=rights.kept_by(user),
    )
    with answers("upgrade a database"), helper(context.runner, erp, argv, given) as made:
        yield made


def _lines(made: Container) -> Iterator[str]:
    """Follow a container's log, line by line, until it has ended; no line is lost.

    The engine cuts a log that it follows when the container ends, or has ended before it was asked.
    """
    splitter, followed = LineSplitter(), 0
    for chunk in made.logs(stream=True, follow=True):
        followed += len(chunk)
        yield from splitter.feed(chunk)
    made.wait()
    for chunk in made.logs(stream=True, follow=False):
        # What was read already is passed over.
        fresh, followed = chunk[followed:], max(0, followed - len(chunk))
        yield from splitter.feed(fresh)
    yield from splitter.rest()
