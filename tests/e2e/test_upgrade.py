"""Rehearsals of real upgrades: of an addon of Odoo, of other ERPs, and of PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures import openprod, tryton
from fixtures.upgrade import (
    BIKES,
    BROKEN_IMAGE,
    DATABASE,
    NEWER_IMAGE,
    ODOO_IMAGE,
    RETIRED,
    TWO,
    VIEW,
)
from restore.adapters.docker.runner import LABEL, Runner
from restore.errors import ExitCode
from restore.model.locations import ROOT
from restore.repository.folder import FolderRepository
from tests.support.drill import Commands, labelled, told
from tests.support.repository import fingerprint

pytestmark = [pytest.mark.docker, pytest.mark.e2e]

ROAD_BOOK = str(ROOT / "fixtures" / "road-book.yaml")
SCENARIO = ("--scenario", str(ROOT / "fixtures" / "scenarios" / "bikes.yaml"))
MANUAL = ("bike-form", "order-to-cash")


def rehearse(
    commands: Commands, repository: FolderRepository, *options: str, code: ExitCode
) -> dict[str, Any]:
    """Run a rehearsal and return its report."""
    where = ("--repository", repository.location)
    done = commands.pra("upgrade", "rehearse", *where, *options)
    assert done.returncode == code, told(done)
    return commands.report()


def by_id(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A report's checks."""
    return {check["id"]: check for check in report["checks"]}


def subject(report: dict[str, Any], name: str) -> dict[str, Any]:
    """What a rehearsal found about a measure."""
    (found,) = [one for one in report["upgrade"]["subjects"] if one["name"] == name]
    return dict(found)


def test_an_addon_that_breaks_a_view_and_loses_rows_fails_and_both_are_named(
    commands: Commands, upgrade_repository: FolderRepository, docker_runner: Runner
) -> None:
    before = fingerprint(Path(upgrade_repository.location))

    report = rehearse(
        commands, upgrade_repository, "--to", BROKEN_IMAGE, *SCENARIO, code=ExitCode.FAIL
    )

    checks = by_id(report)
    failed = {name for name, check in checks.items() if check["status"] == "failed"}
    broken = {f"upgrade.{name}:{DATABASE}" for name in ("command", "rows", "views")}
    assert failed == {*broken, "upgraded.scenario.bikes.listed"}
    assert checks["scenario.bikes.form"]["status"] == "passed"
    picture = checks["upgraded.scenario.bikes.listed"]["picture"]["name"]
    assert (commands.folders()[-1] / picture).is_file()
    (rows,) = checks[f"upgrade.rows:{DATABASE}"]["details"]
    assert rows == f"specibike_bike: was {BIKES}, is {BIKES - RETIRED}"
    (line,) = checks[f"upgrade.command:{DATABASE}"]["details"]
    assert "invalid custom view(s) for model specibike.bike" in line
    (view,) = checks[f"upgrade.views:{DATABASE}"]["details"]
    assert view.startswith("specibike.bike.form (form of specibike.bike, ")
    assert "frame_number" in view and VIEW in view
    # Money, goods and rights are as before, and what is there was looked at.
    balance = subject(report, "trial-balance")
    assert balance["before"] == balance["after"] > 0 and not balance["changes"]
    assert report["error"] is None
    assert [server["after"] for server in report["upgrade"]["servers"]] == [BROKEN_IMAGE]
    assert labelled(docker_runner, report["stack"]) == []
    assert fingerprint(Path(upgrade_repository.location)) == before


def captured(commands: Commands, runner: Runner, stack: str, folder: Path) -> tuple[str, str]:
    """Capture what stands in a stack into a repository of its own, as an option names it."""
    containers = {
        one.labels["pra.role"]: str(one.id)
        for one in runner.client.containers.list(filters={"label": f"{LABEL}={stack}"})
    }
    where = ("--repository", str(folder))
    servers = ("--database-container", containers["database"], "--erp-container", containers["erp"])
    done = commands.pra("capture", *servers, *where)
    assert done.returncode == ExitCode.PASS, told(done)
    return where


@pytest.fixture
def made(docker_runner: Runner) -> Iterator[list[str]]:
    """Stacks that are kept, and names of images that a rollback makes: gone afterwards."""
    stacks: list[str] = []
    yield stacks
    for name in stacks:
        Commands(Path("unused")).pra("gc", "--stack", name)
    for image in docker_runner.client.images.list("pra-archive/*"):
        for tag in image.tags:
            if tag.startswith("pra-archive/"):
                docker_runner.client.images.remove(tag, noprune=True)


@pytest.mark.heavy
def test_a_good_upgrade_is_signed_off_accepted_archived_and_rolled_back(
    commands: Commands,
    upgrade_repository: FolderRepository,
    docker_runner: Runner,
    tmp_path: Path,
    made: list[str],
) -> None:
    options = ("--to", "1.1", "--road-book", ROAD_BOOK, "--keep")
    report = rehearse(commands, upgrade_repository, *options, code=ExitCode.PASS)
    made.append(report["stack"])
    checks = by_id(report)
    for name in ("bike-colour", "bikes.form"):
        assert checks[f"road-book.{name}:{DATABASE}"]["status"] == "passed"
    assert subject(report, "modules")["changes"] == [
        {"key": "specibike", "before": "14.0.1.0.0", "after": "14.0.1.1.0", "wrong": False}
    ]
    assert [c["key"] for c in subject(report, "columns")["changes"]] == ["specibike_bike.colour"]
    assert [(s["before"], s["after"]) for s in report["upgrade"]["servers"]] == [
        (ODOO_IMAGE, NEWER_IMAGE)
    ]

    archive, where = tmp_path / "archive", ("--repository", upgrade_repository.location)
    accept = ("upgrade", "accept", "--by", "Ann", "--archive", str(archive), *where)
    refused = commands.pra(*accept)
    assert refused.returncode == ExitCode.REFUSED, told(refused)
    assert all(f"{name} is not signed off" in refused.stderr for name in MANUAL)
    assert not archive.exists()
    for name in MANUAL:
        signed = commands.pra("upgrade", "sign-off", name, "--by", "Ann")
        assert signed.returncode == ExitCode.PASS, told(signed)
    accepted = commands.pra(*accept)
    assert accepted.returncode == ExitCode.PASS, told(accepted)

    newer = captured(commands, docker_runner, report["stack"], tmp_path / "later")
    before = len(commands.folders())
    refused = commands.pra("upgrade", "rollback", str(archive), *newer, "--generation", "latest")
    assert refused.returncode == ExitCode.REFUSED, told(refused)
    assert "module specibike is 14.0.1.1.0, the archived code 14.0.1.0.0" in refused.stderr
    assert len(commands.folders()) == before
    assert not docker_runner.client.images.list("pra-archive/*")

    back = commands.pra("upgrade", "rollback", str(archive))
    made.append(commands.report()["stack"])
    assert back.returncode == ExitCode.PASS, told(back)
    rolled = commands.report()
    assert rolled["verdict"] == "pass"
    images = json.loads((archive / "archive.json").read_text(encoding="utf-8"))["images"]
    (erp,) = [image for image in images if image["role"] == "erp"]
    assert erp["name"] == f"pra-archive/erp:{report['run']}"
    assert rolled["facts"]["erp"]["image"]["id"] == erp["id"]
    assert by_id(rolled)[f"database.tables:{DATABASE}"]["status"] == "passed"


@pytest.mark.heavy
def test_the_same_erp_goes_from_postgresql_13_to_15(
    commands: Commands, upgrade_repository: FolderRepository
) -> None:
    options = ("--to-database", "pra/postgresql:15", *SCENARIO)
    report = rehearse(commands, upgrade_repository, *options, code=ExitCode.PASS)

    (server,) = report["upgrade"]["servers"]
    assert (server["version_before"][:3], server["version_after"][:3]) == ("13.", "15.")
    checks = by_id(report)
    assert checks[f"postgresql-upgraded.database.tables:{DATABASE}"]["status"] == "passed"
    for name in ("web.scenario:login", "scenario.bikes.form"):
        assert checks[f"postgresql-upgraded.{name}"]["status"] == "passed"
    picture = checks["postgresql-upgraded.scenario.bikes.form"]["picture"]["name"]
    assert (commands.folders()[-1] / picture).is_file()
    wrong = [one["name"] for one in report["upgrade"]["subjects"] if one["changes"]]
    assert set(wrong) <= {"technical-rows"}, wrong


@pytest.mark.heavy
def test_every_database_of_an_erp_is_upgraded(
    commands: Commands, two_databases: FolderRepository
) -> None:
    options = ("--to", "1.1", "--road-book", ROAD_BOOK)
    report = rehearse(commands, two_databases, *options, code=ExitCode.PASS)

    checks = by_id(report)
    changed = {
        (one["database"], change["key"], change["after"])
        for one in report["upgrade"]["subjects"]
        for change in one["changes"]
        if one["name"] in ("modules", "columns")
    }
    for name in TWO:
        for check in ("upgrade.command", "road-book.bike-colour", "road-book.bikes.form"):
            assert checks[f"{check}:{name}"]["status"] == "passed"
        assert (name, "specibike", "14.0.1.1.0") in changed
        assert (name, "specibike_bike.colour", "character varying") in changed
        (views,) = [
            one
            for one in report["upgrade"]["subjects"]
            if (one["database"], one["name"]) == (name, "views")
        ]
        assert views["before"] == views["after"] > 0
    pictures = {one["picture"]["name"] for one in report["checks"] if one["picture"]}
    assert {f"road-book-bikes-{n}-scenario-bikes.form.png" for n in (1, 2)} <= pictures


@pytest.fixture
def next_tryton(docker_runner: Runner) -> Iterator[str]:
    """Tryton's image under the name of a later one."""
    name = "pra-test/tryton:next"
    repository, _, tag = name.partition(":")
    docker_runner.client.api.tag(tryton.IMAGE, repository, tag)
    yield name
    docker_runner.client.images.remove(name, noprune=True)


@pytest.mark.heavy
def test_tryton_is_upgraded_by_its_own_command(
    tryton_commands: Commands, tryton_repository: FolderRepository, next_tryton: str
) -> None:
    scenario = ("--scenario", str(ROOT / "fixtures" / "scenarios" / "parties.yaml"))
    options = ("--profile", tryton.PROFILE, "--to", next_tryton, *scenario)
    report = rehearse(tryton_commands, tryton_repository, *options, code=ExitCode.PASS)

    checks = by_id(report)
    assert checks[f"upgrade.command:{tryton.DATABASE}"]["status"] == "passed"
    for name in ("scenario.parties.read", "web.scenario:session is over"):
        assert checks[f"upgraded.{name}"]["status"] == "passed"
    (users,) = [one for one in report["upgrade"]["subjects"] if one["name"] == "users"]
    assert users["before"] == users["after"] > 0


@pytest.mark.heavy
def test_open_prod_is_upgraded_beside_its_reports_server(
    tmp_path: Path, openprod_repository: FolderRepository
) -> None:
    secret = ("PRA_REPORTS_PASSWORD", openprod.REPORTS_PASSWORD)
    commands = Commands(tmp_path / "reports", variables=(secret,))
    options = ("--profile", openprod.PROFILE, "--to", openprod.ERP_IMAGE)
    report = rehearse(commands, openprod_repository, *options, code=ExitCode.PASS)

    checks = by_id(report)
    for name in ("command", "trial-balance", "views"):
        assert checks[f"upgrade.{name}:{openprod.DATABASE}"]["status"] == "passed"
    reports = [check for name, check in checks.items() if name.startswith("upgraded.reports.")]
    assert reports and {check["status"] for check in reports} == {"passed"}
