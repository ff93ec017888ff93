"""The log of a run: each change of state and each command, one JSON line each.

``.pra/logs/<run>.jsonl`` is kept for each run; ``pra --verbose`` shows the same on stderr. A log
holds no secret that the process knows and no contents of rows, and never fails a run.
"""

from __future__ import annotations

import json
import logging
import math
import os
import re
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from restore.errors import RestoreError
from restore.model import locations
from restore.model.secret import mask_known

MOST_FILES: Final = 200
"""How many logs are kept: the oldest go when a new one begins."""

_LONGEST: Final = 4000
"""Characters of a field; an error holds the last lines of what a tool said."""

_ROWS: Final = re.compile(
    r"^\W*(?:\w+ ?: *)*(?:D[EÉ]TAIL\w*|DETALLE|DETTAGLI\w*|DETALHE|[CK]ONTEXT\w*|STATEMENT|QUERY"
    r"|INSTRUCTION|ANWEISUNG|SENTENCIA|(?:LINE|LIGNE|ZEILE|L[IÍ]NEA) \d+)\s*:.*"
    r'|(?<=: )"[^"\n]*"$|«[^»\n]*»',
    re.M | re.S,
)
"""Where PostgreSQL's and its tools' errors quote rows: to the end of the text, or a value."""

_NAME: Final = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}\.jsonl")
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")

_LOG: Final = logging.getLogger("restore")
_LOG.setLevel(logging.DEBUG)
# Handlers of others, Pulumi's for example, mask nothing.
_LOG.propagate = False

Fields = dict[str, object]
_within: Final[ContextVar[Fields]] = ContextVar("within")


def event(what: str, /, *, level: int = logging.INFO, **fields: object) -> None:
    """Log that something happened, with the run, stage and step that it belongs to."""
    _LOG.log(level, what, extra={"fields": {**_within.get({}), **fields}})


@contextmanager
def bound(**fields: object) -> Iterator[None]:
    """Give these fields to whatever this thread logs in the body."""
    token = _within.set({**_within.get({}), **fields})
    try:
        yield
    finally:
        _within.reset(token)


@contextmanager
def timed(what: str, /, **fields: object) -> Iterator[Fields]:
    """Log that the body begins, and how it ended: seconds, error, and what the body adds."""
    event(f"{what} begins", level=logging.DEBUG, **fields)
    begun, level = time.perf_counter(), logging.INFO
    try:
        yield fields
    except BaseException as error:
        level = logging.WARNING
        # Only our own errors are known to quote no statement.
        fields["error"] = error.message if isinstance(error, RestoreError) else type(error).__name__
        raise
    finally:
        event(f"{what} ends", level=level, **fields, seconds=round(time.perf_counter() - begun, 3))


class _Format(logging.Formatter):
    """A record as a JSON line, or as a line for people, who know which run they look at."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        fields = {key: _clean(value) for key, value in getattr(record, "fields", {}).items()}
        when, what = datetime.fromtimestamp(record.created, UTC), _clean(record.getMessage())
        if not self._as_json:
            told = (f"{k}={shlex.join(v) if isinstance(v, list) else v}" for k, v in fields.items())
            line = " ".join((f"{when:%H:%M:%S}", str(what), *told))
            # What a terminal is shown can neither move its cursor nor look like another line.
            return _CONTROLS.sub(lambda control: repr(control[0])[1:-1], line)
        head = {"time": when.isoformat(timespec="milliseconds"), "level": record.levelname.lower()}
        head["event"] = str(what)
        return json.dumps({**head, **_FILE.fields, **fields, **head}, ensure_ascii=False)


def _clean(value: object) -> Any:
    """A field without secrets and rows."""
    if value is None or isinstance(value, bool | int | float):
        return value if not isinstance(value, float) or math.isfinite(value) else str(value)
    if isinstance(value, tuple | list):
        return [_clean(str(item)) for item in value]
    return _ROWS.sub("…", mask_known(str(value)))[:_LONGEST]


class _File(logging.Handler):
    """Writes into the file of the run that this process works on, made when it has a first line."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(_Format(as_json=True))
        self.fields: Fields = {}
        self._file: int | None = None
        self._warned = False

    def switch(self, fields: Fields, file: int | None) -> tuple[Fields, int | None]:
        """Write for another run from now on; the fields and the file of the one before."""
        before = self.fields, self._file
        self.fields, self._file, self._warned = fields, file, False
        return before

    def emit(self, record: logging.LogRecord) -> None:
        if "run" not in self.fields:
            return
        try:
            if self._file is None:
                self._file = _open(f"{self.fields['run']}.jsonl")
            os.write(self._file, f"{self.format(record)}\n".encode(errors="backslashreplace"))
        except Exception:  # a log never fails a run
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Say once why there is no log, or the rest of it is missing: a full disk, for example."""
        if not self._warned:
            self._warned = True
            with suppress(OSError, ValueError, AttributeError):
                sys.stderr.write(f"warning: no log of this run: {sys.exc_info()[1]}\n")


def _open(name: str) -> int:
    folder: Path = locations.LOGS
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Their names begin with the time. Whatever else lies there is not ours.
    logs = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    for old in logs[: -MOST_FILES + 1]:
        old.unlink(missing_ok=True)
    return os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)


_FILE: Final = _File()
_LOG.addHandler(_FILE)


@contextmanager
def run_log(run: str, **fields: object) -> Iterator[None]:
    """Keep what is logged in the body, by any thread, in the log of a run."""
    before = _FILE.switch({"run": run, **fields}, None)
    try:
        yield
    finally:
        _, file = _FILE.switch(*before)
        if file is not None:
            os.close(file)


def describe_run(**fields: object) -> None:
    """Add to what every line of the run's log says from now on: the generation, once chosen."""
    _FILE.fields.update(fields)


class _Stderr(logging.StreamHandler[Any]):
    def handleError(self, record: logging.LogRecord) -> None:
        """Nobody reads: no reason to fail."""


@contextmanager
def shown(*, as_json: bool) -> Iterator[None]:
    """Show what is logged in the body on stderr, too."""
    handler = _Stderr(sys.stderr)
    handler.setFormatter(_Format(as_json=as_json))
    _LOG.addHandler(handler)
    try:
        yield
    finally:
        _LOG.removeHandler(handler)
