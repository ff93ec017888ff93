"""Finds and reads the reports of runs: one folder a run, ``report.json`` in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from restore.errors import NotFoundError, UsageError
from restore.model import Report
from restore.report.document import parse_report

JSON: Final = "report.json"


def read_report(folder: Path) -> Report:
    """Read the report that ``write_report`` left in a run's folder.

    Raises:
        NotFoundError: there is none.
        UsageError: ``report.json`` is no report, or one of a newer engine.
    """
    path = folder / JSON
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFoundError(f"{path} does not exist", "has the drill ended?") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not valid UTF-8: {error}") from error
    return parse_report(text, str(path))


def find_run(reports: Path, run: str | None = None) -> Path:
    """The folder of a run; the newest one's when ``run`` is None.

    Args:
        reports: the folder that holds one folder a run.
        run: the run's id, or a beginning of it that no other run has.

    Raises:
        NotFoundError: there is no such report.
        UsageError: the beginning means several runs.
    """
    runs = sorted(path.parent for path in reports.glob(f"*/{JSON}"))
    if not runs:
        raise NotFoundError(f"there is no report in {reports}", "run 'pra drill' first")
    if run is None:
        return runs[-1]
    found = [folder for folder in runs if folder.name == run] or [
        folder for folder in runs if folder.name.startswith(run)
    ]
    newest = ", ".join(folder.name for folder in runs[:-6:-1])
    if not found:
        raise NotFoundError(f"run {run} has no report in {reports}", f"the newest runs: {newest}")
    if len(found) > 1:
        names = ", ".join(folder.name for folder in found)
        raise UsageError(f"{run} means several runs: {names}", "give more of its id")
    return found[0]


def newest_report(reports: Path, wanted: Callable[[Report], bool]) -> Report | None:
    """The newest report that is wanted, or None. What can't be read is passed by."""
    for path in sorted(reports.glob(f"*/{JSON}"), reverse=True):
        try:
            report = read_report(path.parent)
        except (NotFoundError, UsageError):
            continue
        if wanted(report):
            return report
    return None
