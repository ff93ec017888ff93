"""The stack files that ship, and the program that reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks.keys import NAMESPACE
from stacks.settings import Place, parse

ROOT = Path(__file__).resolve().parents[3]


def settings_of(stack: str) -> dict[str, str]:
    """A stack file's settings as Pulumi hands them to the program."""
    content: dict[str, Any] = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text("utf-8"))
    return {
        key.removeprefix(f"{NAMESPACE}:"): value if isinstance(value, str) else json.dumps(value)
        for key, value in content["config"].items()
    }


@pytest.mark.parametrize(
    ("stack", "keep", "replace"),
    [("drill", False, True), ("ci", False, True), ("staging", True, False)],
)
def test_stack_files_are_fit_to_use(stack: str, keep: bool, replace: bool) -> None:
    settings = parse(settings_of(stack), (), Place(stack, ROOT))
    assert (settings.keep, settings.replace) == (keep, replace)
    assert settings.replay is True
    assert settings.selection.generation == "latest"


def test_the_project_is_the_namespace() -> None:
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text("utf-8"))
    assert project["name"] == NAMESPACE
    assert project["backend"]["url"] == "file://./.pra/state"


def test_the_program_is_short() -> None:
    assert len((ROOT / "__main__.py").read_text("utf-8").splitlines()) <= 40
