"""An environment on two Docker hosts: the database on one, the ERP and the proxy on the other."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tenacity import retry, stop_after_delay, wait_fixed

from fixtures import tryton
from restore.adapters.docker import leftovers
from restore.adapters.docker.runner import Runner
from restore.adapters.pulumi.stack_file import StackSpec, write_settings
from restore.errors import ExitCode
from restore.model.locations import ROOT
from restore.repository.folder import FolderRepository
from tests.support.docker_hosts import DockerHost
from tests.support.drill import Commands, stack_of, told

pytestmark = [pytest.mark.docker, pytest.mark.e2e]

BASE = "test-0000a057"


@pytest.fixture
def base(two_hosts: list[DockerHost]) -> Iterator[str]:
    """A stack file that puts the database server on one host and the rest on the other."""
    one, two = two_hosts
    hosts = {"database": one.url, "erp": two.url, "proxy": two.url}
    # The kernel of a small test machine may have no IPsec.
    settings = (("hosts", json.dumps(hosts)), ("encryptOverlay", "false"))
    write_settings(StackSpec(BASE, settings, base="drill"))
    yield BASE
    (ROOT / f"Pulumi.{BASE}.yaml").unlink(missing_ok=True)


def drill(repository: FolderRepository, base: str) -> tuple[str, ...]:
    """The arguments of a drill over both hosts."""
    where = ("--repository", repository.location, "--stack", base)
    return ("drill", "--profile", "tryton", "--generation", "latest", *where)


def left(hosts: list[DockerHost]) -> list[str]:
    """All that carries our label on either host."""
    return [
        f"{h.name}: {i.kind} {i.name}" for h in hosts for i in leftovers.find_leftovers(h.runner)
    ]


def test_a_drill_over_two_hosts_passes_and_leaves_nothing_on_either(
    tryton_commands: Commands,
    tryton_repository: FolderRepository,
    two_hosts: list[DockerHost],
    base: str,
) -> None:
    done = tryton_commands.pra(*drill(tryton_repository, base))

    assert done.returncode == ExitCode.PASS, told(done)
    statuses = {check["id"]: check["status"] for check in tryton_commands.report()["checks"]}
    assert set(statuses.values()) == {"passed"}, statuses
    assert "web.scenario:session is over" in statuses
    assert left(two_hosts) == []


@pytest.mark.heavy
def test_a_killed_drill_is_collected_on_both_hosts(
    tryton_commands: Commands,
    tryton_repository: FolderRepository,
    two_hosts: list[DockerHost],
    base: str,
) -> None:
    process = tryton_commands.start(*drill(tryton_repository, base))

    @retry(stop=stop_after_delay(120), wait=wait_fixed(0.2), reraise=True)
    def stand_on_both() -> None:
        for host in two_hosts:
            assert [i for i in leftovers.find_leftovers(host.runner) if i.kind == "container"]

    stand_on_both()
    stack = stack_of(process)
    process.send_signal(signal.SIGKILL)
    process.communicate()

    collected = tryton_commands.pra("gc", "--stack", stack)

    assert collected.returncode == 0, told(collected)
    assert left(two_hosts) == []


@pytest.mark.heavy
def test_up_restore_and_destroy_over_two_hosts(
    tryton_commands: Commands,
    tryton_repository: FolderRepository,
    two_hosts: list[DockerHost],
    stack: str,
    tmp_path: Path,
) -> None:
    one, two = two_hosts
    hosts = {"database": one.url, "erp": two.url, "proxy": two.url}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.symlink_to(tryton_repository.location)
    settings = (("generation", "latest"), ("profile", "tryton"), ("reports", str(tmp_path / "r")),
                ("repository", tryton_repository.location), ("hosts", json.dumps(hosts)),
                ("repositoryPaths", json.dumps({"database": str(elsewhere)})),
                ("checkLogin", tryton.LOGIN), ("encryptOverlay", "false"))  # fmt: skip
    write_settings(StackSpec(stack, settings, base=None))
    tryton_commands.pulumi("config", "set", "--stack", stack, "--secret", "checkPassword",
                           tryton.PASSWORD)  # fmt: skip

    up = tryton_commands.pulumi("up", "--yes", "--skip-preview", "--stack", stack)
    assert up.returncode == 0, told(up)
    assert_placed_and_shut_in(one, two, stack)

    again = tryton_commands.pulumi("up", "--yes", "--skip-preview", "--stack", stack)
    assert again.returncode == 0, told(again)
    assert not any(word in again.stdout for word in (" created", " updated", " replaced")), told(
        again
    )

    status = tryton_commands.pra("status", "--stack", stack)
    assert status.returncode == ExitCode.PASS, told(status)

    restored = tryton_commands.pra(
        "restore", "--profile", "tryton", "--stack", stack, "--generation", "latest", "--replace",
        "--repository", tryton_repository.location,
    )  # fmt: skip
    assert restored.returncode == ExitCode.PASS, told(restored)

    assert_another_repository_is_refused(tryton_commands, stack, tmp_path)

    destroyed = tryton_commands.pulumi("destroy", "--yes", "--skip-preview", "--stack", stack)
    assert destroyed.returncode == 0, told(destroyed)
    assert left(two_hosts) == []


def assert_placed_and_shut_in(one: DockerHost, two: DockerHost, stack: str) -> None:
    """Each server stands where it was put, on a network without a way out."""
    roles = {
        host.name: sorted(
            container.labels["pra.role"]
            for container in host.runner.client.containers.list(
                filters={"label": f"pra.stack={stack}"}
            )
        )
        for host in (one, two)
    }
    assert roles == {"one": ["database"], "two": ["erp", "proxy"]}
    for host in (one, two):
        for container in host.runner.client.containers.list():
            ports = container.attrs["NetworkSettings"]["Ports"] or {}
            published = {each["HostIp"] for all_of in ports.values() for each in all_of or ()}
            assert published <= {"127.0.0.1"}
            if container.labels["pra.role"] != "proxy":
                routes = _routes(host.runner, str(container.id))
                assert all(route != "00000000" for route in routes)


def _routes(runner: Runner, container: str) -> list[str]:
    text = runner.check(container, ("cat", "/proc/net/route"))
    return [line.split()[1] for line in text.splitlines()[1:]]


def assert_another_repository_is_refused(commands: Commands, stack: str, folder: Path) -> None:
    """A database server that sees another generation than the one to replay replays nothing."""
    other = folder / "other"
    other.mkdir()
    text = json.dumps({"database": str(other)})
    write_settings(StackSpec(stack, (("repositoryPaths", text),), base=None))

    refused = commands.pulumi("up", "--yes", "--skip-preview", "--stack", stack)

    assert refused.returncode != 0
    assert "does not see generation" in refused.stdout + refused.stderr, told(refused)


def test_an_image_that_a_host_lacks_is_named_with_its_host(
    tryton_commands: Commands,
    tryton_repository: FolderRepository,
    two_hosts: list[DockerHost],
    base: str,
) -> None:
    one = two_hosts[0]
    hosts = dict.fromkeys(("database", "erp", "proxy"), one.url)
    write_settings(StackSpec(base, (("hosts", json.dumps(hosts)),)))

    done = tryton_commands.pra(*drill(tryton_repository, base))

    assert done.returncode != ExitCode.PASS
    assert f"Docker host {one.url}: image pra/tryton:7.0 isn't there" in done.stderr, told(done)
    assert left(two_hosts) == []
