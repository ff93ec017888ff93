"""What an upgrade changed, and which changes are wrong: measures before and after. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from restore import model
from restore.checks.base import Check, Finding, first_details, run_check
from restore.model.messages import Message, message, plural
from restore.model.upgrade import COLUMNS, MODULES, ROWS, SERVED, TECHNICAL
from restore.profile import UpgradeProfile

_TITLES: Final = {
    MODULES: model.LocalText(message("Modules and their versions"), "Modules et leurs versions"),
    COLUMNS: model.LocalText(message("Tables and their columns"), "Tables et leurs colonnes"),
    ROWS: model.LocalText(message("Rows of tables"), "Lignes des tables"),
    TECHNICAL: model.LocalText("Rows of the ERP's own tables", "Lignes des tables propres à l’ERP"),
}
_EXPECTED: Final = {
    model.Rule.SAME: message("as before the upgrade"),
    model.Rule.KEPT: message("all that was there before the upgrade"),
    model.Rule.NO_FEWER: message("no fewer than before the upgrade"),
    model.Rule.SERVED: message("served as before the upgrade"),
    model.Rule.TOLD: "told, not judged",
}
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")


def structure_measures(
    facts: model.DatabaseFacts, columns: Iterable[tuple[str, str]], profile: UpgradeProfile
) -> tuple[model.Measure, ...]:
    """What every ERP's database is measured by: modules, columns, rows.

    Args:
        columns: each by the name ``table.column``, with its type.
    """
    technical = [re.compile(pattern) for pattern in profile.technical]
    rows = [
        (
            table.name if table.schema == "public" else f"{table.schema}.{table.name}",
            str(table.rows),
        )
        for table in facts.tables
    ]
    own = {name for name, _ in rows if any(pattern.search(name) for pattern in technical)}
    found: dict[str, tuple[model.Rule, Iterable[tuple[str, str]]]] = {
        MODULES: (model.Rule.KEPT, [(module.name, module.version) for module in facts.modules]),
        COLUMNS: (model.Rule.KEPT, columns),
        ROWS: (model.Rule.NO_FEWER, [row for row in rows if row[0] not in own]),
        TECHNICAL: (model.Rule.TOLD, [row for row in rows if row[0] in own]),
    }
    return tuple(
        model.Measure(
            facts.name, name, _TITLES[name], rule, tuple(model.Fact(*pair) for pair in pairs)
        )
        for name, (rule, pairs) in found.items()
    )


def subject_names(profile: UpgradeProfile) -> tuple[str, ...]:
    """The names of all measures of a database, in order."""
    measured = (one.name for one in profile.invariants)
    served = (one.name for one in profile.served)
    return (MODULES, COLUMNS, ROWS, TECHNICAL, *measured, *served)


def check_id(name: str, database: str) -> str:
    """The id of the check that judges a measure."""
    return f"upgrade.{name}:{database}"


def compare_measures(
    before: tuple[model.Measure, ...], after: tuple[model.Measure, ...]
) -> tuple[model.UpgradeSubject, ...]:
    """Each measure held against itself, in the order of those before."""
    subjects = []
    later = {(one.database, one.name): one for one in after}
    for old in before:
        new = later[old.database, old.name]
        unknown = old.unknown or new.unknown
        changes = () if unknown else tuple(_changes(old, new))
        sizes = len(old.facts), len(new.facts)
        subjects.append(
            model.UpgradeSubject(
                old.database, old.name, old.title, old.rule, *sizes, changes, unknown
            )
        )
    return tuple(subjects)


def _changes(before: model.Measure, after: model.Measure) -> Iterator[model.UpgradeChange]:
    old = {fact.key: fact.value for fact in before.facts}
    new = {fact.key: fact.value for fact in after.facts}
    # What came stands after what was there, each in its own order.
    for key in dict.fromkeys((*old, *new)):
        was, now = old.get(key), new.get(key)
        if was != now:
            yield model.UpgradeChange(key, was, now, is_wrong(before.rule, was, now))


def is_wrong(rule: model.Rule, before: str | None, after: str | None) -> bool:
    """Whether a fact that differs breaks its rule; None: the fact is not there."""
    match rule:
        case model.Rule.SAME:
            return True
        case model.Rule.KEPT:
            return after is None
        case model.Rule.NO_FEWER:
            return before is not None and _fewer(before, after)
        case model.Rule.SERVED:
            return before == SERVED and after is not None
        case model.Rule.TOLD:
            return False


def _fewer(before: str, after: str | None) -> bool:
    """Whether a number became smaller; a text that is no number must not change."""
    if not _NUMBER.fullmatch(before) or (after is not None and not _NUMBER.fullmatch(after)):
        return before != after
    return float(after or 0) < float(before)


def subject_checks(subjects: Iterable[model.UpgradeSubject]) -> tuple[model.CheckResult, ...]:
    """The verdict on each subject; those that are only told make no check."""
    results = []
    for subject in subjects:
        if subject.rule is not model.Rule.TOLD:
            names = {"database": subject.database, "title": Message(subject.title.en)}
            title = message("Upgrade of {database}: {title}", **names)
            check = Check(check_id(subject.name, subject.database), title, _EXPECTED[subject.rule])
            results.append(replace(run_check(check, partial(_finding, subject)), duration=0.0))
    return tuple(results)


def _finding(subject: model.UpgradeSubject) -> Finding:
    if subject.unknown:
        return Finding(
            model.CheckStatus.UNVERIFIABLE, message("not compared"), reason=subject.unknown
        )
    wrong = subject.wrong
    observed = plural(
        subject.after,
        "{n} entry, {changed} changed",
        "{n} entries, {changed} changed",
        changed=len(subject.changes),
    )
    if not wrong:
        return Finding(model.CheckStatus.PASSED, observed)
    details = first_details(map(describe_change, wrong))
    return Finding(
        model.CheckStatus.FAILED,
        message("{observed}, {wrong} wrongly", observed=observed, wrong=len(wrong)),
        details,
    )


def describe_change(change: model.UpgradeChange) -> str:
    """A change in a line."""
    if change.after is None:
        return message(
            "{key} is gone (was: {value})", key=change.key, value=change.before or message("there")
        )
    if change.before is None:
        return message(
            "{key} is new: {value}", key=change.key, value=change.after or message("there")
        )
    return message(
        "{key}: was {before}, is {after}",
        key=change.key,
        before=change.before or message("empty"),
        after=change.after or message("empty"),
    )
