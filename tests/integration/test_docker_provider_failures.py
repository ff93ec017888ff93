"""What the offline Docker plug-in says when something is wrong, and that it leaves nothing."""

from __future__ import annotations

import docker
import pytest

from .test_docker_provider_stack import IMAGE, Stack, labels_of, left

pytest_plugins = ["tests.integration.test_docker_provider_stack"]
pytestmark = pytest.mark.docker


def test_an_unhealthy_container_fails_with_the_checks_output_and_is_removed(
    plugin_stack: Stack, docker_engine: docker.DockerClient, run_label: str
) -> None:
    plugin_stack.program(
        """
        container(
            command=["sh", "-c", "echo opening the hangar with $PASSWORD; sleep 1000"],
            envs=["PASSWORD=hunter22"],
            healthcheck=check("echo the door is stuck; exit 3"), wait=True, wait_timeout=60)
        """
    )

    output = plugin_stack.up_fails()

    assert "is unhealthy" in output
    assert "code 3: the door is stuck" in output
    assert "opening the hangar with ***" in output
    assert "hunter22" not in output
    assert left(docker_engine, run_label) == []


def test_waiting_ends_at_the_deadline(plugin_stack: Stack) -> None:
    plugin_stack.program(
        'container(healthcheck=check("exit 1", retries=100), wait=True, wait_timeout=3)'
    )

    assert "isn't healthy after 3 s" in plugin_stack.up_fails()


def test_waiting_without_a_health_check_is_an_error(plugin_stack: Stack) -> None:
    plugin_stack.program("container(wait=True)")

    assert "it has no health check" in plugin_stack.up_fails()


def test_a_container_that_ends_at_once_fails_with_its_output(
    plugin_stack: Stack, docker_engine: docker.DockerClient, run_label: str
) -> None:
    plugin_stack.program('container(command=["sh", "-c", "echo no such database; exit 4"])')

    output = plugin_stack.up_fails()

    assert "ended with code 4" in output
    assert "no such database" in output
    assert left(docker_engine, run_label) == []


def test_unsupported_and_wrong_inputs_are_refused_by_name_before_anything_is_made(
    plugin_stack: Stack, docker_engine: docker.DockerClient, run_label: str
) -> None:
    plugin_stack.program('container(gpus="all", memory=-5)')

    output = plugin_stack.up_fails()

    assert "input `gpus` of docker:index/container:Container isn't supported" in output
    assert "`memory` of docker:index/container:Container: must be at least 0" in output
    assert left(docker_engine, run_label) == []


def test_functions_and_other_resources_are_refused_by_name(plugin_stack: Stack) -> None:
    plugin_stack.program('docker.get_network(name="bridge")')
    assert "docker:index/getNetwork:getNetwork isn't supported" in plugin_stack.up_fails()

    plugin_stack.program('docker.Tag("tag", source_image="a", target_image="b")')
    assert "docker:index/tag:Tag isn't supported" in plugin_stack.up_fails()


def test_an_image_that_is_nowhere_is_told(plugin_stack: Stack) -> None:
    plugin_stack.program('docker.RemoteImage("image", name="pra-no-such/image:1")')

    assert "image pra-no-such/image:1 isn't there and can't be pulled" in plugin_stack.up_fails()


def test_a_volume_in_use_says_by_whom(
    plugin_stack: Stack, docker_engine: docker.DockerClient, run_label: str
) -> None:
    plugin_stack.program('pulumi.export("name", volume().name)')
    plugin_stack.up()
    user = docker_engine.containers.run(
        IMAGE,
        ["sleep", "1000"],
        name=f"user-{run_label}",
        detach=True,
        labels=labels_of(run_label),
        network_mode="none",
        volumes={plugin_stack.outputs()["name"]: {"bind": "/data", "mode": "rw"}},
    )

    result = plugin_stack.pulumi("destroy", "--yes", "--skip-preview")

    assert result.code != 0
    assert "volume is in use" in result.output
    assert f"remove container {user.name} first" in result.output


def test_overlapping_subnets_are_told_with_a_hint(plugin_stack: Stack, free_subnet: str) -> None:
    plugin_stack.program(
        f"""
        pool = [docker.NetworkIpamConfigArgs(subnet="{free_subnet}")]
        first = network("a", ipam_configs=pool)
        network("b", ipam_configs=pool, opts=pulumi.ResourceOptions(depends_on=[first]))
        """
    )

    output = plugin_stack.up_fails()

    assert "can't create network b-" in output
    assert "hint: another network has these addresses" in output


def test_no_engine_at_the_configured_host_is_told(plugin_stack: Stack) -> None:
    plugin_stack.program("volume()")
    plugin_stack.must("config", "set", "docker:host", "unix:///nowhere/docker.sock")

    output = plugin_stack.up_fails()

    assert "can't reach the Docker engine at unix:///nowhere/docker.sock" in output


def test_settings_that_are_not_supported_are_refused(plugin_stack: Stack) -> None:
    plugin_stack.program("volume()")
    plugin_stack.must("config", "set", "docker:certPath", "/certs")

    assert "`docker:certPath` isn't supported by the offline plug-in" in plugin_stack.up_fails()
