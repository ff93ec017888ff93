"""What ``make drill`` makes when a repository holds nothing."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from restore.model.locations import ROOT


@pytest.mark.parametrize(("repository", "filled"), [("backups", False), (".pra/repository", True)])
def test_example_data_goes_into_the_clones_own_repository_only(
    repository: str, filled: bool, tmp_path: Path
) -> None:
    told = subprocess.run(
        ["make", "--no-print-directory", "-n", "-C", ROOT, "drill", f"REPOSITORY={repository}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    recipe = told[told.index("# Never into") :].replace(". .pra/activate;", "")
    for name in ("python", "pra"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho "{name} $@" >> asked\n', encoding="utf-8")
        program.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"

    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", recipe],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        check=True,
    )

    asked = (tmp_path / "asked").read_text(encoding="utf-8").splitlines()
    assert (asked[0] == f"python -m fixtures.production --repository {repository}") is filled
    assert asked[-1].startswith(f"pra drill --stack drill --repository {repository} ")


def test_pre_commit_runs_what_make_lint_runs() -> None:
    argv = ["make", "--no-print-directory", "-n", "-C", str(ROOT), "-o", "setup", "lint"]
    recipe = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    content = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    entries = [hook["entry"] for repo in content["repos"] for hook in repo["hooks"]]
    prefix = ". .pra/activate"
    commands = [shlex.split(entry)[2].removeprefix(f"{prefix} && ") for entry in entries]
    assert " ".join(recipe.replace("\\\n", " ").split()) == f"{prefix}; {' && '.join(commands)}"
