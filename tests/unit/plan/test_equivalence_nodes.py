"""Sizing, addresses and URL: what warns, what stops, and what is only noted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fixtures.plans.cases import database, generation, same_facts
from restore.model import EnvironmentFacts, Fingerprint, NodeFacts, ProxyFacts, Severity
from restore.plan.disk import LEAST_MARGIN, DiskNeed, disk_need
from restore.plan.equivalence.compare import compare, is_difference_key
from restore.plan.equivalence.servers import KEYS, disk_difference

GB = 10**9
PRODUCTION = NodeFacts(
    cpus=4, memory=16 * GB, disk=500 * GB, disk_free=300 * GB, address="10.1.0.2"
)
MADE = generation(database("specibike_prod"))
SAME = same_facts(MADE)


def backup(node: NodeFacts = PRODUCTION, **changes: Any) -> Fingerprint:
    server = replace(MADE.fingerprint.postgresql, node=node)
    return replace(MADE.fingerprint, postgresql=server, **changes)


def here(node: NodeFacts | None = PRODUCTION, **changes: Any) -> EnvironmentFacts:
    return replace(SAME, postgresql=replace(SAME.postgresql, node=node), **changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"cpus": 8, "memory": 32 * GB, "disk": 1, "disk_free": 1}, {}),
        ({"cpus": 2}, {"sizing.cpus.database": ("warning", "4", "2")}),
        ({"cpus": 0.5}, {"sizing.cpus.database": ("warning", "4", "0.5")}),
        ({"memory": 8 * GB}, {"sizing.memory.database": ("warning", "16.0 GB", "8.0 GB")}),
        ({"memory": 500 * 10**6}, {"sizing.memory.database": ("warning", "16.0 GB", "500.0 MB")}),
        # Kernels keep a little for themselves.
        ({"memory": int(15.5 * GB)}, {}),
        ({"address": "10.9.0.2"}, {"address.database": ("note", "10.1.0.2", "10.9.0.2")}),
        ({"cpus": None, "memory": None, "address": None}, {}),
    ],
)
def test_a_server(changes: dict[str, Any], expected: dict[str, tuple[str, str, str]]) -> None:
    found = compare(backup(), here(replace(PRODUCTION, **changes)))
    assert {i.key: (i.severity.value, i.expected, i.observed) for i in found} == expected


def test_what_is_unknown_makes_no_difference() -> None:
    assert compare(backup(), here(None)) == ()
    assert compare(MADE.fingerprint, here()) == ()


def test_the_proxy_is_a_server_too() -> None:
    proxy = replace(MADE.fingerprint.erp, os="Debian 11", node=PRODUCTION)
    other = replace(proxy, os="Debian 12", node=replace(PRODUCTION, cpus=1, address="10.9.0.4"))
    found = compare(backup(proxy=ProxyFacts(proxy)), here(proxy=other))
    assert [item.key for item in found] == ["os.proxy", "sizing.cpus.proxy", "address.proxy"]
    assert compare(backup(), here(proxy=other)) == ()


def test_another_url_is_noted() -> None:
    url = "https://erp.example.org"
    (found,) = compare(backup(external_url=url), here(external_url="https://127.0.0.1:1234"))
    assert (found.key, found.severity) == ("url.external", Severity.NOTE)
    assert not found.blocks
    assert compare(backup(external_url=url), here(external_url=f"{url}/")) == ()
    assert compare(backup(external_url=url), here()) == ()


def test_graver_differences_come_first() -> None:
    node = replace(PRODUCTION, cpus=1, address="10.9.0.2")
    facts = replace(here(node), erp_series="99", encodings=())
    severities = [item.severity for item in compare(backup(), facts)]
    assert severities == sorted(severities, key=list(Severity).index)
    assert set(severities) == set(Severity)


def test_a_disk_that_can_t_take_the_restore_blocks() -> None:
    need = DiskNeed(generation=7 * GB, databases=20 * GB, documents=30 * GB)
    assert need.environment == need.total - 7 * GB
    (found,) = disk_difference(need, here(replace(PRODUCTION, disk_free=40 * GB)))
    assert found.blocks
    assert (found.key, found.observed) == ("sizing.disk", "40.0 GB free")
    assert "databases 20.0 GB, documents 30.0 GB" in found.message
    assert disk_difference(need, here()) == ()
    assert disk_difference(need, here(None)) == ()
    assert disk_difference(need, here(replace(PRODUCTION, disk_free=None))) == ()


def test_the_least_margin_counts() -> None:
    need = disk_need(MADE, ("specibike_prod",))
    assert need.margin == LEAST_MARGIN


def test_every_key_can_be_accepted() -> None:
    assert all(is_difference_key(key) for key in KEYS)
    assert not is_difference_key("sizing.cpus.reports")
