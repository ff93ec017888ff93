"""Settings as Pulumi holds them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pulumi.runtime import config as pulumi_config
from pulumi.runtime import mocks as pulumi_mocks

from restore.errors import UsageError
from restore.model import locations
from restore.model.secret import Secret
from stacks import settings
from tests.stacks.conftest import STACK, Registry


@pytest.fixture(autouse=True)
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in its project's folder."""
    pulumi_mocks.set_mocks(Registry(), project="pra", stack=STACK)
    monkeypatch.setattr(locations, "ROOT", tmp_path)
    return tmp_path


def test_only_our_own_settings_are_read(program: Path) -> None:
    pulumi_config.set_all_config(
        {"pra:generation": "latest", "docker:host": "unix:///x", "pra:erpPassword": "hush"},
        ["pra:erpPassword"],
    )
    found = settings.read()
    assert found.stack == STACK
    assert found.selection.repository == program / ".pra/repository"
    assert found.erp_password == Secret("hush")


def test_a_password_in_clear_is_refused() -> None:
    pulumi_config.set_all_config({"pra:generation": "latest", "pra:erpPassword": "hush"}, [])
    with pytest.raises(UsageError, match="pra:erpPassword: must be a secret") as caught:
        settings.read()
    assert "hush" not in caught.value.message
