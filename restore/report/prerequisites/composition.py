"""The whole document: its title page and its sections, in order. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from restore.model import Report
from restore.report.language import Locale
from restore.report.prerequisites import backup, parties, recovery, technical
from restore.report.prerequisites.document import Block, Document, Fact, Labels, Section
from restore.report.prerequisites.facts import Prerequisites
from restore.report.prerequisites.language import words


@dataclass(frozen=True, slots=True)
class _Part:
    """A section to be written: its id, what writes its blocks, and its own sections.

    Its title has the key ``<id>.title``, or ``title``. A part without anything in it is left out.
    """

    id: str
    write: Callable[[Prerequisites, Locale], Iterable[Block]] = lambda _given, _locale: ()
    parts: tuple[_Part, ...] = ()
    title: str = ""


_OUTLINE: Final = (
    _Part("purpose", parties.purpose),
    _Part(
        "roles",
        parts=tuple(
            _Part(f"roles.{party}", partial(parties.responsibilities, party), (), f"roles.{party}")
            for party in parties.PARTIES
        ),
    ),
    _Part("perimeter", backup.perimeter),
    _Part("export", backup.export),
    _Part("consistency", backup.consistency),
    _Part("volumes", backup.volumes),
    _Part(
        "technical",
        parts=(
            _Part("versions", technical.versions),
            _Part("accepted", technical.accepted),
            _Part("servers", technical.servers),
            _Part("network", technical.network),
            _Part("certificate", technical.certificate),
            _Part("sizing", technical.sizing),
            _Part("disk", technical.disk),
        ),
    ),
    _Part(
        "restore",
        recovery.procedure,
        (
            _Part("steps", recovery.steps),
            _Part("commands", recovery.commands),
            _Part("changes", recovery.changes),
        ),
    ),
    _Part("checks", recovery.checks),
    _Part("post", recovery.afterwards),
    _Part("last", parties.last_drill),
    _Part("validation", parties.validation),
)
"""The sections of every document, in order."""


def compose(given: Prerequisites, language: str = "en") -> Document:
    """Write the document in English (``en``) or French (``fr``).

    Raises:
        UsageError: there is no such language.
    """
    locale = words(language)
    title, generation = given.profile.title, given.generation.id
    databases = ", ".join(given.plan.databases)
    return Document(
        language=language,
        author=given.parties.integrator or f"pra {given.engine_version}",
        kicker=locale.text("doc.kicker"),
        title=locale.text("doc.title"),
        subtitle=locale.text("doc.subtitle", title=title, databases=databases),
        facts=tuple(_facts(given, locale)),
        highlights=tuple(_highlights(given, locale)),
        sections=tuple(_sections(_OUTLINE, given, locale)),
        labels=Labels(
            contents=locale.text("doc.contents"),
            page=locale.messages["doc.page"],
            footer=locale.text("doc.footer", title=title, generation=generation),
        ),
    )


def _sections(
    parts: tuple[_Part, ...], given: Prerequisites, locale: Locale, above: str = ""
) -> Iterator[Section]:
    number = 0
    for part in parts:
        blocks = tuple(part.write(given, locale))
        if blocks or part.parts:
            number += 1
            inner = tuple(_sections(part.parts, given, locale, f"{above}{number}."))
            title = locale.text(part.title or f"{part.id}.title")
            yield Section(part.id, f"{above}{number}", title, blocks, inner)


def _facts(given: Prerequisites, locale: Locale) -> Iterator[Fact]:
    fingerprint = given.generation.fingerprint
    values = (
        ("client", given.parties.client),
        ("integrator", given.parties.integrator),
        ("system", f"{given.profile.title} ({fingerprint.erp.version})"),
        ("databases", ", ".join(given.plan.databases)),
        ("postgresql", f"PostgreSQL {fingerprint.postgresql.version}"),
        ("profile", given.profile.name),
        ("generation", given.generation.id),
        ("point", locale.moment(given.generation.consistency_point)),
        ("issued", locale.moment(given.issued)),
        ("engine", f"pra {given.engine_version}"),
    )
    for key, value in values:
        if value is not None:
            yield Fact(locale.text(f"fact.{key}"), value)


def _highlights(given: Prerequisites, locale: Locale) -> Iterator[Fact]:
    last = given.last
    verdict = locale.text(f"verdict.{last.verdict}") if last else locale.text("highlight.never")
    yield Fact(locale.text("highlight.verdict"), verdict)
    yield Fact(locale.text("highlight.rto"), _duration(last, "rto", locale))
    yield Fact(locale.text("highlight.rpo"), _duration(last, "rpo", locale))
    yield Fact(locale.text("highlight.volume"), locale.size(given.generation.bytes))


def _duration(report: Report | None, what: str, locale: Locale) -> str:
    seconds: float | None = getattr(report, what) if report else None
    return locale.text("highlight.unmeasured") if seconds is None else locale.duration(seconds)
