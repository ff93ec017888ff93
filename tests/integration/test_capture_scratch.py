"""Where dumps lie during a capture: asked for room first, cleared of what killed captures left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from docker.models.containers import Container

from fixtures.site import Site, new_site
from restore.adapters.docker.runner import Runner
from restore.capture.scratch import Scratch, scratch_folder
from restore.errors import ReplayError
from restore.model import DatabaseServer
from restore.model.secret import Secret

pytestmark = pytest.mark.docker

OURS = "20261124T090000Z-00ff00"
KILLED = "20261123T180000Z-00000a"
RUNNING = "20261123T190000Z-00000b"
SMALL = "/dev/shm"


@pytest.fixture(scope="module")
def standing(docker_runner: Runner) -> Iterator[tuple[Site, Container]]:
    with new_site(docker_runner.client) as site:
        yield site, site.start_database()


@pytest.fixture
def scratch(docker_runner: Runner, standing: tuple[Site, Container]) -> Scratch:
    site, container = standing
    server = DatabaseServer(
        container=str(container.name),
        address=site.address(container),
        port=5432,
        superuser="postgres",
        password=Secret(""),
        erp_role="odoo",
        erp_password=Secret(site.passwords.erp),
        repository="",
    )
    return Scratch(docker_runner, server, OURS)


def run(scratch: Scratch, *argv: str) -> str:
    return scratch.runner.check(scratch.server.container, argv, user="postgres")


def folders(scratch: Scratch) -> set[str]:
    found = run(scratch, "find", "/tmp", SMALL, "-maxdepth", "1", "-name", "pra-*")
    return set(found.splitlines())


def test_a_folder_of_its_own_is_there_and_goes(scratch: Scratch) -> None:
    with scratch_folder(scratch, ("postgres",)):
        assert folders(scratch) == {scratch.folder} == {f"/tmp/pra-{OURS}"}
        assert run(scratch, "stat", "-c", "%a %U", scratch.folder) == "700 postgres"
    assert folders(scratch) == set()


def test_a_disk_without_room_is_refused_before_anything_is_written(
    docker_runner: Runner, scratch: Scratch
) -> None:
    small = Scratch(docker_runner, scratch.server, OURS, SMALL)
    run(small, "fallocate", "--length", "62M", f"{SMALL}/full")
    try:
        with (
            pytest.raises(
                ReplayError, match=r"has \d+ bytes left in /dev/shm, the dump of postgres"
            ) as caught,
            scratch_folder(small, ("postgres",)),
        ):
            pytest.fail("there is no room")
    finally:
        run(small, "rm", f"{SMALL}/full")
    assert "--scratch" in caught.value.hint
    assert folders(scratch) == set()
    with scratch_folder(small, ("postgres",)):
        assert folders(scratch) == {f"{SMALL}/pra-{OURS}"}


def test_what_killed_captures_left_goes_and_a_running_ones_stays(
    docker_runner: Runner, standing: tuple[Site, Container], scratch: Scratch
) -> None:
    site, container = standing
    stranger = f"/tmp/pra-{KILLED}-of-somebody"
    run(scratch, "mkdir", f"/tmp/pra-{KILLED}", f"{SMALL}/pra-{KILLED}", stranger)
    run(scratch, "touch", f"/tmp/pra-{KILLED}/toc.dat")
    running = Scratch(docker_runner, scratch.server, RUNNING)
    small = Scratch(docker_runner, scratch.server, OURS, SMALL)
    with site.connect(container, "postgres") as orphan:
        orphan.execute("SELECT set_config('application_name', %s, false)", (KILLED,))
        with scratch_folder(running, ()):
            with scratch_folder(small, ("postgres",)):
                expected = {running.folder, small.folder, stranger}
                assert folders(scratch) == expected, "also where others laid their dumps"
            assert folders(scratch) == {running.folder, stranger}
        assert _sessions(site, container, KILLED) == 0, "an orphan's dump is ended too"
    run(scratch, "rmdir", stranger)


def _sessions(site: Site, container: Container, name: str) -> int:
    with site.connect(container, "postgres") as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", (name,)
        ).fetchone()
    assert row is not None
    return int(str(row[0]))


def test_a_folder_that_is_not_there_is_named(docker_runner: Runner, scratch: Scratch) -> None:
    nowhere = Scratch(docker_runner, scratch.server, OURS, "/nowhere")
    with (
        pytest.raises(ReplayError, match="/nowhere"),
        scratch_folder(nowhere, ("postgres",)),
    ):
        pytest.fail("there is no such folder")
