"""Whether a rehearsal may be accepted, and whether data may be given back to older code. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from restore import model

REHEARSAL = "pra upgrade rehearse"
"""The command that a rehearsal's report names."""


def obstacles(report: model.Report, events: tuple[model.OperationEvent, ...]) -> Iterator[str]:
    """Everything for which a rehearsal can't be accepted yet; none when it can."""
    if report.command != REHEARSAL or report.upgrade is None:
        yield f"run {report.run} is no rehearsal that went to its end"
        return
    if report.verdict is not model.Verdict.PASS:
        yield f"its verdict is {report.verdict}"
    # A drill passes without an account to log in with; who accepts wants all of it looked at.
    for check in report.checks:
        if check.status is model.CheckStatus.UNVERIFIABLE:
            yield f"{check.id} could not be checked: {check.reason}"
    if report.upgrade.road_book is None:
        yield "it names no road book"
    for row in report.checklist(events):
        if row.done is None:
            yield f"{row.operation.name} is not signed off ({row.operation.owner.en})"


def newer_data(code: model.Generation, data: model.Generation) -> Iterator[str]:
    """Why the code that made one generation can't run on another one's data; none when it can.

    Data that was upgraded since has columns and meanings that the older code knows nothing of.
    """
    ours, theirs = code.fingerprint, data.fingerprint
    if _number(theirs.erp_series) > _number(ours.erp_series):
        yield f"the ERP's series was {theirs.erp_series}, the archived code is {ours.erp_series}"
    major = theirs.postgresql.version_number // 10000
    if major > ours.postgresql.version_number // 10000 > 0:
        yield (
            f"PostgreSQL was {theirs.postgresql.version}, "
            f"the archived server is {ours.postgresql.version}"
        )
    known = {facts.name: facts for facts in ours.databases}
    for facts in theirs.databases:
        if facts.name not in known:
            yield f"database {facts.name} is not in the archived generation"
            continue
        yield from _newer_modules(known[facts.name], facts)


def _newer_modules(code: model.DatabaseFacts, data: model.DatabaseFacts) -> Iterator[str]:
    versions = {module.name: module.version for module in code.modules}
    for module in data.modules:
        ours = versions.get(module.name)
        if ours is None:
            yield f"{data.name}: module {module.name} was not installed when the code was archived"
        elif _number(module.version) > _number(ours):
            yield f"{data.name}: module {module.name} is {module.version}, the archived code {ours}"


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))
