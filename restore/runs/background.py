"""Runs a task in a background thread; it is waited for, or given up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from restore.errors import DamagedGenerationError
from restore.model import Progress, ProgressListener

Act = Callable[[ProgressListener], None]
"""Tells the listener how far it is, again and again: that is where it is given up."""


class BackgroundTask:
    """A task in a thread of its own."""

    def __init__(self, act: Act, listener: ProgressListener) -> None:
        self._act = act
        self._listener = listener
        self._given_up = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="pra-background", daemon=True)
        self._thread.start()

    def require_done(self) -> None:
        """Wait for the task's end, and raise what it raised."""
        self._thread.join()
        self.require_so_far()

    def require_so_far(self) -> None:
        """Raise what the task raised, if it has ended with an error; don't wait."""
        if self._error is not None:
            raise self._error

    def give_up(self) -> None:
        """End the task when it next reports progress."""
        self._given_up.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._act(self._told)
        except BaseException as error:  # raised again by who waits for it
            self._error = error

    def _told(self, progress: Progress) -> None:
        if self._given_up.is_set():
            raise _GivenUpError("given up")
        self._listener(progress)


class _GivenUpError(Exception):
    """The task was given up; raised inside it."""


@contextmanager
def in_background(act: Act, listener: ProgressListener) -> Iterator[BackgroundTask]:
    """Run a task while the body runs. The body decides where it waits for the task.

    When the body ends before that, the act is given up; but a body that met damage waits for the
    act, which may know of more.
    """
    under_way = BackgroundTask(act, listener)
    try:
        yield under_way
    except DamagedGenerationError:
        under_way.require_done()
        raise
    finally:
        under_way.give_up()
