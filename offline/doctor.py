"""`python3 -m offline.doctor [--json]`: what is in place, which version, and where from.

Changes nothing. Exit codes: 0 everything is in place, 1 something is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from offline.host import Host, SetupError
from offline.paths import places
from offline.setup import TREE, plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offline.steps import Planned

HEADINGS = ("component", "version", "from", "where", "state")


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of the table; `todo` is empty when the component is in place."""

    component: str
    version: str
    source: str
    path: str
    todo: str = ""


def examine(host: Host, planned: Sequence[Planned]) -> list[Finding]:
    """Look at everything that set-up provides."""
    findings: list[Finding] = []
    for one in planned:
        try:
            found = one.step.probe(host)
        except SetupError as error:
            todo = error.hint or error.message
            findings.append(Finding(one.step.name, "", "", "", todo))
            continue
        if found is None:
            findings.append(Finding(one.step.name, "", "", "", "missing: make setup"))
            continue
        findings.extend(Finding(c.name, c.version, c.source, c.path) for c in found)
    return findings


def table(findings: Sequence[Finding]) -> str:
    """Return the findings as aligned columns."""
    rows = [HEADINGS] + [
        (f.component, f.version, f.source, f.path, f.todo or "ok") for f in findings
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the findings and return the exit code."""
    parser = argparse.ArgumentParser(prog="doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    options = parser.parse_args(arguments)
    findings = examine(Host(places(TREE, os.environ), os.environ), plan(TREE))
    if options.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        print(table(findings))
    return 1 if any(finding.todo for finding in findings) else 0


if __name__ == "__main__":
    sys.exit(main())
