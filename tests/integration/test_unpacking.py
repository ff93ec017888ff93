"""Many files unpacked onto the volumes of a server that is stopped."""

from __future__ import annotations

import io
from typing import Any

import pytest

from restore.adapters.docker.runner import LABEL
from restore.adapters.docker.tar import Owner
from restore.errors import DamagedGenerationError, ReplayError
from restore.model import FileEntry
from restore.replay import unpacking
from restore.replay.tar import archive
from tests.support.servers import Scene

pytestmark = pytest.mark.docker

SHA256_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def stream(*names: str) -> Any:
    entries = [FileEntry(f"d/{name}", 0, SHA256_OF_NOTHING, mode=0o604) for name in names]
    return archive("new", entries, lambda _: io.BytesIO(), Owner(1234, 101))


def listed(scene: Scene) -> list[str]:
    found = scene.in_erp("find", "/var/lib/odoo/new", "-printf", "%P %U:%G %m\\n")
    return sorted(found.splitlines())


def helpers(scene: Scene) -> list[Any]:
    labels: list[str] = [f"{LABEL}={scene.lab.stack}", "pra.role=helper"]
    return scene.lab.runner.client.containers.list(all=True, filters={"label": labels})


@pytest.mark.parametrize("local", [True, False])
def test_files_arrive_with_owner_and_mode_however_the_engine_is_reached(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, local: bool
) -> None:
    def refuse(*_: object) -> None:
        raise unpacking._ElsewhereError

    if not local:
        monkeypatch.setattr(unpacking, "_started", refuse)

    unpacking.unpack(scene.lab.runner, scene.erp, "/var/lib/odoo", stream("a", "é"))

    assert listed(scene) == [
        " 1234:101 705",
        "d 1234:101 705",
        "d/a 1234:101 604",
        "d/é 1234:101 604",
    ]
    assert helpers(scene) == []


def test_what_tar_refuses_is_told_and_nothing_stays(scene: Scene) -> None:
    with pytest.raises(ReplayError, match=r"exit code 2.*/var/lib/odoo/nowhere"):
        unpacking.unpack(scene.lab.runner, scene.erp, "/var/lib/odoo/nowhere", stream("a"))
    assert helpers(scene) == []


def test_a_stream_that_breaks_is_raised_and_nothing_runs_on(scene: Scene) -> None:
    def broken() -> Any:
        yield next(stream("a"))
        raise DamagedGenerationError("file d/b is damaged", "")

    with pytest.raises(DamagedGenerationError, match="d/b"):
        unpacking.unpack(scene.lab.runner, scene.erp, "/var/lib/odoo", broken())
    assert helpers(scene) == []
