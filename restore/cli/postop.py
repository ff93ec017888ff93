"""``pra postop``: the manual post-operations of a run: list, done, undo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from restore.cli.options import LanguageOptions, ReportsOptions
from restore.cli.terminal import Cell, Terminal, document_of
from restore.cli.verbs import Options, VerbGroup, argument, command, option
from restore.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from restore.model import OperationRow, Report


class RunOptions(ReportsOptions):
    """Which run it is."""

    run: str | None = option("The run, or the beginning of its id; the last one when left out.")
    stack: str | None = option("The last run on this stack.")

    def folder(self) -> Path:
        """The folder of the run.

        Raises:
            NotFoundError: there is none.
            UsageError: two options say which.
        """
        from restore.report.run_folders import find_run, newest_report

        if self.run is not None and self.stack is not None:
            raise UsageError("--run and --stack: one of them says which run", "leave one out")
        if self.stack is None:
            return find_run(self.reports, self.run)
        report = newest_report(self.reports, lambda report: report.stack == self.stack)
        if report is None:
            raise NotFoundError(
                f"no report of stack {self.stack} is in {self.reports}",
                "name the run: --run, or --reports",
            )
        return self.reports / report.run


class ListOptions(RunOptions, LanguageOptions):
    """What `pra postop list` is told."""


class Tick(Options):
    """What is said of an operation, and by whom."""

    name: str = argument()
    by: str = option("Who it is.", required=True, metavar="WHO")
    note: str = option("A remark to keep.", default="")


class TickOptions(Tick, RunOptions):
    """What `pra postop done` and `undo` are told."""


@click.group("postop", cls=VerbGroup)
def verb() -> None:
    """List and tick off what people do after a restore (post-operations of the profile)."""


@command("list", ListOptions, of=verb)
def list_command(terminal: Terminal, options: ListOptions) -> None:
    """Show the checklist of a run, each operation with its owner and who has done it.

    \b
    Examples:
      pra postop list --stack rescue
      pra --json postop list --run 20261124-0601
    """
    from restore.report.postops import read_events
    from restore.report.run_folders import read_report

    folder = options.folder()
    report = read_report(folder)
    rows = [_cells(row, options.lang) for row in report.checklist(read_events(folder))]
    documents = [document_of(row) for row in rows]
    to_do = sum(not document["done"] for document in documents)
    if rows:
        title = f"Post-operations of run {report.run} on stack {report.stack}"
        terminal.table_of(title, rows)
    terminal.print(f"{to_do} of {len(rows)} to do")
    terminal.json({"run": folder.name, "to_do": to_do, "operations": documents})


@command("done", TickOptions, of=verb)
def done_command(terminal: Terminal, options: TickOptions) -> None:
    """Tick off an operation: NAME was done by WHO, now.

    The run's pages are rendered anew, unless they are signed; report.json stays what the run
    found. Who did what stands in postops.json beside it, and nothing is ever removed there.

    \b
    Examples:
      pra postop done mail-servers --by "A. Martin" --stack rescue
      pra postop done licence --by "A. Martin" --note "ticket 4211"
    """
    _record(terminal, options, done=True)


@command("undo", TickOptions, of=verb)
def undo_command(terminal: Terminal, options: TickOptions) -> None:
    """Say that an operation that was ticked off is to be done again.

    \b
    Example:
      pra postop undo mail-servers --by "A. Martin" --note "relay refuses us"
    """
    _record(terminal, options, done=False)


def _record(terminal: Terminal, options: TickOptions, *, done: bool) -> None:
    from restore.report.postops import is_signed

    folder = options.folder()
    what = "done by" if done else "to do again, says"
    report = record_tick(terminal, folder, options, done=done, words=(what, "to do"))
    terminal.print(f"run {report.run} on stack {report.stack}")
    if is_signed(folder):
        terminal.note(f"its pages are signed and stay as they are; see 'pra report {report.run}'")


def record_tick(
    terminal: Terminal, folder: Path, tick: Tick, *, done: bool, words: tuple[str, str]
) -> Report:
    """Write down that an operation of a run was done, or is to be done again; tell what is left.

    Args:
        words: what stands before who says so, and what is to happen to those that are left.
    """
    from restore.model import OperationEvent
    from restore.report.postops import read_events, record_event
    from restore.runs.request import utc_now

    event = OperationEvent(tick.name, done, tick.by, utc_now(), tick.note)
    report = record_event(folder, event)
    rows = report.checklist(read_events(folder))
    left = sum(row.done is None for row in rows)
    terminal.print(f"{event.name}: {words[0]} {event.by}; {left} of {len(rows)} {words[1]}")
    terminal.json({"run": report.run, "name": event.name, "done": done, "to_do": left})
    return report


def _cells(row: OperationRow, language: str) -> tuple[Cell, ...]:
    operation, done = row.operation, row.done
    state = "to do" if done is None else f"done by {done.by}, {done.at:%Y-%m-%d %H:%M}"
    return (
        Cell("done", done is not None, "state", state),
        Cell("name", operation.name, "operation"),
        Cell("title", operation.title.of(language), "title"),
        Cell("owner", operation.owner.of(language), "owner"),
        Cell("instructions", operation.instructions.of(language), "what to do"),
        Cell("by", done and done.by),
        Cell("at", done and done.at),
        Cell("note", done and done.note),
    )
