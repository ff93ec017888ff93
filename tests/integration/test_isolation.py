"""What was restored must reach nothing of production's: every way is planted once, and found."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from restore.adapters.docker.runner import LABEL
from restore.checks.isolation import ARCHIVE, PROBES, REPLICATION, isolation_checks
from restore.checks.network import OUTSIDE, network_finding, next_hop
from restore.errors import EnvironmentFailure
from restore.model import CheckResult, CheckStatus, Role
from tests.support.servers import DatabaseLab, Scene

pytestmark = pytest.mark.docker

DATA = "/var/lib/postgresql/data"


@pytest.fixture
def standing(scene: Scene) -> Scene:
    """An environment whose servers run."""
    scene.context.runner.start(scene.erp)
    return scene


def looked(scene: Scene) -> dict[str, CheckResult]:
    return {result.id: result for result in isolation_checks(scene.context)}


def test_an_isolated_environment_passes(standing: Scene) -> None:
    assert {one.id: (one.status, one.details) for one in looked(standing).values()} == {
        f"isolation.{what}": (CheckStatus.PASSED, ())
        for what in ("archive", "replication", "network")
    }


# --- archive and replication ----------------------------------------------------------------------


def wrong(scene: Scene, what: str) -> tuple[str, ...]:
    """What the check of the archive, or of the replication, says is wrong."""
    check = {"archive": ARCHIVE, "replication": REPLICATION}[what]
    result = PROBES[check](scene.context)
    assert result.status is CheckStatus.FAILED
    return result.details


@pytest.fixture
def altered(clean_lab: DatabaseLab) -> Iterator[Callable[..., None]]:
    """Write settings that the server takes at its next start, or at once."""

    def alter(name: str, value: str, *, reload: bool = False) -> None:
        clean_lab.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        if reload:
            clean_lab.execute("SELECT pg_reload_conf()")

    yield alter
    clean_lab.execute("ALTER SYSTEM RESET ALL")
    clean_lab.execute("SELECT pg_reload_conf()")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("archive_mode", "on"),
        ("archive_mode", "always"),
        ("archive_command", "cp %p /production/%f"),
        ("restore_command", "cp /production/%f %p"),
        ("archive_cleanup_command", "pg_archivecleanup /production %r"),
    ],
)
def test_an_archive_is_found_before_the_server_starts_with_it(
    standing: Scene, altered: Callable[..., None], name: str, value: str
) -> None:
    altered(name, value)
    (found,) = wrong(standing, "archive")
    assert found == f"database: {name} is set, from the next start on"
    assert value not in found or name == "archive_mode"


def test_a_command_that_works_at_once_is_found(
    standing: Scene, altered: Callable[..., None]
) -> None:
    altered("archive_cleanup_command", "pg_archivecleanup /production %r", reload=True)
    setting = "SELECT setting <> '' FROM pg_settings WHERE name = 'archive_cleanup_command'"
    Retrying(
        retry=retry_if_result(lambda rows: rows != [(True,)]),
        stop=stop_after_delay(30),
        wait=wait_fixed(0.1),
    )(lambda: standing.lab.execute(setting))
    assert "database: archive_cleanup_command is set" in wrong(standing, "archive")


def test_a_primary_is_found_and_its_password_is_not_shown(
    standing: Scene, altered: Callable[..., None]
) -> None:
    altered("primary_conninfo", "host=production password=canary-2b")
    (found,) = wrong(standing, "replication")
    assert "primary_conninfo is set" in found and "canary" not in found


@pytest.mark.parametrize("name", ["standby.signal", "recovery.signal"])
def test_a_signal_file_is_found(standing: Scene, name: str) -> None:
    runner, container = standing.lab.runner, standing.lab.container
    runner.check(container, ("touch", f"{DATA}/{name}"), user="postgres")
    try:
        assert wrong(standing, "replication") == (f"database: {name} lies in its data",)
    finally:
        runner.check(container, ("rm", f"{DATA}/{name}"))


def test_an_enabled_subscription_is_found_and_a_disabled_one_is_none(standing: Scene) -> None:
    lab = standing.lab
    lab.execute("CREATE DATABASE subscriber")
    create = (
        "CREATE SUBSCRIPTION sales CONNECTION 'host=198.51.100.9 connect_timeout=1' "
        "PUBLICATION p WITH (connect = false)"
    )
    lab.execute(create, "subscriber")
    try:
        assert PROBES[REPLICATION](standing.context).status is CheckStatus.PASSED
        lab.execute("ALTER SUBSCRIPTION sales ENABLE", "subscriber")
        assert wrong(standing, "replication") == (
            "database: subscription sales of database subscriber is enabled",
        )
    finally:
        lab.execute("ALTER SUBSCRIPTION sales DISABLE", "subscriber")
        lab.execute("ALTER SUBSCRIPTION sales SET (slot_name = NONE)", "subscriber")
        lab.execute("DROP SUBSCRIPTION sales", "subscriber")


def test_who_reads_the_wal_is_found(standing: Scene) -> None:
    lab = standing.lab
    api = lab.runner.client.api
    argv = [
        "timeout",
        "60",
        "pg_receivewal",
        "--no-loop",
        "--username=postgres",
        "--directory=/tmp",
    ]
    api.exec_start(api.exec_create(lab.container, argv, user="postgres")["Id"], detach=True)
    try:
        Retrying(
            retry=retry_if_result(lambda rows: not rows),
            stop=stop_after_delay(30),
            wait=wait_fixed(0.1),
        )(lambda: lab.execute("SELECT 1 FROM pg_stat_replication"))
        assert wrong(standing, "replication") == (
            "database: this server (pg_receivewal) reads its WAL",
        )
    finally:
        lab.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")


# --- network --------------------------------------------------------------------------------------


def ip(*arguments: str, check: bool = True) -> None:
    subprocess.run(["ip", *arguments], check=check, capture_output=True)


@pytest.fixture
def outside() -> Iterator[None]:
    """A machine at ``OUTSIDE`` that refuses connections, and knows no way to private addresses."""
    name, near, far = "pra-outside", "pra-out0", "pra-out1"
    ip("netns", "add", name)
    try:
        ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
        ip("address", "add", "198.51.100.254/24", "dev", near)
        ip("link", "set", near, "up")
        ip("-n", name, "address", "add", f"{OUTSIDE}/24", "dev", far)
        ip("-n", name, "link", "set", far, "up")
        yield
    finally:
        ip("link", "delete", near, check=False)
        ip("netns", "delete", name)


@contextmanager
def joined(scene: Scene, role: Role | None = None, **options: Any) -> Iterator[Scene]:
    """The scene with another container in the place of its ERP, or as its proxy, on a network."""
    client, stack = scene.lab.runner.client, f"{scene.lab.stack}-{secrets.token_hex(2)}"
    hosts: dict[str, str] = options.pop("hosts", {})
    network = client.networks.create(stack, driver="bridge", labels={LABEL: stack}, **options)
    try:
        labels = {LABEL: stack, **({"pra.role": role.value} if role else {})}
        container = client.containers.run(
            "pra/odoo:14.0", ["infinity"], entrypoint="sleep", detach=True, init=True,
            network=network.name, labels=labels, extra_hosts=hosts,
            dns=["127.0.0.1"], dns_opt=["timeout:1", "attempts:1"],
        )  # fmt: skip
        try:
            environment = replace(scene.context.environment, stack=stack)
            if role is None:
                erp = replace(environment.erp, container=str(container.id))
                environment = replace(environment, erp=erp)
            yield replace(scene, context=replace(scene.context, environment=environment))
        finally:
            container.remove(force=True)
    finally:
        network.remove()


@pytest.mark.usefixtures("outside")
def test_a_way_out_is_found_from_inside_and_an_internal_network_has_none(standing: Scene) -> None:
    assert network_finding(standing.context).status is CheckStatus.PASSED

    with joined(standing) as opened:
        found = network_finding(opened.context)

    assert found.status is CheckStatus.FAILED
    assert f"erp: a connection to {OUTSIDE} finds its way" in found.details
    assert any(detail.endswith("leads outside") for detail in found.details)
    assert not any(detail.startswith("database") for detail in found.details)


@pytest.mark.usefixtures("outside")
def test_a_proxy_may_have_a_network_that_no_answer_comes_back_to(standing: Scene) -> None:
    one_way = {"com.docker.network.bridge.enable_ip_masquerade": "false"}

    with joined(standing, Role.PROXY, options=one_way) as proxied:
        assert network_finding(proxied.context).details == ()
    with joined(standing, options=one_way) as opened:
        (detail,) = network_finding(opened.context).details

    assert detail.startswith("erp: network") and detail.endswith("leads outside")


def test_a_name_of_the_outside_is_not_resolved(standing: Scene) -> None:
    with joined(standing, internal=True, hosts={"example.com": "10.1.1.1"}) as resolving:
        found = network_finding(resolving.context)

    assert found.details == ("erp: the name example.com is resolved",)


def test_a_server_that_does_not_run_can_not_be_looked_out_of(scene: Scene) -> None:
    with pytest.raises(EnvironmentFailure, match="node erp does not run"):
        network_finding(scene.context)
    result = looked(scene)["isolation.network"]
    assert (result.status, result.broke_off) == (CheckStatus.UNVERIFIABLE, True)


def test_the_next_hop_is_read_from_the_table_of_routes() -> None:
    head = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
    local = "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n"
    assert next_hop(head + local + "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t0\n") == "192.0.2.1"
    assert next_hop(head + local) is None
