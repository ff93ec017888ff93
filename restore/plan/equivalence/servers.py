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

from restore import model
from restore.model import Difference, Severity
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


def pairs(
    fingerprint: model.Fingerprint, facts: model.EnvironmentFacts
) -> Iterator[tuple[str, model.ServerFacts, model.ServerFacts]]:
    """The servers that both have: by which name, as it was in production, as it is here."""
    yield "database", fingerprint.postgresql, facts.postgresql
    yield "erp", fingerprint.erp, facts.erp
    if fingerprint.proxy and facts.proxy:
        yield "proxy", fingerprint.proxy.server, facts.proxy


def node_differences(
    fingerprint: model.Fingerprint, facts: model.EnvironmentFacts
) -> Iterator[Difference]:
    """In which way servers have less to work with, or stand elsewhere, than in production."""
    for name, backup, here in pairs(fingerprint, facts):
        if backup.node and here.node:
            yield from _node_differences(name, backup.node, here.node)
    before, after = fingerprint.external_url, facts.external_url
    if before and after and before.rstrip("/") != after.rstrip("/"):
        text = message("people reach the ERP at another URL than production's")
        urls = before.rstrip("/"), after.rstrip("/")
        yield Difference("url.external", Severity.NOTE, *urls, text)


def disk_difference(need: DiskNeed, facts: model.EnvironmentFacts) -> tuple[Difference, ...]:
    """The difference of an environment whose disk can't take the restore; else none."""
    free = facts.postgresql.node.disk_free if facts.postgresql.node else None
    if free is None or free >= need.environment:
        return ()
    wanted, found = (message("{size} free", size=amount(n)) for n in (need.environment, free))
    text = message(
        "the restore takes {total}: databases {databases}, documents {documents}, margin {margin}",
        total=amount(need.environment),
        databases=amount(need.databases),
        documents=amount(need.documents),
        margin=amount(need.margin),
    )
    return (Difference("sizing.disk", Severity.BLOCKING, wanted, found, text),)


def amount(size: int) -> str:
    """Bytes as people say them."""
    if size >= 1e9:
        return message("{n:.1f} GB", n=size / 1e9)
    return message("{n:.1f} MB", n=size / 1e6)


def processors(cpus: float) -> str:
    """Processors as people say them."""
    return f"{cpus:g}"


def _node_differences(
    name: str, before: model.NodeFacts, after: model.NodeFacts
) -> Iterator[Difference]:
    title = SERVERS[name]
    if before.cpus and after.cpus and after.cpus < before.cpus:
        text = message("the {server} has fewer processors than production's", server=title)
        cpus = processors(before.cpus), processors(after.cpus)
        yield Difference(f"sizing.cpus.{name}", Severity.WARNING, *cpus, text)
    if before.memory and after.memory and after.memory < before.memory * ALIKE:
        text = message("the {server} has less memory than production's", server=title)
        memory = amount(before.memory), amount(after.memory)
        yield Difference(f"sizing.memory.{name}", Severity.WARNING, *memory, text)
    if before.address and after.address and before.address != after.address:
        text = message("the {server} has another address than production's", server=title)
        yield Difference(f"address.{name}", Severity.NOTE, before.address, after.address, text)
