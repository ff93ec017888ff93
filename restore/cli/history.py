"""The command that looks back: history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from restore.cli.options import reports_option
from restore.cli.terminal import Terminal
from restore.model import Verdict
from restore.model.durations import spoken
from restore.report.history import Entry, RunGroup, entries, history_file
from restore.report.trends import Trend, change, is_cached, sparkline, trend

_COLUMNS = (
    "run", "began (UTC)", "verdict", "mode", "RTO", "change", "RPO", "data", "generation", "signed",
)  # fmt: skip


@click.command("history")
@reports_option
@click.option("--profile", help="Only runs of this profile.")
@click.option("--stack-base", help="Only runs with this stack's settings, such as drill or ci.")
@click.option(
    "--last", type=click.IntRange(min=1), default=20, show_default=True, metavar="N",
    help="How many runs to look back.",
)  # fmt: skip
@click.pass_obj
def history_command(
    terminal: Terminal, reports: Path, profile: str | None, stack_base: str | None, last: int
) -> None:
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
    found = entries(history_file(reports), RunGroup(None, profile, stack_base), last)
    groups: dict[RunGroup, list[Entry]] = {}
    for entry in found:
        groups.setdefault(entry.group, []).append(entry)
    for group, runs in groups.items():
        title = f"{group.command}, profile {group.profile}, stack settings {group.base or 'none'}"
        terminal.table(title, _COLUMNS, list(_rows(runs)))
        for line in _summary(runs):
            terminal.print(line)
    if not found:
        terminal.print("no such run")
    terminal.json([_document(group, runs) for group, runs in groups.items()])


def _rows(runs: list[Entry]) -> Iterator[tuple[str, ...]]:
    known: dict[bool, float] = {}
    for entry in runs:
        past = entry.past
        rto = past.rto if past.verdict is Verdict.PASS else None
        before = known.get(is_cached(past))
        yield (
            past.run,
            f"{past.started:%Y-%m-%d %H:%M}",
            past.verdict.value,
            past.mode.value if past.mode else "-",
            "-" if past.rto is None else spoken(past.rto),
            _percent(change(before, rto) if before and rto else None),
            "-" if past.rpo is None else f"{past.rpo / 3600:.1f} h",
            "-" if past.bytes is None else f"{past.bytes / 1e6:.1f} MB",
            past.generation or "-",
            entry.signed_by or "no",
        )
        if rto:
            known[is_cached(past)] = rto


def _summary(runs: list[Entry]) -> Iterator[str]:
    found = trend([entry.past for entry in runs])
    cached = trend([entry.past for entry in runs], cached=True)
    if cached is not None:
        times = f"last {spoken(cached.last)}, median {spoken(cached.median)}"
        yield f"with a kept copy {sparkline(cached.times)}  {times}: not a recovery's time"
    if found is None:
        yield "RTO: no cold run passed" if cached else "RTO: no run passed"
        return
    parts = [
        f"last {spoken(found.last)}",
        f"median {spoken(found.median)}",
        f"from {spoken(min(found.times))} to {spoken(max(found.times))}",
    ]
    if found.change is not None:
        parts.append(f"last against the median of those before: {_percent(found.change)}")
    yield f"RTO {sparkline(found.times)}  {', '.join(parts)}"
    budget = runs[-1].past.budget
    if budget is not None:
        yield f"budget {spoken(budget)}: the last takes {found.last / budget:.0%} of it"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:+.0%}"


def _document(group: RunGroup, runs: list[Entry]) -> dict[str, Any]:
    found = trend([entry.past for entry in runs])
    cached = trend([entry.past for entry in runs], cached=True)
    return {
        "command": group.command,
        "profile": group.profile,
        "stack_base": group.base,
        "rto": None if found is None else _trend(found),
        "cached": None if cached is None else _trend(cached),
        "runs": [_run(entry) for entry in runs],
    }


def _trend(found: Trend) -> dict[str, Any]:
    return {
        "passed": len(found.times),
        "last": found.last,
        "median": found.median,
        "minimum": min(found.times),
        "maximum": max(found.times),
        "change": found.change,
    }


def _run(entry: Entry) -> dict[str, Any]:
    past = entry.past
    return {
        "run": past.run,
        "stack": entry.stack,
        "generation": past.generation,
        "verdict": past.verdict.value,
        "mode": past.mode.value if past.mode else None,
        "started": past.started.isoformat(),
        "finished": entry.finished.isoformat(),
        "rto": past.rto,
        "rpo": past.rpo,
        "rto_budget": past.budget,
        "bytes": past.bytes,
        "error": entry.error,
        "engine_version": entry.engine_version,
        "signed_by": entry.signed_by,
        "report_sha256": entry.report_sha256,
        "durations": [
            {
                "kind": one.kind,
                "id": one.id,
                "title": one.title,
                "status": one.status.value,
                "seconds": one.seconds,
            }
            for one in entry.timings
        ],
    }
