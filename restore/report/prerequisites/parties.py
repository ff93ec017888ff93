"""Sections on people: purpose, responsibilities, the last drill as proof, validation. Pure."""

from __future__ import annotations

from restore.model import CheckStatus, Report, Verdict
from restore.report.language import Locale
from restore.report.prerequisites.document import (
    Block,
    Column,
    ColumnKind,
    Command,
    Commands,
    Items,
    Paragraph,
    Section,
    Table,
    Tone,
)
from restore.report.prerequisites.facts import Prerequisites

PARTIES = (("editor", 3), ("integrator", 3), ("client", 4))
"""Each party, with its number of responsibilities."""
POLICY = ("mode", "frequency", "retention", "media", "drills")


def purpose(given: Prerequisites, words: Locale) -> Section:
    """What the document is, and how it is written anew."""
    renew = Command(words.text("purpose.renew"), given.renew)
    return Section(
        "purpose",
        "",
        words.text("purpose.title"),
        (
            Paragraph(words.text("purpose.what", title=given.profile.title)),
            Paragraph(words.text("purpose.words")),
            Paragraph(words.text("purpose.how")),
            Commands((renew,)),
        ),
    )


def roles(_given: Prerequisites, words: Locale) -> Section:
    """Who answers for what, and the decisions that are the client's."""
    decisions = tuple(
        (words.text(f"roles.policy.{key}"), words.text(f"roles.policy.{key}.options"), "")
        for key in POLICY
    )
    columns = tuple(
        Column(words.text(f"roles.policy.{key}"), weight)
        for key, weight in (("subject", 1.0), ("options", 2.4), ("decision", 2.6))
    )
    client = (Paragraph(words.text("roles.policy")), Table(columns, decisions, blank=True))
    return Section(
        "roles",
        "",
        words.text("roles.title"),
        (),
        tuple(
            Section(
                f"roles.{party}",
                "",
                words.text(f"roles.{party}"),
                (
                    Items(tuple(words.text(f"roles.{party}.{n}") for n in range(1, count + 1))),
                    *(client if party == "client" else ()),
                ),
            )
            for party, count in PARTIES
        ),
    )


def last_drill(given: Prerequisites, words: Locale) -> Section:
    """What the newest drill proved, or that there was none."""
    blocks = _never(words) if given.last is None else _proof(given, given.last, words)
    return Section("last", "", words.text("last.title"), blocks)


def _never(words: Locale) -> tuple[Block, ...]:
    return (Paragraph(words.text("last.never"), Tone.BAD),)


def _proof(given: Prerequisites, report: Report, words: Locale) -> tuple[Block, ...]:
    drilled = report.generation.id if report.generation else words.text("doc.none")
    unmeasured = words.text("highlight.unmeasured")
    values = (
        ("run", f"{report.run} ({report.command})"),
        ("date", words.moment(report.started)),
        ("generation", drilled),
        ("verdict", words.text(f"verdict.{report.verdict}")),
        ("rto", unmeasured if report.rto is None else words.duration(report.rto)),
        ("rpo", unmeasured if report.rpo is None else words.duration(report.rpo)),
        ("checks", _counted(report, words)),
    )
    columns = (
        Column(words.text("last.property"), 1.4),
        Column(words.text("last.value"), 2.0),
    )
    failed = tuple(
        f"{words.phrase(check.title)}{words.text('format.colon')} {words.phrase(check.observed)}"
        for check in report.checks
        if check.status is CheckStatus.FAILED
    )
    other = drilled != given.generation.id
    return (
        Paragraph(
            words.text(f"last.{report.verdict}"),
            Tone.GOOD if report.verdict is Verdict.PASS else Tone.BAD,
        ),
        *((Paragraph(words.text("last.other"), Tone.NOTE),) if other else ()),
        Table(columns, tuple((words.text(f"last.{key}"), value) for key, value in values)),
        *((Paragraph(words.text("last.failed")), Items(failed)) if failed else ()),
    )


def _counted(report: Report, words: Locale) -> str:
    good = sum(c.status in (CheckStatus.PASSED, CheckStatus.WARNING) for c in report.checks)
    bad = sum(check.status is CheckStatus.FAILED for check in report.checks)
    return words.text(
        "last.checks.value",
        passed=words.number(good),
        failed=words.number(bad),
        others=words.number(len(report.checks) - good - bad),
    )


def validation(given: Prerequisites, words: Locale) -> Section:
    """Where the parties sign."""
    names = {"integrator": given.parties.integrator, "client": given.parties.client}
    columns = tuple(
        Column(words.text(f"validation.{key}"), weight, ColumnKind.TEXT)
        for key, weight in (("party", 1.4), ("name", 2.0), ("date", 1.0), ("signature", 2.0))
    )
    rows = tuple(
        (words.text(f"roles.{party}"), names.get(party) or "", "", "") for party, _ in PARTIES
    )
    return Section(
        "validation",
        "",
        words.text("validation.title"),
        (Paragraph(words.text("validation.intro")), Table(columns, rows, blank=True)),
    )
