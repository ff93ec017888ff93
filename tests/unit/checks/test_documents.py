"""Rows held against files."""

import pytest

from restore.checks.base import MOST_DETAILS
from restore.checks.documents import Match, Row, match
from restore.checks.served import pick
from restore.checks.tree import Tree

GOOD = "0a" * 20
OTHER = "0b" * 20


def tree(**files: str) -> Tree:
    return Tree(digests={name: bytes.fromhex(digest) for name, digest in files.items()})


def rows(*files: str, checksum: str = GOOD) -> list[Row]:
    return [Row(str(n), f"doc {n}", file, checksum) for n, file in enumerate(files, 1)]


def test_rows_with_their_files_match() -> None:
    found = match(rows("a", "b", "a"), tree(a=GOOD, b=GOOD))

    assert found == Match(rows=3)


def test_checksums_may_be_written_in_capitals_or_not_at_all() -> None:
    found = match([*rows("a", checksum=GOOD.upper()), *rows("a", checksum="")], tree(a=GOOD))

    assert found.wrong == []


def test_a_missing_and_a_changed_file_name_their_rows() -> None:
    found = match(rows("a", "b", "c"), tree(a=GOOD, b=OTHER))

    assert (found.missing, found.changed, found.unreadable) == (1, 1, 0)
    assert found.wrong == [
        f"row 2 ('doc 2', file b): expected checksum {GOOD}, the file has {OTHER}",
        "row 3 ('doc 3', file c): the file is missing",
    ]


def test_an_unreadable_file_is_not_a_missing_one() -> None:
    found = match(rows("d/a"), Tree(unreadable={"d": "Permission denied"}))

    assert (found.missing, found.unreadable) == (0, 1)
    assert found.wrong == [
        "row 1 ('doc 1', file d/a): the ERP's user can't read it: Permission denied"
    ]


def test_files_without_a_row_are_orphans() -> None:
    found = match(rows("b"), tree(c=GOOD, b=GOOD, a=GOOD))

    assert found.orphans == ["a", "c"]
    assert found.wrong == []


def test_all_are_counted_but_few_are_named() -> None:
    found = match(rows(*map(str, range(1000))), tree())

    assert (found.rows, found.missing) == (1000, 1000)
    assert len(found.wrong) == MOST_DETAILS + 1


@pytest.mark.parametrize(("stride", "chosen"), [(2, ["1", "3", "5"]), (100, ["1"])])
def test_a_sample_is_spread_evenly(stride: int, chosen: list[str]) -> None:
    assert [row.id for row in pick(rows(*"abcdef"), frozenset(), stride)] == chosen


def test_a_sample_holds_wanted_files_once() -> None:
    found = pick(rows("a", "b", "b", "a"), frozenset(("b",)), 100)

    assert [row.id for row in found] == ["1", "2"]
