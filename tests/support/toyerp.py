"""A real generation of the toy ERP, made once a machine, for tests of drills themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures import toyerp
from fixtures.front import IMAGE as FRONT_IMAGE
from fixtures.site import POSTGRESQL_IMAGE
from restore.adapters.docker.runner import Runner
from restore.repository.folder import FolderRepository
from tests.support.drill import Commands
from tests.support.production import Kind, cached_production
from tests.support.repository import copy_repository

TOY = Kind(
    "toyerp",
    ("fixtures/toyerp.*", "fixtures/front.py", "fixtures/authority.py"),
    (POSTGRESQL_IMAGE, toyerp.IMAGE, FRONT_IMAGE),
    toyerp.capture_production,
)


@pytest.fixture(scope="session")
def toy_repository(docker_runner: Runner) -> FolderRepository:
    """A repository with one generation of the toy ERP. Shared: it is only read."""
    return FolderRepository.at(cached_production(docker_runner, TOY))


@pytest.fixture
def private_toy(toy_repository: FolderRepository, tmp_path: Path) -> FolderRepository:
    """A copy of it that may be broken."""
    return copy_repository(Path(toy_repository.location), tmp_path / "toy")


@pytest.fixture
def toy(tmp_path: Path) -> Commands:
    """Commands that drill the toy ERP, with its account."""
    return Commands(
        tmp_path / "reports",
        account=(toyerp.LOGIN, toyerp.PASSWORD),
        profile=toyerp.PROFILE,
    )
