"""Settings files of stacks, and the environment that Pulumi runs in."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from pulumi.automation import CommandResult, StackSummary
from pulumi.automation.errors import create_command_error

from restore.adapters.docker.runner import tail
from restore.adapters.pulumi import rebuild
from restore.adapters.pulumi.environment import SetUp, pulumi_environment, read_set_up
from restore.adapters.pulumi.messages import hint, holder_lives, is_echo, plain
from restore.adapters.pulumi.stack_file import (
    StackSpec,
    forget_settings,
    merged,
    settings_file,
    write_settings,
)
from restore.errors import EnvironmentFailure, NotFoundError
from restore.model import locations
from restore.model.secret import Secret


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project."""
    monkeypatch.setattr(locations, "ROOT", tmp_path)
    return tmp_path


def test_settings_come_on_top_of_the_bases() -> None:
    base = {
        "encryptionsalt": "v1:salt",
        "config": {
            "pra:profile": "odoo",
            "generation": "latest",
            "pra:erpPassword": {"secure": "x"},
        },
    }
    spec = StackSpec("s", (("generation", "g1"), ("jobs", "4")))

    assert merged(base, spec) == {
        "encryptionsalt": "v1:salt",
        "config": {
            "pra:profile": "odoo",
            "pra:generation": "g1",
            "pra:erpPassword": {"secure": "x"},
            "pra:jobs": "4",
        },
    }


def test_lists_and_objects_are_kept_as_such_and_scalars_as_texts() -> None:
    spec = StackSpec(
        "s", (("databases", '["a"]'), ("sizes", '{"erpCpus": 1}'), ("keep", "true"), ("x", "[odd"))
    )
    assert merged({}, spec)["config"] == {
        "pra:databases": ["a"],
        "pra:sizes": {"erpCpus": 1},
        "pra:keep": "true",
        "pra:x": "[odd",
    }


def test_secrets_are_not_written_and_are_masked() -> None:
    spec = StackSpec("s", (("erpPassword", Secret("hush")), ("jobs", "1"), ("empty", Secret(""))))
    assert merged({}, spec)["config"] == {"pra:jobs": "1"}
    assert spec.secrets[0] == ("pra:erpPassword", Secret("hush"))
    assert spec.masked("it said hush twice: hush") == "it said *** twice: ***"


def test_a_new_stack_starts_from_its_base(project: Path) -> None:
    (project / "Pulumi.drill.yaml").write_text("config:\n  pra:profile: odoo\n", encoding="utf-8")

    write_settings(StackSpec("drill-1", (("jobs", "4"),)))

    content = yaml.safe_load(settings_file("drill-1").read_text(encoding="utf-8"))
    assert content == {"config": {"pra:profile": "odoo", "pra:jobs": "4"}}


def test_a_stack_that_has_a_file_keeps_it(project: Path) -> None:
    settings_file("staging").write_text("config:\n  pra:jobs: '8'\n", encoding="utf-8")

    write_settings(StackSpec("staging", (("generation", "g1"),), base="drill"))

    content = yaml.safe_load(settings_file("staging").read_text(encoding="utf-8"))
    assert content["config"] == {"pra:jobs": "8", "pra:generation": "g1"}


def test_a_stack_needs_no_base() -> None:
    write_settings(StackSpec("test-1", (("jobs", "4"),), base=None))
    assert settings_file("test-1").exists()


def test_an_empty_base_is_one(project: Path) -> None:
    (project / "Pulumi.drill.yaml").touch()
    write_settings(StackSpec("test-1", ()))
    assert yaml.safe_load(settings_file("test-1").read_text(encoding="utf-8")) == {"config": {}}


def test_a_base_that_is_missing_or_damaged_is_told(project: Path) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        write_settings(StackSpec("test-1", (), base="nowhere"))
    (project / "Pulumi.odd.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(EnvironmentFailure, match=r"Pulumi\.odd\.yaml"):
        write_settings(StackSpec("test-1", (), base="odd"))


def test_only_ephemeral_stacks_lose_their_file() -> None:
    ephemeral = ("drill-20261124-050000-00a1", "test-0a1b2c3d")
    peoples = ("staging", "drill", "drill-sales", "test-site")
    for stack in (*ephemeral, *peoples):
        settings_file(stack).touch()
        forget_settings(stack)
    assert not any(settings_file(stack).exists() for stack in ephemeral)
    assert all(settings_file(stack).exists() for stack in peoples)
    forget_settings("drill-never-was")


SET_UP = SetUp(
    path_prepend=("/set-up/bin",),
    variables=(
        ("PULUMI_HOME", "/set-up/home"),
        ("PULUMI_BACKEND_URL", "file:///set-up/state"),
        ("PULUMI_CONFIG_PASSPHRASE_FILE", "/set-up/passphrase"),
    ),
    forced=("PULUMI_HOME",),
)


def test_what_set_up_says_is_a_default() -> None:
    found = pulumi_environment(SET_UP, {"PATH": "/usr/bin", "LANG": "C"})
    assert found["PULUMI_BACKEND_URL"] == "file:///set-up/state"
    assert found["PULUMI_CONFIG_PASSPHRASE_FILE"] == "/set-up/passphrase"
    assert found["LANG"] == "C"
    folder = str(Path(sys.executable).parent)
    assert found["PATH"].split(os.pathsep) == [folder, "/set-up/bin", "/usr/bin"]


def test_the_callers_own_variables_win_but_for_forced_ones() -> None:
    caller = {"PULUMI_HOME": "/mine", "PULUMI_BACKEND_URL": "s3://mine"}
    found = pulumi_environment(SET_UP, caller)
    assert found["PULUMI_BACKEND_URL"] == "s3://mine"
    assert found["PULUMI_HOME"] == "/set-up/home"


def test_the_callers_own_passphrase_wins_over_set_ups_file() -> None:
    found = pulumi_environment(SET_UP, {"PULUMI_CONFIG_PASSPHRASE": ""})
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in found


def test_what_set_up_wrote_is_read(tmp_path: Path) -> None:
    path = tmp_path / "environment.json"
    path.write_text(
        json.dumps(
            {
                "path_prepend": list(SET_UP.path_prepend),
                "variables": dict(SET_UP.variables),
                "forced": list(SET_UP.forced),
            }
        ),
        encoding="utf-8",
    )
    assert read_set_up(path) == SET_UP
    assert read_set_up(tmp_path / "absent.json") == SetUp()


@pytest.mark.parametrize("text", ["{", "[]", '{"variables": []}', '{"path_prepend": 1}'])
def test_a_damaged_file_of_set_up_is_told(text: str, tmp_path: Path) -> None:
    path = tmp_path / "environment.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(EnvironmentFailure, match=r"environment\.json"):
        read_set_up(path)


def locked(host: str, pid: int) -> str:
    """What Pulumi says of a lock."""
    url = "file:///state/.pulumi/locks/organization/pra/drill/1.json"
    return (
        "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) "
        "to end or delete the lock file with `pulumi cancel`.\n"
        f"  {url}: created by root@{host} (pid {pid}) at 2026-11-24T06:01:02Z"
    )


def test_a_lock_is_held_by_a_process_that_lives() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    here = socket.gethostname()
    assert holder_lives(locked(here, os.getpid()))
    assert not holder_lives(locked(here, ended.pid))


def test_of_other_machines_nothing_is_known() -> None:
    assert holder_lives(locked("elsewhere", 1))
    assert holder_lives("locked, by whom is not said")


def test_a_process_of_another_user_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refused)
    assert holder_lives(locked(socket.gethostname(), 1))


def test_messages_are_plain_short_and_have_a_hint() -> None:
    assert plain("<{%fg 1%}>error: <{%reset%}>\x1b[31mred\x1b[0m\n") == "error: red"
    assert tail("\n".join(str(number) for number in range(100)), 25).splitlines()[0] == "75"
    assert "PULUMI_CONFIG_PASSPHRASE" in hint("passphrase must be set with ...")
    assert "pra:subnet" in hint("Pool overlaps with other one on this address space")
    assert hint("the settings of stack drill are wrong:") == ""
    assert "doctor" in hint("something else")
    assert is_echo("update failed") and not is_echo("no space left on device")


def test_a_stack_that_another_process_is_writing_is_read_again() -> None:
    """Pulumi reads a local backend file by file, and fails on one that is half written."""
    failure = create_command_error(CommandResult("", "error: EOF", 1))
    answers: list[list[StackSummary] | Exception] = [failure, [StackSummary("drill", True)]]

    class Workspace:
        def list_stacks(self) -> list[StackSummary]:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

    assert rebuild._names(cast(Any, Workspace())) == {"drill"}
    assert answers == []


def test_a_stack_whose_file_is_gone_is_destroyed_by_its_state_rather_than_discarded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []
    monkeypatch.setattr(rebuild, "_sweep", lambda stack: done.append(f"sweep {stack}"))
    monkeypatch.setattr(rebuild, "_Workspace", ForgettingWorkspace)
    monkeypatch.setattr(rebuild, "destroy", lambda stack, _: done.append(f"destroy {stack}"))

    rebuild.discard("s")
    assert done == ["destroy s"]

    settings_file("s").write_text("config: {}", encoding="utf-8")
    rebuild.discard("s")
    assert done == ["destroy s", "sweep s"]


class ForgettingWorkspace:
    """A workspace that forgets every stack when told to."""

    def remove_stack(self, name: str, *, force: bool, preserve_config: bool) -> None: ...
