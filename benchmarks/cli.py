"""How long the commands take that need no server: ``python -m benchmarks.cli``.

Each command runs several times in turn with each program, so that what the machine does besides
falls on all; the medians of processor and wall seconds are printed as a table, and written into
``docs/benchmarks.md`` with ``--write``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "benchmarks.md"
HEADING: Final = "\n## The command line\n"
"""Where the part of the page begins that this program writes; it is the last."""
BY_HAND: Final = "\n## A drill's processor time\n"
"""The part before it, which is written by hand; ``make bench`` keeps both."""

_TEXT: Final = """
Written by `make bench-cli`: medians of {rounds} rounds, in which every command ran once with each program in turn; load average {load:.1f} on {cores} processors. Processor seconds are user and system together.

"""  # noqa: E501 - a paragraph is a line
_REPOSITORY: Final = "--repository={state}/repository"
_REPORTS: Final = "--reports={state}/reports"
COMMANDS: Final = (
    ("--help",),
    ("--version",),
    ("status", "--help"),
    ("drill", "--help"),
    ("completion", "bash"),
    ("generations", "list", _REPOSITORY),
    ("verify", "latest", _REPOSITORY),
    ("plan", "--help"),
    ("history", _REPORTS),
    ("report", _REPORTS),
    ("evidence", "verify", "{run}", _REPORTS),
    ("postop", "list", _REPORTS),
    ("profile", "list"),
    ("profile", "check", "odoo"),
    ("anonymise", "show"),
    ("scenario", "check", "fixtures/scenarios/partners.yaml"),
)


def main() -> int:
    """Measure, print, and write; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cli", description=__doc__)
    parser.add_argument(
        "--program", action="append", metavar="NAME=PATH", help="a pra to measure; repeatable"
    )
    parser.add_argument("--state", type=Path, default=ROOT / ".pra", help="repository and reports")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="write the page, too")
    given = parser.parse_args()
    default = f"now={Path(sys.executable).parent / 'pra'}"
    programs = dict(text.split("=", 1) for text in given.program or (default,))
    table = _table(_measure(programs, given.state.resolve(), given.rounds))
    sys.stdout.write(table)
    if given.write:
        text = _TEXT.format(rounds=given.rounds, load=os.getloadavg()[0], cores=os.cpu_count())
        before = PAGE.read_text("utf-8").partition(HEADING)[0]
        PAGE.write_text(before + HEADING + text + table, "utf-8")
    return 0


Measures = dict[tuple[str, str], list[tuple[float, float]]]
"""Processor and wall seconds of every round, by command and program."""


def _measure(programs: dict[str, str], state: Path, rounds: int) -> Measures:
    """Run every command with every program in every round."""
    # A run's name begins with its time.
    run = max((folder.name for folder in state.glob("reports/2*")), default="none")
    measures: Measures = {}
    for _ in range(rounds):
        for words in COMMANDS:
            argv = [word.format(state=state, run=run) for word in words]
            shown = " ".join(word for word in words if word not in (_REPOSITORY, _REPORTS))
            for name, program in programs.items():
                seconds = _run([program, *argv])
                measures.setdefault((shown.format(run="RUN"), name), []).append(seconds)
    return measures


def _run(argv: list[str]) -> tuple[float, float]:
    """Processor and wall seconds of a command, however it ends."""
    before, begun = os.times(), time.monotonic()
    subprocess.run(argv, cwd=ROOT, capture_output=True, check=False)
    after, ended = os.times(), time.monotonic()
    processor = (
        after.children_user + after.children_system - before.children_user - before.children_system
    )
    return processor, ended - begun


def _table(measures: Measures) -> str:
    programs = list(dict.fromkeys(name for _, name in measures))
    headings = [f"{name}: {what}" for name in programs for what in ("processor s", "wall s")]
    lines = ["| Command | " + " | ".join(headings) + " |", "| --- " * (len(headings) + 1) + "|"]
    for command in dict.fromkeys(command for command, _ in measures):
        cells = [
            f"{median(values):.2f}"
            for name in programs
            for values in zip(*measures[command, name], strict=True)
        ]
        lines.append(f"| `pra {command}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
