"""A tunnel into a container that is on no network, by socket and through a command called ssh."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from docker.models.containers import Container
from tenacity import retry, stop_after_delay, wait_fixed

from restore.adapters.docker.runner import Runner
from restore.adapters.docker.tunnel import Tunnel
from restore.model import LOCAL, Relay
from restore.model.locations import ROOT

pytestmark = pytest.mark.docker

THROUGH_SSH = """\
import sys, httpx
from restore.model import Relay
from restore.adapters.docker.runner import Runner
from restore.adapters.docker.tunnel import Tunnel
host, container = sys.argv[1:]
tunnel = Tunnel(Runner.connect(host).client, Relay(host, container, "127.0.0.1", 80))
print(httpx.get(f"http://127.0.0.1:{tunnel.port}/").status_code)
tunnel.close()
"""


@pytest.fixture
def server(docker_runner: Runner) -> Iterator[Container]:
    """An nginx that nothing reaches from outside, serving."""
    made = docker_runner.client.containers.run(
        "pra/nginx:1.18", detach=True, network_mode="none", labels={"pra.stack": "test-tunnel"}
    )
    try:
        wait_for(docker_runner, made)
        yield made
    finally:
        made.remove(force=True)


@retry(stop=stop_after_delay(30), wait=wait_fixed(0.2), reraise=True)
def wait_for(runner: Runner, server: Container) -> None:
    """Wait until nginx serves."""
    runner.check(str(server.id), ("curl", "-s", "-o", "/dev/null", "http://127.0.0.1/"))


@retry(stop=stop_after_delay(30), wait=wait_fixed(0.2), reraise=True)
def require_no_relay(server: Container) -> None:
    """Only nginx is left in the container."""
    commands = [process[-1] for process in server.top()["Processes"]]
    assert all(command.startswith("nginx") for command in commands), commands


def test_connections_go_through_and_leave_no_process(
    docker_runner: Runner, server: Container
) -> None:
    relay = Relay(LOCAL, str(server.id), "127.0.0.1", 80)
    with closing(Tunnel(docker_runner.client, relay)) as tunnel:
        for _ in range(2):
            assert httpx.get(f"http://127.0.0.1:{tunnel.port}/").status_code == 200
        require_no_relay(server)
        with socket.create_connection(("127.0.0.1", tunnel.port)) as idle:
            tunnel.close()
            assert idle.recv(1) == b""
    require_no_relay(server)
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", tunnel.port)):
        pass


def test_a_port_where_nothing_listens_is_hung_up_on(
    docker_runner: Runner, server: Container
) -> None:
    relay = Relay(LOCAL, str(server.id), "127.0.0.1", 81)
    with (
        closing(Tunnel(docker_runner.client, relay)) as tunnel,
        socket.create_connection(("127.0.0.1", tunnel.port)) as caller,
    ):
        assert caller.recv(1) == b""
    require_no_relay(server)


def test_ssh_carries_a_tunnel(server: Container, tmp_path: Path) -> None:
    """The command stands for ssh: it runs on this machine what ssh would run on the other."""
    ssh = tmp_path / "ssh"
    told = tmp_path / "told"
    ssh.write_text(f'#!/bin/sh\necho "$*" > {told}\nexec docker system dial-stdio\n')
    ssh.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"

    done = subprocess.run(
        (sys.executable, "-c", THROUGH_SSH, "ssh://root@db-rescue", str(server.id)),
        capture_output=True, text=True, check=False, timeout=120, cwd=ROOT,
        env={**os.environ, "PATH": path},
    )  # fmt: skip

    assert done.stdout.strip() == "200", done.stderr
    assert "-l root" in told.read_text() and "db-rescue docker system" in told.read_text()
    require_no_relay(server)
