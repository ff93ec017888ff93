"""What a person sees: results on stdout, progress and errors on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from restore.errors import RestoreError
from restore.model import (
    CheckStatus,
    Difference,
    ProgressListener,
    Report,
    Severity,
    StepStatus,
    Verdict,
)
from restore.model import Progress as Step

_COLOURS = {
    Verdict.PASS: "bold green",
    Verdict.FAIL: "bold red",
    Verdict.UNVERIFIABLE: "bold yellow",
    CheckStatus.PASSED: "green",
    CheckStatus.FAILED: "red",
    CheckStatus.WARNING: "yellow",
    CheckStatus.UNVERIFIABLE: "yellow",
    CheckStatus.IGNORED: "dim",
    StepStatus.SUCCEEDED: "green",
    StepStatus.FAILED: "red",
    StepStatus.SKIPPED: "dim",
    StepStatus.ABORTED: "red",
}


def _console(*, stderr: bool) -> Console:
    """A console that cuts no table where there is no screen whose width would ask for it."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 200
    return Console(stderr=stderr, highlight=False, soft_wrap=True, width=width)


@dataclass(slots=True)
class Terminal:
    """Where a command prints. With ``as_json``, stdout holds one JSON document and nothing else."""

    as_json: bool = False
    verbose: bool = False
    out: Console = field(default_factory=lambda: _console(stderr=False))
    err: Console = field(default_factory=lambda: _console(stderr=True))

    def print(self, text: str) -> None:
        """Print a result for people."""
        if not self.as_json:
            self.out.print(Text(text))

    def json(self, document: object) -> None:
        """Print the result for machines."""
        if self.as_json:
            self.out.print_json(json.dumps(document, ensure_ascii=False), indent=2)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print rows for people, the title above."""
        if self.as_json:
            return
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self.out.print(table)

    def error(self, error: RestoreError) -> None:
        """Print an error and its hint."""
        self.err.print(Text(f"error: {error.message}", style="red"))
        if error.hint:
            self.err.print(Text(f"hint: {error.hint}"))

    def note(self, text: str) -> None:
        """Print a remark that is no result."""
        self.err.print(Text(text, style="dim"))

    def differences(self, differences: Sequence[Difference]) -> None:
        """Print what differs between backup and environment; notes in a line, unless verbose."""
        notes = [item.key for item in differences if item.severity is Severity.NOTE]
        if notes and not self.verbose:
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
            line = Text(f"  {check.status.value:13}", style=_COLOURS[check.status])
            line.append(f"{check.title}: {check.reason or check.observed}", style="default")
            self.out.print(line)
            for detail in check.details if check.status is not CheckStatus.PASSED else ():
                self.out.print(Text(f"                 {detail}"))
        if report.rto is not None and report.rpo is not None:
            copying = f", without {report.copying:.1f} s of keeping a copy"
            self.out.print(
                f"RTO {report.rto:.1f} s (start to last check{copying if report.copying else ''}), "
                f"RPO {report.rpo / 3600:.1f} h (consistency point to start)"
            )
        if report.mode is not None:
            told = f" ({report.mode_reason})" if report.mode_reason else ""
            self.out.print(Text(f"mode: {report.mode.value}{told}"))
        if report.operations:
            names = ", ".join(operation.name for operation in report.operations)
            self.out.print(Text(f"left to people (pra postop list): {names}"))
        for warning in report.warnings:
            self.out.print(Text(f"warning: {warning}", style="yellow"))
        verdict = Text("verdict: ").append(report.verdict.value, style=_COLOURS[report.verdict])
        self.out.print(verdict)
        self.out.print(Text(f"report: {path}"))
        signed = f"signed by key {report.signed_by}" if report.signed_by else "not signed"
        self.out.print(Text(f"evidence: {signed}"))

    @contextmanager
    def progress(self) -> Iterator[ProgressListener]:
        """Show progress while the body runs: a bar on a terminal, a line a label elsewhere.

        Lines, too, among those of a log: a bar is redrawn over them.
        """
        if self.verbose or not self.err.is_terminal:
            yield self._lines()
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[items]}"),
            DownloadColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.err, transient=True) as bars:
            yield self._bars(bars)

    def _lines(self) -> ProgressListener:
        last: list[str] = []

        def listen(step: Step) -> None:
            # Two may go on side by side.
            if step.label not in last:
                last[:] = [*last[-1:], step.label]
                self.note(step.label)

        return listen

    @staticmethod
    def _bars(bars: Progress) -> ProgressListener:
        current: dict[str, TaskID] = {}

        def listen(step: Step) -> None:
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
