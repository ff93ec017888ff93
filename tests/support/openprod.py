"""A real generation of the Open-Prod fixture production, made once a machine."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from fixtures.command import Steps
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
from restore.repository.tree import remove_tree
from tests.support.production import alone, cache_folder, content_of

_SOURCES = (
    "fixtures/*.py",
    "restore/capture/*.py",
    "restore/model/parts.py",
    "restore/plan/equivalence/certificate.py",
    "restore/adapters/postgres/facts.py",
    "restore/adapters/docker/facts.py",
    "restore/model/node_records.py",
    "restore/repository/transfer.py",
    "restore/repository/*.py",
    "restore/profile/builtin/openprod.yaml",
    "restore/model/schemas/manifest.schema.json",
)
_UNUSED_FOR = 24 * 3600.0
"""Seconds after which a cached production that nothing asks for any more is removed."""


def _require_images(runner: Runner) -> str:
    """The ids of the images, built now if one is missing."""
    names = (POSTGRESQL_IMAGE, ERP_IMAGE, REPORTS_IMAGE, FRONT_IMAGE)
    if any(runner.image(name) is None for name in names):
        subprocess.run([sys.executable, "-m", "offline.setup", GROUP], cwd=ROOT, check=True)
    images = [runner.image(name) for name in names]
    assert all(images), f"set-up did not build {', '.join(names)}"
    return ",".join(image.facts.id for image in images if image)


def _cache_key(images: str) -> str:
    digest = hashlib.sha256(images.encode())
    for pattern in _SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.name.encode() + b"\0" + content_of(path) + b"\0")
    return digest.hexdigest()[:16]


@pytest.fixture(scope="session")
def openprod_repository(docker_runner: Runner) -> FolderRepository:
    """A repository with one generation of the Open-Prod production. Shared: it is only read."""
    images = _require_images(docker_runner)
    folder = cache_folder() / "fixtures"
    target = folder / f"openprod-{_cache_key(images)}"
    with alone(folder, "openprod"):
        if not target.is_dir():
            for old in folder.glob("openprod-*"):
                if old.is_dir() and time.time() - old.stat().st_mtime > _UNUSED_FOR:
                    remove_tree(old)
            with tempfile.TemporaryDirectory(dir=folder, prefix="new-") as made:
                capture_openprod(docker_runner.client, Path(made) / "repository", Steps())
                (Path(made) / "repository").rename(target)
        os.utime(target)
    return FolderRepository.at(target)
