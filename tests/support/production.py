"""A real generation, made once a machine from the fixtures' own production, and stand-ins.

The real one lies in ``$PRA_CACHE`` (``~/.cache/pra``) under a name made of all that it depends on.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
import yaml

from fixtures.command import Steps
from fixtures.front import IMAGE as FRONT_IMAGE
from fixtures.production import capture_production
from fixtures.site import ODOO_IMAGE, POSTGRESQL_IMAGE
from restore.adapters.docker.runner import Runner
from restore.adapters.postgres import commands
from restore.model import Generation
from restore.model.locations import ROOT
from restore.repository.folder import FolderRepository
from restore.repository.tree import remove_tree
from tests.support.repository import copy_repository

_SOURCES = (
    "fixtures/site.py",
    "restore/capture/*.py",
    "restore/plan/equivalence/certificate.py",
    "restore/adapters/docker/facts.py",
    "restore/model/node_records.py",
    "restore/plan/configuration/erp_login.py",
    "restore/adapters/postgres/facts.py",
    "restore/repository/*.py",
    "restore/model/schemas/manifest.schema.json",
)
_OF_COPIES = ("neutralisation", "anonymisation", "upgrade")
"""Keys of a profile that no capture reads."""

_UNUSED_FOR = 24 * 3600.0
"""Seconds after which a cached production that nothing asks for any more is removed."""


@dataclass(frozen=True)
class Kind:
    """A production that can be made: by which module of ``fixtures``, from which images."""

    name: str
    sources: tuple[str, ...]
    images: tuple[str, ...]
    make: Callable[[docker.DockerClient, Path, Steps], Generation]


ODOO = Kind(
    "production",
    (
        "fixtures/initialised.py",
        "fixtures/production.py",
        "fixtures/authority.py",
        "fixtures/front.py",
        "fixtures/dataset.py",
        "restore/profile/builtin/odoo.yaml",
    ),
    (POSTGRESQL_IMAGE, ODOO_IMAGE, FRONT_IMAGE),
    capture_production,
)


def cache_folder() -> Path:
    """Where what is expensive to make is kept between runs."""
    return Path(os.environ.get("PRA_CACHE") or Path.home() / ".cache" / "pra")


def _cache_key(runner: Runner, kind: Kind) -> str:
    """A name for all that a production's generation depends on."""
    digest = hashlib.sha256()
    for pattern in (*_SOURCES, *kind.sources):
        paths = sorted(ROOT.glob(pattern))
        assert paths, f"{pattern} names no file: what a production depends on has moved"
        for path in paths:
            digest.update(path.name.encode() + b"\0" + content_of(path) + b"\0")
    dump = commands.dump_database(commands.DumpRequest("d", "f", "s", 2))
    digest.update(repr((dump, commands.dump_roles("s"))).encode())
    for reference in kind.images:
        image = runner.image(reference)
        assert image is not None, f"image {reference} is missing: run 'make setup'"
        digest.update(image.facts.id.encode())
    return digest.hexdigest()[:16]


def content_of(path: Path) -> bytes:
    """What a capture depends on: a profile without what becomes of copies."""
    content = path.read_bytes()
    if path.suffix == ".yaml":
        profile = yaml.safe_load(content)
        content = repr([item for item in profile.items() if item[0] not in _OF_COPIES]).encode()
    return content


@contextmanager
def alone(folder: Path, name: str) -> Iterator[None]:
    """One process at a time; the others then find what it made."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def cached_production(runner: Runner, kind: Kind = ODOO) -> Path:
    """The repository with a real production's generation, made now if there is none yet."""
    folder = cache_folder() / "fixtures"
    target = folder / f"{kind.name}-{_cache_key(runner, kind)}"
    with alone(folder, kind.name):
        if not target.is_dir():
            for old in folder.glob(f"{kind.name}-*"):
                if old.is_dir() and time.time() - old.stat().st_mtime > _UNUSED_FOR:
                    remove_tree(old)
            with tempfile.TemporaryDirectory(dir=folder, prefix="new-") as made:
                kind.make(runner.client, Path(made) / "repository", Steps())
                (Path(made) / "repository").rename(target)
        os.utime(target)
    return target


@pytest.fixture(scope="session")
def docker_runner() -> Iterator[Runner]:
    """The Docker engine of this machine; the test fails when there is none."""
    runner = Runner.connect()
    yield runner
    runner.close()


@pytest.fixture(scope="session")
def production_repository(docker_runner: Runner) -> FolderRepository:
    """A repository with one generation of a real production. Shared: it is only read."""
    return FolderRepository.at(cached_production(docker_runner))


@pytest.fixture(scope="session")
def production_generation(production_repository: FolderRepository) -> Generation:
    """That one generation."""
    return production_repository.load(production_repository.ids()[-1])


@pytest.fixture
def private_production(
    production_repository: FolderRepository, tmp_path: Path
) -> Iterator[FolderRepository]:
    """A copy of it that may be broken."""
    copied = copy_repository(Path(production_repository.location), tmp_path / "production")
    yield copied
    shutil.rmtree(copied.location)
