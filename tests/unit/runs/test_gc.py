"""What garbage collection takes, and above all what it leaves."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from restore.adapters import lock
from restore.adapters.docker import leftovers
from restore.adapters.docker.runner import LABEL
from restore.errors import NotFoundError, RefusedError
from restore.runs import gc
from tests.support.fake_docker import FakeEngine

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
DAY = timedelta(hours=24)
DRILL = "drill-20261124-050000-00a1"
OTHER = "drill-20261122-050000-00b2"


def leftover(stack: str, age: timedelta = timedelta(minutes=5)) -> leftovers.Leftover:
    return leftovers.Leftover("container", f"id-{stack}", f"db-{stack}", stack, NOW - age)


def own(folder: Path, stack: str, *, kept: bool = False) -> None:
    with lock.stack_lock(folder, stack, "pra drill", now=NOW, kept=kept):
        pass


def chosen(leftovers: list[leftovers.Leftover], locks: Path) -> list[str]:
    found = gc.choose_collections(leftovers, locks, now=NOW, older_than=DAY)
    return [collection.stack for collection in found]


def test_a_dead_drill_of_this_clone_goes_at_once(tmp_path: Path) -> None:
    own(tmp_path, DRILL)
    assert chosen([leftover(DRILL)], tmp_path) == [DRILL]


def test_a_dead_drill_without_leftovers_is_forgotten_too(tmp_path: Path) -> None:
    own(tmp_path, DRILL)
    assert chosen([], tmp_path) == [DRILL]


def test_a_kept_drill_stays(tmp_path: Path) -> None:
    own(tmp_path, DRILL, kept=True)
    assert chosen([leftover(DRILL, 3 * DAY)], tmp_path) == []


def test_a_living_drill_stays(tmp_path: Path) -> None:
    with lock.stack_lock(tmp_path, DRILL, "pra drill", now=NOW, kept=False):
        assert chosen([leftover(DRILL, 3 * DAY)], tmp_path) == []
        with pytest.raises(RefusedError, match="in use"):
            gc.named_collection([leftover(DRILL)], tmp_path, DRILL)


def test_a_stranger_goes_by_age_only(tmp_path: Path) -> None:
    young, old = leftover(DRILL), leftover(OTHER, 2 * DAY)
    assert chosen([young, old], tmp_path) == [OTHER]


def test_stacks_that_people_made_stay(tmp_path: Path) -> None:
    own(tmp_path, "staging")
    own(tmp_path, "drill-by-hand")
    names = ("staging", "drill", "drill-sales", "drill-2026", "drill-by-hand", f"{DRILL}-bis")
    assert chosen([leftover(name, 9 * DAY) for name in names], tmp_path) == []


def test_a_named_stack_goes_whatever_it_is(tmp_path: Path) -> None:
    (collection,) = gc.named_collection([leftover("staging")], tmp_path, "staging")
    assert [item.stack for item in collection.leftovers] == ["staging"]
    with pytest.raises(NotFoundError):
        gc.named_collection([], tmp_path, "staging")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24T06:00:00Z", NOW),
        ("2026-11-24T06:00:00.123456789Z", NOW),
        ("2026-11-24T07:00:00+01:00", NOW),
        ("2026-11-24T07:00:00.5+01:00", NOW),
    ],
)
def test_dockers_times_are_read(text: str, expected: datetime) -> None:
    engine = FakeEngine()
    engine.add("c", {"Created": text}, labels={LABEL: "drill-1"})
    (found,) = leftovers.find_leftovers(engine.runner)
    assert found.created.replace(microsecond=0) == expected
