"""The offline Docker plug-in under a real Pulumi engine and a real Docker engine."""

from __future__ import annotations

import json
import os
import signal
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

pytestmark = pytest.mark.docker

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "pra/debian:bullseye"
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
        "network_mode": "bridge" if "networks_advanced" in inputs else "none",
        **inputs,
    }})

def check(command, **inputs):
    inputs = {{"interval": "1s", "timeout": "5s", "retries": 2, **inputs}}
    return docker.ContainerHealthcheckArgs(tests=["CMD-SHELL", command], **inputs)
"""


def _tools() -> dict[str, str]:
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
    run: str

    def program(self, text: str) -> None:
        """Write the program; helpers of the prelude are at hand."""
        body = textwrap.dedent(text)
        source = f"RUN = {self.run!r}\n{PRELUDE}\n{body}"
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
def engine() -> docker.DockerClient:
    client = docker.from_env()
    try:
        client.images.get(IMAGE)
    except docker.errors.ImageNotFound:
        pytest.fail(f"image {IMAGE} isn't there: run the set-up (`make setup`) first")
    return client


def _remove_all(engine: docker.DockerClient, run: str) -> None:
    wanted: Any = {"label": [f"{LABEL}={VALUE}", f"pra.run={run}"]}
    for container in engine.containers.list(all=True, filters=wanted):
        container.remove(force=True, v=True)
    for network in engine.networks.list(filters=wanted):
        network.remove()
    for volume in engine.volumes.list(filters=wanted):
        volume.remove(force=True)


def _left(engine: docker.DockerClient, run: str) -> list[str]:
    wanted: Any = {"label": [f"{LABEL}={VALUE}", f"pra.run={run}"]}
    return [
        *(item.name or "" for item in engine.containers.list(all=True, filters=wanted)),
        *(item.name or "" for item in engine.networks.list(filters=wanted)),
        *(item.name or "" for item in engine.volumes.list(filters=wanted)),
    ]


@pytest.fixture
def run() -> str:
    return uuid.uuid4().hex[:10]


@pytest.fixture
def stack(tmp_path: Path, engine: docker.DockerClient, run: str) -> Iterator[Stack]:
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
    environment = _tools() | {
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": state.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
    }
    environment.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)
    made = Stack(folder, environment, run)
    made.must("stack", "init", "test")
    try:
        yield made
    finally:
        _remove_all(engine, run)


@pytest.fixture
def subnet(run: str) -> str:
    # Tests run side by side: each has a /28 of its own.
    number = int(run, 16)
    return f"10.{230 + number % 20}.{number // 32 % 256}.{number // 8192 % 16 * 16}/28"


def address(subnet: str, offset: int) -> str:
    base, _ = subnet.split("/")
    first, _, last = base.rpartition(".")
    return f"{first}.{int(last) + offset}"


def test_a_whole_environment_comes_stays_and_goes(
    stack: Stack, engine: docker.DockerClient, subnet: str, run: str
) -> None:
    stack.program(
        f"""
        net = network(internal=True, ipam_configs=[docker.NetworkIpamConfigArgs(subnet="{subnet}")])
        data = volume()
        image = docker.RemoteImage("image", name="{IMAGE}", keep_locally=True)
        box = container(
            image=image.image_id,
            envs=["MODE=fast", pulumi.Output.secret("hunter22").apply(lambda p: "PASSWORD=" + p)],
            networks_advanced=[docker.ContainerNetworksAdvancedArgs(
                name=net.name, ipv4_address="{address(subnet, 5)}", aliases=["db"])],
            mounts=[docker.ContainerMountArgs(target="/data", type="volume", source=data.name)],
            uploads=[
                docker.ContainerUploadArgs(
                    file="/etc/deep/er/app.conf", content="port = 1\\n", permissions="0600"),
                docker.ContainerUploadArgs(file="/run.sh", content_base64="b2s=", executable=True),
                docker.ContainerUploadArgs(file="/data/seed", source="__main__.py"),
            ],
            healthcheck=check("test -f /etc/deep/er/app.conf"),
            wait=True, wait_timeout=30, memory=64, ulimits=[
                docker.ContainerUlimitArgs(name="nofile", soft=512, hard=1024)],
            hosts=[docker.ContainerHostArgs(host="erp.test", ip="10.9.8.7")],
            capabilities=docker.ContainerCapabilitiesArgs(drops=["NET_RAW"]),
            tmpfs={{"/scratch": "size=1m"}}, user="0", working_dir="/data", init=True,
            destroy_grace_seconds=1)
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
    stack.must("preview")
    stack.up()

    outputs = stack.outputs()
    box = engine.containers.get(outputs["name"])
    assert outputs["name"].startswith("box-")
    assert outputs["id"] == box.id
    [joined] = outputs["networks"]
    assert joined["ip_address"] == address(subnet, 5)
    assert joined["gateway"] == address(subnet, 1)
    assert joined["ip_prefix_length"] == 28
    assert joined["mac_address"]
    assert outputs["health"]["interval"] == "1s"
    assert outputs["image"] == outputs["image_id"] == engine.images.get(IMAGE).id
    assert outputs["image_urn_id"] == f"{outputs['image_id']}{IMAGE}"
    assert (outputs["scope"], outputs["driver"]) == ("local", "bridge")
    assert outputs["ipam"][0]["subnet"] == subnet
    assert outputs["mountpoint"].endswith(f"{outputs['volume']}/_data")
    assert box.attrs["State"]["Health"]["Status"] == "healthy"
    found = box.exec_run(
        ["sh", "-c", "stat -c '%a %n' /etc/deep/er/app.conf /run.sh && cat /etc/deep/er/app.conf"]
    )
    assert found.output == b"600 /etc/deep/er/app.conf\n744 /run.sh\nport = 1\n"
    assert b"RUN = " in box.exec_run(["cat", "/data/seed"]).output
    assert b"erp.test" in box.exec_run(["cat", "/etc/hosts"]).output
    assert b"PASSWORD=hunter22" in box.exec_run(["env"]).output

    assert "hunter22" not in stack.state()
    assert outputs["envs"] == "[secret]"
    assert "5 unchanged" in stack.up()
    assert "5 unchanged" in stack.refresh()
    assert "5 unchanged" in stack.up()
    assert "hunter22" not in stack.state()

    stack.must("destroy", "--yes", "--skip-preview")
    assert _left(engine, run) == []
    assert engine.images.get(IMAGE)


def test_a_changed_label_replaces_and_changed_memory_does_not(
    stack: Stack, engine: docker.DockerClient
) -> None:
    stack.program('box = container(mark="1", memory=64)\npulumi.export("id", box.id)')
    stack.up()
    first = stack.outputs()["id"]

    stack.program('box = container(mark="1", memory=128)\npulumi.export("id", box.id)')
    assert "1 updated" in stack.up()
    assert stack.outputs()["id"] == first
    assert engine.containers.get(first).attrs["HostConfig"]["Memory"] == 128 * 1024 * 1024

    stack.program(
        'box = container(mark="1", memory=128, restart="on-failure")\npulumi.export("id", box.id)'
    )
    assert "1 updated" in stack.up()
    settings = engine.containers.get(first).attrs["HostConfig"]
    assert settings["RestartPolicy"]["Name"] == "on-failure"
    assert settings["Memory"] == 128 * 1024 * 1024

    stack.program(
        'box = container(mark="2", memory=128, restart="on-failure")\npulumi.export("id", box.id)'
    )
    assert "1 replaced" in stack.up()
    assert stack.outputs()["id"] != first
    with pytest.raises(docker.errors.NotFound):
        engine.containers.get(first)
    assert "2 unchanged" in stack.up()

    stack.program('container(mark="2", restart="on-failure")')
    assert "1 replaced" in stack.up()


def test_a_container_killed_outside_is_started_again_after_a_refresh(
    stack: Stack, engine: docker.DockerClient
) -> None:
    stack.program('box = container()\npulumi.export("id", box.id)')
    stack.up()
    box = engine.containers.get(stack.outputs()["id"])
    box.kill()

    assert "1 updated" in stack.refresh()
    assert "1 updated" in stack.up()

    box.reload()
    assert box.status == "running"
    assert "2 unchanged" in stack.refresh()
    assert "2 unchanged" in stack.up()


def test_what_was_removed_outside_is_made_again_after_a_refresh(
    stack: Stack, engine: docker.DockerClient
) -> None:
    stack.program(
        """
        pulumi.export("box", container().id)
        pulumi.export("net", network().id)
        pulumi.export("vol", volume().id)
        """
    )
    stack.up()
    before = stack.outputs()
    engine.containers.get(before["box"]).remove(force=True)
    engine.networks.get(before["net"]).remove()
    engine.volumes.get(before["vol"]).remove()

    assert "3 deleted" in stack.refresh()
    assert "3 created" in stack.up()


def test_destroying_what_is_gone_already_succeeds(
    stack: Stack, engine: docker.DockerClient
) -> None:
    stack.program(
        'pulumi.export("box", container().id)\npulumi.export("net", network().id)\nvolume()'
    )
    stack.up()
    before = stack.outputs()
    engine.containers.get(before["box"]).remove(force=True)
    engine.networks.get(before["net"]).remove()

    stack.must("destroy", "--yes", "--skip-preview")


def test_a_free_port_is_read_back_and_stays(stack: Stack, engine: docker.DockerClient) -> None:
    stack.program(
        """
        box = container(
            ports=[docker.ContainerPortArgs(internal=8069, ip="127.0.0.1")],
            networks_advanced=[docker.ContainerNetworksAdvancedArgs(name=network().name)])
        pulumi.export("port", box.ports[0].external)
        pulumi.export("name", box.name)
        """
    )
    stack.up()

    outputs = stack.outputs()
    published = engine.containers.get(outputs["name"]).attrs["NetworkSettings"]["Ports"]
    assert published["8069/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": str(outputs["port"])}]
    assert "3 unchanged" in stack.up()
    assert "3 unchanged" in stack.refresh()
    assert "3 unchanged" in stack.up()


def test_an_unhealthy_container_fails_with_the_checks_output_and_is_removed(
    stack: Stack, engine: docker.DockerClient, run: str
) -> None:
    stack.program(
        """
        container(
            command=["sh", "-c", "echo opening the hangar with $PASSWORD; sleep 1000"],
            envs=["PASSWORD=hunter22"],
            healthcheck=check("echo the door is stuck; exit 3"), wait=True, wait_timeout=60)
        """
    )

    output = stack.up_fails()

    assert "is unhealthy" in output
    assert "code 3: the door is stuck" in output
    assert "opening the hangar with ***" in output
    assert "hunter22" not in output
    assert _left(engine, run) == []


def test_waiting_ends_at_the_deadline(stack: Stack) -> None:
    stack.program('container(healthcheck=check("exit 1", retries=100), wait=True, wait_timeout=3)')

    started = time.monotonic()
    assert "isn't healthy after 3 s" in stack.up_fails()
    assert time.monotonic() - started < 30


def test_waiting_without_a_health_check_is_an_error(stack: Stack) -> None:
    stack.program("container(wait=True)")

    assert "it has no health check" in stack.up_fails()


def test_a_container_that_ends_at_once_fails_with_its_output(
    stack: Stack, engine: docker.DockerClient, run: str
) -> None:
    stack.program('container(command=["sh", "-c", "echo no such database; exit 4"])')

    output = stack.up_fails()

    assert "ended with code 4" in output
    assert "no such database" in output
    assert _left(engine, run) == []


def test_a_job_is_waited_for_and_its_output_saved(stack: Stack) -> None:
    stack.program(
        """
        job = container(command=["sh", "-c", "echo done; exit 5"],
                        attach=True, logs=True, must_run=False)
        pulumi.export("code", job.exit_code)
        pulumi.export("logs", job.container_logs)
        """
    )
    stack.up()

    assert stack.outputs() == {"code": 5, "logs": "done\n"}
    assert "2 unchanged" in stack.refresh()
    assert "2 unchanged" in stack.up()


def test_unsupported_and_wrong_inputs_are_refused_by_name_before_anything_is_made(
    stack: Stack, engine: docker.DockerClient, run: str
) -> None:
    stack.program('container(gpus="all", memory=-5)')

    output = stack.up_fails()

    assert "input `gpus` of docker:index/container:Container isn't supported" in output
    assert "`memory` of docker:index/container:Container: must be at least 0" in output
    assert _left(engine, run) == []


def test_functions_and_other_resources_are_refused_by_name(stack: Stack) -> None:
    stack.program('docker.get_network(name="bridge")')
    assert "docker:index/getNetwork:getNetwork isn't supported" in stack.up_fails()

    stack.program('docker.Tag("tag", source_image="a", target_image="b")')
    assert "docker:index/tag:Tag isn't supported" in stack.up_fails()


def test_an_image_that_is_nowhere_is_told(stack: Stack) -> None:
    stack.program('docker.RemoteImage("image", name="pra-no-such/image:1")')

    assert "image pra-no-such/image:1 isn't there and can't be pulled" in stack.up_fails()


def test_a_local_image_is_removed_unless_it_is_kept(
    stack: Stack, engine: docker.DockerClient, run: str
) -> None:
    engine.images.get(IMAGE).tag("pra-test/image", tag=run)
    stack.program(f'docker.RemoteImage("image", name="pra-test/image:{run}")')
    stack.up()
    assert "2 unchanged" in stack.refresh()
    assert "2 unchanged" in stack.up()

    stack.must("destroy", "--yes", "--skip-preview")

    with pytest.raises(docker.errors.ImageNotFound):
        engine.images.get(f"pra-test/image:{run}")


def test_an_image_given_by_name_changes_nothing_until_the_name_stands_for_another(
    stack: Stack, engine: docker.DockerClient, run: str
) -> None:
    name = f"pra-test/image:{run}"
    engine.images.get(IMAGE).tag("pra-test/image", tag=run)
    try:
        stack.program(f'container(image="{name}")')
        stack.up()
        assert "2 unchanged" in stack.up()
        assert "2 unchanged" in stack.refresh()
        assert "2 unchanged" in stack.up()

        made = engine.containers.create(IMAGE, ["true"], labels={LABEL: VALUE, "pra.run": run})
        made.commit("pra-test/image", tag=run)
        made.remove()
        assert "1 replaced" in stack.up()
    finally:
        _remove_all(engine, run)
        engine.images.remove(name, force=True)


def _labels(run: str) -> dict[str, str]:
    return {LABEL: VALUE, "pra.run": run}


def test_what_exists_can_be_imported(
    stack: Stack, engine: docker.DockerClient, run: str, subnet: str
) -> None:
    pool = docker.types.IPAMPool(subnet=subnet)
    net = engine.networks.create(
        f"net-{run}",
        internal=True,
        labels=_labels(run),
        ipam=docker.types.IPAMConfig(pool_configs=[pool]),
    )
    engine.volumes.create(f"vol-{run}", labels=_labels(run))
    box = engine.containers.create(
        IMAGE,
        ["sleep", "1000"],
        name=f"box-{run}",
        labels=_labels(run),
        environment=["A=1"],
        network=net.name,
        volumes={f"vol-{run}": {"bind": "/data", "mode": "rw"}},
        mem_limit="64m",
    )
    box.start()
    stack.program("")
    stack.up()
    for kind, name, identity in (
        ("docker:index/network:Network", "net", net.id),
        ("docker:index/volume:Volume", "vol", f"vol-{run}"),
        ("docker:index/container:Container", "box", box.id),
    ):
        stack.must(
            "import", kind, name, str(identity), "--yes", "--protect=false", "--generate-code=false"
        )
    stack.program(
        f"""
        net = network(name="net-{run}", internal=True,
            ipam_configs=[docker.NetworkIpamConfigArgs(subnet="{subnet}")])
        vol = volume(name="vol-{run}")
        docker.Container(
            "box", name="box-{run}", image="{IMAGE}", command=["sleep", "1000"], memory=64,
            labels=labels(docker.ContainerLabelArgs), envs=["A=1"], network_mode=net.name,
            networks_advanced=[docker.ContainerNetworksAdvancedArgs(name=net.name)],
            volumes=[docker.ContainerVolumeArgs(container_path="/data", volume_name=vol.name)])
        """
    )

    assert "4 unchanged" in stack.up()


def test_names_that_are_given_are_freed_before_they_are_taken_again(
    stack: Stack, engine: docker.DockerClient, run: str
) -> None:
    program = 'net = network(name="n-{run}", {more})\nvolume(name="v-{run}", {opts})'
    stack.program(program.format(run=run, more="", opts=""))
    stack.up()
    stack.program(program.format(run=run, more="internal=True", opts=""))

    assert "1 replaced" in stack.up()
    assert engine.networks.get(f"n-{run}").attrs["Internal"]


def test_a_made_up_name_changes_when_the_network_is_replaced(
    stack: Stack, engine: docker.DockerClient
) -> None:
    program = """
    net = network({more})
    container(networks_advanced=[docker.ContainerNetworksAdvancedArgs(name=net.name)])
    pulumi.export("name", net.name)
    """
    stack.program(program.format(more=""))
    stack.up()
    first = stack.outputs()["name"]
    stack.program(program.format(more="internal=True"))

    assert "2 replaced" in stack.up()
    assert stack.outputs()["name"] != first
    with pytest.raises(docker.errors.NotFound):
        engine.networks.get(first)


def test_a_volume_in_use_says_by_whom(stack: Stack, engine: docker.DockerClient, run: str) -> None:
    stack.program('pulumi.export("name", volume().name)')
    stack.up()
    user = engine.containers.run(
        IMAGE,
        ["sleep", "1000"],
        name=f"user-{run}",
        detach=True,
        labels=_labels(run),
        network_mode="none",
        volumes={stack.outputs()["name"]: {"bind": "/data", "mode": "rw"}},
    )

    result = stack.pulumi("destroy", "--yes", "--skip-preview")

    assert result.code != 0
    assert "volume is in use" in result.output
    assert f"remove container {user.name} first" in result.output


def test_overlapping_subnets_are_told_with_a_hint(stack: Stack, subnet: str) -> None:
    stack.program(
        f"""
        pool = [docker.NetworkIpamConfigArgs(subnet="{subnet}")]
        first = network("a", ipam_configs=pool)
        network("b", ipam_configs=pool, opts=pulumi.ResourceOptions(depends_on=[first]))
        """
    )

    output = stack.up_fails()

    assert "can't create network b-" in output
    assert "hint: another network has these addresses" in output


def test_no_engine_at_the_configured_host_is_told(stack: Stack) -> None:
    stack.program("volume()")
    stack.must("config", "set", "docker:host", "unix:///nowhere/docker.sock")

    output = stack.up_fails()

    assert "can't reach the Docker engine at unix:///nowhere/docker.sock" in output


def test_settings_that_are_not_supported_are_refused(stack: Stack) -> None:
    stack.program("volume()")
    stack.must("config", "set", "docker:certPath", "/certs")

    assert "`docker:certPath` isn't supported by the offline plug-in" in stack.up_fails()


def _launch(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "offline.docker_provider", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def _port(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def test_the_plug_in_prints_its_port_and_ends_on_sigterm() -> None:
    with _launch("127.0.0.1:1", "--logtostderr", "-v=9") as process:
        assert 0 < _port(process) < 65536
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_the_plug_in_ends_with_the_process_that_started_it() -> None:
    script = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'offline.docker_provider'],"
        " stdout=subprocess.PIPE, text=True)\n"
        "print(child.pid, child.stdout.readline(), flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    pid = int(done.stdout.split()[0])

    _eventually(lambda: not Path(f"/proc/{pid}").exists(), 15)


def test_interrupting_pulumi_aborts_waiting_and_leaves_nothing(
    stack: Stack, engine: docker.DockerClient, run: str
) -> None:
    stack.program(
        'container(healthcheck=check("exit 1", retries=100), wait=True, wait_timeout=300)'
    )
    with subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"],
        cwd=stack.folder,
        env=stack.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        _eventually(lambda: bool(_left(engine, run)), 60)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)

    assert process.returncode != 0
    assert "cancelled while waiting for container" in output
    assert _left(engine, run) == []


def _eventually(holds: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"still not so after {seconds} s"
        time.sleep(0.1)
