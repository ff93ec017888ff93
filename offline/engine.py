"""The Docker engine: the one that answers, else Debian's, installed and started as root."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from offline.docker_api import Docker
from offline.host import Command, SetupError
from offline.steps import Component

if TYPE_CHECKING:
    from offline.host import Host

DEFAULT = "unix:///var/run/docker.sock"
START_SECONDS = 60.0
GRACE_SECONDS = 5.0
PACKAGES = ("docker.io", "iptables")


def addresses(host: Host) -> list[str]:
    """Return where an engine may answer, most likely first. `DOCKER_HOST` leaves no choice."""
    if chosen := host.environ.get("DOCKER_HOST"):
        return [chosen]
    found = [DEFAULT]
    if runtime := host.environ.get("XDG_RUNTIME_DIR"):
        found.append(f"unix://{runtime}/docker.sock")
    if home := host.environ.get("HOME"):
        found.append(f"unix://{home}/.docker/run/docker.sock")
    return found


def answering(host: Host) -> tuple[Docker, str] | None:
    """Return the engine that answers and its version, None when none does.

    Raises SetupError when one is there and refuses this user.
    """
    for address in addresses(host):
        path = Path(address.removeprefix("unix://"))
        if path.is_socket() and not os.access(path, os.W_OK):
            raise SetupError(
                f"Docker is there, but {path} refuses this user",
                hint='as root: usermod -aG docker "$USER"; then log in again',
            )
        docker = Docker(address)
        try:
            return docker, docker.version()
        except SetupError:
            continue
    return None


def engine(host: Host) -> Docker:
    """Return the engine that answers. Raises SetupError when none does."""
    found = answering(host)
    if found is None:
        raise SetupError("no Docker engine answers", hint="run `make setup`")
    return found[0]


class EngineStep:
    """Provides a Docker engine that answers."""

    name = "Docker engine"

    def probe(self, host: Host) -> list[Component] | None:
        found = answering(host)
        if found is None:
            return None
        docker, version = found
        return [Component(self.name, version, "answers", docker.address)]

    def make(self, host: Host) -> list[Component]:
        if chosen := host.environ.get("DOCKER_HOST"):
            raise SetupError(
                f"no Docker engine answers at DOCKER_HOST={chosen}",
                hint="start it, or unset DOCKER_HOST to let set-up find or install one",
            )
        if host.which("dockerd") is None or host.which("iptables") is None:
            _install(host)
        if not host.is_root():
            raise SetupError(
                "the Docker engine is installed but does not run",
                hint="as root: systemctl start docker (or dockerd); then set up again",
            )
        start(host)
        found = self.probe(host)
        if found is None:
            raise SetupError("the Docker engine stopped answering")
        return found


def _install(host: Host) -> None:
    try:
        host.apt_install(PACKAGES, log="docker")
    except SetupError as error:
        raise SetupError(
            f"no Docker engine answers ({error.message})",
            hint=error.hint or "install Docker and start it, then set up again",
            log=error.log,
        ) from error


def start(host: Host) -> None:
    """Start the engine and wait until it answers. Raises SetupError with the engine's log."""
    # In the cache: the engine outlives both set-up and this tree's own files.
    log = host.places.cache / "dockerd.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    host.say("starting dockerd")
    if Path("/run/systemd/system").is_dir():
        host.run(Command(["systemctl", "start", "docker"], log="docker"))
        process = None
    else:
        # Its own session: it outlives set-up, and Ctrl-C in this terminal does not reach it.
        with log.open("ab") as out:
            process = subprocess.Popen(
                [str(host.which("dockerd") or "dockerd")],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                cwd="/",
            )
    _wait(host, process, log)


def _wait(host: Host, process: subprocess.Popen[bytes] | None, log: Path) -> None:
    deadline, ended = time.monotonic() + START_SECONDS, ""
    while answering(host) is None:
        if process is not None and process.poll() is not None:
            # Another one may just be starting: the package's own service, for instance.
            deadline = min(deadline, time.monotonic() + GRACE_SECONDS)
            ended, process = f"dockerd ended (exit {process.returncode})", None
        elif time.monotonic() > deadline:
            raise SetupError(ended or f"dockerd does not answer in {START_SECONDS:.0f} s", log=log)
        time.sleep(0.2)
