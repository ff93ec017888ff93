"""Whole drills: the ``pra`` and ``pulumi`` commands as a user runs them, and what they leave."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fixtures.production import LOGIN, PASSWORD
from restore.adapters.docker import leftovers
from restore.adapters.docker.runner import Runner
from restore.model import stack_names
from restore.model.locations import ENVIRONMENT, LOCKS, ROOT
from tests.support.production import alone, cache_folder

TIMEOUT = 400


@dataclass(frozen=True)
class Commands:
    """Runs commands as a user would, from the clone, with what set-up put in place."""

    reports: Path
    with_account: bool = True
    account: tuple[str, str] = (LOGIN, PASSWORD)
    variables: tuple[tuple[str, str], ...] = ()
    profile: str | None = None
    """Which ERP is drilled; the command's own default when None."""

    def environment(self) -> dict[str, str]:
        """The user's environment after ``. .pra/activate``, with the check account's password."""
        document = json.loads(ENVIRONMENT.read_text(encoding="utf-8"))
        path = os.pathsep.join([*document["path_prepend"], os.environ["PATH"]])
        account = dict(zip(("PRA_CHECK_LOGIN", "PRA_CHECK_PASSWORD"), self.account, strict=True))
        return {
            **{name: value for name, value in os.environ.items() if name not in account},
            **document["variables"],
            "PATH": path,
            # A copy that a test doesn't ask for would be left on the engine.
            "PRA_NO_COPY": "1",
            **(account if self.with_account else {}),
            **dict(self.variables),
        }

    def pra_argv(self, *arguments: str) -> list[str]:
        """The argv of ``pra``, with reports kept apart where a command writes one."""
        program = [sys.executable, "-c", "from restore.cli.main import main; main()"]
        options = ["--reports", str(self.reports)]
        if self.profile is not None:
            options += ["--profile", self.profile]
        return [
            *program,
            *arguments,
            *(options if {"drill", "restore", "upgrade"} & {*arguments} else []),
        ]

    def pra(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``pra``."""
        return self._run(self.pra_argv(*arguments))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start ``pra`` and leave it running."""
        return subprocess.Popen(
            self.pra_argv(*arguments),
            cwd=ROOT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``pulumi``."""
        return self._run(["pulumi", "--non-interactive", *arguments])

    def report(self) -> dict[str, Any]:
        """The last report."""
        file = self.folders()[-1] / "report.json"
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return document

    def folders(self) -> list[Path]:
        """The folders of all reports, oldest first."""
        return sorted(file.parent for file in self.reports.glob("*/report.json"))

    def _run(self, argv: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv,
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )


def told(done: subprocess.CompletedProcess[str]) -> str:
    """All that a command printed, for a failing assertion."""
    return f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"


@contextmanager
def collecting() -> Iterator[None]:
    """Be the only test that leaves something for ``pra gc`` and has it collected."""
    with alone(cache_folder(), "gc"):
        yield


def labelled(runner: Runner, stack: str) -> list[str]:
    """Containers, networks and volumes of a stack."""
    return [
        f"{item.kind} {item.name}"
        for item in leftovers.find_leftovers(runner)
        if item.stack == stack
    ]


def stack_of(process: subprocess.Popen[str]) -> str:
    """The stack that a drill under way has made for itself; empty when it has none yet."""
    for path in LOCKS.glob(f"{stack_names.EPHEMERAL}*.lock"):
        # It is empty for a moment, and goes when the drill ends.
        with suppress(OSError, ValueError):
            if json.loads(path.read_text(encoding="utf-8"))["process"] == process.pid:
                return path.stem
    return ""


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    """Commands whose reports are the test's own."""
    return Commands(tmp_path / "reports")


@pytest.fixture
def stack(commands: Commands, docker_runner: Runner) -> Iterator[str]:
    """A stack that the test makes by hand with ``pulumi``, gone afterwards."""
    name = f"test-{secrets.token_hex(4)}"
    made = commands.pulumi("stack", "init", name)
    assert made.returncode == 0, told(made)
    yield name
    commands.pulumi("destroy", "--yes", "--skip-preview", "--stack", name)
    items = [item for item in leftovers.find_leftovers(docker_runner) if item.stack == name]
    leftovers.remove(docker_runner, items)
    commands.pulumi("stack", "rm", "--yes", "--force", name)
    (ROOT / f"Pulumi.{name}.yaml").unlink(missing_ok=True)
