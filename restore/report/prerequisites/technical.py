"""Sections on what has to be there: versions, servers, addresses, sizing, disk. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from restore.model import ImageFacts, Role
from restore.plan.disk import LEAST_MARGIN, MARGIN, disk_need, dump_size
from restore.report.language import Locale
from restore.report.prerequisites.document import (
    Column,
    ColumnKind,
    Paragraph,
    Section,
    Table,
    Tone,
)
from restore.report.prerequisites.facts import Prerequisites, ServerLimits
from restore.report.prerequisites.foreseen import published_url
from restore.report.prerequisites.nodes import (
    certificate,
    measured,
    production_address,
    production_url,
    proxy_versions,
    reports_versions,
)

_SHORT_ID = 19
"""Characters of an image's identifier that people compare: ``sha256:`` and twelve."""


def technical(given: Prerequisites, words: Locale) -> Section:
    """What the rescue environment must offer."""
    parts = [_versions, _servers, _network, certificate, _sizing, _disk]
    if given.stack.accepted:
        parts.insert(1, _accepted)
    return Section(
        "technical",
        "",
        words.text("technical.title"),
        (),
        tuple(write(given, words) for write in parts),
    )


def _versions(given: Prerequisites, words: Locale) -> Section:
    columns = (
        Column(words.text("versions.component"), 1.5),
        Column(words.text("versions.required"), 2.0),
        Column(words.text("versions.rule"), 2.4),
    )
    return Section(
        "versions",
        "",
        words.text("versions.title"),
        (
            Paragraph(words.text("versions.intro")),
            Table(columns, tuple(_version_rows(given, words))),
        ),
    )


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
    yield from reports_versions(given, words)
    yield from proxy_versions(given, words)


def _major(number: int) -> str:
    """PostgreSQL's major version; ``9.6`` before 10, and nothing when unknown."""
    if number <= 0:
        return ""
    return str(number // 10000) if number >= 100000 else f"{number // 10000}.{number // 100 % 100}"


def _accepted(given: Prerequisites, words: Locale) -> Section:
    columns = (
        Column(words.text("accepted.key"), 1.2, ColumnKind.CODE),
        Column(words.text("accepted.reason"), 2.4),
    )
    rows = tuple((item.key, item.reason) for item in given.stack.accepted)
    return Section(
        "accepted",
        "",
        words.text("accepted.title"),
        (Paragraph(words.text("accepted.what")), Table(columns, rows)),
    )


def _servers(given: Prerequisites, words: Locale) -> Section:
    columns = (
        Column(words.text("servers.server"), 1.2),
        Column(words.text("servers.image"), 1.8, ColumnKind.CODE),
        Column(words.text("servers.id"), 1.8, ColumnKind.CODE),
        Column(words.text("servers.port"), 0.6, ColumnKind.NUMBER),
    )
    fingerprint, blueprint = given.generation.fingerprint, given.blueprint
    rows = (
        _server(given, Role.DATABASE, fingerprint.postgresql.image, blueprint.database.port, words),
        _server(given, Role.ERP, fingerprint.erp.image, blueprint.erp.port, words),
        (words.text("servers.proxy"), blueprint.proxy_image, "", ""),
        *_reports_servers(given, words),
    )
    return Section(
        "servers",
        "",
        words.text("servers.title"),
        (Paragraph(words.text("servers.note")), Table(columns, rows)),
    )


def _reports_servers(given: Prerequisites, words: Locale) -> Iterator[tuple[str, ...]]:
    """The reports server and its own database server, where there are such."""
    blueprint, reports = given.blueprint.reports, given.generation.fingerprint.reports
    if blueprint is None or reports is None:
        return
    pairs = (
        (Role.REPORTS_DATABASE, blueprint.database, reports.server.postgresql.image),
        (Role.REPORTS, blueprint.erp, reports.server.erp.image),
    )
    for role, server, recorded in pairs:
        identifier = _identifier(given, role, recorded, words)
        yield words.text(f"servers.{role}"), server.image, identifier, str(server.port)


def _server(
    given: Prerequisites, role: Role, recorded: ImageFacts | None, port: int, words: Locale
) -> tuple[str, ...]:
    image = given.blueprint.database.image if role is Role.DATABASE else given.blueprint.erp.image
    identifier = _identifier(given, role, recorded, words)
    return words.text(f"servers.{role}"), image, identifier, str(port)


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


def _network(given: Prerequisites, words: Locale) -> Section:
    stack, blueprint = given.stack, given.blueprint
    columns = (
        Column(words.text("network.who"), 1.4),
        Column(words.text("network.address"), 1.4, ColumnKind.CODE),
        Column(words.text("servers.port"), 0.8, ColumnKind.NUMBER),
        Column(words.text("network.address.production"), 1.4, ColumnKind.CODE),
    )
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
            (words.text(f"servers.{role}"), at, port, production_address(given, role, words))
            for role, at, port in servers
        ),
    )
    key = "network.fixed" if stack.fixed_subnet else "network.chosen"
    url = published_url(stack)
    reached = words.text("network.url", url=url) if url else words.text("network.url.chosen")
    return Section(
        "network",
        "",
        words.text("network.title"),
        (
            Paragraph(words.text(key, subnet=stack.subnet, stack=stack.name)),
            Table(columns, rows),
            Paragraph(words.text("network.moved")),
            production_url(given, words),
            Paragraph(reached),
        ),
    )


def _sizing(given: Prerequisites, words: Locale) -> Section:
    stack = given.stack
    columns = (
        Column(words.text("servers.server"), 1.4),
        Column(words.text("sizing.memory"), 1.0, ColumnKind.NUMBER),
        Column(words.text("sizing.cpus"), 1.0, ColumnKind.NUMBER),
        Column(words.text("sizing.shared"), 1.0, ColumnKind.NUMBER),
    )
    rows = (
        (words.text("servers.database"), *_limits(stack.database, words)),
        (words.text("servers.erp"), *_limits(stack.erp, words)),
    )
    return Section(
        "sizing",
        "",
        words.text("sizing.title"),
        (
            Paragraph(words.text("sizing.intro", stack=stack.name)),
            Table(columns, rows),
            Paragraph(words.text("sizing.production")),
            measured(given, words),
            Paragraph(words.count("sizing.jobs", stack.jobs)),
        ),
    )


def _limits(limits: ServerLimits, words: Locale) -> tuple[str, str, str]:
    none = words.text("doc.unlimited")
    memory, cpus, shared = limits.memory_mb, limits.cpus, limits.shared_memory_mb
    return (
        words.text("sizing.mb", n=words.number(memory)) if memory else none,
        words.number(cpus, 0 if cpus == round(cpus) else 1) if cpus else none,
        words.text("sizing.mb", n=words.number(shared)) if shared else "–",
    )


def _disk(given: Prerequisites, words: Locale) -> Section:
    need = disk_need(given.generation, given.plan.databases)
    columns = (
        Column(words.text("disk.part"), 1.8),
        Column(words.text("disk.how"), 2.6),
        Column(words.text("disk.size"), 0.9, ColumnKind.NUMBER),
    )
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
    return Section(
        "disk",
        "",
        words.text("disk.title"),
        (
            Paragraph(words.text("disk.images")),
            Table(columns, (*rows, total), total=True),
            Paragraph(words.text("disk.replacing", size=words.size(need.replacing)), Tone.NOTE),
            Paragraph(words.text("disk.capture", size=largest)),
        ),
    )
