"""Who has done which manual post-operation of a run: kept beside its report, never in it.

``report.json`` is what the run found, and stays so. ``postops.json`` in the same folder is a list
of events that only grows: what was done, by whom and when, or that it is to be done again. The
pages are rendered anew from both, except those of a signed run: what was signed stays as it is.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any, Final

from restore.errors import NotFoundError, UsageError
from restore.model import OperationEvent, Report
from restore.model.codec import decode, encode, time_with_offset
from restore.report.evidence.format import EVIDENCE
from restore.report.files import render_pages, write_whole
from restore.report.run_folders import read_report

FILE: Final = "postops.json"
FORMAT: Final = 1


def read_events(folder: Path) -> tuple[OperationEvent, ...]:
    """The events of a run, oldest first; none when nothing was ticked.

    Raises:
        UsageError: ``postops.json`` is not what ``record_event`` writes.
    """
    path = folder / FILE
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] > FORMAT:
            raise UsageError(f"{path} was written by a newer engine", "use that one")
        return tuple(decode(OperationEvent, event) for event in document["events"])
    except FileNotFoundError:
        return ()
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} can't be read: {error}", "restore it from a copy, or remove it to begin again"
        ) from error


def record_event(folder: Path, event: OperationEvent) -> Report:
    """Keep an event of a run and render its pages anew; two at once are kept both.

    A signed run's pages stay as they were signed; ``pra report`` renders them with the events.

    Raises:
        NotFoundError: the run has no such operation; names those that it has.
        UsageError: nothing would change, or nobody is named.
    """
    report = read_report(folder)
    names = [operation.name for operation in report.operations]
    if event.name not in names:
        raise NotFoundError(
            f"run {report.run} has no manual post-operation {event.name}",
            f"it has: {', '.join(names)}" if names else "its profile lists none",
        )
    if not event.by.strip():
        raise UsageError("nobody is named who did it", "--by NAME")
    with _alone(folder):
        events = read_events(folder)
        rows = report.checklist(events)
        done = next(row.done for row in rows if row.operation.name == event.name)
        if (done is not None) is event.done:
            raise UsageError(
                f"{event.name} was done already by {done.by} at {done.at:%Y-%m-%d %H:%M} UTC"
                if done
                else f"{event.name} is to be done already",
                f"see 'pra postop list --run {report.run}'",
            )
        events = (*events, replace(event, at=event.at.astimezone(UTC)))
        document = {
            "format": FORMAT,
            "run": report.run,
            "events": encode(events, time_with_offset),
        }
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        write_whole(folder / FILE, text.encode())
        if not is_signed(folder):
            render_pages(report, folder, events)
    return report


def is_signed(folder: Path) -> bool:
    """Whether a signature vouches for the files of a run."""
    return (folder / EVIDENCE).exists()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else writes into the run's folder meanwhile."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
