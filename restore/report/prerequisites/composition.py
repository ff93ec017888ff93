"""The whole document: its title page and its sections, in order. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from restore.model import Report
from restore.report.language import Locale
from restore.report.prerequisites.backup import consistency, export, perimeter, volumes
from restore.report.prerequisites.document import Document, Fact, Labels, Section
from restore.report.prerequisites.facts import Prerequisites
from restore.report.prerequisites.language import words
from restore.report.prerequisites.parties import last_drill, purpose, roles, validation
from restore.report.prerequisites.recovery import afterwards, checks, procedure
from restore.report.prerequisites.technical import technical

_SECTIONS = (
    purpose,
    roles,
    perimeter,
    export,
    consistency,
    volumes,
    technical,
    procedure,
    checks,
    afterwards,
    last_drill,
    validation,
)


def compose(given: Prerequisites, language: str = "en") -> Document:
    """Write the document in English (``en``) or French (``fr``).

    Raises:
        UsageError: there is no such language.
    """
    locale = words(language)
    title, generation = given.profile.title, given.generation.id
    return Document(
        language=language,
        author=given.parties.integrator or f"pra {given.engine_version}",
        kicker=locale.text("doc.kicker"),
        title=locale.text("doc.title"),
        subtitle=locale.text("doc.subtitle", title=title, databases=", ".join(_databases(given))),
        facts=tuple(_facts(given, locale)),
        highlights=tuple(_highlights(given, locale)),
        sections=tuple(
            _numbered(write(given, locale), str(position))
            for position, write in enumerate(_SECTIONS, 1)
        ),
        labels=Labels(
            contents=locale.text("doc.contents"),
            page=locale.messages["doc.page"],
            footer=locale.text("doc.footer", title=title, generation=generation),
        ),
    )


def _numbered(section: Section, number: str) -> Section:
    inner = (_numbered(part, f"{number}.{n}") for n, part in enumerate(section.sections, 1))
    return replace(section, number=number, sections=tuple(inner))


def _databases(given: Prerequisites) -> tuple[str, ...]:
    return given.plan.databases


def _facts(given: Prerequisites, locale: Locale) -> Iterator[Fact]:
    fingerprint = given.generation.fingerprint
    values = (
        ("client", given.parties.client),
        ("integrator", given.parties.integrator),
        ("system", f"{given.profile.title} ({fingerprint.erp.version})"),
        ("databases", ", ".join(_databases(given))),
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
