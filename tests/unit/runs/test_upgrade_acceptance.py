"""Road books, and what stands in the way of accepting a rehearsal or of rolling it back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from restore.errors import UsageError
from restore.model import (
    CheckResult,
    CheckStatus,
    DatabaseFacts,
    Generation,
    OperationEvent,
    Report,
    Upgrade,
    Verdict,
    Versioned,
)
from restore.model.locations import ROOT
from restore.runs.upgrade.acceptance import REHEARSAL, newer_data, obstacles
from restore.runs.upgrade.road_book import load_road_book, parse_road_book, road_book_ids
from tests.support.report_samples import passed

BOOK = load_road_book(ROOT / "fixtures" / "road-book.yaml")
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def rehearsal() -> Report:
    """A rehearsal whose verdict is pass, with the fixture's road book."""
    return replace(
        passed(),
        command=REHEARSAL,
        checks=(CheckResult("upgrade.rows:p", "Rows", CheckStatus.PASSED, "x", "x", 0.1),),
        operations=BOOK.checklist,
        upgrade=Upgrade((), (), BOOK.title),
    )


def signed(*names: str, done: bool = True) -> tuple[OperationEvent, ...]:
    """Sign-offs."""
    return tuple(OperationEvent(name, done, "Ann", NOW) for name in names)


def test_a_road_book_has_changes_then_processes_by_engine_and_by_people() -> None:
    assert [entry.name for entry in BOOK.automated] == ["bike-colour", "web-client"]
    assert [one.name for one in BOOK.checklist] == ["bike-form", "order-to-cash"]
    ((entry, script),) = BOOK.scripts
    assert (entry.name, script.name) == ("bikes", "bikes")
    assert [entry.process for entry in BOOK.entries] == [False, False, False, True, True]


def test_the_scenarios_of_a_road_book_lie_beside_it(tmp_path: Path) -> None:
    book, script = tmp_path / "book.yaml", tmp_path / "sale.yaml"
    book.write_text("title: x\nchanges: [{name: a, title: A, kind: scenario, scenario: sale.yaml}]")
    with pytest.raises(UsageError, match=r"scenario .*sale\.yaml can't be read"):
        load_road_book(book)
    script.write_text("name: s\ntitle: S\nsteps: [{name: home, open: /}, {name: see, see: Home}]")

    found = load_road_book(book)

    assert road_book_ids(found, ("p", "q")) == (
        "road-book.a.home:p", "road-book.a.see:p", "road-book.a.home:q", "road-book.a.see:q",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("title: x", "is not valid under any"),
        ("title: x\nchanges: [{name: a, title: A, kind: sql, sql: SELECT 1}]", "expected"),
        ("title: x\nchanges: [{name: a, title: A, kind: manual, path: /}]", "changes[0]"),
        ("title: x\nchanges: &c [{name: a, title: A, kind: http, path: /}]\nprocesses: *c",
         "a stands there 2 times"),
        ("title: x\nchanges: [{name: a, title: A, kind: scenario, path: /}]", "scenario"),
        ("title: [", "not valid YAML"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_road_book_is_told(text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_road_book(text, "book.yaml")
    assert told in caught.value.message


def test_a_rehearsal_is_accepted_once_all_is_done() -> None:
    assert tuple(obstacles(rehearsal(), signed("bike-form", "order-to-cash"))) == ()


@pytest.mark.parametrize(
    ("report", "events", "told"),
    [
        (passed(), (), "is no rehearsal"),
        (replace(rehearsal(), verdict=Verdict.FAIL), signed("bike-form", "order-to-cash"),
         "its verdict is fail"),
        (rehearsal(), signed("bike-form"), "order-to-cash is not signed off (Accounting)"),
        (rehearsal(), (*signed("bike-form", "order-to-cash"), *signed("bike-form", done=False)),
         "bike-form is not signed off (Workshop)"),
        (replace(rehearsal(), upgrade=Upgrade((), ()), operations=()), (), "names no road book"),
        (replace(rehearsal(), checks=(CheckResult(
            "upgrade.views:p", "Views", CheckStatus.UNVERIFIABLE, "x", "x", 0.1, reason="why"),)),
         signed("bike-form", "order-to-cash"), "upgrade.views:p could not be checked: why"),
    ],
)  # fmt: skip
def test_what_is_in_the_way_of_acceptance_is_told(
    report: Report, events: tuple[OperationEvent, ...], told: str
) -> None:
    (obstacle,) = obstacles(report, events)
    assert told in obstacle


def generation(**changed: str) -> Generation:
    """A generation whose first database has these modules."""
    made = passed().generation
    assert made is not None
    facts = replace(
        made.fingerprint.databases[0],
        modules=tuple(Versioned(name, version) for name, version in changed.items()),
    )
    return replace(made, fingerprint=replace(made.fingerprint, databases=(facts,)))


def test_data_of_the_same_version_or_older_may_be_given_to_the_code() -> None:
    code = generation(sale="14.0.1.2", stock="14.0.1.10")
    assert tuple(newer_data(code, code)) == ()
    assert tuple(newer_data(code, generation(sale="14.0.1.1", stock="14.0.1.9"))) == ()


def test_newer_data_is_refused_module_by_module() -> None:
    code = generation(sale="14.0.1.2")
    (newer,) = newer_data(code, generation(sale="14.0.1.10"))
    (unknown,) = newer_data(code, generation(sale="14.0.1.2", bikes="1"))
    assert "module sale is 14.0.1.10, the archived code 14.0.1.2" in newer
    assert "module bikes was not installed" in unknown


def test_another_series_server_or_database_is_newer_too() -> None:
    code = generation(sale="1")
    found = code.fingerprint
    other: DatabaseFacts = replace(found.databases[0], name="other")
    later = replace(
        found,
        erp_series="15.0",
        postgresql=replace(found.postgresql, version="16.2", version_number=160002),
        databases=(*found.databases, other),
    )
    reasons = tuple(newer_data(code, replace(code, fingerprint=later)))
    assert [word in reason for word, reason in zip(("15.0", "16.2", "other"), reasons, strict=True)]
    assert len(reasons) == 3
