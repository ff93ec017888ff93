"""A real generation of an Odoo that is about to be upgraded, made once a machine."""

from __future__ import annotations

import pytest

from fixtures import upgrade
from fixtures.site import POSTGRESQL_IMAGE
from restore.adapters.docker.runner import Runner
from restore.repository.folder import FolderRepository
from tests.support.production import Kind, cached_production

_SOURCES = (
    "fixtures/upgrade.py",
    "fixtures/initialised.py",
    "fixtures/production.py",
    "fixtures/dataset.py",
    "restore/profile/builtin/odoo.yaml",
)
_IMAGES = (POSTGRESQL_IMAGE, upgrade.ODOO_IMAGE)
UPGRADE = Kind("upgrade", _SOURCES, _IMAGES, upgrade.capture_production)
TWO = Kind("two-databases", _SOURCES, _IMAGES, upgrade.capture_two)


@pytest.fixture(scope="session")
def upgrade_repository(docker_runner: Runner) -> FolderRepository:
    """A repository with one generation of the addon's version 1.0. Shared: it is only read."""
    return FolderRepository.at(cached_production(docker_runner, UPGRADE))


@pytest.fixture(scope="session")
def two_databases(docker_runner: Runner) -> FolderRepository:
    """A repository with one generation of an ERP with two databases. Shared: it is only read."""
    return FolderRepository.at(cached_production(docker_runner, TWO))
