"""Long processes: what they say, and how they end when this one is interrupted or dies."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from restore.adapters import processes
from restore.adapters.processes import Command, run_attended
from restore.errors import EnvironmentFailure
from restore.model.secret import Secret


def shell(script: str, folder: Path, stdin: Secret | None = None) -> Command:
    return Command(("sh", "-c", script), folder, dict(os.environ), stdin)


def test_output_is_told_line_by_line_and_whole(tmp_path: Path) -> None:
    heard: list[str] = []
    errors: list[str] = []
    script = "pwd; echo two; echo three >&2; printf four; exit 7"

    ended = run_attended(shell(script, tmp_path), heard.append, errors.append)

    assert ended.exit_code == 7
    assert heard == [str(tmp_path), "two", "four"]
    assert ended.stdout == "\n".join(heard)
    assert errors == ["three"] and ended.stderr == "three"


def test_much_output_blocks_nobody(tmp_path: Path) -> None:
    script = "i=0; while [ $i -lt 20000 ]; do echo $i; echo $i >&2; i=$((i+1)); done"
    ended = run_attended(shell(script, tmp_path))
    assert len(ended.stdout.splitlines()) == len(ended.stderr.splitlines()) == 20000


def test_a_secret_goes_by_standard_input(tmp_path: Path) -> None:
    ended = run_attended(shell("cat", tmp_path, Secret("hush")))
    assert ended.stdout == "hush"
    assert "hush" not in repr(ended.argv)


def test_a_process_that_reads_nothing_is_no_error(tmp_path: Path) -> None:
    assert run_attended(shell("exit 0", tmp_path, Secret("x" * 200_000))).exit_code == 0


def test_a_command_that_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    command = Command(("no-such-command",), tmp_path, dict(os.environ))
    with pytest.raises(EnvironmentFailure, match="no-such-command"):
        run_attended(command)


def interrupt_when_ready(line: str) -> None:
    if line == "ready":
        ident = threading.main_thread().ident
        assert ident is not None
        signal.pthread_kill(ident, signal.SIGINT)


def test_an_interrupt_is_passed_on_once_and_the_end_is_awaited(tmp_path: Path) -> None:
    script = """
    trap 'echo interrupted >>told; sleep 0.2; echo ended >>told; exit 3' INT
    echo ready
    while :; do sleep 0.05; done
    """
    with pytest.raises(KeyboardInterrupt):
        run_attended(shell(script, tmp_path), interrupt_when_ready)
    assert (tmp_path / "told").read_text(encoding="utf-8").split() == ["interrupted", "ended"]


def test_a_process_that_will_not_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "INTERRUPT_GRACE", 0.2)
    monkeypatch.setattr(processes, "LAST_GRACE", 0.2)
    script = "trap '' INT; echo $$ >pid; echo ready; while :; do sleep 0.05; done"
    with pytest.raises(KeyboardInterrupt):
        run_attended(shell(script, tmp_path), interrupt_when_ready)
    assert not alive(int((tmp_path / "pid").read_text(encoding="utf-8")))


def test_the_process_is_interrupted_when_this_one_is_killed(tmp_path: Path) -> None:
    script = "echo $$ >pid; while :; do sleep 0.05; done"
    program = f"""
import os, pathlib
from restore.adapters.processes import Command, run_attended
folder = pathlib.Path({str(tmp_path)!r})
run_attended(Command(("sh", "-c", {script!r}), folder, dict(os.environ)))
"""
    parent = subprocess.Popen([sys.executable, "-c", program], env=with_this_tree(os.environ))
    try:
        pid = int(until(lambda: _read(tmp_path / "pid")))
        assert alive(pid)
    finally:
        parent.kill()
        parent.wait()
    until(lambda: not alive(pid))


def with_this_tree(environment: Mapping[str, str]) -> dict[str, str]:
    return {**environment, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""


def alive(pid: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def until(probe: object) -> str:
    """Wait for a probe's true answer."""
    assert callable(probe)
    wait = Retrying(
        retry=retry_if_result(lambda found: not found),
        stop=stop_after_delay(30),
        wait=wait_fixed(0.05),
    )
    return str(wait(probe))
