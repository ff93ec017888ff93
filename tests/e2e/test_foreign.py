"""Whole drills of backups that others made, on files of the original tools."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
import zstandard

from fixtures.production import DATABASE
from restore.adapters.docker.runner import Runner
from restore.errors import ExitCode
from restore.model.locations import IMPORTS
from tests.support.drill import Commands, labelled, told
from tests.support.foreign import BRANCHES, ForeignBackups
from tests.support.repository import fingerprint

pytestmark = [pytest.mark.docker, pytest.mark.e2e]


@pytest.fixture(autouse=True)
def nothing_stays(docker_runner: Runner, commands: Commands) -> object:
    """Each drill leaves neither servers nor its import."""
    yield
    assert labelled(docker_runner, commands.report()["stack"]) == []
    assert [path for path in IMPORTS.iterdir() if path.is_dir()] == []


UNTOLD = {
    f"database.constraints:{DATABASE}": "the backup does not tell which constraints were not valid",
    f"database.objects:{DATABASE}": "the backup does not tell which objects there were",
    f"database.settings:{DATABASE}": (
        "the backup does not tell what was set for the database and its roles"
    ),
}
"""What no plain dump says."""


def drilled(
    commands: Commands, backup: str, original: Path, code: ExitCode = ExitCode.PASS
) -> dict[str, Any]:
    """The report of a drill that ended so and left the original alone."""
    before = fingerprint(original)
    done = commands.pra("drill", "--from", backup)
    assert done.returncode == code, told(done)
    assert fingerprint(original) == before
    report = commands.report()
    assert [stage["id"] for stage in report["stages"]][:3] == ["import", "select", "verify"]
    return report


def unverified(report: dict[str, Any]) -> dict[str, str]:
    """The checks that could not be run, with the reason."""
    statuses = {check["status"] for check in report["checks"]}
    assert statuses <= {"passed", "warning", "unverifiable"}, report["checks"]
    found = (check for check in report["checks"] if check["status"] == "unverifiable")
    return {check["id"]: check["reason"] for check in found}


def test_odoo_s_own_zip_is_drilled(commands: Commands, foreign_backups: ForeignBackups) -> None:
    path = foreign_backups.odoo_zip
    report = drilled(commands, f"odoo-zip:{path}", path.parent)

    assert unverified(report) == {
        f"database.encoding:{DATABASE}": (
            "the backup does not tell collation, character type, owner"
        ),
        **UNTOLD,
    }
    generation = report["generation"]
    assert generation["fingerprint"]["erp_series"] == "14.0"
    assert {"base", "sale_management"} <= {
        module["name"] for module in generation["fingerprint"]["databases"][0]["modules"]
    }
    assert generation["fingerprint"]["postgresql"]["version_number"] >= 130000
    assert generation["origin"]["layout"] == "odoo-zip"
    page = next(commands.reports.glob("*/report.html")).read_text(encoding="utf-8")
    assert f"odoo-zip:{path}" in page and "not told by that backup: exact moment" in page


@pytest.mark.heavy
def test_the_training_case_s_nightly_dumps_are_drilled(
    commands: Commands, foreign_backups: ForeignBackups
) -> None:
    # Dumps in custom format do not list their rows: they were counted when they were read.
    where = foreign_backups.nightly
    report = drilled(commands, f"openerp:{where}", where)

    assert report["plan"]["databases"] == list(BRANCHES)
    reasons = unverified(report)
    (started,) = [check for check in report["checks"] if check["id"] == "erp.started"]
    assert started["status"] == "warning"
    assert started["details"] == ["the backup does not tell the ERP's version"]
    statuses = {check["id"]: check["status"] for check in report["checks"]}
    for name in BRANCHES:
        assert statuses[f"database.tables:{name}"] == "passed"
        assert statuses[f"database.objects:{name}"] == "passed"
        assert "what was set" in reasons[f"database.settings:{name}"]
        assert reasons[f"documents.readable:filestore:{name}"] == "the database lists no document"
        assert "constraints" in reasons[f"database.constraints:{name}"]
    assert len(reasons) == 3 * len(BRANCHES)


@pytest.mark.heavy
def test_a_folder_of_dumps_is_drilled_by_its_mapping(
    commands: Commands, foreign_backups: ForeignBackups
) -> None:
    folder = foreign_backups.folder
    plain = (folder / f"{DATABASE}.sql").read_bytes()
    (folder / f"{DATABASE}.sql.zst").write_bytes(zstandard.compress(plain))
    mapping = folder / "mapping.yaml"
    mapping.write_text(
        yaml.safe_dump(
            {
                "databases": [{"name": DATABASE, "dump": f"{DATABASE}.sql.zst", "owner": "odoo"}],
                "roles": "globals.sql",
                "erp": {"series": "14.0"},
                "documents": [
                    {
                        "tree": "filestore",
                        "database": DATABASE,
                        "path": "documents.tar.gz",
                        "within": DATABASE,
                    }
                ],
            }
        ),
        encoding="utf-8",
    )
    report = drilled(commands, f"folder:{mapping}", folder)

    assert unverified(report) == {
        f"database.encoding:{DATABASE}": "the backup does not tell collation, character type",
        **UNTOLD,
    }


def test_a_cut_backup_is_refused_before_anything_is_made(
    commands: Commands, foreign_backups: ForeignBackups, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.zip"
    cut.write_bytes(foreign_backups.odoo_zip.read_bytes()[: -(1 << 16)])
    night = tmp_path / "nights"
    night.mkdir()
    (whole,) = foreign_backups.nightly.glob(f"{BRANCHES[0]}.dump.*")
    (night / whole.name).write_bytes(whole.read_bytes()[:-100])
    os.utime(night / whole.name, (whole.stat().st_mtime, whole.stat().st_mtime))

    for backup in (f"odoo-zip:{cut}", f"openerp:{night}"):
        done = commands.pra("drill", "--from", backup)
        assert done.returncode == ExitCode.DAMAGED, told(done)
        assert "rebuild" not in [stage["id"] for stage in commands.report()["stages"]]
