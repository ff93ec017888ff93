"""Waiting: a probe with a deadline and its last error, never a fixed sleep; Cancel ends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .errors import Cancelled


@dataclass(frozen=True, slots=True)
class Waiter:
    """Waits on behalf of one plug-in process; `cancel()` aborts all waits, present and to come."""

    stopped: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        """Abort all waits."""
        self.stopped.set()

    def until(self, probe: Callable[[], bool], seconds: float, interval: float = 0.2) -> bool:
        """Probe until it holds: True, or until `seconds` have gone: False.

        Raises Cancelled as soon as the engine asks to stop, and whatever the probe raises.
        """
        deadline = time.monotonic() + seconds
        while not probe():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if self.stopped.wait(min(interval, left)):
                raise Cancelled("cancelled while waiting")
        return True
