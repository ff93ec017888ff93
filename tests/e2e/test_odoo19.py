"""Odoo 19 on PostgreSQL 18: images of its own, so only ``make test-all`` runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures import odoo19
from restore.adapters.docker.runner import Runner
from restore.errors import ExitCode
from tests.support.drill import Commands, told
from tests.support.production import Kind, cached_production

pytestmark = [pytest.mark.docker, pytest.mark.e2e, pytest.mark.heavy]

ODOO19 = Kind(
    "odoo19",
    (
        "fixtures/odoo19.py",
        "fixtures/production.py",
        "fixtures/dataset.py",
        "restore/profile/builtin/odoo19.yaml",
    ),
    (odoo19.POSTGRESQL_IMAGE, odoo19.ODOO_IMAGE),
    odoo19.capture_production,
)


def test_a_drill_of_odoo_19_passes(docker_runner: Runner, tmp_path: Path) -> None:
    repository = str(cached_production(docker_runner, ODOO19))
    commands = Commands(tmp_path / "reports")

    done = commands.pra(
        *("drill", "--profile", "odoo19", "--generation", "latest", "--repository", repository)
    )

    assert done.returncode == ExitCode.PASS, told(done)
    checks = commands.report()["checks"]
    statuses = {check["id"]: check["status"] for check in checks}
    # Odoo leaves a few files that no row names any more: a warning, no failure.
    assert set(statuses.values()) <= {"passed", "warning"}, statuses
    assert {f"web.scenario:{step}" for step in ("login", "menu", "logout")} <= set(statuses)
    (readable,) = [check for check in checks if check["id"].startswith("documents.readable")]
    assert readable["status"] == "passed"
