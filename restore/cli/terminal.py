"""What a person sees: results on stdout, progress and errors on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from restore.errors import RestoreError

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from restore.model import Difference, Progress, ProgressListener, Report

_COLOURS: Final[dict[str, dict[str, Any]]] = {
    "pass": {"fg": "green", "bold": True},
    "fail": {"fg": "red", "bold": True},
    "unverifiable": {"fg": "yellow"},
    "passed": {"fg": "green"},
    "failed": {"fg": "red"},
    "warning": {"fg": "yellow"},
    "ignored": {"dim": True},
}
"""By the values of ``Verdict`` and ``CheckStatus``."""

_CONTROL: Final = {code: None for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
"""Removed from what is printed: names out of a backup may hold what moves a terminal's cursor."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of a row: of the JSON document, where it has a key, and of the table, with a heading.

    ``text`` is what the table shows in place of the value.
    """

    key: str | None
    value: object
    heading: str | None = None
    text: str | None = None

    def shown(self) -> str:
        """The text of the table."""
        if self.text is not None:
            return self.text
        match self.value:
            case None | "":
                return "-"
            case bool():
                return "yes" if self.value else "no"
            case datetime():
                return f"{self.value:%Y-%m-%d %H:%M}"
            case _:
                return str(self.value)


def document_of(row: Iterable[Cell]) -> dict[str, object]:
    """The JSON document of a row."""
    return {cell.key: cell.value for cell in row if cell.key is not None}


@dataclass(slots=True)
class Terminal:
    """Where a command prints. With ``as_json``, stdout holds one JSON document and nothing else."""

    as_json: bool = False
    verbose: bool = False
    log_format: str | None = None
    """How the log is shown: text or json; None is text, if verbose."""

    @property
    def is_verbose(self) -> bool:
        """Whether the log and errors' tracebacks are shown."""
        return self.verbose or self.log_format is not None

    def print(self, text: str, label: str = "", **style: Any) -> None:
        """Print a result for people. The style, of ``click.style``, is the label's if any."""
        if not self.as_json:
            _print(text, label, err=False, **style)

    def json(self, document: object) -> None:
        """Print the result for machines; times in ISO 8601, paths as text."""
        if self.as_json:
            click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=_plain))

    def listing(self, title: str, rows: Sequence[Sequence[Cell]], empty: str) -> None:
        """Print rows as a table for people and a list for machines; ``empty`` in place of none."""
        if rows:
            self.table_of(title, rows)
        else:
            self.print(empty)
        self.json([document_of(row) for row in rows])

    def table_of(self, title: str, rows: Sequence[Sequence[Cell]]) -> None:
        """Print the cells of rows that have a heading, for people; at least one row."""
        headings = [cell.heading for cell in rows[0] if cell.heading is not None]
        shown = [[cell.shown() for cell in row if cell.heading is not None] for row in rows]
        self.table(title, headings, shown)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print rows for people, the title above; folded to a terminal's width, else never."""
        if self.as_json:
            return
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        width = None if sys.stdout.isatty() else 200
        Console(highlight=False, soft_wrap=True, width=width).print(table)

    def error(self, error: RestoreError) -> None:
        """Print an error and its hint."""
        # File names and what tools say may hold anything.
        from restore.adapters.tool_output import without_controls

        _print(f"error: {without_controls(error.message)}", err=True, fg="red")
        if error.hint:
            _print(f"hint: {without_controls(error.hint)}", err=True)

    def note(self, text: str) -> None:
        """Print a remark that is no result."""
        _print(text, err=True, dim=True)

    def differences(self, differences: Sequence[Difference]) -> None:
        """Print what differs between backup and environment; notes in a line, unless verbose."""
        from restore.model import Severity

        notes = [item.key for item in differences if item.severity is Severity.NOTE]
        if notes and not self.is_verbose:
            differences = [item for item in differences if item.severity is not Severity.NOTE]
            self.note(f"other than in production, as a drill means it: {', '.join(notes)}")
        if differences:
            self.table(
                "Differences between the backup and the environment",
                ("difference", "severity", "backup", "environment", "accepted because"),
                [
                    (d.key, d.severity.value, d.expected, d.observed, d.accepted or "")
                    for d in differences
                ],
            )

    def report(self, report: Report, path: str) -> None:
        """Print a run's checks and verdict, and where its report is."""
        if self.as_json:
            return
        for check in report.checks:
            result = f"{check.title}: {check.reason or check.observed}"
            self.print(result, f"  {check.status.value:13}", **_COLOURS[check.status])
            for detail in check.details if check.status != "passed" else ():
                self.print(f"                 {detail}")
        if report.rto is not None and report.rpo is not None:
            copying = f", without {report.copying:.1f} s of keeping a copy"
            self.print(
                f"RTO {report.rto:.1f} s (start to last check{copying if report.copying else ''}), "
                f"RPO {report.rpo / 3600:.1f} h (consistency point to start)"
            )
        if report.mode is not None:
            told = f" ({report.mode_reason})" if report.mode_reason else ""
            self.print(f"mode: {report.mode.value}{told}")
        if report.operations:
            names = ", ".join(operation.name for operation in report.operations)
            self.print(f"left to people (pra postop list): {names}")
        for warning in report.warnings:
            self.print(f"warning: {warning}", fg="yellow")
        self.print(f"verdict: {report.outcome}", **_COLOURS[report.verdict])
        for reserve in report.reserves:
            self.print(f"left out: {reserve.key}: {reserve.reason}", fg="yellow")
        for check in report.checks:
            if check.undecided:
                self.print(f"without an answer: {check.id}: {check.reason}", fg="yellow")
        if report.error is None and report.hint:
            self.print(f"hint: {report.hint}")
        self.print(f"report: {path}")
        signed = f"signed by key {report.signed_by}" if report.signed_by else "not signed"
        self.print(f"evidence: {signed}")

    @contextmanager
    def progress(self) -> Iterator[ProgressListener]:
        """Show progress while the body runs: a bar on a terminal, a line a label elsewhere.

        Lines, too, among those of a log: a bar is redrawn over them.
        """
        if self.is_verbose or not sys.stderr.isatty():
            yield self._lines()
            return
        from rich import progress
        from rich.console import Console

        columns = (
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TextColumn("{task.fields[items]}"),
            progress.DownloadColumn(),
            progress.TimeElapsedColumn(),
            progress.TimeRemainingColumn(),
        )
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        with progress.Progress(*columns, console=console, transient=True) as bars:
            yield self._bars(bars)

    def _lines(self) -> ProgressListener:
        last: list[str] = []

        def listen(step: Progress) -> None:
            # Two may go on side by side.
            if step.label not in last:
                last[:] = [*last[-1:], step.label]
                self.note(step.label)

        return listen

    @staticmethod
    def _bars(bars: Bars) -> ProgressListener:
        current: dict[str, TaskID] = {}

        def listen(step: Progress) -> None:
            if step.label not in current:
                # Two may go on side by side.
                for label in list(current)[:-1]:
                    bars.remove_task(current.pop(label))
                current[step.label] = bars.add_task(step.label, total=None, items="")
            items = f"{step.done_items}/{step.total_items}" if step.total_items else ""
            bars.update(
                current[step.label],
                total=step.total_bytes or None,
                completed=step.done_bytes,
                items=items,
            )

        return listen


def _print(text: str, label: str = "", *, err: bool, **style: Any) -> None:
    text = text.translate(_CONTROL)
    shown = click.style(label or text, **style) + (text if label else "") if style else text
    click.echo(shown, err=err, color=False if os.environ.get("NO_COLOR") else None)


def _plain(value: object) -> str:
    match value:
        case datetime():
            return value.isoformat()
        case Path():
            return str(value)
    raise TypeError(f"{value!r} has no JSON form")
