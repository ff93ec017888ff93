"""An expired certificate fails a drill with its own message, unless a reason accepts it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.authority import server_pem
from restore.adapters.docker.runner import Runner
from restore.errors import ExitCode
from restore.repository.folder import FolderRepository
from tests.support.drill import Commands, labelled, told

pytestmark = [pytest.mark.docker, pytest.mark.e2e]

ACCEPTED = ("--accept", "certificate.expired", "--reason", "the new one comes on Monday")


@pytest.fixture
def expired(tmp_path: Path) -> Path:
    """A PEM that expired yesterday."""
    path = tmp_path / "expired.pem"
    path.write_bytes(server_pem(expired=True))
    return path


def test_an_expired_certificate_fails_with_its_own_message(
    expired: Path, toy: Commands, toy_repository: FolderRepository
) -> None:
    drill = ("drill", "--generation", "latest", "--repository", toy_repository.location,
             "--certificate", str(expired))  # fmt: skip

    refused = toy.pra(*drill)

    assert refused.returncode == ExitCode.REFUSED, told(refused)
    assert "certificate.expired" in refused.stderr
    assert "the certificate expired on" in refused.stderr
    assert "--accept certificate.expired" in refused.stderr
    report = toy.report()
    assert report["verdict"] == "fail"
    assert "rebuild" not in [stage["id"] for stage in report["stages"]]


def test_accepted_it_is_served_and_told(
    expired: Path,
    toy: Commands,
    toy_repository: FolderRepository,
    docker_runner: Runner,
) -> None:
    done = toy.pra(
        "drill", "--generation", "latest", "--repository", toy_repository.location,
        "--certificate", str(expired), *ACCEPTED,
    )  # fmt: skip

    assert done.returncode == ExitCode.PASS, told(done)
    report = toy.report()
    checks = {check["id"]: check for check in report["checks"]}
    assert checks["web.certificate"]["status"] == "warning"
    assert "expired on" in checks["web.certificate"]["details"][0]
    assert checks["web.scenario:login"]["status"] == "passed"
    differences = {item["key"]: item for item in report["differences"]}
    assert differences["certificate.expired"]["accepted"] == ACCEPTED[-1]
    assert differences["certificate.other"]["severity"] == "note"
    # The history among them is no text, but it may hold some.
    files = toy.reports.rglob("*.*")
    text = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)
    assert "PRIVATE KEY" not in text + done.stdout + done.stderr
    assert labelled(docker_runner, report["stack"]) == []
