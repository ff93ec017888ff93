"""``pra report``: a run's report, rendered again."""

from __future__ import annotations

from pathlib import Path

import click

from restore.cli.options import FILE, LanguageOptions, ReportsOptions
from restore.cli.terminal import Terminal
from restore.cli.verbs import argument, command, option


class ReportOptions(ReportsOptions, LanguageOptions):
    run: str | None = argument(required=False)
    form: str = option(
        "What to render.",
        flag="--format",
        type=click.Choice(["html", "json", "junit"]),
        default="html",
    )
    output: Path | None = option("Default: stdout.", type=FILE)


@command("report", ReportOptions)
def verb(terminal: Terminal, options: ReportOptions) -> None:
    """Render the report of a run again; of the last run when none is named.

    \b
    Examples:
      pra report --output report.html
      pra report 20261124-060102-1a2b --lang fr --output rapport.html
    """
    from restore.report.files import render_report
    from restore.report.postops import read_events
    from restore.report.run_folders import find_run, read_report

    folder = find_run(options.reports, options.run)
    report, events = read_report(folder), read_events(folder)
    text = render_report(report, options.form, options.lang, events)
    if options.output is None:
        click.echo(text)
    else:
        options.output.write_text(text, encoding="utf-8")
        terminal.print(f"report: {options.output}")
