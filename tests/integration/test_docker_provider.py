"""What the offline Docker plug-in makes and changes, under real Pulumi and Docker engines."""

from __future__ import annotations

import docker
import pytest

from .test_docker_provider_stack import IMAGE, Stack, address, left

pytest_plugins = ["tests.integration.test_docker_provider_stack"]
pytestmark = pytest.mark.docker


def _told(text: str, *secrets: str) -> list[str]:
    return [secret for secret in secrets if secret in text]


def test_a_whole_environment_comes_stays_and_goes(
    plugin_stack: Stack, docker_engine: docker.DockerClient, free_subnet: str, run_label: str
) -> None:
    plugin_stack.program(
        f"""
        pool = docker.NetworkIpamConfigArgs(subnet="{free_subnet}")
        net = network(internal=True, ipam_configs=[pool])
        data = volume()
        image = docker.RemoteImage("image", name="{IMAGE}", keep_locally=True)
        box = container(
            image=image.image_id,
            envs=["MODE=fast", pulumi.Output.secret("hunter22").apply(lambda p: "PASSWORD=" + p)],
            networks_advanced=[docker.ContainerNetworksAdvancedArgs(
                name=net.name, ipv4_address="{address(free_subnet, 5)}", aliases=["db"])],
            volumes=[docker.ContainerVolumeArgs(container_path="/data", volume_name=data.name)],
            uploads=[
                docker.ContainerUploadArgs(
                    file="/etc/deep/er/app.conf", content="port = 1\\n", permissions="0600"),
                docker.ContainerUploadArgs(file="/data/seed", content="seeds"),
                docker.ContainerUploadArgs(
                    file="/etc/pass", content=pulumi.Output.secret("s3cr3t-f1le")),
            ],
            healthcheck=check("test -f /etc/deep/er/app.conf"),
            wait=True, wait_timeout=30, memory=64, cpu_period=100000, cpu_quota=50000,
            dns=["127.0.0.1"], dns_opts=["timeout:1"], security_opts=["no-new-privileges"],
            capabilities=docker.ContainerCapabilitiesArgs(drops=["NET_RAW"]),
            shm_size=32, user="0", init=True, destroy_grace_seconds=1)
        pulumi.export("name", box.name)
        pulumi.export("id", box.id)
        pulumi.export("networks", box.network_datas)
        pulumi.export("health", box.healthcheck)
        pulumi.export("image", box.image)
        pulumi.export("image_id", image.image_id)
        pulumi.export("image_urn_id", image.id)
        pulumi.export("scope", net.scope)
        pulumi.export("driver", net.driver)
        pulumi.export("ipam", net.ipam_configs)
        pulumi.export("mountpoint", data.mountpoint)
        pulumi.export("volume", data.id)
        pulumi.export("envs", box.envs)
        """
    )
    plugin_stack.must("preview")
    plugin_stack.up()

    outputs = plugin_stack.outputs()
    box = docker_engine.containers.get(outputs["name"])
    assert outputs["name"].startswith("box-")
    assert outputs["id"] == box.id
    [joined] = outputs["networks"]
    assert joined["ip_address"] == address(free_subnet, 5)
    assert joined["gateway"] == address(free_subnet, 1)
    assert joined["ip_prefix_length"] == 28
    assert joined["mac_address"]
    assert outputs["health"]["interval"] == "1s"
    assert outputs["image"] == outputs["image_id"] == docker_engine.images.get(IMAGE).id
    assert outputs["image_urn_id"] == f"{outputs['image_id']}{IMAGE}"
    assert (outputs["scope"], outputs["driver"]) == ("local", "bridge")
    assert outputs["ipam"][0]["subnet"] == free_subnet
    assert outputs["mountpoint"].endswith(f"{outputs['volume']}/_data")
    assert box.attrs["State"]["Health"]["Status"] == "healthy"
    found = box.exec_run(
        ["sh", "-c", "stat -c '%a %n' /etc/deep/er/app.conf /data/seed; cat /etc/deep/er/app.conf"]
    )
    assert found.output == b"600 /etc/deep/er/app.conf\n644 /data/seed\nport = 1\n"
    assert b"PASSWORD=hunter22" in box.exec_run(["env"]).output

    assert box.exec_run(["cat", "/etc/pass"]).output == b"s3cr3t-f1le"
    assert not _told(plugin_stack.state(), "hunter22", "s3cr3t-f1le")
    assert outputs["envs"] == "[secret]"
    assert "5 unchanged" in plugin_stack.up()
    assert "5 unchanged" in plugin_stack.refresh()
    assert "5 unchanged" in plugin_stack.up()
    assert not _told(plugin_stack.state(), "hunter22", "s3cr3t-f1le")

    plugin_stack.must("destroy", "--yes", "--skip-preview")
    assert left(docker_engine, run_label) == []
    assert docker_engine.images.get(IMAGE)


def test_a_changed_label_replaces_and_changed_memory_does_not(
    plugin_stack: Stack, docker_engine: docker.DockerClient
) -> None:
    plugin_stack.program('box = container(mark="1", memory=64)\npulumi.export("id", box.id)')
    plugin_stack.up()
    first = plugin_stack.outputs()["id"]

    plugin_stack.program('box = container(mark="1", memory=128)\npulumi.export("id", box.id)')
    assert "1 updated" in plugin_stack.up()
    assert plugin_stack.outputs()["id"] == first
    assert docker_engine.containers.get(first).attrs["HostConfig"]["Memory"] == 128 * 1024 * 1024

    plugin_stack.program(
        'box = container(mark="1", memory=128, restart="on-failure")\npulumi.export("id", box.id)'
    )
    assert "1 updated" in plugin_stack.up()
    settings = docker_engine.containers.get(first).attrs["HostConfig"]
    assert settings["RestartPolicy"]["Name"] == "on-failure"
    assert settings["Memory"] == 128 * 1024 * 1024

    plugin_stack.program(
        'box = container(mark="2", memory=128, restart="on-failure")\npulumi.export("id", box.id)'
    )
    assert "1 replaced" in plugin_stack.up()
    assert plugin_stack.outputs()["id"] != first
    with pytest.raises(docker.errors.NotFound):
        docker_engine.containers.get(first)
    assert "2 unchanged" in plugin_stack.up()

    plugin_stack.program('container(mark="2", restart="on-failure")')
    assert "1 replaced" in plugin_stack.up()


def test_a_free_port_is_read_back_and_stays(
    plugin_stack: Stack, docker_engine: docker.DockerClient
) -> None:
    plugin_stack.program(
        """
        box = container(
            ports=[docker.ContainerPortArgs(internal=8069, ip="127.0.0.1")],
            networks_advanced=[docker.ContainerNetworksAdvancedArgs(name=network().name)])
        pulumi.export("port", box.ports[0].external)
        pulumi.export("name", box.name)
        """
    )
    plugin_stack.up()

    outputs = plugin_stack.outputs()
    published = docker_engine.containers.get(outputs["name"]).attrs["NetworkSettings"]["Ports"]
    assert published["8069/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": str(outputs["port"])}]
    assert "3 unchanged" in plugin_stack.up()
    assert "3 unchanged" in plugin_stack.refresh()
    assert "3 unchanged" in plugin_stack.up()


def test_names_that_are_given_are_freed_before_they_are_taken_again(
    plugin_stack: Stack, docker_engine: docker.DockerClient, run_label: str
) -> None:
    program = 'net = network(name="n-{run}", {more})\nvolume(name="v-{run}", {opts})'
    plugin_stack.program(program.format(run=run_label, more="", opts=""))
    plugin_stack.up()
    plugin_stack.program(program.format(run=run_label, more="internal=True", opts=""))

    assert "1 replaced" in plugin_stack.up()
    assert docker_engine.networks.get(f"n-{run_label}").attrs["Internal"]


def test_a_made_up_name_changes_when_the_network_is_replaced(
    plugin_stack: Stack, docker_engine: docker.DockerClient
) -> None:
    program = """
    net = network({more})
    container(networks_advanced=[docker.ContainerNetworksAdvancedArgs(name=net.name)])
    pulumi.export("name", net.name)
    """
    plugin_stack.program(program.format(more=""))
    plugin_stack.up()
    first = plugin_stack.outputs()["name"]
    plugin_stack.program(program.format(more="internal=True"))

    assert "2 replaced" in plugin_stack.up()
    assert plugin_stack.outputs()["name"] != first
    with pytest.raises(docker.errors.NotFound):
        docker_engine.networks.get(first)
