"""A stack has one owner at a time, and a dead owner is known to be dead."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from restore.adapters import lock
from restore.errors import RefusedError

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)

HOLDER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from restore.adapters import lock
with lock.stack_lock(Path(sys.argv[1]), "drill-1", "pra drill", now=datetime.now(UTC), kept=False):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> "Iterator[subprocess.Popen[str]]":
    """A process that holds the lock of stack drill-1."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_owner_is_refused_and_told_who_holds_it(
    holder: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    with (
        pytest.raises(RefusedError, match=f"process {holder.pid} .pra drill"),
        lock.stack_lock(tmp_path, "drill-1", "pra drill", now=NOW, kept=False),
    ):
        pass
    assert lock.is_held(tmp_path, "drill-1")
    assert lock.find_abandoned(tmp_path) == {}


def test_a_killed_owner_leaves_an_abandoned_stack(
    holder: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert lock.find_abandoned(tmp_path)["drill-1"].process == holder.pid
    assert not lock.is_held(tmp_path, "drill-1")


def test_the_lock_can_be_taken_again_and_released(tmp_path: Path) -> None:
    for _ in range(2):
        with lock.stack_lock(tmp_path, "s", "pra restore", now=NOW, kept=True):
            pass
    assert lock.find_abandoned(tmp_path)["s"].kept
    lock.release(tmp_path, "s")
    lock.release(tmp_path, "s")
    assert lock.find_abandoned(tmp_path) == {}
    assert lock.find_abandoned(tmp_path / "absent") == {}


def test_an_unreadable_lock_file_is_no_owner(tmp_path: Path) -> None:
    (tmp_path / "x.lock").write_text("{", encoding="utf-8")
    assert lock.find_abandoned(tmp_path) == {}
