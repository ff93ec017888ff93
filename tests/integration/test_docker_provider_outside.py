"""What was changed, made or removed without the offline Docker plug-in."""

from __future__ import annotations

import docker
import pytest

from .test_docker_provider_stack import IMAGE, TEST_IMAGE, Stack, labels_of

pytest_plugins = ["tests.integration.test_docker_provider_stack"]
pytestmark = pytest.mark.docker


def test_a_container_killed_outside_is_started_again_after_a_refresh(
    plugin_stack: Stack, docker_engine: docker.DockerClient
) -> None:
    plugin_stack.program('box = container()\npulumi.export("id", box.id)')
    plugin_stack.up()
    box = docker_engine.containers.get(plugin_stack.outputs()["id"])
    box.kill()

    assert "1 updated" in plugin_stack.refresh()
    assert "1 updated" in plugin_stack.up()

    box.reload()
    assert box.status == "running"
    assert "2 unchanged" in plugin_stack.refresh()
    assert "2 unchanged" in plugin_stack.up()


def test_what_was_removed_outside_is_made_again_after_a_refresh(
    plugin_stack: Stack, docker_engine: docker.DockerClient
) -> None:
    plugin_stack.program(
        """
        pulumi.export("box", container().id)
        pulumi.export("net", network().id)
        pulumi.export("vol", volume().id)
        """
    )
    plugin_stack.up()
    before = plugin_stack.outputs()
    docker_engine.containers.get(before["box"]).remove(force=True)
    docker_engine.networks.get(before["net"]).remove()
    docker_engine.volumes.get(before["vol"]).remove()

    assert "3 deleted" in plugin_stack.refresh()
    assert "3 created" in plugin_stack.up()


def test_destroying_what_is_gone_already_succeeds(
    plugin_stack: Stack, docker_engine: docker.DockerClient
) -> None:
    plugin_stack.program(
        'pulumi.export("box", container().id)\npulumi.export("net", network().id)\nvolume()'
    )
    plugin_stack.up()
    before = plugin_stack.outputs()
    docker_engine.containers.get(before["box"]).remove(force=True)
    docker_engine.networks.get(before["net"]).remove()

    plugin_stack.must("destroy", "--yes", "--skip-preview")


def test_networks_and_volumes_that_exist_can_be_imported_and_containers_not(
    plugin_stack: Stack, docker_engine: docker.DockerClient, run_label: str, free_subnet: str
) -> None:
    pool = docker.types.IPAMPool(subnet=free_subnet)
    net = docker_engine.networks.create(
        f"net-{run_label}",
        internal=True,
        labels=labels_of(run_label),
        ipam=docker.types.IPAMConfig(pool_configs=[pool]),
    )
    docker_engine.volumes.create(f"vol-{run_label}", labels=labels_of(run_label))
    box = docker_engine.containers.create(IMAGE, ["true"], labels=labels_of(run_label))
    plugin_stack.program("")
    plugin_stack.up()
    options = ("--yes", "--protect=false", "--generate-code=false")
    for kind, name, identity in (
        ("docker:index/network:Network", "net", net.id),
        ("docker:index/volume:Volume", "vol", f"vol-{run_label}"),
    ):
        plugin_stack.must("import", kind, name, str(identity), *options)
    kind = "docker:index/container:Container"
    refused = plugin_stack.pulumi("import", kind, "box", str(box.id), *options)
    assert "can't be imported by the offline plug-in" in refused.output
    plugin_stack.program(
        f"""
        network(name="net-{run_label}", internal=True,
            ipam_configs=[docker.NetworkIpamConfigArgs(subnet="{free_subnet}")])
        volume(name="vol-{run_label}")
        """
    )

    assert "3 unchanged" in plugin_stack.up()


def test_a_local_image_is_removed_unless_it_is_kept(
    plugin_stack: Stack, docker_engine: docker.DockerClient, run_label: str
) -> None:
    docker_engine.images.get(IMAGE).tag(TEST_IMAGE, tag=run_label)
    plugin_stack.program(f'docker.RemoteImage("image", name="{TEST_IMAGE}:{run_label}")')
    plugin_stack.up()
    assert "2 unchanged" in plugin_stack.refresh()
    assert "2 unchanged" in plugin_stack.up()

    plugin_stack.must("destroy", "--yes", "--skip-preview")

    with pytest.raises(docker.errors.ImageNotFound):
        docker_engine.images.get(f"{TEST_IMAGE}:{run_label}")


def test_an_image_given_by_name_changes_nothing_until_the_name_stands_for_another(
    plugin_stack: Stack, docker_engine: docker.DockerClient, run_label: str
) -> None:
    docker_engine.images.get(IMAGE).tag(TEST_IMAGE, tag=run_label)
    plugin_stack.program(f'container(image="{TEST_IMAGE}:{run_label}")')
    plugin_stack.up()
    assert "2 unchanged" in plugin_stack.up()
    assert "2 unchanged" in plugin_stack.refresh()
    assert "2 unchanged" in plugin_stack.up()

    made = docker_engine.containers.create(IMAGE, ["true"], labels=labels_of(run_label))
    made.commit(TEST_IMAGE, tag=run_label)
    made.remove()
    assert "1 replaced" in plugin_stack.up()
