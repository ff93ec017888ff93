"""A real generation of the Open-Prod fixture production, made once a machine."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fixtures.front import IMAGE as FRONT_IMAGE
from fixtures.openprod import (
    ERP_IMAGE,
    GROUP,
    POSTGRESQL_IMAGE,
    REPORTS_IMAGE,
    capture_openprod,
)
from restore.adapters.docker.runner import Runner
from restore.model.locations import ROOT
from restore.repository.folder import FolderRepository
from tests.support.production import Kind, cached_production

OPENPROD = Kind(
    "openprod",
    (
        "fixtures/openprod.py",
        "fixtures/production.py",
        "fixtures/authority.py",
        "fixtures/front.py",
        "fixtures/dataset.py",
        "restore/adapters/jasper.py",
        "restore/model/parts.py",
        "restore/profile/builtin/openprod.yaml",
    ),
    (POSTGRESQL_IMAGE, ERP_IMAGE, REPORTS_IMAGE, FRONT_IMAGE),
    capture_openprod,
)


@pytest.fixture(scope="session")
def openprod_repository(docker_runner: Runner) -> FolderRepository:
    """A repository with one generation of the Open-Prod production. Shared: it is only read."""
    if any(docker_runner.image(name) is None for name in OPENPROD.images):
        subprocess.run([sys.executable, "-m", "offline.setup", GROUP], cwd=ROOT, check=True)
    return FolderRepository.at(cached_production(docker_runner, OPENPROD))
