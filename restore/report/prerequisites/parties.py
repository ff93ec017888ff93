"""Sections on people: purpose, responsibilities, the last drill as proof, validation. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from restore.model import CheckStatus, Report, Verdict
from restore.report.language import Locale
from restore.report.prerequisites import document as doc
from restore.report.prerequisites.facts import Prerequisites

PARTIES: Final = {"editor": 3, "integrator": 3, "client": 4}
"""Each party, with its number of responsibilities."""
POLICY: Final = ("mode", "frequency", "retention", "media", "drills")


def purpose(given: Prerequisites, words: Locale) -> Iterator[doc.Block]:
    """What the document is, and how it is written anew."""
    yield doc.paragraph(words, "purpose.what", title=given.profile.title)
    yield doc.paragraph(words, "purpose.words")
    yield doc.paragraph(words, "purpose.how")
    yield doc.command(words, "purpose.renew", given.renew)


def responsibilities(party: str, _given: Prerequisites, words: Locale) -> Iterator[doc.Block]:
    """What a party answers for; the client's has the decisions that are the client's, too."""
    yield doc.Items(tuple(words.text(f"roles.{party}.{n}") for n in range(1, PARTIES[party] + 1)))
    if party == "client":
        decisions = (
            (words.text(f"roles.policy.{key}"), words.text(f"roles.policy.{key}.options"), "")
            for key in POLICY
        )
        yield doc.paragraph(words, "roles.policy")
        yield doc.table(
            words, decisions, ("roles.policy.subject", 1.0), ("roles.policy.options", 2.4),
            ("roles.policy.decision", 2.6), blank=True,
        )  # fmt: skip


def last_drill(given: Prerequisites, words: Locale) -> Iterator[doc.Block]:
    """What the newest drill proved, or that there was none."""
    report = given.last
    if report is None:
        yield doc.paragraph(words, "last.never", doc.Tone.BAD)
        return
    drilled = report.generation.id if report.generation else words.text("doc.none")
    unmeasured = words.text("highlight.unmeasured")
    values = (
        ("run", f"{report.run} ({report.command})"),
        ("date", words.moment(report.started)),
        ("generation", drilled),
        ("verdict", words.text(f"verdict.{report.outcome}")),
        ("rto", unmeasured if report.rto is None else words.duration(report.rto)),
        ("rpo", unmeasured if report.rpo is None else words.duration(report.rpo)),
        ("checks", _counted(report, words)),
    )
    failed = tuple(
        f"{words.phrase(check.title)}{words.text('format.colon')} {words.phrase(check.observed)}"
        for check in report.checks
        if check.status is CheckStatus.FAILED
    )
    tone = doc.Tone.GOOD if report.verdict is Verdict.PASS else doc.Tone.BAD
    yield doc.paragraph(words, f"last.{report.verdict}", tone)
    if drilled != given.generation.id:
        yield doc.paragraph(words, "last.other", doc.Tone.NOTE)
    rows = ((words.text(f"last.{key}"), value) for key, value in values)
    yield doc.table(words, rows, ("last.property", 1.4), ("last.value", 2.0))
    if failed:
        yield doc.paragraph(words, "last.failed")
        yield doc.Items(failed)


def _counted(report: Report, words: Locale) -> str:
    good = sum(c.status in (CheckStatus.PASSED, CheckStatus.WARNING) for c in report.checks)
    bad = sum(check.status is CheckStatus.FAILED for check in report.checks)
    return words.text(
        "last.checks.value",
        passed=words.number(good),
        failed=words.number(bad),
        others=words.number(len(report.checks) - good - bad),
    )


def validation(given: Prerequisites, words: Locale) -> Iterator[doc.Block]:
    """Where the parties sign."""
    names = {"integrator": given.integrator, "client": given.client}
    rows = ((words.text(f"roles.{party}"), names.get(party) or "", "", "") for party in PARTIES)
    yield doc.paragraph(words, "validation.intro")
    yield doc.table(
        words, rows, ("validation.party", 1.4), ("validation.name", 2.0),
        ("validation.date", 1.0), ("validation.signature", 2.0), blank=True,
    )  # fmt: skip
