"""From inputs to Docker's API and back, without an engine."""

from __future__ import annotations

from typing import Any

from docker.errors import APIError

from offline.docker_provider.container import Container
from offline.docker_provider.container.running import mask
from offline.docker_provider.container.wire import create_body, outputs, update_arguments
from offline.docker_provider.errors import ProviderError, failed
from offline.docker_provider.resource import preview_outputs
from offline.docker_provider.values import UNKNOWN

ANY = "0.0.0.0"  # noqa: S104 - the default of upstream


def body(**inputs: Any) -> dict[str, Any]:
    return create_body({"image": "x", "name": "n", **inputs})


def host(**inputs: Any) -> dict[str, Any]:
    config: dict[str, Any] = body(**inputs)["HostConfig"]
    return config


def test_what_is_not_given_is_left_to_docker() -> None:
    made = body()

    assert not {"Env", "Cmd", "Entrypoint", "User", "Healthcheck"} & set(made)
    assert not {"Memory", "CpuQuota", "Init", "ShmSize"} & set(made["HostConfig"])


def test_sizes_are_megabytes() -> None:
    made = host(memory=64, shmSize=1)

    assert made["Memory"] == 64 * 1024 * 1024
    assert made["ShmSize"] == 1024 * 1024


def test_capabilities_get_their_prefix() -> None:
    made = host(capabilities={"adds": ["net_admin", "ALL"], "drops": ["CAP_CHOWN"]})

    assert made["CapAdd"] == ["CAP_NET_ADMIN", "ALL"]
    assert made["CapDrop"] == ["CAP_CHOWN"]


def test_ports_bind_to_all_addresses_and_a_free_port_unless_given() -> None:
    made = body(
        ports=[
            {"internal": 80},
            {"internal": 53, "external": 5353, "ip": "127.0.0.1", "protocol": "udp"},
        ]
    )

    assert made["ExposedPorts"] == {"80/tcp": {}, "53/udp": {}}
    assert made["HostConfig"]["PortBindings"] == {
        "80/tcp": [{"HostIp": ANY, "HostPort": ""}],
        "53/udp": [{"HostIp": "127.0.0.1", "HostPort": "5353"}],
    }


def test_volumes_become_binds_and_anonymous_volumes() -> None:
    made = body(
        volumes=[
            {"containerPath": "/a", "volumeName": "v", "readOnly": True},
            {"containerPath": "/b", "hostPath": "/h", "volumeName": "ignored"},
            {"containerPath": "/c"},
        ]
    )

    assert made["HostConfig"]["Binds"] == ["v:/a:ro", "/h:/b:rw"]
    assert made["Volumes"] == {"/a": {}, "/b": {}, "/c": {}}


def test_health_checks_are_in_nanoseconds() -> None:
    made = body(
        healthcheck={"tests": ["CMD", "a"], "interval": "5s", "timeout": "500ms", "retries": 2}
    )

    assert made["Healthcheck"] == {
        "Test": ["CMD", "a"],
        "Interval": 5 * 10**9,
        "Timeout": 500 * 10**6,
        "StartPeriod": 0,
        "Retries": 2,
    }


def test_an_update_says_only_what_is_given() -> None:
    assert update_arguments({"restart": "always", "cpuQuota": 512}) == {
        "cpu_quota": 512,
        "restart_policy": {"Name": "always", "MaximumRetryCount": 0},
    }


def test_an_update_of_memory_moves_the_swap_limit_that_it_implies() -> None:
    megabyte = 1024 * 1024
    assert update_arguments({"memory": 128})["memswap_limit"] == 256 * megabyte


def inspected(**changes: Any) -> dict[str, Any]:
    return {
        "Id": "a" * 64,
        "Name": "/box",
        "Image": "sha256:1",
        "State": {"Running": True, "Status": "running", "ExitCode": 0},
        "Config": {"Labels": {"own": "1", "image": "1"}, "Env": ["PATH=/bin", "A=1"]},
        "HostConfig": {},
        "NetworkSettings": {},
        **changes,
    }


def test_a_stopped_container_shows_its_exit_code_and_that_it_must_run() -> None:
    stopped = inspected(State={"Running": False, "Status": "exited", "ExitCode": 137})

    now = outputs(stopped, {"mustRun": True})

    assert (now["exitCode"], now["mustRun"]) == (137, False)


def test_a_job_that_ended_shows_its_exit_code_only() -> None:
    stopped = inspected(State={"Running": False, "Status": "exited", "ExitCode": 0})

    now = outputs(stopped, {"mustRun": False})

    assert (now["exitCode"], now["mustRun"]) == (0, False)


def test_a_running_container_has_no_exit_code() -> None:
    assert outputs(inspected(), {"mustRun": True, "exitCode": 1})["exitCode"] is None


def test_published_ports_come_back_in_the_order_of_the_inputs() -> None:
    published = {
        "80/tcp": [{"HostIp": ANY, "HostPort": "32769"}],
        "443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8443"}],
    }
    declared = [{"internal": 443, "external": 8443, "ip": "127.0.0.1"}, {"internal": 80}]

    now = outputs(inspected(NetworkSettings={"Ports": published}), {"ports": declared})

    assert [port["external"] for port in now["ports"]] == [8443, 32769]


def test_a_port_that_is_not_published_stays_as_declared() -> None:
    now = outputs(
        inspected(NetworkSettings={"Ports": {"80/tcp": None}}), {"ports": [{"internal": 80}]}
    )

    assert now["ports"] == [{"internal": 80, "ip": ANY, "protocol": "tcp"}]


def test_a_preview_knows_inputs_and_not_what_docker_will_say() -> None:
    previewed = preview_outputs(
        Container.spec, {"image": "x", "ports": [{"internal": 80}], "__defaults": []}
    )

    assert previewed["image"] == "x"
    assert previewed["user"] is UNKNOWN
    assert previewed["networkDatas"] is UNKNOWN
    assert previewed["ports"] == [{"external": UNKNOWN, "internal": 80}]
    assert "__defaults" not in previewed


def test_secrets_of_the_environment_are_masked_in_messages() -> None:
    inputs = {"envs": ["DB_PASSWORD=hunter22", "MODE=fast"]}

    assert mask("hunter22 is fast", inputs) == "*** is fast"


def test_errors_carry_the_daemons_message_and_a_hint() -> None:
    error = failed("create network n", APIError("500", explanation="Pool overlaps with other one"))

    assert isinstance(error, ProviderError)
    assert str(error).startswith("can't create network n: Pool overlaps with other one; hint: ")
