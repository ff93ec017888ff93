"""The same drill again: cold, then with the copy that was kept, then cold on demand."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from docker.types import Mount

from fixtures.site import POSTGRESQL_IMAGE
from fixtures.staging_copies import volumes_of
from restore.adapters.docker.cache_volumes import find_caches, remove_cache
from restore.adapters.docker.runner import LABEL, Runner
from restore.anonymise.key import VARIABLE
from restore.errors import ExitCode
from restore.model import Cache
from restore.repository.folder import FolderRepository
from tests.support.drill import Commands, labelled, told

pytestmark = [pytest.mark.docker, pytest.mark.e2e]


@pytest.fixture
def copying(commands: Commands, docker_runner: Runner) -> Iterator[Commands]:
    """Commands that keep copies; theirs, and all else that they made, is gone afterwards."""
    yield replace(commands, variables=(("PRA_NO_COPY", ""),))
    stacks = [f"drill-{folder.name}" for folder in commands.reports.glob("*")]
    for copy in find_caches(docker_runner):
        if copy.stack in stacks:
            remove_cache(docker_runner, copy.volume)
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
    copying: Commands, production_repository: FolderRepository, docker_runner: Runner
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

    (kept,) = (one for one in find_caches(docker_runner) if one.stack == f"drill-{first['run']}")
    a_staging_copy_starts_from_it(copying, production_repository, docker_runner, kept)

    printed, third = drilled(copying, production_repository, "--cold", "--no-copy")
    assert third["mode"] == "cold" and "mode: cold (asked for by --cold)" in printed
    assert "keep-copy" not in [step["id"] for step in third["steps"]]
    shown = copying.pra("--json", "history", "--reports", str(copying.reports))
    (group,) = json.loads(shown.stdout)
    assert [run["mode"] for run in group["runs"]] == ["cold", "cached", "cold"]
    assert (group["rto"]["passed"], group["cached"]["passed"]) == (2, 1)
    assert Path(copying.reports).is_dir()


def a_staging_copy_starts_from_it(
    commands: Commands, repository: FolderRepository, runner: Runner, kept: Cache
) -> None:
    """Anonymised, and nothing of that comes into what is kept, which holds originals."""
    name = f"t{secrets.token_hex(3)}"
    reports = commands.reports.with_name("of-the-copy")
    anonymous = replace(commands, variables=(*commands.variables, (VARIABLE, "k" * 32)))
    before = content_of(runner, kept)
    try:
        made = anonymous.pra(
            "--json", "staging", "create", "--name", name, "--for", "1h", "--generation", "latest",
            "--repository", repository.location, "--reports", str(reports),
            "--anonymise", "builtin",
        )  # fmt: skip
        assert made.returncode == ExitCode.PASS, told(made)
        report = json.loads(made.stdout)
        assert report["mode"] == "cached"
        (placed,) = (step for step in report["plan"]["steps"] if step["kind"] == "place-copy")
        assert placed["staging"] == kept.volume
        ran = [step["id"] for step in report["steps"]]
        assert {"neutralise:specibike_prod", "anonymise:specibike_prod"} <= {*ran}
        # What the first one's data were kept with is nobody's password here.
        checks = {check["id"]: check["status"] for check in report["checks"]}
        assert checks["staging.passwords"] == checks["anonymised.scan:specibike_prod"] == "passed"
        assert kept.volume not in volumes_of(runner, {"stack": f"staging-{name}"})
        assert content_of(runner, kept) == before
    finally:
        ended = commands.pra("staging", "destroy", name)
    assert ended.returncode == ExitCode.PASS, told(ended)


def content_of(runner: Runner, copy: Cache) -> bytes:
    """A digest of every file of a kept copy's data."""
    every = "find /copy/data -type f -exec sha256sum {} + | sort | sha256sum"
    digest: bytes = runner.client.containers.run(
        POSTGRESQL_IMAGE, ["-c", every], entrypoint="sh", user="root", remove=True,
        network_mode="none", labels={LABEL: copy.stack},
        mounts=[Mount("/copy", copy.volume, "volume", read_only=True)],
    )  # fmt: skip
    return digest
