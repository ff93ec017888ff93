"""Which generation a user means."""

from __future__ import annotations

from datetime import timedelta

import pytest

from restore.errors import DamagedGenerationError, NotFoundError, UsageError
from restore.model import Generation
from restore.repository.folder import FolderRepository
from restore.repository.selection import choose
from tests.support.repository import STARTED, GenerationFactory, edit_manifest


@pytest.fixture
def three(generation_factory: GenerationFactory) -> tuple[Generation, ...]:
    """Generations of 18:00, 19:00 and 20:00; each is consistent a second later."""
    return tuple(generation_factory() for _ in range(3))


def test_latest_is_the_newest(repository: FolderRepository, three: tuple[Generation, ...]) -> None:
    assert choose(repository, "latest") == three[-1]


def test_an_id_or_its_beginning_names_one(
    repository: FolderRepository, three: tuple[Generation, ...]
) -> None:
    assert choose(repository, three[1].id) == three[1]
    assert choose(repository, "20261123T19") == three[1]


def test_a_beginning_of_several_is_ambiguous(
    repository: FolderRepository, three: tuple[Generation, ...]
) -> None:
    with pytest.raises(UsageError, match="3 generations") as caught:
        choose(repository, "20261123")
    assert three[0].id in caught.value.message


@pytest.mark.parametrize(
    ("date", "index"),
    [
        ("2026-11-24", 2),
        ("2026-11-23T20:00", 1),
        ("2026-11-23T20:00:01", 1),
        ("2026-11-23T20:00:02", 2),
        ("2026-11-23 19:30", 1),
        ("2026-11-23T20:30+01:00", 1),
    ],
)
def test_latest_before_a_date(
    repository: FolderRepository, three: tuple[Generation, ...], date: str, index: int
) -> None:
    assert choose(repository, f"latest-before {date}") == three[index]


@pytest.mark.parametrize(
    "choice", ["latest-before 2026-11-23", "2025", "x", "", "two words", "latest more"]
)
def test_what_fits_none_lists_what_there_is(
    repository: FolderRepository, three: tuple[Generation, ...], choice: str
) -> None:
    with pytest.raises(NotFoundError) as caught:
        choose(repository, choice)
    assert all(generation.id in caught.value.hint for generation in three)


def test_an_empty_repository_says_how_to_fill_it(repository: FolderRepository) -> None:
    with pytest.raises(NotFoundError) as caught:
        choose(repository, "latest")
    assert "pra capture" in caught.value.hint


def test_many_generations_are_not_all_listed(generation_factory: GenerationFactory) -> None:
    for hour in range(12):
        generation_factory(started=STARTED + timedelta(hours=hour))
    with pytest.raises(NotFoundError) as caught:
        choose(generation_factory.repository, "x")
    assert "and 2 older" in caught.value.hint


@pytest.mark.parametrize("date", ["", " yesterday", " 2026-31-31"])
def test_a_date_that_is_none(repository: FolderRepository, date: str) -> None:
    with pytest.raises(UsageError, match="no date"):
        choose(repository, f"latest-before{date}")


def test_a_damaged_latest_is_never_passed_over_silently(
    repository: FolderRepository, three: tuple[Generation, ...]
) -> None:
    edit_manifest(three[-1], lambda document: document.clear())
    with pytest.raises(DamagedGenerationError):
        choose(repository, "latest")
    assert choose(repository, "latest-before 2026-11-23T20:00") == three[1]
