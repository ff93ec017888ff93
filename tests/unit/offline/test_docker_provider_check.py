"""Check: wrong inputs are told by name, defaults and names are filled in."""

from __future__ import annotations

from typing import Any

import pytest

from offline.docker_provider.check import DEFAULTS, Naming, NamingMode, check, made_up_name
from offline.docker_provider.container import Container
from offline.docker_provider.host import DEFAULT_HOST, DockerHost, check_config
from offline.docker_provider.network import Network
from offline.docker_provider.remote_image import RemoteImage
from offline.docker_provider.schema import ResourceSpec
from offline.docker_provider.values import UNKNOWN
from offline.docker_provider.volume import Volume

NAMING = Naming("thing", b"seed")


def reasons(spec: ResourceSpec, **inputs: Any) -> dict[str, str]:
    failures = check(spec, inputs, {}, NAMING).failures
    return {failure.path: failure.reason for failure in failures}


def test_unsupported_input_is_refused_by_name() -> None:
    found = reasons(Container.spec, image="x", devices=[{"hostPath": "/dev/fuse"}])

    assert list(found) == ["devices"]
    assert found["devices"] == (
        "input `devices` of docker:index/container:Container isn't supported by the offline "
        "plug-in; the official plug-in has it"
    )


def test_nested_unsupported_input_is_refused_by_path() -> None:
    found = reasons(
        Container.spec,
        image="x",
        networksAdvanced=[{"name": "a"}, {"name": "b", "macAddress": "02:00:00:00:00:01"}],
    )

    assert list(found) == ["networksAdvanced[1].macAddress"]
    assert "isn't supported by the offline plug-in" in found["networksAdvanced[1].macAddress"]


def test_unknown_input_suggests_the_right_one() -> None:
    found = reasons(Container.spec, image="x", comand=["true"])

    assert "did you mean `command`?" in found["comand"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("command", "true"),
        ("command", ["true", 1]),
        ("memory", "64"),
        ("memory", 1.5),
        ("memory", True),
        ("wait", 1),
        ("labels", {"a": "b"}),
        ("labels", ["a=b"]),
        ("healthcheck", []),
        ("name", 5),
    ],
)
def test_wrong_type_is_a_failure(name: str, value: Any) -> None:
    assert name in reasons(Container.spec, **{"image": "x", name: value})


@pytest.mark.parametrize(
    ("path", "inputs"),
    [
        ("restart", {"restart": "sometimes"}),
        ("memory", {"memory": -1}),
        ("waitTimeout", {"waitTimeout": 0}),
        ("command", {"command": ["sh", ""]}),
        ("envs", {"envs": ["=value"]}),
        ("ports[0].internal", {"ports": [{"internal": 70000}]}),
        ("ports[0].protocol", {"ports": [{"internal": 1, "protocol": "icmp"}]}),
        ("healthcheck.interval", {"healthcheck": {"tests": ["NONE"], "interval": "5"}}),
        ("volumes[0].hostPath", {"volumes": [{"containerPath": "/a", "hostPath": "a"}]}),
        (
            "uploads[0].permissions",
            {"uploads": [{"file": "/a", "content": "b", "permissions": "644"}]},
        ),
        (
            "networksAdvanced[0].ipv4Address",
            {"networksAdvanced": [{"name": "n", "ipv4Address": "10"}]},
        ),
    ],
)
def test_wrong_value_is_a_failure(path: str, inputs: dict[str, Any]) -> None:
    assert list(reasons(Container.spec, image="x", **inputs)) == [path]


@pytest.mark.parametrize(
    ("path", "inputs"),
    [
        ("uploads[0]", {"uploads": [{"file": "/a"}]}),
        ("uploads[0]", {"uploads": [{"file": "/a", "content": ""}]}),
        ("volumes[0]", {"volumes": [{"volumeName": "v"}]}),
        ("wait", {"wait": True, "start": False}),
    ],
)
def test_inputs_that_contradict_each_other_are_failures(path: str, inputs: dict[str, Any]) -> None:
    assert list(reasons(Container.spec, image="x", **inputs)) == [path]


def test_missing_required_inputs_are_told() -> None:
    found = reasons(Container.spec, labels=[{"label": "a"}])

    assert set(found) == {"image", "labels[0].value"}


def test_unknown_values_pass_everywhere() -> None:
    found = reasons(
        Container.spec,
        image=UNKNOWN,
        memory=UNKNOWN,
        ports=[{"internal": UNKNOWN}, UNKNOWN],
        envs=["A=1", UNKNOWN],
        uploads=[{"file": "/a", "content": UNKNOWN}],
        healthcheck={"tests": UNKNOWN, "interval": UNKNOWN},
    )

    assert found == {}


def test_all_failures_come_at_once() -> None:
    found = reasons(Container.spec, devices=[], memory="a", nonsense=1)

    assert set(found) == {"devices", "memory", "nonsense", "image"}


def test_defaults_are_filled_in_and_listed() -> None:
    inputs = check(Container.spec, {"image": "x", "restart": "always"}, {}, NAMING).inputs

    assert (inputs["restart"], inputs["mustRun"], inputs["waitTimeout"]) == ("always", True, 60)
    assert "restart" not in inputs[DEFAULTS]
    assert {"mustRun", "waitTimeout", "name"} <= set(inputs[DEFAULTS])


def test_a_name_is_made_of_the_resource_and_seven_hexadecimal_digits() -> None:
    name = check(Volume.spec, {}, {}, NAMING).inputs["name"]

    assert name == made_up_name("thing", b"seed")
    prefix, _, suffix = name.rpartition("-")
    assert prefix == "thing"
    assert len(suffix) == 7
    assert set(suffix) <= set("0123456789abcdef")


def test_made_up_names_depend_on_the_seed_and_fit() -> None:
    assert made_up_name("a", b"1") != made_up_name("a", b"2")
    assert made_up_name("a", b"") != made_up_name("a", b"")
    assert len(made_up_name("a" * 300, b"1")) == 255


def test_a_made_up_name_is_kept_by_later_checks() -> None:
    olds = {"name": "thing-1234567", DEFAULTS: ["name"]}

    assert check(Network.spec, {}, olds, NAMING).inputs["name"] == "thing-1234567"


def test_a_given_name_is_not_kept_when_it_is_left_out_later() -> None:
    inputs = check(Network.spec, {}, {"name": "mine", DEFAULTS: []}, NAMING).inputs

    assert inputs["name"].startswith("thing-")


def test_the_stacks_configuration_of_names_is_followed() -> None:
    proposed = Naming("thing", b"seed", NamingMode.PROPOSED, "stack-thing")
    disabled = Naming("thing", b"seed", NamingMode.DISABLED)

    assert check(Network.spec, {}, {}, proposed).inputs["name"] == "stack-thing"
    assert [failure.path for failure in check(Network.spec, {}, {}, disabled).failures] == ["name"]


def test_an_image_is_never_named_automatically() -> None:
    assert set(reasons(RemoteImage.spec)) == {"name"}


def test_subnets_and_addresses_of_networks_are_checked() -> None:
    found = reasons(Network.spec, ipamConfigs=[{"subnet": "10.1.2.0/33", "gateway": "10.1"}])

    assert set(found) == {"ipamConfigs[0].subnet", "ipamConfigs[0].gateway"}


@pytest.mark.parametrize(
    ("config", "failing"),
    [
        ({}, []),
        ({"host": "unix:///run/docker.sock", "version": "5.1.0"}, []),
        ({"host": "ssh://root@host", "disableDockerDaemonCheck": "true"}, []),
        ({"registryAuth": "[]", "sshOpts": []}, []),
        ({"host": "/run/docker.sock"}, ["host"]),
        ({"registryAuth": '[{"address": "x"}]'}, ["registryAuth"]),
        ({"certPath": "/certs"}, ["certPath"]),
        ({"colour": "blue"}, ["colour"]),
    ],
)
def test_provider_configuration_is_checked(config: dict[str, Any], failing: list[str]) -> None:
    assert [failure.path for failure in check_config(config)] == failing


def test_the_host_comes_from_configuration_then_environment_then_default() -> None:
    environ = {"DOCKER_HOST": "tcp://a:1"}

    assert DockerHost.from_config({"host": "ssh://b"}, environ).url == "ssh://b"
    assert DockerHost.from_config({}, environ).url == "tcp://a:1"
    assert DockerHost.from_config({}, {}).url == DEFAULT_HOST
