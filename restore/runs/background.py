"""Runs a task in a background thread; it is waited for, or given up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from restore.errors import DamagedGenerationError
from restore.model import Progress, ProgressListener

Act = Callable[[ProgressListener], None]
"""Tells the listener how far it is, again and again: that is where it is given up."""


class _GivenUpError(Exception):
    """The task was given up; raised inside it."""


@contextmanager
def in_background(act: Act, listener: ProgressListener) -> Iterator[Future[None]]:
    """Run a task while the body runs. The body decides where it waits for the task.

    When the body ends before that, the act is given up; but a body that met damage waits for the
    act, which may know of more.
    """
    given_up = threading.Event()

    def tell(progress: Progress) -> None:
        if given_up.is_set():
            raise _GivenUpError("given up")
        listener(progress)

    with ThreadPoolExecutor(1, "pra-background") as threads:
        under_way = threads.submit(act, tell)
        try:
            yield under_way
        except DamagedGenerationError:
            under_way.result()
            raise
        finally:
            given_up.set()
