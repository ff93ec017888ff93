"""``pra history``: past runs, and how their recovery times develop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import click

from restore.cli.options import ReportsOptions
from restore.cli.terminal import Cell, Terminal, document_of
from restore.cli.verbs import command, option
from restore.model import Verdict
from restore.model.durations import spoken
from restore.report.history import Entry, RunGroup, entries, history_file
from restore.report.trends import Trend, change, is_cached, sparkline, trend


class HistoryOptions(ReportsOptions):
    profile: str | None = option("Only runs of this profile.")
    stack_base: str | None = option("Only runs with this stack's settings, such as drill or ci.")
    last: int = option(
        "How many runs to look back.", type=click.IntRange(min=1), default=20, metavar="N"
    )


@command("history", HistoryOptions)
def verb(terminal: Terminal, options: HistoryOptions) -> None:
    """Show past runs and how their recovery times develop.

    The history lies beside the reports, or where PRA_HISTORY says. Runs are compared with runs of
    the same command, profile and stack settings. A change is that of the RTO against the run before
    it that passed in the same mode: how long a recovery takes, cold runs alone tell.

    \b
    Examples:
      pra history
      pra history --profile odoo --stack-base ci --last 50
      pra --json history
    """
    asked = RunGroup(None, options.profile, options.stack_base)
    groups: dict[RunGroup, list[Entry]] = {}
    for entry in entries(history_file(options.reports), asked, options.last):
        groups.setdefault(entry.group, []).append(entry)
    documents = []
    for group, runs in groups.items():
        rows = list(_rows(runs))
        title = f"{group.command}, profile {group.profile}, stack settings {group.base or 'none'}"
        terminal.table_of(title, rows)
        for line in _summary(runs):
            terminal.print(line)
        past = [entry.past for entry in runs]
        documents.append(
            {
                "command": group.command,
                "profile": group.profile,
                "stack_base": group.base,
                "rto": _trend(trend(past)),
                "cached": _trend(trend(past, cached=True)),
                "runs": [document_of(row) for row in rows],
            }
        )
    if not groups:
        terminal.print("no such run")
    terminal.json(documents)


def _rows(runs: list[Entry]) -> Iterator[tuple[Cell, ...]]:
    known: dict[bool, float] = {}
    for entry in runs:
        past = entry.past
        rto = past.rto if past.verdict is Verdict.PASS else None
        before, size = known.get(is_cached(past)), past.bytes
        yield (
            Cell("run", past.run, "run"),
            Cell("started", past.started, "began (UTC)"),
            Cell("verdict", past.verdict, "verdict"),
            Cell("mode", past.mode, "mode"),
            Cell("rto", past.rto, "RTO", None if past.rto is None else spoken(past.rto)),
            Cell(None, None, "change", _percent(change(before, rto) if before and rto else None)),
            Cell("rpo", past.rpo, "RPO", None if past.rpo is None else f"{past.rpo / 3600:.1f} h"),
            Cell("bytes", size, "data", None if size is None else f"{size / 1e6:.1f} MB"),
            Cell("generation", past.generation, "generation"),
            Cell("signed_by", entry.signed_by, "signed", entry.signed_by or "no"),
            Cell("stack", entry.stack),
            Cell("finished", entry.finished),
            Cell("rto_budget", past.budget),
            Cell("error", entry.error),
            Cell("engine_version", entry.engine_version),
            Cell("report_sha256", entry.report_sha256),
            Cell("durations", [asdict(timing) for timing in entry.timings]),
        )
        if rto:
            known[is_cached(past)] = rto


def _summary(runs: list[Entry]) -> Iterator[str]:
    cold = trend([entry.past for entry in runs])
    cached = trend([entry.past for entry in runs], cached=True)
    if cached is not None:
        times = f"last {spoken(cached.last)}, median {spoken(cached.median)}"
        yield f"with a kept copy {sparkline(cached.times)}  {times}: not a recovery's time"
    if cold is None:
        yield "RTO: no cold run passed" if cached else "RTO: no run passed"
        return
    parts = [
        f"last {spoken(cold.last)}",
        f"median {spoken(cold.median)}",
        f"from {spoken(min(cold.times))} to {spoken(max(cold.times))}",
    ]
    if cold.change is not None:
        parts.append(f"last against the median of those before: {_percent(cold.change)}")
    yield f"RTO {sparkline(cold.times)}  {', '.join(parts)}"
    budget = runs[-1].past.budget
    if budget is not None:
        yield f"budget {spoken(budget)}: the last takes {cold.last / budget:.0%} of it"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:+.0%}"


def _trend(times: Trend | None) -> dict[str, object] | None:
    if times is None:
        return None
    return {
        "passed": len(times.times),
        "last": times.last,
        "median": times.median,
        "minimum": min(times.times),
        "maximum": max(times.times),
        "change": times.change,
    }
