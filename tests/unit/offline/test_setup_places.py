"""What set-up writes into the work tree, and what `make doctor` tells of it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from pathlib import Path

import pytest

from offline import doctor, engine
from offline.docker_api import Docker
from offline.environment import EnvironmentStep, variables_for
from offline.host import Command, Host, SetupError
from offline.paths import Places
from offline.setup import TREE, plan
from offline.stack import StackStep
from offline.steps import Component, Planned
from offline.venv import VenvStep, fingerprint


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host with an engine at the default address and no Pulumi on PATH."""
    monkeypatch.setattr(engine, "answering", lambda host: (Docker(engine.DEFAULT), "20"))
    tree = tmp_path / "a tree"
    tree.mkdir()
    (tree / "Pulumi.yaml").write_text("name: pra\nruntime: python\n")
    return Host(Places(tree, tmp_path / "cache"), {"PATH": "/usr/bin:/bin"})


def sourced(host: Host, **environ: str) -> dict[str, str]:
    """Return the environment of a strict shell that has sourced .pra/activate."""
    done = subprocess.run(
        ["bash", "-euc", '. "$1"; env -0', "bash", host.places.activate],
        env={"PATH": "/usr/bin:/bin", **environ},
        check=True,
        capture_output=True,
        text=True,
    )
    return dict(line.split("=", 1) for line in done.stdout.split("\0") if line)


def test_programs_and_shells_are_told_the_same(host: Host) -> None:
    EnvironmentStep().make(host)

    told = json.loads(host.places.environment.read_text())
    shell = sourced(host)

    assert told["path_prepend"][0] == str(host.places.venv / "bin")
    assert shell["PATH"] == ":".join([*told["path_prepend"], "/usr/bin:/bin"])
    assert {name: shell[name] for name in told["variables"]} == told["variables"]
    assert told["variables"]["PULUMI_BACKEND_URL"] == f"file://{host.places.state}"
    assert "DOCKER_HOST" not in told["variables"]
    assert host.places.state.is_dir()


def test_a_value_of_the_user_wins_but_for_the_home(host: Host) -> None:
    EnvironmentStep().make(host)

    shell = sourced(
        host, PULUMI_BACKEND_URL="s3://mine", PULUMI_CONFIG_PASSPHRASE="x", PULUMI_HOME="/other"
    )

    assert shell["PULUMI_BACKEND_URL"] == "s3://mine"
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in shell
    assert shell["PULUMI_HOME"] == str(host.places.pulumi_home)
    mine = Host(host.places, {"PULUMI_BACKEND_URL": "s3://mine", "PULUMI_HOME": "/other"})
    assert variables_for(mine)["PULUMI_BACKEND_URL"] == "s3://mine"
    assert variables_for(mine)["PULUMI_HOME"] == str(host.places.pulumi_home)


def test_the_passphrase_is_made_once_and_only_its_owner_reads_it(host: Host) -> None:
    EnvironmentStep().make(host)
    first = host.places.passphrase.read_text()
    host.places.environment.unlink()

    assert EnvironmentStep().probe(host) is None
    EnvironmentStep().make(host)

    assert host.places.passphrase.read_text() == first
    assert len(first.strip()) > 20
    assert host.places.passphrase.stat().st_mode & 0o777 == 0o600
    for file in (host.places.environment, host.places.activate):
        assert first.strip() not in file.read_text()
    assert EnvironmentStep().probe(host) is not None


def test_an_engine_elsewhere_is_written_down(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Docker("unix:///run/user/1000/docker.sock")
    monkeypatch.setattr(engine, "answering", lambda host: (there, "27"))
    assert variables_for(host)["DOCKER_HOST"] == there.address


def test_the_stack_is_created_without_touching_its_settings_file(host: Host) -> None:
    settings = host.places.tree / "Pulumi.drill.yaml"
    settings.write_text("config: {}\n")
    seen: list[Path] = []

    class Fake(Host):
        def run(self, command: Command) -> str:
            assert command.cwd is not None
            seen.append(command.cwd)
            (command.cwd / "Pulumi.drill.yaml").write_text("encryptionsalt: x\n")
            file = self.places.state / ".pulumi" / "stacks" / "pra" / "drill.json"
            file.parent.mkdir(parents=True)
            file.write_text("{}")
            return ""

    fake = Fake(host.places, host.environ)
    assert StackStep().probe(fake) is None
    (made,) = StackStep().make(fake)

    assert made.source == "local state"
    assert settings.read_text() == "config: {}\n"
    assert host.places.tree not in seen[0].parents
    assert StackStep().probe(fake) == [made]


def test_stacks_of_a_chosen_backend_are_left_to_the_user(host: Host) -> None:
    mine = Host(host.places, {"PULUMI_BACKEND_URL": "s3://mine"})
    (found,) = StackStep().probe(mine) or []
    assert found.source == "left to the chosen backend"


def lock_in(tree: Path) -> None:
    (tree / "requirements.lock").write_text("a==1\n")
    (tree / "pyproject.toml").write_text('[project]\nname = "pra"\n[tool.ruff]\nline-length = 1\n')


def test_the_environment_is_made_anew_only_when_it_would_differ(tmp_path: Path) -> None:
    lock_in(tmp_path)
    before = fingerprint(tmp_path)
    project = tmp_path / "pyproject.toml"

    project.write_text(project.read_text().replace("= 1", "= 2"))
    assert fingerprint(tmp_path) == before

    project.write_text(project.read_text().replace('"pra"', '"other"'))
    assert fingerprint(tmp_path) != before


def test_an_environment_that_was_not_finished_does_not_count(tmp_path: Path) -> None:
    lock_in(tmp_path)
    host = Host(Places(tmp_path, tmp_path), {})
    host.places.python.parent.mkdir(parents=True)
    host.places.python.write_text("")
    assert VenvStep().probe(host) is None


def test_a_user_that_docker_refuses_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        monkeypatch.setattr(os, "access", lambda *_: False)
        with pytest.raises(SetupError) as caught:
            engine.answering(Host(Places(tmp_path, tmp_path), {"DOCKER_HOST": f"unix://{path}"}))
    assert "usermod" in caught.value.hint


def test_a_chosen_engine_that_does_not_answer_is_not_replaced(tmp_path: Path) -> None:
    host = Host(Places(tmp_path, tmp_path), {"DOCKER_HOST": f"unix://{tmp_path}/none.sock"})
    assert engine.EngineStep().probe(host) is None
    with pytest.raises(SetupError, match="no Docker engine answers at DOCKER_HOST"):
        engine.EngineStep().make(host)


class Missing:
    name = "the missing thing"

    def probe(self, host: Host) -> list[Component] | None:
        return None


class Refused:
    name = "the refused thing"

    def probe(self, host: Host) -> list[Component] | None:
        raise SetupError("refused", hint="ask for it")


class There:
    name = "the thing"

    def probe(self, host: Host) -> list[Component] | None:
        return [Component("the thing", "1.2", "PATH", "/opt/thing")]


def test_the_doctor_tells_what_is_there_and_what_to_do(host: Host) -> None:
    planned = [Planned(step) for step in (There(), Missing(), Refused())]  # type: ignore[arg-type]

    text = doctor.table(doctor.examine(host, planned))

    rows = [re.split(r"\s{2,}", line) for line in text.splitlines()]
    assert rows[1] == ["the thing", "1.2", "PATH", "/opt/thing", "ok"]
    assert rows[2] == ["the missing thing", "missing: make setup"]
    assert rows[3] == ["the refused thing", "ask for it"]


def test_every_step_comes_after_those_it_needs() -> None:
    seen: set[str] = set()
    for one in plan(TREE):
        assert set(one.needs) <= seen
        assert one.step.name not in seen
        seen.add(one.step.name)


def test_no_registry_is_named_in_set_up() -> None:
    lock = (TREE / "requirements.lock").read_text()
    assert "://" not in lock
    assert "--index" not in lock
    assert "--find-links" not in lock
    assert lock.count("--hash=sha256:") > 100
