"""Sections on what has to be there: versions, servers, network, certificate, sizing. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from restore.model import Blueprint, Fingerprint, Role, ServerFacts
from restore.model.environment import Limits
from restore.plan.disk import LEAST_MARGIN, MARGIN, disk_need, dump_size
from restore.plan.equivalence.certificate import SOON
from restore.report.language import Locale
from restore.report.prerequisites import document as doc
from restore.report.prerequisites.facts import Prerequisites
from restore.report.prerequisites.foreseen import published_url

_SHORT_ID = 19
"""Characters of an image's identifier that people compare: ``sha256:`` and twelve."""


@dataclass(frozen=True, slots=True)
class _Server:
    """One server of the environment: what it is made of, where it is, and what production's was."""

    role: Role
    image: str
    port: str
    address: str
    facts: ServerFacts | None


def _servers(given: Prerequisites) -> Iterator[_Server]:
    """The servers, in the order of their addresses; a reports server's half comes last."""
    prints, made, at = given.generation.fingerprint, given.blueprint, given.stack.addresses
    yield from _half(made, prints, (Role.DATABASE, at.database), (Role.ERP, at.erp))
    proxy = prints.proxy.server if prints.proxy else None
    yield _Server(Role.PROXY, made.proxy_image, "", at.proxy, proxy)
    if made.reports is not None and prints.reports is not None:
        places = (Role.REPORTS_DATABASE, at.reports_database), (Role.REPORTS, at.reports)
        yield from _half(made.reports, prints.reports.server, *places)


def _half(made: Blueprint, prints: Fingerprint, *places: tuple[Role, str]) -> Iterator[_Server]:
    servers = ((made.database, prints.postgresql), (made.erp, prints.erp))
    for (role, address), (server, facts) in zip(places, servers, strict=True):
        yield _Server(role, server.image, str(server.port), address, facts)


def versions(given: Prerequisites, words: Locale) -> Iterator[doc.Block]:
    """What has to be there, in which version."""
    yield doc.paragraph(words, "versions.intro")
    yield doc.table(
        words, _version_rows(given, words), ("versions.component", 1.5),
        ("versions.required", 2.0), ("versions.rule", 2.4),
    )  # fmt: skip


def _version_rows(given: Prerequisites, words: Locale) -> Iterator[tuple[str, str, str]]:
    fingerprint, unknown = given.generation.fingerprint, words.text("doc.unknown")
    major = _major(fingerprint.postgresql.version_number) or unknown
    rule = words.text("versions.rule.postgresql", major=major)
    servers = ("PostgreSQL", "PostgreSQL", given.profile.title, words.text("servers.erp"))
    yield from _half_rows(fingerprint, servers, rule, words)
    locales = {n: None for facts in fingerprint.databases for n in facts.locales}
    yield (
        words.text("versions.locale"),
        ", ".join(name for name in locales if name) or unknown,
        words.text("versions.rule.locale"),
    )
    extensions = {e: None for facts in fingerprint.databases for e in facts.extensions}
    for item in extensions:
        name = words.text("versions.extension", name=item.name)
        yield name, item.version or unknown, words.text("versions.rule.extension")
    modules = {module.name for facts in fingerprint.databases for module in facts.modules}
    if modules:
        yield (
            words.text("versions.modules"),
            words.text("versions.modules.value", n=words.number(len(modules))),
            words.text("versions.rule.modules"),
        )
    reports, profile = fingerprint.reports, given.profile.reports
    if reports is not None and profile is not None:
        name, title = words.text("servers.reports-database"), profile.server.title
        servers = (f"PostgreSQL ({name})", name, title, title)
        yield from _half_rows(reports.server, servers, words.text("versions.rule.same"), words)
    if fingerprint.proxy is not None:
        name = words.text("versions.os", server=words.text("servers.proxy"))
        yield name, fingerprint.proxy.server.os or unknown, words.text("versions.rule.os")


def _half_rows(
    half: Fingerprint, names: tuple[str, str, str, str], rule: str, words: Locale
) -> Iterator[tuple[str, str, str]]:
    """Version and system of a half's database server, then of its other server.

    Args:
        names: the database server's, by itself and with its system; so the other server's.
        rule: which versions of PostgreSQL serve.
    """
    unknown, same = words.text("doc.unknown"), words.text("versions.rule.os")
    series = words.text("versions.rule.erp", series=half.erp_series or unknown)
    yield names[0], half.postgresql.version or unknown, rule
    yield words.text("versions.os", server=names[1]), half.postgresql.os or unknown, same
    yield names[2], half.erp.version or half.erp_series or unknown, series
    yield words.text("versions.os", server=names[3]), half.erp.os or unknown, same


def _major(number: int) -> str:
    """PostgreSQL's major version; ``9.6`` before 10, and nothing when unknown."""
    if number <= 0:
        return ""
    return str(number // 10000) if number >= 100000 else f"{number // 10000}.{number // 100 % 100}"


def accepted(given: Prerequisites, words: Locale) -> Iterator[doc.Block]:
    """Differences that the stack's settings accept, if there are any."""
    rows = tuple((item.key, item.reason) for item in given.stack.accepted)
    if rows:
        yield doc.paragraph(words, "accepted.what")
        yield doc.table(words, rows, ("accepted.key", 1.2, doc.CODE), ("accepted.reason", 2.4))


def servers(given: Prerequisites, words: Locale) -> Iterator[doc.Block]:
    """The images of the servers, and what tells their content."""
    rows = (
        (words.text(f"servers.{one.role}"), one.image, _identifier(given, one, words), one.port)
        for one in _servers(given)
    )
    yield doc.paragraph(words, "servers.note")
    yield doc.table(
        words, rows, ("servers.server", 1.2), ("servers.image", 1.8, doc.CODE),
        ("servers.id", 1.8, doc.CODE), ("servers.port", 0.6, doc.NUMBER),
    )  # fmt: skip


def _identifier(given: Prerequisites, server: _Server, words: Locale) -> str:
    """What tells the content of a server's image."""
    if server.role is Role.PROXY:
        return ""
    if server.role in dict(given.stack.images):
        return words.text("servers.other")
    if server.facts is None or server.facts.image is None:
        return words.text("doc.unknown")
    recorded = server.facts.image
    identifier = (recorded.digests or (recorded.id,))[0]
    return identifier[:_SHORT_ID] if identifier == recorded.id else identifier


def network(given: Prerequisites, words: Locale) -> Iterator[doc.Block]:
    """Addresses in the environment and in production, and the URLs."""
    stack, unknown = given.stack, words.text("doc.unknown")
    rows = [(words.text("network.gateway"), stack.addresses.gateway, "", "")]
    for one in _servers(given):
        production = (one.facts and one.facts.node and one.facts.node.address) or unknown
        rows.append((words.text(f"servers.{one.role}"), one.address, one.port, production))
    subnet = "network.fixed" if stack.fixed_subnet else "network.chosen"
    url = published_url(stack)
    yield doc.paragraph(words, subnet, subnet=stack.subnet, stack=stack.name)
    yield doc.table(
        words, rows, ("network.who", 1.4), ("network.address", 1.4, doc.CODE),
        ("servers.port", 0.8, doc.NUMBER), ("network.address.production", 1.4, doc.CODE),
    )  # fmt: skip
    yield doc.paragraph(words, "network.moved")
    public = given.generation.fingerprint.external_url
    key = "network.production" if public else "network.production.unknown"
    yield doc.paragraph(words, key, url=public)
    yield doc.paragraph(words, "network.url" if url else "network.url.chosen", url=url)


def sizing(given: Prerequisites, words: Locale) -> Iterator[doc.Block]:
    """What each server may use, and what production's had."""
    stack = given.stack
    rows = (
        (words.text("servers.database"), *_limits(stack.database, words)),
        (words.text("servers.erp"), *_limits(stack.erp, words)),
    )
    yield doc.paragraph(words, "sizing.intro", stack=stack.name)
    yield doc.table(
        words, rows, ("servers.server", 1.4), ("sizing.memory", 1.0, doc.NUMBER),
        ("sizing.cpus", 1.0, doc.NUMBER), ("sizing.shared", 1.0, doc.NUMBER),
    )  # fmt: skip
    yield doc.paragraph(words, "sizing.production")
    measured = (
        (words.text(f"servers.{one.role}"), *_amounts(one.facts, words))
        for one in _servers(given)
        if one.facts is not None
    )
    yield doc.table(
        words, measured, ("servers.server", 1.6), ("sizing.memory", 1.0, doc.NUMBER),
        ("sizing.cpus", 0.9, doc.NUMBER), ("sizing.disk", 1.0, doc.NUMBER),
        ("sizing.disk.free", 1.0, doc.NUMBER),
    )  # fmt: skip
    yield doc.Paragraph(words.count("sizing.jobs", stack.jobs))


def _limits(limits: Limits, words: Locale) -> tuple[str, str, str]:
    none = words.text("doc.unlimited")
    memory, shared = limits.memory_mb, limits.shared_memory_mb
    return (
        words.text("sizing.mb", n=words.number(memory)) if memory else none,
        words.processors(limits.cpus) if limits.cpus else none,
        words.text("sizing.mb", n=words.number(shared)) if shared else "–",
    )


def disk(given: Prerequisites, words: Locale) -> Iterator[doc.Block]:
    """How much room a restore takes, part by part."""
    need = disk_need(given.generation, given.plan.databases)
    share, least = words.percent(MARGIN), words.size(LEAST_MARGIN)
    parts = (
        ("generation", need.generation),
        ("databases", need.databases),
        ("documents", need.documents),
        ("margin", need.margin),
    )
    rows = tuple(
        (
            words.text(f"disk.{key}"),
            words.text(f"disk.{key}.how", percent=share, least=least),
            words.size(size),
        )
        for key, size in parts
    )
    total = (words.text("disk.total"), "", words.size(need.total))
    largest = words.size(dump_size(given.generation))
    yield doc.paragraph(words, "disk.images")
    yield doc.table(
        words, (*rows, total), ("disk.part", 1.8), ("disk.how", 2.6),
        ("disk.size", 0.9, doc.NUMBER), total=True,
    )  # fmt: skip
    yield doc.paragraph(words, "disk.replacing", doc.Tone.NOTE, size=words.size(need.replacing))
    yield doc.paragraph(words, "disk.capture", size=largest)


def certificate(given: Prerequisites, words: Locale) -> Iterator[doc.Block]:
    """The certificate that the reverse proxy serves: whose, from whom, until when."""
    proxy = given.generation.fingerprint.proxy
    facts = proxy.certificate if proxy else None
    if facts is None:
        yield doc.paragraph(words, "certificate.none", doc.Tone.NOTE)
    else:
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
        left = facts.not_after - given.issued
        state = "expired" if left < timedelta() else "soon" if left < SOON else "valid"
        tone = doc.Tone.NORMAL if state == "valid" else doc.Tone.BAD
        yield doc.paragraph(words, "certificate.what")
        yield doc.table(words, rows, ("last.property", 1.0), ("last.value", 2.6))
        yield doc.paragraph(
            words, f"certificate.{state}", tone, until=words.moment(facts.not_after)
        )
    yield doc.paragraph(
        words, "certificate.given" if given.stack.certificate else "certificate.setting"
    )


def _amounts(server: ServerFacts, words: Locale) -> tuple[str, str, str, str]:
    unknown, node = words.text("doc.unknown"), server.node
    if node is None:
        return unknown, unknown, unknown, unknown
    return (
        words.size(node.memory) if node.memory else unknown,
        words.processors(node.cpus) if node.cpus else unknown,
        words.size(node.disk) if node.disk else unknown,
        words.size(node.disk_free) if node.disk_free is not None else unknown,
    )
