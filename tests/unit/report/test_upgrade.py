"""The difference that an upgrade made, as a section of the report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from restore.model import (
    LocalText,
    ManualOperation,
    Report,
    Rule,
    ServerChange,
    Upgrade,
    UpgradeChange,
    UpgradeSubject,
)
from restore.report.document import parse_report, to_json
from restore.report.html import to_html
from tests.support.report_samples import passed

TITLE = LocalText("Trial balance", "Balance générale")
UPGRADE = Upgrade(
    (ServerChange("erp", "pra/erp:1.0", "pra/erp:1.1", "1.0", "1.1"),),
    (
        UpgradeSubject(
            "prod", "trial-balance", TITLE, Rule.SAME, 2, 1,
            (UpgradeChange("401 <b>", "7.50", None, True), UpgradeChange("411", None, "3", True)),
        ),
        UpgradeSubject("prod", "stock", LocalText("Stock"), Rule.SAME, 0, 0, (), "not logged in"),
    ),
    LocalText("Road to 1.1"),
)  # fmt: skip


@pytest.fixture
def report() -> Report:
    """A rehearsal that ended, with an entry to sign off."""
    entry = ManualOperation("ship", LocalText("Ship"), LocalText("Ann"), LocalText("Ship one."))
    return replace(passed(), upgrade=UPGRADE, operations=(entry,))


def test_a_rehearsal_is_read_back_as_it_was_written(report: Report) -> None:
    assert parse_report(to_json(report)) == report


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("What the upgrade changed", "Trial balance", "is gone", "Road book")),
        ("fr", ("Ce que la montée de version a changé", "Balance générale", "disparu",
                "Feuille de route")),
    ],
)  # fmt: skip
def test_the_page_shows_what_changed_and_what_is_to_be_signed(
    report: Report, language: str, words: tuple[str, ...]
) -> None:
    page = to_html(report, language)
    for word in (*words, "pra/erp:1.1", "401 &lt;b&gt;", "pra upgrade sign-off"):
        assert word in page


def test_another_run_has_no_such_section() -> None:
    assert "What the upgrade changed" not in to_html(passed())
