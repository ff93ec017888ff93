"""The offline Docker plug-in as a process: how it starts, and how it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import docker
import pytest

from .test_docker_provider_stack import ROOT, Stack, eventually, left

pytest_plugins = ["tests.integration.test_docker_provider_stack"]
pytestmark = pytest.mark.docker


def _launch(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "offline.docker_provider", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def _port(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_plug_in_prints_its_port_and_ends_at_once_on_a_signal(number: signal.Signals) -> None:
    with _launch("127.0.0.1:1", "--logtostderr", "-v=9") as process:
        assert 0 < _port(process) < 65536
        process.send_signal(number)
        # The engine kills what is still there after five seconds.
        assert process.wait(4) == 0


def test_the_plug_in_ends_with_the_process_that_started_it() -> None:
    script = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'offline.docker_provider'],"
        " stdout=subprocess.PIPE, text=True)\n"
        "print(child.pid, child.stdout.readline(), flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    pid = int(done.stdout.split()[0])

    eventually(lambda: not Path(f"/proc/{pid}").exists(), 15)


def test_interrupting_pulumi_aborts_waiting_and_leaves_nothing(
    plugin_stack: Stack, docker_engine: docker.DockerClient, run_label: str
) -> None:
    plugin_stack.program(
        'container(healthcheck=check("exit 1", retries=100), wait=True, wait_timeout=300)'
    )
    with subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"],
        cwd=plugin_stack.folder,
        env=plugin_stack.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        eventually(lambda: bool(left(docker_engine, run_label)), 60)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)

    assert process.returncode != 0
    assert "cancelled while waiting for container" in output
    assert left(docker_engine, run_label) == []
