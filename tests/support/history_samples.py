"""Runs of a history, a day each. Light to import: processes of tests do it, too."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from restore.model import Report
from restore.report.history import RunGroup, append_to_history
from tests.support.report_samples import STARTED, passed

DRILL = RunGroup("pra drill", "odoo", "drill")
ANY = RunGroup()


def at_day(number: int, report: Report | None = None) -> Report:
    """A run of that day."""
    report = report or passed()
    moved = timedelta(days=number)
    return replace(report, run=f"run-{number:02}", started=STARTED + moved)


def keep(path: Path, *numbers: int, group: RunGroup = DRILL) -> list[Report]:
    """Keep the runs of these days, and return them as the history left them."""
    return [append_to_history(at_day(number), group, path) for number in numbers]
