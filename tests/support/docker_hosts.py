"""Two Docker hosts on this machine, each an engine of its own in a network namespace of its own.

They share a link, a swarm and nothing else. This machine is on neither's network: it reaches them
by their sockets alone, as it would by ``ssh://``. What an earlier run left is removed first.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from restore.adapters.docker.runner import Runner

FOLDER: Final = Path("/tmp/pra-test-hosts")
NAMES: Final = ("one", "two")
_LINK: Final = {"one": "198.18.77.1", "two": "198.18.77.2"}


@dataclass(frozen=True, slots=True)
class DockerHost:
    """An engine: its socket's URL, and a runner on it."""

    name: str
    url: str
    runner: Runner


@contextmanager
def docker_hosts(source: Runner, images: dict[str, tuple[str, ...]]) -> Iterator[list[DockerHost]]:
    """Start both engines in one swarm, the second as its manager, with images of this machine."""
    clean()
    engines: list[subprocess.Popen[bytes]] = []
    hosts: list[DockerHost] = []
    opened = ExitStack()
    try:
        _link()
        engines += [_start(name) for name in NAMES]
        for name in NAMES:
            runner = opened.enter_context(closing(_answering(name)))
            hosts.append(DockerHost(name, _url(name), runner))
        _swarm(hosts)
        for host in hosts:
            for image in images[host.name]:
                api: Any = host.runner.client.api
                api.load_image(source.client.api.get_image(image))
        yield hosts
    finally:
        opened.close()
        clean()
        for engine in engines:
            engine.wait()


def clean() -> None:
    """End the engines and all that they run, and remove their networks and folders."""
    # Killed, for all that they have is thrown away.
    deadline = time.monotonic() + 20
    while (processes := _processes()) and time.monotonic() < deadline:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.1)
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((m for m in mounts if m.startswith(f"{FOLDER}/")), reverse=True):
        _run("umount", "-l", mount, check=False)
    for name in NAMES:
        if Path(f"/run/netns/{_namespace(name)}").exists():
            _run("ip", "netns", "del", _namespace(name), check=False)
    shutil.rmtree(FOLDER, ignore_errors=True)


def _processes() -> set[int]:
    """The engines, their helpers, and what runs in their containers."""
    parents: dict[int, int] = {}
    found: set[int] = set()
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):
            process = int(path.name)
            status = (path / "stat").read_text().rpartition(")")[2].split()
            if status[0] != "Z":
                parents[process] = int(status[1])
                command = (path / "cmdline").read_bytes()
                engine = b"dockerd" in command or b"containerd" in command
                if engine and f"{FOLDER}/".encode() in command:
                    found.add(process)
    mine = set(found)
    while more := {one for one, parent in parents.items() if parent in mine} - mine:
        mine |= more
    return mine


def _link() -> None:
    one, two = (_namespace(name) for name in NAMES)
    for name in NAMES:
        _run("ip", "netns", "add", _namespace(name))
    _run("ip", "link", "add", "pra-one", "netns", one, "type", "veth",
         "peer", "name", "pra-two", "netns", two)  # fmt: skip
    for name in NAMES:
        inside = ("ip", "-n", _namespace(name))
        _run(*inside, "link", "set", "lo", "up")
        _run(*inside, "link", "set", f"pra-{name}", "up")
        _run(*inside, "addr", "add", f"{_LINK[name]}/30", "dev", f"pra-{name}")


def _start(name: str) -> subprocess.Popen[bytes]:
    folder = FOLDER / name
    folder.mkdir(parents=True)
    # `ip netns exec` mounts a new /sys, without the control groups that engines need.
    argv = ("nsenter", f"--net=/run/netns/{_namespace(name)}", "dockerd", "-H", _url(name),
            "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec",
            "--pidfile", f"{folder}/docker.pid")  # fmt: skip
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                         start_new_session=True)  # fmt: skip


def _answering(name: str) -> Runner:
    deadline = time.monotonic() + 60
    # The engine listens before it is ready, and answers when it is.
    while not _listens(FOLDER / name / "docker.sock"):
        log = (FOLDER / name / "log").read_text(errors="replace")
        assert time.monotonic() < deadline, f"engine {name} does not answer:\n{log[-4000:]}"
        time.sleep(0.1)
    return Runner.connect(_url(name))


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def _swarm(hosts: list[DockerHost]) -> None:
    worker, manager = hosts
    here, there = _LINK[manager.name], _LINK[worker.name]
    manager.runner.client.swarm.init(here, here, data_path_addr=here)
    manager.runner.client.swarm.reload()
    token = manager.runner.client.swarm.attrs["JoinTokens"]["Worker"]
    worker.runner.client.swarm.join([f"{here}:2377"], token, there, there, data_path_addr=there)


def _namespace(name: str) -> str:
    return f"pra-test-{name}"


def _url(name: str) -> str:
    return f"unix://{FOLDER}/{name}/docker.sock"


def _run(*argv: str, check: bool = True) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{' '.join(argv)}: {done.stderr}"
