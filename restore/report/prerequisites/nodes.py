"""What every server of production was and had: reports servers, sizing, certificate, URL. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from restore.model import CertificateFacts, Role, ServerFacts
from restore.plan.equivalence.certificate import SOON
from restore.report.language import Locale
from restore.report.prerequisites.document import Block, Paragraph, Table, Tone
from restore.report.prerequisites.facts import Prerequisites
from restore.report.prerequisites.writing import NUMBER, paragraph, table


def servers(given: Prerequisites) -> Iterator[tuple[Role, ServerFacts]]:
    """The servers that the capture saw, in the order of their addresses."""
    fingerprint = given.generation.fingerprint
    yield Role.DATABASE, fingerprint.postgresql
    yield Role.ERP, fingerprint.erp
    if fingerprint.proxy is not None:
        yield Role.PROXY, fingerprint.proxy.server
    if fingerprint.reports is not None:
        yield Role.REPORTS_DATABASE, fingerprint.reports.server.postgresql
        yield Role.REPORTS, fingerprint.reports.server.erp


def reports_versions(given: Prerequisites, words: Locale) -> Iterator[tuple[str, str, str]]:
    """The versions of the reports server and its database server: component, version, rule."""
    reports, profile = given.generation.fingerprint.reports, given.profile.reports
    if reports is None or profile is None:
        return
    unknown, same = words.text("doc.unknown"), words.text("versions.rule.os")
    title = profile.server.title
    database, server = reports.server.postgresql, reports.server.erp
    name = words.text("servers.reports-database")
    yield f"PostgreSQL ({name})", database.version or unknown, words.text("versions.rule.same")
    yield words.text("versions.os", server=name), database.os or unknown, same
    series = words.text("versions.rule.erp", series=reports.server.erp_series or unknown)
    yield title, server.version or reports.server.erp_series or unknown, series
    yield words.text("versions.os", server=title), server.os or unknown, same


def proxy_versions(given: Prerequisites, words: Locale) -> Iterator[tuple[str, str, str]]:
    """The system of the reverse proxy: component, version, rule."""
    proxy = given.generation.fingerprint.proxy
    if proxy is not None:
        name = words.text("servers.proxy")
        unknown = words.text("doc.unknown")
        rule = words.text("versions.rule.os")
        yield words.text("versions.os", server=name), proxy.server.os or unknown, rule


def production_address(given: Prerequisites, role: Role, words: Locale) -> str:
    """Where a server stood in production."""
    found = dict(servers(given)).get(role)
    return (found.node.address if found and found.node else None) or words.text("doc.unknown")


def measured(given: Prerequisites, words: Locale) -> Table:
    """What each server of production had to work with, as the capture saw it."""
    rows = ((words.text(f"servers.{role}"), *_amounts(it, words)) for role, it in servers(given))
    return table(
        words, rows,
        ("servers.server", 1.6), ("sizing.memory", 1.0, NUMBER), ("sizing.cpus", 0.9, NUMBER),
        ("sizing.disk", 1.0, NUMBER), ("sizing.disk.free", 1.0, NUMBER),
    )  # fmt: skip


def certificate(given: Prerequisites, words: Locale) -> Iterator[Block]:
    """The certificate that the reverse proxy serves: whose, from whom, until when."""
    proxy = given.generation.fingerprint.proxy
    facts = proxy.certificate if proxy else None
    blocks: tuple[Paragraph | Table, ...] = (paragraph(words, "certificate.none", Tone.NOTE),)
    if facts is not None:
        blocks = (
            paragraph(words, "certificate.what"),
            _certificate_table(facts, words),
            _validity(facts, given.issued, words),
        )
    other = "certificate.given" if given.stack.certificate else "certificate.setting"
    yield from blocks
    yield paragraph(words, other)


def production_url(given: Prerequisites, words: Locale) -> Paragraph:
    """At which URL people reach production."""
    url = given.generation.fingerprint.external_url
    return paragraph(words, "network.production" if url else "network.production.unknown", url=url)


def _certificate_table(facts: CertificateFacts, words: Locale) -> Table:
    values = (
        ("subject", facts.subject),
        ("names", ", ".join(facts.names) or words.text("doc.unknown")),
        ("issuer", facts.issuer),
        ("since", words.moment(facts.not_before)),
        ("until", words.moment(facts.not_after)),
        ("authorities", words.number(facts.authorities)),
        ("sha256", facts.sha256),
    )
    rows = ((words.text(f"certificate.{key}"), value) for key, value in values)
    return table(words, rows, ("last.property", 1.0), ("last.value", 2.6))


def _validity(facts: CertificateFacts, issued: datetime, words: Locale) -> Paragraph:
    until = words.moment(facts.not_after)
    if facts.not_after < issued:
        return paragraph(words, "certificate.expired", Tone.BAD, until=until)
    if facts.not_after - issued < SOON:
        return paragraph(words, "certificate.soon", Tone.BAD, until=until)
    return paragraph(words, "certificate.valid", until=until)


def _amounts(server: ServerFacts, words: Locale) -> tuple[str, str, str, str]:
    unknown, node = words.text("doc.unknown"), server.node
    if node is None:
        return unknown, unknown, unknown, unknown
    cpus = node.cpus
    return (
        words.size(node.memory) if node.memory else unknown,
        words.number(cpus, 0 if cpus == round(cpus) else 1) if cpus else unknown,
        words.size(node.disk) if node.disk else unknown,
        words.size(node.disk_free) if node.disk_free is not None else unknown,
    )
