"""What production's servers had to work with, where they stood, and how people reached them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from restore.model import CertificateFacts, EnvironmentFacts, Fingerprint, NodeFacts, ServerFacts
from restore.report.language import Locale

Row = tuple[str, str | None, str | None]
"""A property's name, production's and the environment's; None is unknown."""

_Show = Callable[[NodeFacts, Locale], str | None]


def _cpus(node: NodeFacts, words: Locale) -> str | None:
    if node.cpus is None:
        return None
    return words.number(node.cpus, 0 if node.cpus == round(node.cpus) else 1)


def _memory(node: NodeFacts, words: Locale) -> str | None:
    return words.size(node.memory) if node.memory else None


def _disk(node: NodeFacts, words: Locale) -> str | None:
    return words.size(node.disk) if node.disk else None


def _address(node: NodeFacts, _words: Locale) -> str | None:
    return node.address


SHOWN: Final[dict[str, _Show]] = {
    "cpus": _cpus,
    "memory": _memory,
    "disk": _disk,
    "address": _address,
}
"""What is told of a server, by the end of its message's key."""


def node_rows(
    backup: Fingerprint | None, now: EnvironmentFacts | None, words: Locale
) -> Iterator[Row]:
    """Rows of what is known of production or of the environment; none of what neither tells."""
    proxy = backup.proxy if backup else None
    servers: tuple[tuple[str, ServerFacts | None, ServerFacts | None], ...] = (
        ("PostgreSQL", backup.postgresql if backup else None, now.postgresql if now else None),
        (words.text("versions.erp"), backup.erp if backup else None, now.erp if now else None),
        (words.text("nodes.proxy"), proxy.server if proxy else None, now.proxy if now else None),
    )
    for key, show in SHOWN.items():
        for name, before, after in servers:
            row = (
                words.text("nodes." + key, server=name),
                _shown(before, show, words),
                _shown(after, show, words),
            )
            if row[1] or row[2]:
                yield row
    yield from _reached(backup, now, words)


def certificate_text(facts: CertificateFacts | None, words: Locale) -> str | None:
    """A certificate in a cell: until when, for whom, which."""
    if facts is None:
        return None
    return words.text(
        "nodes.certificate.value",
        names=", ".join(facts.names) or facts.subject,
        until=words.moment(facts.not_after),
        sha256=facts.sha256[:16],
    )


def _shown(server: ServerFacts | None, show: _Show, words: Locale) -> str | None:
    return show(server.node, words) if server and server.node else None


def _reached(
    backup: Fingerprint | None, now: EnvironmentFacts | None, words: Locale
) -> Iterator[Row]:
    proxy = backup.proxy if backup else None
    rows = (
        ("url", backup.external_url if backup else None, now.external_url if now else None),
        (
            "certificate",
            certificate_text(proxy.certificate if proxy else None, words),
            certificate_text(now.certificate if now else None, words),
        ),
    )
    for key, before, after in rows:
        if before or after:
            yield words.text("nodes." + key), before, after
