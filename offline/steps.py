"""Steps of set-up: each looks whether its thing is there and makes it if it is not.

Steps run side by side, each once the steps that it needs are done.
"""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TextIO

from offline.host import SetupError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offline.host import Host

SHOW_AFTER = 5.0
TICK_TTY = 0.5
TICK_PLAIN = 10.0


@dataclass(frozen=True, slots=True)
class Component:
    """Something that is in place: which version, where from, where it lies."""

    name: str
    version: str
    source: str
    path: str


class Step(Protocol):
    """One thing that set-up provides."""

    @property
    def name(self) -> str:
        """How the step is called in what is printed; unique."""

    def probe(self, host: Host) -> list[Component] | None:
        """Return what is in place, None when something has to be made. Changes nothing."""

    def make(self, host: Host) -> list[Component]:
        """Make what is missing and return what is in place. Raises SetupError."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A step and the names of the steps, planned before it, that must be done first."""

    step: Step
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended; `error` is None when its thing is in place. `seconds` is its duration."""

    step: str
    made: bool
    seconds: float
    components: tuple[Component, ...] = ()
    error: SetupError | None = None


@dataclass(slots=True)
class Board:
    """Prints what was done, and what is under way when it lasts."""

    host: Host
    out: TextIO = field(default_factory=lambda: sys.stdout)
    _running: dict[int, tuple[str, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _width: int = 0

    def started(self, name: str) -> None:
        with self._lock:
            self._running[threading.get_ident()] = (name, time.monotonic())
            self.host.doing.pop(threading.get_ident(), None)

    def line(self, text: str) -> None:
        with self._lock:
            self._wipe()
            self.out.write(text + "\n")
            self.out.flush()

    def ended(self, outcome: Outcome) -> None:
        with self._lock:
            self._running.pop(threading.get_ident(), None)
        mark = "FAIL" if outcome.error else " ok "
        what = "" if outcome.error else ("made" if outcome.made else "in place")
        versions = ", ".join(
            dict.fromkeys(f"{c.version} ({c.source})".lstrip() for c in outcome.components)
        )
        text = f"[{mark}] {outcome.step:<22} {outcome.seconds:6.1f} s  {what}"
        self.line(f"{text}: {versions}" if versions and not outcome.error else text.rstrip())

    def tick(self) -> None:
        """Show the steps that have lasted for more than SHOW_AFTER seconds."""
        with self._lock:
            now = time.monotonic()
            parts = [
                f"{name} {now - since:.0f} s{self._detail(thread)}"
                for thread, (name, since) in self._running.items()
                if now - since >= SHOW_AFTER
            ]
            if not parts:
                return
            if self.out.isatty():
                self._wipe()
                text = ("  ... " + "; ".join(parts))[:118]
                self._width = len(text)
                self.out.write(text)
            else:
                self.out.writelines(f"  ... {part}\n" for part in parts)
            self.out.flush()

    def _detail(self, thread: int) -> str:
        doing = self.host.doing.get(thread)
        return f" ({doing})" if doing else ""

    def _wipe(self) -> None:
        if self._width:
            self.out.write("\r" + " " * self._width + "\r")
            self._width = 0


def do(step: Step, host: Host, board: Board) -> Outcome:
    """Do one step: nothing when its thing is in place."""
    board.started(step.name)
    since = time.monotonic()
    try:
        found = step.probe(host)
        made = found is None
        components = step.make(host) if found is None else found
        outcome = Outcome(step.name, made, time.monotonic() - since, tuple(components))
    except SetupError as error:
        outcome = Outcome(step.name, False, time.monotonic() - since, error=error)
    except OSError as error:
        # A full disk, a folder that may not be written: said like any other failure.
        failure = SetupError(str(error), hint="free space, or give the folder to this user")
        failure.__cause__ = error
        outcome = Outcome(step.name, False, time.monotonic() - since, error=failure)
    board.ended(outcome)
    return outcome


def do_all(planned: Sequence[Planned], host: Host, board: Board) -> list[Outcome]:
    """Do steps side by side, each once all that it needs is in place; show progress meanwhile."""
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(board, over), daemon=True)
    watcher.start()
    futures: dict[str, Future[Outcome]] = {}

    def run(one: Planned) -> Outcome:
        for need in one.needs:
            if futures[need].result().error:
                error = SetupError(f"not tried: it needs {need}")
                outcome = Outcome(one.step.name, False, 0.0, error=error)
                board.ended(outcome)
                return outcome
        return do(one.step, host, board)

    try:
        # A thread for each step: one that waits for another never keeps that one from starting.
        with ThreadPoolExecutor(max_workers=len(planned)) as pool:
            for one in planned:
                futures[one.step.name] = pool.submit(run, one)
            return [future.result() for future in futures.values()]
    finally:
        over.set()
        watcher.join()


def _watch(board: Board, over: threading.Event) -> None:
    period = TICK_TTY if board.out.isatty() else TICK_PLAIN
    while not over.wait(period):
        board.tick()
