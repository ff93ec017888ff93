"""What is refused before anything is made: too small a disk, a certificate that no server takes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fixtures.authority import server_pem
from restore.adapters.docker import facts
from restore.adapters.docker.runner import Runner
from restore.errors import RefusedError
from restore.model import (
    Acceptance,
    Blueprint,
    Generation,
    NodeFacts,
    Selection,
    Severity,
    ignore_progress,
)
from restore.model.environment import StackOverrides
from restore.model.secret import Secret
from restore.plan.equivalence.certificate import public_part
from restore.profile import load_profile
from restore.repository.folder import FolderRepository
from restore.runs.recorder import Recorder, Run
from restore.runs.request import ReplayRequest, Services
from restore.runs.stages import preflight

pytestmark = pytest.mark.docker

Foresee = Callable[..., tuple[Blueprint | None, Recorder]]


@pytest.fixture
def look(
    docker_runner: Runner,
    production_repository: FolderRepository,
    production_generation: Generation,
) -> Foresee:
    """Foresees a drill of the real generation; the blueprint is None when it was refused."""

    def look(
        overrides: StackOverrides, *accepted: str, expected: str | None = None
    ) -> tuple[Blueprint | None, Recorder]:
        services = Services(
            runner=docker_runner,
            repository=production_repository,
            profile=load_profile("odoo"),
            now=lambda: datetime.now(UTC),
            listener=ignore_progress,
        )
        selection = Selection(Path(production_repository.location), "latest", "odoo")
        acceptances = tuple(Acceptance(key, "because") for key in accepted)
        request = ReplayRequest(selection, None, acceptances, Path("unused"))
        run = Run.begin("", request, services)
        if expected is None:
            return preflight(run, production_generation, overrides).blueprint, run.recorder
        with pytest.raises(RefusedError, match=expected):
            preflight(run, production_generation, overrides)
        return None, run.recorder

    return look


def test_the_machine_that_captured_is_large_enough(look: Foresee) -> None:
    made, recorder = look(StackOverrides())
    assert made is not None and made.certificate is not None
    assert recorder.differences == ()
    assert recorder.facts is not None and recorder.facts.certificate is not None
    assert "PRIVATE" not in repr(made)


def test_too_small_a_disk_is_refused(look: Foresee, monkeypatch: pytest.MonkeyPatch) -> None:
    small = NodeFacts(cpus=0.5, memory=1 << 30, disk=10**9, disk_free=10**9)
    monkeypatch.setattr(facts, "foresee_node_facts", lambda _runner: small)
    _, recorder = look(StackOverrides(), expected="sizing.disk: expected 2.* GB free")
    keys = {item.key: item.severity for item in recorder.differences}
    assert keys["sizing.disk"] is Severity.BLOCKING
    assert keys["sizing.cpus.database"] is keys["sizing.memory.erp"] is Severity.WARNING
    made, _ = look(StackOverrides(), "sizing.disk")
    assert made is not None


def test_a_pem_without_key_is_refused_or_left_out(look: Foresee, tmp_path: Path) -> None:
    path = tmp_path / "public.pem"
    path.write_text(public_part(Secret(server_pem().decode())), encoding="utf-8")
    look(StackOverrides(certificate=path), expected="no private key")
    made, recorder = look(StackOverrides(certificate=path), "certificate.key")
    assert made is not None and made.certificate is None
    assert {item.key for item in recorder.differences} == {"certificate.key", "certificate.other"}


def test_plain_http_is_a_choice(look: Foresee) -> None:
    made, recorder = look(StackOverrides(plain=True))
    assert made is not None and made.certificate is None
    assert [item.severity for item in recorder.differences] == [Severity.NOTE]
