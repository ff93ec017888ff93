"""Whether a copy is anonymised: judged by the steps that anonymise, before the ERP starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from restore.anonymise.session import Outcome, Places
from restore.checks.base import Check, Finding, first_details, passed_unless, run_check
from restore.checks.database import counts_of
from restore.model import CheckResult, CheckStatus
from restore.model.messages import message

PREFIX: Final = "anonymised."
"""How the ids of these checks begin."""


def anonymised_checks(database: str, found: Outcome) -> tuple[CheckResult, ...]:
    """Judge what was replaced in a database."""
    return tuple(run_check(check, partial(judge, found)) for check, judge in _declared(database))


def anonymised_check_ids(databases: tuple[str, ...], trees: tuple[str, ...]) -> tuple[str, ...]:
    """The ids of the checks of a copy that is anonymised, for validating acceptances."""
    checks = (
        check
        for name in databases
        for check in (
            *(check for check, _ in _declared(name)),
            *(_documents_check(tree, name) for tree in trees),
        )
    )
    return tuple(check.id for check in checks)


def _declared(database: str) -> Iterator[tuple[Check, Callable[[Outcome], Finding]]]:
    """The checks of a database, each with what judges."""
    rules = Check(
        f"{PREFIX}rules:{database}",
        message("Rules of anonymisation were applied ({database})", database=database),
        message("every table that rules name and the database has"),
    )
    yield rules, _rules
    scan = Check(
        f"{PREFIX}scan:{database}",
        message("No original e-mail or IBAN is left ({database})", database=database),
        message("none in any text column of any table"),
    )
    yield scan, _scan
    uncovered = Check(
        f"{PREFIX}uncovered:{database}",
        message("Columns with addresses that no rule names ({database})", database=database),
        "none",
    )
    yield uncovered, _uncovered


def _rules(found: Outcome) -> Finding:
    """Told, never judged: modules that are not installed have no table."""
    observed = counts_of(found.tables, found.rows)
    details = tuple(message("not there: {name}", name=name) for name in found.absent)
    if found.tables == 0:
        return Finding(CheckStatus.FAILED, observed, first_details(details))
    return Finding(CheckStatus.PASSED, observed, details)


def _scan(found: Outcome) -> Finding:
    """Failed when an original is left; names the places, never a value."""
    observed = message(
        "text columns read: {columns}; originals looked for: {emails} (e-mail), {ibans} (IBAN)",
        columns=found.columns,
        emails=found.originals.get("email", 0),
        ibans=found.originals.get("iban", 0),
    )
    return passed_unless(_lines(found.left), observed)


def _uncovered(found: Outcome) -> Finding:
    """A warning: there, addresses were replaced and everything else was left."""
    observed = message(
        "columns: {columns}; the addresses in them were replaced, nothing else",
        columns=len(found.swept),
    )
    return passed_unless(_lines(found.swept), observed, otherwise=CheckStatus.WARNING)


def _lines(places: Places) -> tuple[str, ...]:
    return tuple(
        f"{name}: " + ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
        for name, kinds in sorted(places.items())
    )


def documents_checked(
    tree: str, database: str, files: int, replaced: int, strange: tuple[str, ...]
) -> CheckResult:
    """Judge documents: failed when a file is left that no row names, as it may be an original."""
    observed = message("rows replaced: {rows}; files there: {files}", rows=replaced, files=files)
    wrong = [message("{path} belongs to no row", path=path) for path in strange]
    return run_check(_documents_check(tree, database), lambda: passed_unless(wrong, observed))


def _documents_check(tree: str, database: str) -> Check:
    return Check(
        f"{PREFIX}documents:{tree}:{database}",
        message("Documents were replaced ({tree} of {database})", tree=tree, database=database),
        message("placeholders, and what the rules keep"),
    )
