"""A real generation of Tryton, made once a machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures import tryton
from fixtures.site import POSTGRESQL_IMAGE
from restore.adapters.docker.runner import Runner
from restore.repository.folder import FolderRepository
from tests.support.drill import Commands
from tests.support.production import Kind, cached_production
from tests.support.repository import copy_repository

TRYTON = Kind(
    "tryton",
    ("fixtures/tryton.py", "restore/profile/builtin/tryton.yaml"),
    (POSTGRESQL_IMAGE, tryton.IMAGE),
    tryton.capture_production,
)


@pytest.fixture(scope="session")
def tryton_repository(docker_runner: Runner) -> FolderRepository:
    """A repository with one generation of a real Tryton. Shared: it is only read."""
    return FolderRepository.at(cached_production(docker_runner, TRYTON))


@pytest.fixture
def private_tryton(
    tryton_repository: FolderRepository, tmp_path: Path
) -> Iterator[FolderRepository]:
    """A copy of it that may be broken."""
    yield copy_repository(Path(tryton_repository.location), tmp_path / "tryton")


@pytest.fixture
def tryton_commands(tmp_path: Path) -> Commands:
    """Commands with the account of that Tryton."""
    return Commands(tmp_path / "reports", account=(tryton.LOGIN, tryton.PASSWORD))
