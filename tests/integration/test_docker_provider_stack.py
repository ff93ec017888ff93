"""A Pulumi stack that runs on the offline Docker plug-in, for the tests beside this file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "pra/debian:bullseye"
TEST_IMAGE = "pra-test/image"
LABEL = "pra.test"
VALUE = "docker-provider"

PRELUDE = f"""
import pulumi
import pulumi_docker as docker

def labels(of, **others):
    wanted = {{"{LABEL}": "{VALUE}", "pra.run": RUN, **others}}
    return [of(label=name, value=value) for name, value in wanted.items()]

def network(called="net", **inputs):
    return docker.Network(called, labels=labels(docker.NetworkLabelArgs), **inputs)

def volume(called="vol", **inputs):
    return docker.Volume(called, labels=labels(docker.VolumeLabelArgs), **inputs)

def container(called="box", mark=None, **inputs):
    others = {{"mark": mark}} if mark else {{}}
    return docker.Container(called, **{{
        "image": "{IMAGE}",
        "command": ["sleep", "1000"],
        "labels": labels(docker.ContainerLabelArgs, **others),
        **inputs,
    }})

def check(command, **inputs):
    inputs = {{"interval": "1s", "timeout": "5s", "retries": 2, **inputs}}
    return docker.ContainerHealthcheckArgs(tests=["CMD-SHELL", command], **inputs)
"""


def tools() -> dict[str, str]:
    """The environment in which pulumi is found: set-up's if it has run, else this process's."""
    variables = dict(os.environ)
    settings = ROOT / ".pra" / "environment.json"
    if settings.exists():
        told = json.loads(settings.read_text())
        variables |= told.get("variables", {})
        prepended = os.pathsep.join(told.get("path_prepend", []))
        variables["PATH"] = f"{prepended}{os.pathsep}{variables['PATH']}"
    # The language host runs the first python on PATH: it must be this one, with pulumi in it.
    variables["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{variables['PATH']}"
    return variables


@dataclass(frozen=True)
class Result:
    """What a pulumi command said."""

    code: int
    output: str


@dataclass(frozen=True)
class Stack:
    """A Pulumi project of one test, in a folder of its own."""

    folder: Path
    environment: Mapping[str, str]
    run_label: str

    def program(self, text: str) -> None:
        """Write the program; helpers of the prelude are at hand."""
        body = textwrap.dedent(text)
        source = f"RUN = {self.run_label!r}\n{PRELUDE}\n{body}"
        (self.folder / "__main__.py").write_text(source)

    def pulumi(self, *arguments: str, timeout: float = 120) -> Result:
        """Run a pulumi command."""
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color=never"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Result(done.returncode, done.stdout)

    def must(self, *arguments: str) -> str:
        """Run a pulumi command that must succeed; its output."""
        result = self.pulumi(*arguments)
        assert result.code == 0, result.output
        return result.output

    def up(self) -> str:
        return self.must("up", "--yes", "--skip-preview", "--diff")

    def up_fails(self) -> str:
        result = self.pulumi("up", "--yes", "--skip-preview")
        assert result.code != 0, result.output
        return result.output

    def refresh(self) -> str:
        return self.must("refresh", "--yes", "--skip-preview", "--diff")

    def outputs(self) -> dict[str, Any]:
        done: dict[str, Any] = json.loads(self.must("stack", "output", "--json"))
        return done

    def state(self) -> str:
        return self.must("stack", "export")


@pytest.fixture(scope="session")
def docker_engine() -> docker.DockerClient:
    client = docker.from_env()
    try:
        client.images.get(IMAGE)
    except docker.errors.ImageNotFound:
        pytest.fail(f"image {IMAGE} isn't there: run the set-up (`make setup`) first")
    return client


def remove_all(docker_engine: docker.DockerClient, run_label: str) -> None:
    wanted: Any = {"label": [f"{LABEL}={VALUE}", f"pra.run={run_label}"]}
    for container in docker_engine.containers.list(all=True, filters=wanted, ignore_removed=True):
        container.remove(force=True, v=True)
    for network in docker_engine.networks.list(filters=wanted):
        network.remove()
    for volume in docker_engine.volumes.list(filters=wanted):
        volume.remove(force=True)
    if docker_engine.images.list(name=f"{TEST_IMAGE}:{run_label}"):
        docker_engine.images.remove(f"{TEST_IMAGE}:{run_label}", force=True)


def left(docker_engine: docker.DockerClient, run_label: str) -> list[str]:
    wanted: Any = {"label": [f"{LABEL}={VALUE}", f"pra.run={run_label}"]}
    # What goes between the listing and the look at it is not left.
    containers = docker_engine.containers.list(all=True, filters=wanted, ignore_removed=True)
    return [
        *(item.name or "" for item in containers),
        *(item.name or "" for item in docker_engine.networks.list(filters=wanted)),
        *(item.name or "" for item in docker_engine.volumes.list(filters=wanted)),
    ]


@pytest.fixture
def run_label() -> str:
    return uuid.uuid4().hex[:10]


@pytest.fixture
def plugin_stack(
    tmp_path: Path, docker_engine: docker.DockerClient, run_label: str
) -> Iterator[Stack]:
    """An empty stack that finds our plug-in as an installed one; all that it made is removed."""
    home = tmp_path / "home"
    launcher = home / "plugins" / "resource-docker-v5.1.0" / "pulumi-resource-docker"
    launcher.parent.mkdir(parents=True)
    launcher.write_text(
        f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m offline.docker_provider "$@"\n'
    )
    launcher.chmod(0o755)
    folder, state = tmp_path / "program", tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    (folder / "Pulumi.yaml").write_text("name: plugin-test\nruntime: python\n")
    environment = tools() | {
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": state.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
    }
    environment.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)
    made = Stack(folder, environment, run_label)
    made.must("stack", "init", "test")
    try:
        yield made
    finally:
        remove_all(docker_engine, run_label)


@pytest.fixture
def free_subnet(run_label: str) -> str:
    # Tests run side by side: each has a /28 of its own.
    number = int(run_label, 16)
    return f"10.{230 + number % 20}.{number // 32 % 256}.{number // 8192 % 16 * 16}/28"


def address(subnet: str, offset: int) -> str:
    base, _ = subnet.split("/")
    first, _, last = base.rpartition(".")
    return f"{first}.{int(last) + offset}"


def labels_of(run_label: str) -> dict[str, str]:
    return {LABEL: VALUE, "pra.run": run_label}


def eventually(holds: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"still not so after {seconds} s"
        time.sleep(0.1)
