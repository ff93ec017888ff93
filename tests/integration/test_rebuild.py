"""Environments rebuilt by Pulumi on a real Docker engine, and what is left of them."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from restore.adapters.docker import leftovers, rights
from restore.adapters.docker.runner import Runner
from restore.adapters.postgres.sql import connect, rows
from restore.adapters.pulumi.outputs import environment_from_outputs
from restore.adapters.pulumi.rebuild import (
    cancel,
    destroy,
    discard,
    outputs_of,
    preview,
    stacks,
    up,
)
from restore.adapters.pulumi.stack_file import StackSpec, settings_file
from restore.errors import EnvironmentFailure, NotFoundError
from restore.model import Progress, locations
from restore.model.secret import Secret
from restore.repository.folder import FolderRepository
from stacks import outputs

pytestmark = pytest.mark.docker

CANARY = "canary-'quoted' $x"

DRILL = """
import json, sys
from restore.adapters.pulumi.rebuild import up
from restore.adapters.pulumi.stack_file import StackSpec
name, settings = json.loads(sys.argv[1])
up(StackSpec(name, tuple((key, value) for key, value in settings)))
"""


@pytest.fixture
def stack(docker_runner: Runner) -> Iterator[str]:
    """The name of a stack that is gone afterwards."""
    name = f"test-{secrets.token_hex(4)}"
    yield name
    destroy(name)
    assert left(docker_runner, name) == []


@pytest.fixture
def settings(production_repository: FolderRepository) -> tuple[tuple[str, str], ...]:
    """Settings for a stack whose generation the engine would replay itself."""
    return (
        ("repository", production_repository.location),
        ("generation", "latest"),
        ("replay", "false"),
    )


def left(runner: Runner, stack: str) -> list[str]:
    """What carries a stack's label."""
    return [
        f"{item.kind} {item.name}"
        for item in leftovers.find_leftovers(runner)
        if item.stack == stack
    ]


def test_an_environment_stands_unchanged_and_goes_without_trace(
    stack: str, settings: tuple[tuple[str, str], ...], docker_runner: Runner
) -> None:
    heard: list[Progress] = []
    spec = StackSpec(stack, (*settings, ("databasePassword", Secret(CANARY))))

    found = up(spec, heard.append)

    environment = environment_from_outputs(found)
    assert found[outputs.DATABASE_PASSWORD] == CANARY
    assert docker_runner.container(environment.erp.container).status == "created"
    with connect(environment.database, "postgres") as connection:
        assert rows(connection, "SELECT 1") == [(1,)]
    assert heard[-1].done_items == heard[-1].total_items > 0
    assert outputs_of(stack) == found
    assert stack in stacks()
    assert settings_file(stack).is_file()

    # An ERP that the engine has started is as Pulumi wants it.
    docker_runner.start(environment.erp.container)
    assert [change for change, _ in preview(spec).changes] == ["same"]
    assert up(spec) == found
    assert_hidden(CANARY, stack, docker_runner)
    assert environment.proxy is not None
    servers = (environment.database.container, environment.erp.container, environment.proxy)
    assert_least_rights(docker_runner, servers)

    destroy(stack)
    assert left(docker_runner, stack) == []
    assert stack not in stacks()
    assert not settings_file(stack).exists()


def assert_least_rights(runner: Runner, servers: tuple[str, str, str]) -> None:
    """What Docker and the kernel say that the servers may do; only root's own first steps are."""
    kept = dict(zip(servers, (rights.STEPPING_DOWN, (), rights.PROXY), strict=True))
    for name, capabilities in kept.items():
        host = runner.container(name).attrs["HostConfig"]
        assert host["SecurityOpt"] == ["no-new-privileges"]
        assert host["CapDrop"] == ["ALL"]
        assert sorted(host["CapAdd"] or ()) == sorted(capabilities)
        assert not host["Privileged"]
        mounts = runner.container(name).attrs["Mounts"]
        assert not any(mount["RW"] for mount in mounts if mount["Type"] == "bind")
        status = runner.check(name, ("cat", "/proc/1/status")).splitlines()
        said = dict(line.split(":\t", 1) for line in status if ":\t" in line)
        assert said["NoNewPrivs"] == "1"
        assert int(said["CapBnd"], 16).bit_count() == len(capabilities)
    # PostgreSQL has stepped down: its process has no right left, and another root has none at all.
    database, erp, _ = servers
    stepped_down = runner.check(database, ("cat", "/proc/1/status"), user="postgres")
    assert "CapEff:\t0000000000000000" in stepped_down
    assert runner.execute(erp, ("chown", "odoo", "/etc/passwd"), user="root").exit_code != 0


def assert_hidden(canary: str, stack: str, runner: Runner) -> None:
    """A password is in clear neither in state nor settings nor what Docker tells."""
    state = list((locations.STATE / "state").rglob(f"*{stack}*"))
    assert state
    texts = [path.read_text(encoding="utf-8") for path in state if path.is_file()]
    texts.append(settings_file(stack).read_text(encoding="utf-8"))
    texts += [
        json.dumps(container.attrs)
        for container in runner.client.containers.list(
            all=True, filters={"label": f"pra.stack={stack}"}
        )
    ]
    escaped = json.dumps(canary)[1:-1]
    assert not [text for text in texts if canary in text or escaped in text]


def test_changes_keep_the_data_unless_its_server_is_another(
    stack: str, settings: tuple[tuple[str, str], ...], docker_runner: Runner
) -> None:
    first = environment_from_outputs(
        up(StackSpec(stack, (*settings, ("sizes", '{"databaseMemoryMb": 256}'))))
    )
    with connect(first.database, "postgres") as connection:
        connection.execute("CREATE DATABASE marker")

    octet = secrets.randbelow(256)
    sizes = '{"databaseMemoryMb": 384, "databaseCpus": 1.5}'
    moved = (*settings, ("sizes", sizes), ("subnet", f"10.191.{octet}.16/28"))
    second = environment_from_outputs(up(StackSpec(stack, moved)))
    assert second.database.address == f"10.191.{octet}.18"
    with connect(second.database, "marker") as connection:
        assert rows(connection, "SELECT 1") == [(1,)]
    assert [change for change, _ in preview(StackSpec(stack, moved)).changes] == ["same"]

    spec = StackSpec(stack, (*moved, ("databasePassword", Secret("another"))))
    assert ("replace", 2) in preview(spec).changes
    third = environment_from_outputs(up(spec))
    assert third.database.password == Secret("another")
    assert third.erp.container == second.erp.container
    with connect(third.database, "postgres") as connection:
        assert rows(connection, "SELECT 1 FROM pg_database WHERE datname = 'marker'") == []

    discard(stack)
    assert left(docker_runner, stack) == []
    assert stack not in stacks()
    assert not settings_file(stack).exists()


def test_what_is_wrong_with_settings_is_told(
    stack: str, settings: tuple[tuple[str, str], ...], docker_runner: Runner
) -> None:
    spec = StackSpec(stack, (*settings, ("subnet", "8.8.8.0/24"), ("keeep", "true")))
    with pytest.raises(EnvironmentFailure) as caught:
        up(spec)
    assert "pra:subnet" in caught.value.message and "pra:keeep" in caught.value.message
    assert "Traceback" not in caught.value.message
    assert left(docker_runner, stack) == []


def test_what_docker_refuses_is_told_without_secrets(
    stack: str, settings: tuple[tuple[str, str], ...]
) -> None:
    spec = StackSpec(
        stack, (*settings, ("proxyImage", "localhost:1/none:1"), ("erpPassword", Secret(CANARY)))
    )
    with pytest.raises(EnvironmentFailure, match="localhost:1/none:1") as caught:
        up(spec)
    assert CANARY not in caught.value.message


def test_a_stack_that_is_not_there() -> None:
    name = f"test-{secrets.token_hex(4)}"
    with pytest.raises(NotFoundError, match=name):
        outputs_of(name)
    with pytest.raises(NotFoundError, match=name):
        cancel(name)
    destroy(name)


def started(name: str, settings: tuple[tuple[str, str], ...]) -> subprocess.Popen[bytes]:
    """Another process that rebuilds a stack."""
    argv = [sys.executable, "-c", DRILL, json.dumps([name, settings])]
    environment = {**os.environ, "PYTHONPATH": str(locations.ROOT)}
    return subprocess.Popen(argv, cwd=locations.ROOT, env=environment, stderr=subprocess.DEVNULL)


def wait_for(runner: Runner, stack: str) -> None:
    """Wait until a stack has a container."""
    Retrying(
        retry=retry_if_result(lambda found: not any("container" in item for item in found)),
        stop=stop_after_delay(120),
        wait=wait_fixed(0.1),
    )(left, runner, stack)


def test_an_interrupted_update_ends_before_its_process_does(
    stack: str, settings: tuple[tuple[str, str], ...], docker_runner: Runner
) -> None:
    process = started(stack, settings)
    wait_for(docker_runner, stack)
    process.send_signal(signal.SIGINT)

    assert process.wait(180) != 0

    # Nothing is made any more: what is there now goes with the stack.
    destroy(stack)
    assert left(docker_runner, stack) == []
    assert stack not in stacks()


def test_a_killed_update_can_be_destroyed(
    stack: str, settings: tuple[tuple[str, str], ...], docker_runner: Runner
) -> None:
    process = started(stack, settings)
    wait_for(docker_runner, stack)
    children = descendants(process.pid)
    process.kill()
    process.wait()
    for child in children:
        kill(child)

    destroy(stack)

    assert left(docker_runner, stack) == []
    assert stack not in stacks()


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and theirs."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for path in tasks for child in path.read_text("utf-8").split()]
    return [found for child in children for found in (child, *descendants(child))]


def kill(pid: int) -> None:
    """End a process; it may have ended by itself."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def test_a_stack_that_was_tampered_with_can_be_destroyed(
    stack: str, settings: tuple[tuple[str, str], ...], docker_runner: Runner
) -> None:
    found = up(StackSpec(stack, settings))
    docker_runner.container(str(found[outputs.ERP_CONTAINER])).remove(force=True)
    docker_runner.client.containers.create(
        "pra/nginx:1.18", labels={"pra.stack": stack}, network=str(found[outputs.NETWORK])
    ).start()

    destroy(stack)

    assert left(docker_runner, stack) == []
    assert stack not in stacks()
