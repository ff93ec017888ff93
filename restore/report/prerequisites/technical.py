"""Sections on what has to be there: versions, servers, network, certificate, sizing. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from restore.model import (
    Blueprint,
    CertificateFacts,
    Fingerprint,
    ImageFacts,
    Role,
    ServerFacts,
)
from restore.plan.disk import LEAST_MARGIN, MARGIN, disk_need, dump_size
from restore.plan.equivalence.certificate import SOON
from restore.report.language import Locale
from restore.report.prerequisites.document import Block, Paragraph, Table, Tone
from restore.report.prerequisites.facts import Prerequisites, ServerLimits
from restore.report.prerequisites.foreseen import published_url
from restore.report.prerequisites.writing import CODE, NUMBER, paragraph, table

_SHORT_ID = 19
"""Characters of an image's identifier that people compare: ``sha256:`` and twelve."""


def versions(given: Prerequisites, words: Locale) -> Iterator[Block]:
    """What has to be there, in which version."""
    yield paragraph(words, "versions.intro")
    yield table(
        words, _version_rows(given, words), ("versions.component", 1.5),
        ("versions.required", 2.0), ("versions.rule", 2.4),
    )  # fmt: skip


def _version_rows(given: Prerequisites, words: Locale) -> Iterator[tuple[str, str, str]]:
    fingerprint, unknown = given.generation.fingerprint, words.text("doc.unknown")
    postgresql, erp = fingerprint.postgresql, fingerprint.erp
    same = words.text("versions.rule.os")
    major = _major(postgresql.version_number) or unknown
    yield (
        "PostgreSQL",
        postgresql.version or unknown,
        words.text("versions.rule.postgresql", major=major),
    )
    yield words.text("versions.os", server="PostgreSQL"), postgresql.os or unknown, same
    series = words.text("versions.rule.erp", series=fingerprint.erp_series or unknown)
    yield given.profile.title, erp.version or fingerprint.erp_series or unknown, series
    yield words.text("versions.os", server=words.text("servers.erp")), erp.os or unknown, same
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
    yield from _reports_versions(given, words)
    if fingerprint.proxy is not None:
        name = words.text("versions.os", server=words.text("servers.proxy"))
        yield name, fingerprint.proxy.server.os or unknown, same


def _major(number: int) -> str:
    """PostgreSQL's major version; ``9.6`` before 10, and nothing when unknown."""
    if number <= 0:
        return ""
    return str(number // 10000) if number >= 100000 else f"{number // 10000}.{number // 100 % 100}"


def accepted(given: Prerequisites, words: Locale) -> Iterator[Block]:
    """Differences that the stack's settings accept, if there are any."""
    rows = tuple((item.key, item.reason) for item in given.stack.accepted)
    if rows:
        yield paragraph(words, "accepted.what")
        yield table(words, rows, ("accepted.key", 1.2, CODE), ("accepted.reason", 2.4))


def servers(given: Prerequisites, words: Locale) -> Iterator[Block]:
    """The images of the servers, and what tells their content."""
    yield paragraph(words, "servers.note")
    yield table(
        words, _server_rows(given, words), ("servers.server", 1.2), ("servers.image", 1.8, CODE),
        ("servers.id", 1.8, CODE), ("servers.port", 0.6, NUMBER),
    )  # fmt: skip


def _server_rows(given: Prerequisites, words: Locale) -> Iterator[tuple[str, ...]]:
    """Each server's name, image, identifier and port; a reports server's half comes last."""
    blueprint, fingerprint = given.blueprint, given.generation.fingerprint
    roles = (Role.DATABASE, Role.ERP)
    yield from _half(given, roles, blueprint, fingerprint, words)
    yield words.text("servers.proxy"), blueprint.proxy_image, "", ""
    if blueprint.reports is not None and fingerprint.reports is not None:
        roles = (Role.REPORTS_DATABASE, Role.REPORTS)
        yield from _half(given, roles, blueprint.reports, fingerprint.reports.server, words)


def _half(
    given: Prerequisites,
    roles: tuple[Role, Role],
    blueprint: Blueprint,
    fingerprint: Fingerprint,
    words: Locale,
) -> Iterator[tuple[str, ...]]:
    recorded = (fingerprint.postgresql.image, fingerprint.erp.image)
    for role, server, image in zip(
        roles, (blueprint.database, blueprint.erp), recorded, strict=True
    ):
        identifier = _identifier(given, role, image, words)
        yield words.text(f"servers.{role}"), server.image, identifier, str(server.port)


def _identifier(
    given: Prerequisites, role: Role, recorded: ImageFacts | None, words: Locale
) -> str:
    """What tells the content of a server's image."""
    if role in dict(given.stack.images):
        return words.text("servers.other")
    if recorded is None:
        return words.text("doc.unknown")
    identifier = (recorded.digests or (recorded.id,))[0]
    return identifier[:_SHORT_ID] if identifier == recorded.id else identifier


def network(given: Prerequisites, words: Locale) -> Iterator[Block]:
    """Addresses in the environment and in production, and the URLs."""
    stack, blueprint = given.stack, given.blueprint
    where, reports = stack.addresses, blueprint.reports
    servers = [
        (Role.DATABASE, where.database, str(blueprint.database.port)),
        (Role.ERP, where.erp, str(blueprint.erp.port)),
        (Role.PROXY, where.proxy, ""),
    ]
    if reports is not None:
        servers += [
            (Role.REPORTS_DATABASE, where.reports_database, str(reports.database.port)),
            (Role.REPORTS, where.reports, str(reports.erp.port)),
        ]
    rows = (
        (words.text("network.gateway"), where.gateway, "", ""),
        *(
            (words.text(f"servers.{role}"), at, port, _production_address(given, role, words))
            for role, at, port in servers
        ),
    )
    subnet = "network.fixed" if stack.fixed_subnet else "network.chosen"
    url = published_url(stack)
    yield paragraph(words, subnet, subnet=stack.subnet, stack=stack.name)
    yield table(
        words, rows, ("network.who", 1.4), ("network.address", 1.4, CODE),
        ("servers.port", 0.8, NUMBER), ("network.address.production", 1.4, CODE),
    )  # fmt: skip
    yield paragraph(words, "network.moved")
    production = given.generation.fingerprint.external_url
    key = "network.production" if production else "network.production.unknown"
    yield paragraph(words, key, url=production)
    yield paragraph(words, "network.url" if url else "network.url.chosen", url=url)


def sizing(given: Prerequisites, words: Locale) -> Iterator[Block]:
    """What each server may use, and what production's had."""
    stack = given.stack
    rows = (
        (words.text("servers.database"), *_limits(stack.database, words)),
        (words.text("servers.erp"), *_limits(stack.erp, words)),
    )
    yield paragraph(words, "sizing.intro", stack=stack.name)
    yield table(
        words, rows, ("servers.server", 1.4), ("sizing.memory", 1.0, NUMBER),
        ("sizing.cpus", 1.0, NUMBER), ("sizing.shared", 1.0, NUMBER),
    )  # fmt: skip
    yield paragraph(words, "sizing.production")
    measured = (
        (words.text(f"servers.{role}"), *_amounts(server, words))
        for role, server in _recorded_servers(given)
    )
    yield table(
        words, measured, ("servers.server", 1.6), ("sizing.memory", 1.0, NUMBER),
        ("sizing.cpus", 0.9, NUMBER), ("sizing.disk", 1.0, NUMBER),
        ("sizing.disk.free", 1.0, NUMBER),
    )  # fmt: skip
    yield Paragraph(words.count("sizing.jobs", stack.jobs))


def _limits(limits: ServerLimits, words: Locale) -> tuple[str, str, str]:
    none = words.text("doc.unlimited")
    memory, shared = limits.memory_mb, limits.shared_memory_mb
    return (
        words.text("sizing.mb", n=words.number(memory)) if memory else none,
        _processors(limits.cpus, words) if limits.cpus else none,
        words.text("sizing.mb", n=words.number(shared)) if shared else "–",
    )


def _processors(amount: float, words: Locale) -> str:
    return words.number(amount, 0 if amount == round(amount) else 1)


def disk(given: Prerequisites, words: Locale) -> Iterator[Block]:
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
    yield paragraph(words, "disk.images")
    yield table(
        words, (*rows, total), ("disk.part", 1.8), ("disk.how", 2.6), ("disk.size", 0.9, NUMBER),
        total=True,
    )  # fmt: skip
    yield paragraph(words, "disk.replacing", Tone.NOTE, size=words.size(need.replacing))
    yield paragraph(words, "disk.capture", size=largest)


def _recorded_servers(given: Prerequisites) -> Iterator[tuple[Role, ServerFacts]]:
    """The servers that the capture saw, in the order of their addresses."""
    fingerprint = given.generation.fingerprint
    yield Role.DATABASE, fingerprint.postgresql
    yield Role.ERP, fingerprint.erp
    if fingerprint.proxy is not None:
        yield Role.PROXY, fingerprint.proxy.server
    if fingerprint.reports is not None:
        yield Role.REPORTS_DATABASE, fingerprint.reports.server.postgresql
        yield Role.REPORTS, fingerprint.reports.server.erp


def _reports_versions(given: Prerequisites, words: Locale) -> Iterator[tuple[str, str, str]]:
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


def _production_address(given: Prerequisites, role: Role, words: Locale) -> str:
    """Where a server stood in production."""
    found = dict(_recorded_servers(given)).get(role)
    return (found.node.address if found and found.node else None) or words.text("doc.unknown")


def certificate(given: Prerequisites, words: Locale) -> Iterator[Block]:
    """The certificate that the reverse proxy serves: whose, from whom, until when."""
    proxy = given.generation.fingerprint.proxy
    facts = proxy.certificate if proxy else None
    if facts is None:
        yield paragraph(words, "certificate.none", Tone.NOTE)
    else:
        yield paragraph(words, "certificate.what")
        yield _certificate_table(facts, words)
        yield _validity(facts, given.issued, words)
    yield paragraph(
        words, "certificate.given" if given.stack.certificate else "certificate.setting"
    )


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
    return (
        words.size(node.memory) if node.memory else unknown,
        _processors(node.cpus, words) if node.cpus else unknown,
        words.size(node.disk) if node.disk else unknown,
        words.size(node.disk_free) if node.disk_free is not None else unknown,
    )
