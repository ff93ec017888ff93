"""An act beside another: waited for, or given up."""

from __future__ import annotations

import threading
from itertools import count

import pytest

from restore.errors import DamagedGenerationError, RefusedError
from restore.model import Progress, ProgressListener, ignore_progress
from restore.runs.background import in_background

WORD = Progress("far")


def test_the_body_runs_meanwhile_and_gets_what_was_raised_where_it_waits() -> None:
    go = threading.Event()

    def act(_listener: ProgressListener) -> None:
        go.wait(10)
        raise DamagedGenerationError("damaged", "")

    seen = []
    with pytest.raises(DamagedGenerationError), in_background(act, ignore_progress) as under_way:
        assert not under_way.done()
        seen.append("body")
        go.set()
        under_way.result()
    assert seen == ["body"]


def test_it_is_given_up_when_the_body_fails() -> None:
    ended: list[int] = []

    def act(listener: ProgressListener) -> None:
        for number in count():
            try:
                listener(WORD)
            except Exception:
                ended.append(number)
                raise

    with pytest.raises(RefusedError), in_background(act, ignore_progress):
        raise RefusedError("not equivalent", "")
    assert len(ended) == 1


def test_who_meets_damage_hears_of_all() -> None:
    go = threading.Event()

    def act(_listener: ProgressListener) -> None:
        go.wait(10)
        raise DamagedGenerationError("two files", "")

    with (
        pytest.raises(DamagedGenerationError, match="two files"),
        in_background(act, ignore_progress),
    ):
        go.set()
        raise DamagedGenerationError("one file", "")


def test_what_it_tells_is_handed_on() -> None:
    told: list[Progress] = []
    with in_background(lambda listener: listener(WORD), told.append) as under_way:
        under_way.result()
    assert told == [WORD]
