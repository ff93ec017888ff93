"""Diff: what counts as a change, and what a change does."""

from __future__ import annotations

from typing import Any

import pytest

from offline.docker_provider.check import DEFAULTS, Naming, check
from offline.docker_provider.container import Container
from offline.docker_provider.diff import (
    Change,
    Difference,
    diff,
    imported_inputs,
    refreshed_inputs,
)
from offline.docker_provider.network import Network
from offline.docker_provider.schema import ResourceSpec
from offline.docker_provider.values import UNKNOWN, Props

ANY = "0.0.0.0"  # noqa: S104 - the default of upstream
NO_TIMES = {"timeout": "0s", "startPeriod": "0s", "retries": 0}


def checked(spec: ResourceSpec, **inputs: Any) -> Props:
    result = check(spec, inputs, {}, Naming("thing", b"seed"))
    assert not result.failures
    return result.inputs


def container_diff(old: Props, new: Props, told: Props | None = None) -> Difference:
    """Differences between two sets of inputs, when Docker has told `told` meanwhile."""
    old_inputs = checked(Container.spec, image="x", **old)
    state = {**old_inputs, **(told or {})}
    return diff(Container.spec, state, old_inputs, checked(Container.spec, image="x", **new))


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({}, {"memory": 0, "dns": [], "user": "odoo", "command": ["sh"]}),
        ({"memory": 64}, {"memory": 64}),
        (
            {"capabilities": {"adds": ["net_admin"]}},
            {"capabilities": {"adds": ["CAP_NET_ADMIN"], "drops": []}},
        ),
        (
            {"healthcheck": {"tests": ["CMD", "a"], "interval": "60s"}},
            {"healthcheck": {"tests": ["CMD", "a"], "interval": "1m0s", **NO_TIMES}},
        ),
        (
            {"ports": [{"internal": 80}]},
            {"ports": [{"internal": 80, "external": 32768, "ip": ANY, "protocol": "tcp"}]},
        ),
        ({"command": []}, {"command": []}),
        ({"user": ""}, {"user": ""}),
    ],
)
def test_what_docker_fills_in_is_no_change(inputs: Props, told: Props) -> None:
    assert container_diff(inputs, inputs, told).changes == {}


def test_the_state_of_a_plug_in_that_took_more_inputs_shows_no_change() -> None:
    inputs = checked(Container.spec, image="x", memory=64)
    more = {"attach": False, "networkMode": "bridge", "removeVolumes": True, "rm": False}
    old_inputs = {**inputs, **more, DEFAULTS: sorted([*inputs[DEFAULTS], *more])}
    state = {**old_inputs, "memorySwap": 128, "hostname": "abc", "mounts": []}

    assert diff(Container.spec, state, old_inputs, inputs).changes == {}


@pytest.mark.parametrize(
    "name_and_values",
    [
        ("labels", [{"label": "a", "value": "1"}, {"label": "b", "value": "2"}]),
        ("envs", ["A=1", "B=2"]),
        ("volumes", [{"containerPath": "/a"}, {"containerPath": "/b"}]),
        ("ports", [{"internal": 1}, {"internal": 2}]),
        ("networksAdvanced", [{"name": "a", "aliases": ["x", "y"]}, {"name": "b"}]),
        ("uploads", [{"file": "/a", "content": "1"}, {"file": "/b", "content": "2"}]),
    ],
)
def test_order_means_nothing_where_it_is_a_set(name_and_values: tuple[str, list[Any]]) -> None:
    name, values = name_and_values

    assert container_diff({name: values}, {name: values[::-1]}).changes == {}


def test_order_matters_in_a_command() -> None:
    assert container_diff({"command": ["a", "b"]}, {"command": ["b", "a"]}).replaces == ["command"]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("restart", "no", "always"),
        ("memory", 64, 128),
        ("cpuPeriod", 1000, 2000),
        ("cpuQuota", 1000, 2000),
        ("destroyGraceSeconds", 1, 2),
        ("waitTimeout", 10, 20),
    ],
)
def test_updated_in_place(name: str, old: Any, new: Any) -> None:
    difference = container_diff({name: old}, {name: new})

    assert difference.changes[name].change is Change.UPDATE
    assert difference.replaces == []
    assert not difference.delete_before_replace


@pytest.mark.parametrize(
    ("name", "old"),
    [("memory", 64), ("cpuPeriod", 512), ("cpuQuota", 9)],
)
def test_a_limit_that_is_taken_away_replaces_since_docker_cannot_lift_it(
    name: str, old: Any
) -> None:
    assert container_diff({name: old}, {}).replaces == [name]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("image", "x", "y"),
        ("command", ["a"], ["b"]),
        ("envs", ["A=1"], ["A=2"]),
        ("labels", [{"label": "a", "value": "1"}], [{"label": "a", "value": "2"}]),
        (
            "networksAdvanced",
            [{"name": "n", "ipv4Address": "10.0.0.2"}],
            [{"name": "n", "ipv4Address": "10.0.0.3"}],
        ),
        ("uploads", [{"file": "/a", "content": "1"}], [{"file": "/a", "content": "2"}]),
        ("healthcheck", {"tests": ["CMD", "a"]}, {"tests": ["CMD", "b"]}),
        ("ports", [{"internal": 80, "external": 8080}], [{"internal": 80, "external": 8081}]),
        ("ports", [{"internal": 80, "ip": "127.0.0.1"}], [{"internal": 80}]),
        ("shmSize", 64, 128),
    ],
)
def test_replaced_and_the_old_container_goes_first(name: str, old: Any, new: Any) -> None:
    old_inputs = checked(Container.spec, **{"image": "x", name: old})
    news = checked(Container.spec, **{"image": "x", name: new})
    difference = diff(Container.spec, old_inputs, old_inputs, news)

    assert difference.replaces == [name]
    assert difference.delete_before_replace


def test_a_removed_input_is_a_change() -> None:
    difference = container_diff({"envs": ["A=1"]}, {}, {"envs": ["A=1"]})

    assert difference.changes["envs"].change is Change.DELETE


def test_an_added_input_is_a_change() -> None:
    assert container_diff({}, {"memory": 64}, {"memory": 0}).changes["memory"].inputs_changed


def test_a_limit_set_by_hand_is_a_change_although_the_program_says_nothing() -> None:
    change = container_diff({}, {}, {"memory": 256}).changes["memory"]

    assert change.change is Change.DELETE
    assert not change.inputs_changed


def test_a_container_that_stopped_is_a_change_in_place() -> None:
    difference = container_diff({}, {}, {"mustRun": False, "exitCode": 137})

    assert list(difference.changes) == ["mustRun"]
    assert difference.replaces == []


def test_an_unknown_input_is_a_change() -> None:
    assert container_diff({"user": "a"}, {"user": UNKNOWN}).replaces == ["user"]


def test_ignored_changes_are_none() -> None:
    inputs = checked(Network.spec)
    state = {**inputs, "attachable": True}

    assert diff(Network.spec, state, inputs, inputs).replaces == ["attachable"]
    assert diff(Network.spec, state, inputs, inputs, {"attachable"}).changes == {}


def test_a_subnet_matches_although_docker_adds_the_gateway() -> None:
    inputs = checked(Network.spec, ipamConfigs=[{"subnet": "10.1.2.0/24"}])
    told = {"ipamConfigs": [{"subnet": "10.1.2.0/24", "gateway": "10.1.2.1"}]}

    assert diff(Network.spec, {**inputs, **told}, inputs, inputs).changes == {}


def test_another_subnet_replaces() -> None:
    old = checked(Network.spec, ipamConfigs=[{"subnet": "10.1.2.0/24"}])
    new = checked(Network.spec, ipamConfigs=[{"subnet": "10.1.3.0/24"}])

    assert diff(Network.spec, old, old, new).replaces == ["ipamConfigs"]


def test_a_network_with_a_made_up_name_is_created_before_the_old_one_goes() -> None:
    old = checked(Network.spec)
    new = checked(Network.spec, internal=True)

    assert not diff(Network.spec, old, old, new).delete_before_replace


def test_a_network_with_a_given_name_goes_first() -> None:
    old = checked(Network.spec, name="n")
    new = checked(Network.spec, name="n", internal=True)

    assert diff(Network.spec, old, old, new).delete_before_replace


def test_a_refresh_keeps_inputs_that_nobody_touched() -> None:
    inputs = checked(Container.spec, image="x", memory=64, user="odoo")
    state = {**inputs, "image": "sha256:1", "memory": 64}
    now = {**state, "memory": 128}

    refreshed = refreshed_inputs(Container.spec, inputs, state, now)

    assert refreshed == {**inputs, "memory": 128}


def test_imported_inputs_leave_out_what_docker_chose() -> None:
    told = {
        "name": "n",
        "driver": "bridge",
        "internal": True,
        "attachable": False,
        "ipamConfigs": [{"subnet": "172.18.0.0/16"}],
        "labels": [{"label": "a", "value": "1"}],
    }

    inputs = imported_inputs(Network.spec, told)

    assert inputs == {
        "name": "n",
        "internal": True,
        "labels": [{"label": "a", "value": "1"}],
        DEFAULTS: [],
    }
