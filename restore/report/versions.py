"""What production's servers were, beside those of the rebuilt environment, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from restore.model import CertificateFacts, ImageFacts, NodeFacts, Report, ServerFacts
from restore.report.language import Locale


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One property of production beside the same of the rebuilt environment; None when unknown."""

    name: str
    backup: str | None
    environment: str | None
    equal: bool | None = field(default=None, kw_only=True)
    """Whether they mean the same, when their texts don't tell."""

    @property
    def differs(self) -> bool:
        """Whether both are known and not the same."""
        if None in (self.backup, self.environment):
            return False
        return self.backup != self.environment if self.equal is None else not self.equal


SHOWN: Final[dict[str, Callable[[NodeFacts, Locale], str | None]]] = {
    "cpus": lambda node, words: None if node.cpus is None else words.processors(node.cpus),
    "memory": lambda node, words: words.size(node.memory) if node.memory else None,
    "disk": lambda node, words: words.size(node.disk) if node.disk else None,
    "address": lambda node, _words: node.address,
}
"""What a server had to work with and where it stood, by the end of its message's key."""


def version_rows(report: Report, words: Locale) -> Iterator[VersionRow]:
    """Rows of what is known of both; of servers' sizes and addresses, what either tells."""
    backup = report.generation.fingerprint if report.generation else None
    now = report.facts
    if backup is None and now is None:
        return
    sides, proxy = (backup, now), backup.proxy if backup else None
    servers = {
        "PostgreSQL": [side.postgresql if side else None for side in sides],
        words.text("versions.erp"): [side.erp if side else None for side in sides],
    }
    for name, both in servers.items():
        yield from _server_rows(name, both, words)
    gateway = [proxy.server if proxy else None, now.proxy if now else None]
    for key, show in SHOWN.items():
        for name, both in (*servers.items(), (words.text("nodes.proxy"), gateway)):
            texts = [show(one.node, words) if one and one.node else None for one in both]
            if any(texts):
                yield VersionRow(words.text("nodes." + key, server=name), *texts)
    urls = [side.external_url if side else None for side in sides]
    certificates = (proxy.certificate if proxy else None, now.certificate if now else None)
    served = [certificate_text(certificate, words) for certificate in certificates]
    for key, texts in (("url", urls), ("certificate", served)):
        if any(texts):
            yield VersionRow(words.text("nodes." + key), *texts)
    series = [(side.erp_series or None) if side else None for side in sides]
    yield VersionRow(words.text("versions.series"), *series)
    engine = report.generation.engine_version if report.generation else None
    yield VersionRow(words.text("versions.engine"), engine, report.engine_version)


def _server_rows(name: str, both: list[ServerFacts | None], words: Locale) -> Iterator[VersionRow]:
    versions = [(one.version or None) if one else None for one in both]
    # An image tells "13.16", its server "13.16 (Debian 13.16-0+deb11u1)".
    numbers = [one.version_number if one else None for one in both]
    yield VersionRow(name, *versions, equal=numbers[0] == numbers[1] if all(numbers) else None)
    systems = [one.os if one else None for one in both]
    yield VersionRow(words.text("versions.os", server=name), *systems)
    images = [one.image if one else None for one in both]
    # A container tells the id of its image, and not always its name.
    ids = [image.id if image else None for image in images]
    yield VersionRow(
        words.text("versions.image", server=name),
        *map(_image, images),
        equal=None if None in ids else ids[0] == ids[1],
    )


def _image(image: ImageFacts | None) -> str | None:
    """An image's name and the start of what identifies its content."""
    if image is None:
        return None
    content = image.digests[0].rpartition("@")[2] if image.digests else image.id
    return f"{image.reference} ({content[:19]}…)" if len(content) > 19 else image.reference


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
