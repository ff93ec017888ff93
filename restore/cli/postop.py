"""Commands on manual post-operations: list, done, undo."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from restore.cli.options import Decorator, reports_option
from restore.cli.terminal import Terminal
from restore.errors import NotFoundError, UsageError
from restore.model import OperationEvent
from restore.report.files import find_run, newest_report, read_report
from restore.report.operation_rows import OperationRow, operation_rows
from restore.report.postops import is_signed, read_events, record_event
from restore.runs.request import utc_now

_run_option: Final[Decorator] = click.option(
    "--run", help="The run, or the beginning of its id; the last one when left out."
)
_stack_option: Final[Decorator] = click.option("--stack", help="The last run on this stack.")
_by_option: Final[Decorator] = click.option("--by", required=True, metavar="WHO", help="Who it is.")
_note_option: Final[Decorator] = click.option("--note", default="", help="A remark to keep.")


@click.group("postop")
def postop_group() -> None:
    """List and tick off what people do after a restore (post-operations of the profile)."""


@postop_group.command("list")
@_run_option
@_stack_option
@reports_option
@click.option(
    "--lang", type=click.Choice(["en", "fr"]), default="en", show_default=True,
    help="Language of titles and instructions.",
)  # fmt: skip
@click.pass_obj
def list_command(
    terminal: Terminal, run: str | None, stack: str | None, reports: Path, lang: str
) -> None:
    """Show the checklist of a run, each operation with its owner and who has done it.

    \b
    Examples:
      pra postop list --stack rescue
      pra --json postop list --run 20261124-0601
    """
    folder = _folder(reports, run, stack)
    report = read_report(folder)
    rows = operation_rows(report, read_events(folder))
    open_ones = sum(row.done is None for row in rows)
    terminal.table(
        f"Post-operations of run {report.run} on stack {report.stack}",
        ("state", "operation", "title", "owner", "what to do"),
        [
            (
                _state(row),
                row.operation.name,
                row.operation.title.of(lang),
                row.operation.owner.of(lang),
                row.operation.instructions.of(lang),
            )
            for row in rows
        ],
    )
    terminal.print(f"{open_ones} of {len(rows)} to do")
    terminal.json(
        {
            "run": folder.name,
            "to_do": open_ones,
            "operations": [_document(row, lang) for row in rows],
        }
    )


@postop_group.command("done")
@click.argument("name")
@_by_option
@_note_option
@_run_option
@_stack_option
@reports_option
@click.pass_obj
def done_command(terminal: Terminal, /, **options: Any) -> None:
    """Tick off an operation: NAME was done by WHO, now.

    The run's pages are rendered anew, unless they are signed; report.json stays what the run
    found. Who did what stands in postops.json beside it, and nothing is ever removed there.

    \b
    Examples:
      pra postop done mail-servers --by "A. Martin" --stack rescue
      pra postop done licence --by "A. Martin" --note "ticket 4211"
    """
    _record(terminal, options, done=True)


@postop_group.command("undo")
@click.argument("name")
@_by_option
@_note_option
@_run_option
@_stack_option
@reports_option
@click.pass_obj
def undo_command(terminal: Terminal, /, **options: Any) -> None:
    """Say that an operation that was ticked off is to be done again.

    \b
    Example:
      pra postop undo mail-servers --by "A. Martin" --note "relay refuses us"
    """
    _record(terminal, options, done=False)


def _record(terminal: Terminal, options: dict[str, Any], *, done: bool) -> None:
    folder = _folder(options["reports"], options["run"], options["stack"])
    event = OperationEvent(options["name"], done, options["by"], utc_now(), options["note"])
    report = record_event(folder, event)
    rows = operation_rows(report, read_events(folder))
    left = sum(row.done is None for row in rows)
    what = "done by" if done else "to do again, says"
    terminal.print(f"{event.name}: {what} {event.by}; {left} of {len(rows)} to do")
    terminal.print(f"run {report.run} on stack {report.stack}")
    if is_signed(folder):
        terminal.note(f"its pages are signed and stay as they are; see 'pra report {report.run}'")
    terminal.json({"run": report.run, "name": event.name, "done": done, "to_do": left})


def _folder(reports: Path, run: str | None, stack: str | None) -> Path:
    if run is not None and stack is not None:
        raise UsageError("--run and --stack: one of them says which run", "leave one out")
    if stack is None:
        return find_run(reports, run)
    report = newest_report(reports, lambda report: report.stack == stack)
    if report is None:
        raise NotFoundError(
            f"no report of stack {stack} is in {reports}", "name the run: --run, or --reports"
        )
    return reports / report.run


def _state(row: OperationRow) -> str:
    if row.done is None:
        return "to do"
    return f"done by {row.done.by}, {row.done.at:%Y-%m-%d %H:%M}"


def _document(row: OperationRow, language: str) -> dict[str, Any]:
    return {
        "name": row.operation.name,
        "title": row.operation.title.of(language),
        "owner": row.operation.owner.of(language),
        "instructions": row.operation.instructions.of(language),
        "done": row.done is not None,
        "by": row.done.by if row.done else None,
        "at": row.done.at.isoformat() if row.done else None,
        "note": row.done.note if row.done else None,
    }
