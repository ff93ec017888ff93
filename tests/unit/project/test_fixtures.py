"""The command line of the fixture productions."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fixtures import command
from restore.adapters.docker.runner import Runner
from restore.errors import ExitCode, UsageError


@pytest.fixture(autouse=True)
def _no_docker(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(Runner, "connect", lambda: SimpleNamespace(client=None))
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def asked(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["x", "--repository", "backups", *words])


def made(_client: object, folder: Path, steps: command.Steps) -> Any:
    with steps.step("PostgreSQL starts"):
        return SimpleNamespace(id=f"of-{folder}", bytes=7)


def test_the_result_is_a_line_or_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(monkeypatch)
    assert command.run("fixtures.x", made) == ExitCode.PASS
    assert capsys.readouterr().out.startswith("generation of-backups in backups, ")
    asked(monkeypatch, "--json")
    command.run("fixtures.x", made)
    told = json.loads(capsys.readouterr().out)
    assert (told["generation"], told["bytes"]) == ("of-backups", 7)
    assert [step["title"] for step in told["steps"]] == ["PostgreSQL starts"]


def test_only_a_fixture_that_can_keep_its_production_offers_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def kept(*_words: object) -> Any:
        return SimpleNamespace(id="kept", bytes=0)

    asked(monkeypatch, "--keep")
    command.run("fixtures.x", made, keeping=kept)
    assert "generation kept" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        command.run("fixtures.x", made)


def test_a_failure_and_a_polite_kill_end_with_their_codes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failed(*_words: object) -> Any:
        raise UsageError("no such place", "name another")

    def killed(*_words: object) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)

    asked(monkeypatch)
    assert command.run("fixtures.x", failed) == ExitCode.USAGE
    assert "no such place\nname another" in capsys.readouterr().err
    assert command.run("fixtures.x", killed) == 130
