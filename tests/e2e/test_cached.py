"""The same drill again: cold, then with the copy that was kept, then cold on demand."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from restore.errors import ExitCode
from restore.kept_copies import find_copies, remove_copy
from restore.repository.folder import FolderRepository
from restore.runner import Runner
from tests.fix_drill import Commands, labelled, told

pytestmark = [pytest.mark.docker, pytest.mark.e2e]


@pytest.fixture
def copying(commands: Commands, docker_runner: Runner) -> Iterator[Commands]:
    """Commands that keep copies; theirs, and all else that they made, is gone afterwards."""
    yield replace(commands, variables=(("PRA_NO_COPY", ""),))
    stacks = [f"drill-{folder.name}" for folder in commands.reports.glob("*")]
    for copy in find_copies(docker_runner):
        if copy.stack in stacks:
            remove_copy(docker_runner, copy.volume)
    assert [item for stack in stacks for item in labelled(docker_runner, stack)] == []


def drilled(
    commands: Commands, repository: FolderRepository, *options: str
) -> tuple[str, dict[str, Any]]:
    """What a drill that passes printed, and its report."""
    done = commands.pra(
        "drill", "--repository", repository.location, "--generation", "latest", *options
    )
    assert done.returncode == ExitCode.PASS, told(done)
    return done.stdout, commands.report()


def test_a_drill_again_uses_the_copy_that_the_first_one_kept(
    copying: Commands, production_repository: FolderRepository
) -> None:
    printed, first = drilled(copying, production_repository, "--rto-budget", "1h")
    assert first["mode"] == "cold" and "mode: cold" in printed
    assert first["warnings"] == []
    assert "keep-copy" in [step["id"] for step in first["steps"]]

    printed, second = drilled(copying, production_repository, "--rto-budget", "1h")
    assert second["mode"] == "cached" and "mode: cached (copy " in printed
    ran = [step["id"] for step in second["steps"]]
    assert "place-copy" in ran and "keep-copy" not in ran
    assert not [step for step in ran if step.startswith("restore-database")]
    names = {check["id"] for check in first["checks"]}
    assert {check["id"] for check in second["checks"]} == names
    (budget,) = [check for check in second["checks"] if check["id"] == "rto.budget"]
    assert budget["status"] == "unverifiable"
    listed = json.loads(copying.pra("--json", "cache", "list").stdout)
    assert [one for one in listed if one["stack"] == f"drill-{first['run']}" and one["used"]]

    a_staging_copy_starts_from_it(copying, production_repository)

    printed, third = drilled(copying, production_repository, "--cold", "--no-copy")
    assert third["mode"] == "cold" and "mode: cold (asked for by --cold)" in printed
    assert "keep-copy" not in [step["id"] for step in third["steps"]]
    shown = copying.pra("--json", "history", "--reports", str(copying.reports))
    (group,) = json.loads(shown.stdout)
    assert [run["mode"] for run in group["runs"]] == ["cold", "cached", "cold"]
    assert (group["rto"]["passed"], group["cached"]["passed"]) == (2, 1)
    assert Path(copying.reports).is_dir()


def a_staging_copy_starts_from_it(commands: Commands, repository: FolderRepository) -> None:
    name = f"t{secrets.token_hex(3)}"
    reports = commands.reports.with_name("of-the-copy")
    try:
        made = commands.pra(
            "--json", "staging", "create", "--name", name, "--for", "1h", "--generation", "latest",
            "--repository", repository.location, "--reports", str(reports),
        )  # fmt: skip
        assert made.returncode == ExitCode.PASS, told(made)
        report = json.loads(made.stdout)
        assert report["mode"] == "cached"
        ran = [step["id"] for step in report["steps"]]
        assert "place-copy" in ran and "neutralise:specibike_prod" in ran
        # What the first one's data were kept with is nobody's password here.
        checks = {check["id"]: check["status"] for check in report["checks"]}
        assert checks["staging.passwords"] == "passed"
    finally:
        ended = commands.pra("staging", "destroy", name)
    assert ended.returncode == ExitCode.PASS, told(ended)
