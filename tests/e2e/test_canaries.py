"""No secret is where anyone could read it, at any moment of a drill."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.production import LOGIN
from restore.adapters.docker.runner import Runner
from restore.errors import ExitCode
from restore.repository.folder import FolderRepository
from tests.support.canaries import canaries_of, watched
from tests.support.drill import Commands, told

pytestmark = [pytest.mark.docker, pytest.mark.e2e]

CHECK = "canary-check-5d21"
REPORTS = "canary-reports-0c44"


def test_no_secret_is_seen_during_a_drill(
    commands: Commands,
    production_repository: FolderRepository,
    docker_runner: Runner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Even of an account that the ERP refuses, whose answers go into the report."""
    generation = production_repository.load(production_repository.ids()[-1])
    canaries = canaries_of(generation.root)
    # The master password, the role's password, and the key of the reverse proxy's certificate.
    assert len(canaries) == 3
    canaries |= {"the account that checks log in with": CHECK, "the reports server's": REPORTS}
    monkeypatch.setenv("PRA_REPORTS_PASSWORD", REPORTS)
    refused = replace(commands, account=(LOGIN, CHECK))

    with watched(docker_runner, canaries, commands.reports) as watch:
        done = refused.pra(
            "--verbose", "drill", "--generation", "latest",
            "--repository", production_repository.location,
        )  # fmt: skip

    assert done.returncode == ExitCode.FAIL, told(done)
    statuses = {check["id"]: check["status"] for check in commands.report()["checks"]}
    assert statuses["web.account"] == "failed" and statuses["web.scenario:login"] == "passed"
    watch.look("what it printed", "printed", done.stdout + done.stderr)
    assert watch.seen == set()
    assert watch.looked >= {
        "arguments", "inspect", "exec", "log", "state", "settings", "locks", "logs", "reports",
        "printed",
    }  # fmt: skip


def test_the_watch_sees_what_it_looks_for(docker_runner: Runner, tmp_path: Path) -> None:
    canaries = {"mine": "canary-of-the-watch-77"}
    program = "import time; time.sleep(1.5)"
    with watched(docker_runner, canaries, tmp_path) as watch:
        subprocess.run([sys.executable, "-c", program, canaries["mine"]], check=True)
        (tmp_path / "a.txt").write_text(f'password "{canaries["mine"]}"', encoding="utf-8")
    assert {where.partition(": ")[2] for where in watch.seen} == {
        f"arguments of {sys.executable}",
        str(tmp_path / "a.txt"),
    }
