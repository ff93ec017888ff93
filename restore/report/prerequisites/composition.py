"""The whole document: its words, its title page and its sections, in order. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Final

from restore.model import Report
from restore.report.language import Locale, catalogue, locale
from restore.report.prerequisites import backup, parties, recovery, technical
from restore.report.prerequisites.document import Block, Document, Fact, Labels, Section
from restore.report.prerequisites.facts import Prerequisites

_FRENCH_SPACES: Final = (
    (" :", "\N{NO-BREAK SPACE}:"),
    (" ;", "\N{NARROW NO-BREAK SPACE};"),
    (" ?", "\N{NARROW NO-BREAK SPACE}?"),
    (" !", "\N{NARROW NO-BREAK SPACE}!"),
    ("« ", "«\N{NO-BREAK SPACE}"),
    (" »", "\N{NO-BREAK SPACE}»"),
    (" %", "\N{NO-BREAK SPACE}%"),
)


@dataclass(frozen=True, slots=True)
class _Part:
    """A section to be written: its id, what writes its blocks, and its own sections.

    Its title has the key ``<id>.title``, or ``title``. A part without anything in it is left out.
    """

    id: str
    write: Callable[[Prerequisites, Locale], Iterable[Block]] = lambda _given, _words: ()
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


@cache
def document_words(language: str) -> Locale:
    """The document's own words over the formats and phrases of reports.

    Raises:
        UsageError: there is no such language.
    """
    base = locale(language)
    own = catalogue(f"prerequisites.{language}.yaml")
    # French typography: spaces that no line breaks at, before tall punctuation.
    for plain, right in _FRENCH_SPACES if language == "fr" else ():
        own = {key: text.replace(plain, right) for key, text in own.items()}
    return replace(base, messages={**base.messages, **own})


def compose(given: Prerequisites, language: str = "en") -> Document:
    """Write the document in English (``en``) or French (``fr``).

    Raises:
        UsageError: there is no such language.
    """
    words = document_words(language)
    title, generation = given.profile.title, given.generation.id
    databases = ", ".join(given.plan.databases)
    return Document(
        language=language,
        author=given.integrator or f"pra {given.engine_version}",
        kicker=words.text("doc.kicker"),
        title=words.text("doc.title"),
        subtitle=words.text("doc.subtitle", title=title, databases=databases),
        facts=tuple(_facts(given, words)),
        highlights=tuple(_highlights(given, words)),
        sections=tuple(_sections(_OUTLINE, given, words)),
        labels=Labels(
            contents=words.text("doc.contents"),
            page=words.messages["doc.page"],
            footer=words.text("doc.footer", title=title, generation=generation),
        ),
    )


def _sections(
    parts: tuple[_Part, ...], given: Prerequisites, words: Locale, above: str = ""
) -> Iterator[Section]:
    number = 0
    for part in parts:
        blocks = tuple(part.write(given, words))
        if blocks or part.parts:
            number += 1
            inner = tuple(_sections(part.parts, given, words, f"{above}{number}."))
            title = words.text(part.title or f"{part.id}.title")
            yield Section(part.id, f"{above}{number}", title, blocks, inner)


def _facts(given: Prerequisites, words: Locale) -> Iterator[Fact]:
    fingerprint = given.generation.fingerprint
    values = (
        ("client", given.client),
        ("integrator", given.integrator),
        ("system", f"{given.profile.title} ({fingerprint.erp.version})"),
        ("databases", ", ".join(given.plan.databases)),
        ("postgresql", f"PostgreSQL {fingerprint.postgresql.version}"),
        ("profile", given.profile.name),
        ("generation", given.generation.id),
        ("point", words.moment(given.generation.consistency_point)),
        ("issued", words.moment(given.issued)),
        ("engine", f"pra {given.engine_version}"),
    )
    for key, value in values:
        if value is not None:
            yield Fact(words.text(f"fact.{key}"), value)


def _highlights(given: Prerequisites, words: Locale) -> Iterator[Fact]:
    last = given.last
    verdict = words.text(f"verdict.{last.outcome}") if last else words.text("highlight.never")
    yield Fact(words.text("highlight.verdict"), verdict)
    yield Fact(words.text("highlight.rto"), _duration(last, "rto", words))
    yield Fact(words.text("highlight.rpo"), _duration(last, "rpo", words))
    yield Fact(words.text("highlight.volume"), words.size(given.generation.bytes))


def _duration(report: Report | None, what: str, words: Locale) -> str:
    seconds: float | None = getattr(report, what) if report else None
    return words.text("highlight.unmeasured") if seconds is None else words.duration(seconds)
