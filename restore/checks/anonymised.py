"""Whether a copy is anonymised: judged by the steps that anonymise, before the ERP starts."""

from __future__ import annotations

from typing import Final

from restore.anonymise.session import Outcome, Places
from restore.checks.base import Check, Finding, first_details, passed_unless
from restore.checks.database import counts_of
from restore.model import CheckStatus
from restore.model.messages import message

PREFIX: Final = "anonymised."
"""How the ids of these checks begin."""


def rules_check(database: str) -> Check:
    """What was replaced by rules."""
    return Check(
        f"{PREFIX}rules:{database}",
        message("Rules of anonymisation were applied ({database})", database=database),
        message("every table that rules name and the database has"),
    )


def scan_check(database: str) -> Check:
    """Whether an original is left."""
    return Check(
        f"{PREFIX}scan:{database}",
        message("No original e-mail or IBAN is left ({database})", database=database),
        message("none in any text column of any table"),
    )


def uncovered_check(database: str) -> Check:
    """Whether rules know where addresses are."""
    return Check(
        f"{PREFIX}uncovered:{database}",
        message("Columns with addresses that no rule names ({database})", database=database),
        "none",
    )


def documents_check(tree: str, database: str) -> Check:
    """Whether documents are placeholders."""
    return Check(
        f"{PREFIX}documents:{tree}:{database}",
        message("Documents were replaced ({tree} of {database})", tree=tree, database=database),
        message("placeholders, and what the rules keep"),
    )


def rules_finding(found: Outcome) -> Finding:
    """Told, never judged: modules that are not installed have no table."""
    observed = counts_of(found.tables, found.rows)
    details = tuple(message("not there: {name}", name=name) for name in found.absent)
    if found.tables == 0:
        return Finding(CheckStatus.FAILED, observed, first_details(details))
    return Finding(CheckStatus.PASSED, observed, details)


def scan_finding(found: Outcome) -> Finding:
    """Failed when an original is left; names the places, never a value."""
    observed = message(
        "text columns read: {columns}; originals looked for: {emails} (e-mail), {ibans} (IBAN)",
        columns=found.columns,
        emails=found.originals.get("email", 0),
        ibans=found.originals.get("iban", 0),
    )
    return passed_unless(_lines(found.left), observed)


def uncovered_finding(found: Outcome) -> Finding:
    """A warning: there, addresses were replaced and everything else was left."""
    return passed_unless(
        _lines(found.swept),
        message(
            "columns: {columns}; the addresses in them were replaced, nothing else",
            columns=len(found.swept),
        ),
        otherwise=CheckStatus.WARNING,
    )


def _lines(places: Places) -> tuple[str, ...]:
    return tuple(
        f"{name}: " + ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
        for name, kinds in sorted(places.items())
    )


def documents_finding(files: int, replaced: int, strange: tuple[str, ...]) -> Finding:
    """Failed when a file is left that no row names, so that it may be an original."""
    observed = message("rows replaced: {rows}; files there: {files}", rows=replaced, files=files)
    return passed_unless(
        (message("{path} belongs to no row", path=path) for path in strange), observed
    )


def anonymised_check_ids(databases: tuple[str, ...], trees: tuple[str, ...]) -> tuple[str, ...]:
    """The ids of the checks of a copy that is anonymised, for validating acceptances."""
    own = (rules_check, scan_check, uncovered_check)
    return tuple(
        id_
        for name in databases
        for id_ in (
            *(make(name).id for make in own),
            *(documents_check(tree, name).id for tree in trees),
        )
    )
