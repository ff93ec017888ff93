"""Sizing, addresses and URL of production against an environment's. Pure.

| key | blocking | warning | note |
|---|---|---|---|
| ``sizing.cpus.SERVER``, ``sizing.memory.SERVER`` | | less than production | |
| ``sizing.disk`` | less than the restore takes | | |
| ``address.SERVER``, ``url.external`` | | | another, as a drill means it |

SERVER is ``database``, ``erp`` or ``proxy``. What is unknown makes no difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from restore.model import (
    Difference,
    EnvironmentFacts,
    Fingerprint,
    NodeFacts,
    ServerFacts,
    Severity,
)
from restore.model.messages import message
from restore.plan.disk import DiskNeed

SERVERS: Final = {
    "database": message("database server"),
    "erp": message("ERP server"),
    "proxy": message("reverse proxy"),
}
"""The servers of an environment, by their name in keys."""

KEYS: Final = (
    *(f"sizing.{what}.{server}" for server in SERVERS for what in ("cpus", "memory")),
    "sizing.disk",
    *(f"address.{server}" for server in SERVERS),
    "url.external",
)
"""Keys of these differences."""

ALIKE: Final = 0.95
"""Share of production's memory above which an environment has as much: kernels take theirs."""


def node_differences(fingerprint: Fingerprint, facts: EnvironmentFacts) -> Iterator[Difference]:
    """In which way servers have less to work with, or stand elsewhere, than in production."""
    pairs = {
        "database": (fingerprint.postgresql, facts.postgresql),
        "erp": (fingerprint.erp, facts.erp),
        "proxy": (fingerprint.proxy.server if fingerprint.proxy else None, facts.proxy),
    }
    for name, (backup, here) in pairs.items():
        before, after = _node(backup), _node(here)
        if before and after:
            yield from _sizing(name, before, after)
            yield from _address(name, before, after)
    if fingerprint.external_url and facts.external_url:
        before_url, after_url = fingerprint.external_url.rstrip("/"), facts.external_url.rstrip("/")
        if before_url != after_url:
            text = message("people reach the ERP at another URL than production's")
            yield Difference("url.external", Severity.NOTE, before_url, after_url, text)


def disk_difference(need: DiskNeed, facts: EnvironmentFacts) -> tuple[Difference, ...]:
    """The difference of an environment whose disk can't take the restore; else none."""
    free = facts.postgresql.node.disk_free if facts.postgresql.node else None
    if free is None or free >= need.environment:
        return ()
    return (
        Difference(
            "sizing.disk",
            Severity.BLOCKING,
            message("{size} free", size=amount(need.environment)),
            message("{size} free", size=amount(free)),
            message(
                "the restore takes {total}: databases {databases}, documents {documents}, "
                "margin {margin}",
                total=amount(need.environment),
                databases=amount(need.databases),
                documents=amount(need.documents),
                margin=amount(need.margin),
            ),
        ),
    )


def amount(size: int) -> str:
    """Bytes as people say them."""
    if size >= 1e9:
        return message("{n:.1f} GB", n=size / 1e9)
    return message("{n:.1f} MB", n=size / 1e6)


def processors(cpus: float) -> str:
    """Processors as people say them."""
    return f"{cpus:g}"


def _node(server: ServerFacts | None) -> NodeFacts | None:
    return server.node if server else None


def _sizing(name: str, before: NodeFacts, after: NodeFacts) -> Iterator[Difference]:
    title = SERVERS[name]
    if before.cpus and after.cpus and after.cpus < before.cpus:
        yield Difference(
            f"sizing.cpus.{name}",
            Severity.WARNING,
            processors(before.cpus),
            processors(after.cpus),
            message("the {server} has fewer processors than production's", server=title),
        )
    if before.memory and after.memory and after.memory < before.memory * ALIKE:
        yield Difference(
            f"sizing.memory.{name}",
            Severity.WARNING,
            amount(before.memory),
            amount(after.memory),
            message("the {server} has less memory than production's", server=title),
        )


def _address(name: str, before: NodeFacts, after: NodeFacts) -> Iterator[Difference]:
    if before.address and after.address and before.address != after.address:
        text = message("the {server} has another address than production's", server=SERVERS[name])
        yield Difference(f"address.{name}", Severity.NOTE, before.address, after.address, text)
