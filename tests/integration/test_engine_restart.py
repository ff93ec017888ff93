"""The Docker engine is restarted while it works for us: one of the test's own, never yours."""

from __future__ import annotations

import gc
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from docker.errors import DockerException
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from restore.adapters.docker.runner import LABEL, Runner
from restore.errors import EnvironmentFailure

pytestmark = [
    pytest.mark.docker,
    pytest.mark.heavy,
    # Docker's SDK leaves connections to an engine that died to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

NAMESPACE = "pra-test-restart"
FOLDER = Path("/tmp") / NAMESPACE
URL = f"unix://{FOLDER}/docker.sock"
IMAGE = "pra/debian:bullseye"


def listen() -> None:
    """Find somebody who listens; an engine does before it is ready, and answers when it is."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(f"{FOLDER}/docker.sock")


class Engine:
    """A Docker engine in a network namespace of its own."""

    def __init__(self) -> None:
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        argv = ("nsenter", f"--net=/run/netns/{NAMESPACE}", "dockerd", "-H", URL, "--bridge=none",
                "--data-root", f"{FOLDER}/data", "--exec-root", f"{FOLDER}/exec",
                "--pidfile", f"{FOLDER}/docker.pid")  # fmt: skip
        with (FOLDER / "log").open("ab") as log:
            return subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def runner(self) -> Runner:
        """A runner on it, once it answers."""
        Retrying(
            retry=retry_if_exception_type(OSError),
            stop=stop_after_delay(90),
            wait=wait_fixed(0.2),
            reraise=True,
        )(listen)
        return Runner.connect(URL)

    def stop(self) -> None:
        """Stop it as its service manager does."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(90)

    def start(self) -> None:
        """Start it again on the same data."""
        self.process = self._start()


@pytest.fixture
def engine() -> Iterator[Engine]:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    subprocess.run(["ip", "netns", "add", NAMESPACE], check=True)
    made = Engine()
    try:
        yield made
    finally:
        with suppress(EnvironmentFailure, DockerException), closing(Runner.connect(URL)) as left:
            for container in left.client.containers.list(all=True):
                container.remove(force=True)
        made.stop()
        subprocess.run(["ip", "netns", "delete", NAMESPACE], check=True)
        shutil.rmtree(FOLDER, ignore_errors=True)
        gc.collect()


def test_what_runs_while_the_engine_restarts_fails_clearly_and_works_again(
    engine: Engine, docker_runner: Runner
) -> None:
    with closing(engine.runner()) as runner:
        source: Any = docker_runner.client.api
        target: Any = runner.client.api
        target.load_image(source.get_image(IMAGE))
        container = runner.client.containers.run(
            IMAGE, ["sleep", "infinity"], detach=True, init=True,
            network_mode="none", labels={LABEL: NAMESPACE},
        )  # fmt: skip
        name, raised = str(container.id), list[BaseException]()

        def work() -> None:
            try:
                runner.check(name, ("sleep", "300"))
            except BaseException as error:  # looked at below
                raised.append(error)

        working = threading.Thread(target=work)
        working.start()
        Retrying(stop=stop_after_delay(30), wait=wait_fixed(0.1), reraise=True)(
            lambda: next(p for p in container.top()["Processes"] if "sleep 300" in " ".join(p))
        )
        engine.stop()
        working.join(60)

        assert not working.is_alive(), "the command hangs"
        (error,) = raised
        assert isinstance(error, EnvironmentFailure), error
        assert f"run sleep in container {name[:12]}" in error.message
        with pytest.raises(EnvironmentFailure):
            runner.container(name)

        engine.start()
        engine.runner().close()
        runner.start(name)
        assert runner.execute(name, ("true",)).exit_code == 0
