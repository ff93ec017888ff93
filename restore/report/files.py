"""Renders reports into the folders of runs: each file is there whole, or not at all."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from restore.errors import UsageError
from restore.model import OperationEvent, Report
from restore.report.document import to_json
from restore.report.evidence.format import EVIDENCE
from restore.report.html import to_html
from restore.report.junit import to_junit
from restore.report.language import LANGUAGES
from restore.report.run_folders import JSON

HTML: Final = "report.html"
JUNIT: Final = "junit.xml"

_LANGUAGE: Final = re.compile(r'<html lang="(\w+)">')


Signing = Callable[[Mapping[str, bytes]], str]
"""Signs files by name, and returns the text of their evidence."""


def write_report(
    report: Report,
    folder: Path,
    language: str = "en",
    sign: Signing | None = None,
    pictures: Mapping[str, bytes] | None = None,
) -> Path:
    """Write every rendering of a report into its folder, which is made when it is not there.

    ``report.json`` comes first, since all else can be made from it again. ``report.html`` and
    ``junit.xml`` are in the language asked for; ``report.<language>.html`` is there for each.
    ``pictures`` are the screenshots that the report names. With a ``sign``, ``evidence.json``
    comes last and vouches for all of them.

    Returns:
        The path of ``report.html``.

    Raises:
        UsageError: there is no such language; nothing is written.
    """
    junit = to_junit(report, language)
    texts = {JSON: to_json(report), **_pages(report, language), JUNIT: junit}
    files = {name: text.encode() for name, text in texts.items()} | dict(pictures or {})
    if sign is not None:
        files[EVIDENCE] = sign(files).encode()
    _write_all(folder, files)
    return folder / HTML


def render_pages(report: Report, folder: Path, events: tuple[OperationEvent, ...]) -> None:
    """Write a run's pages anew with what was done since; its other files stay as they are."""
    page = folder / HTML
    found = _LANGUAGE.search(page.read_text(encoding="utf-8")) if page.is_file() else None
    chosen = found[1] if found and found[1] in LANGUAGES else LANGUAGES[0]
    pages = _pages(report, chosen, events)
    _write_all(folder, {name: text.encode() for name, text in pages.items()})


def _pages(report: Report, chosen: str, events: tuple[OperationEvent, ...] = ()) -> dict[str, str]:
    pages = {f"report.{other}.html": to_html(report, other, events) for other in LANGUAGES}
    return {**pages, HTML: pages[f"report.{chosen}.html"]}


def render_report(
    report: Report, form: str, language: str = "en", events: tuple[OperationEvent, ...] = ()
) -> str:
    """One rendering of a report: ``html``, ``json`` or ``junit``.

    Args:
        events: what was done of the post-operations, for the page.

    Raises:
        UsageError: there is no such form or language.
    """
    match form:
        case "html":
            return to_html(report, language, events)
        case "json":
            return to_json(report)
        case "junit":
            return to_junit(report, language)
    raise UsageError(f"there is no form {form!r} of a report", "use html, json or junit")


def _write_all(folder: Path, files: Mapping[str, bytes]) -> None:
    # A report quotes rows, and its pictures show what users see.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in files.items():
        write_whole(folder / name, content)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file beside its place, then move it there: a reader sees the old or the new whole."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
