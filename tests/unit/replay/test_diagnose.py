"""What a failure says beside its own words: what its servers tell, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from restore.adapters.docker.runner import Runner
from restore.context import ReplayContext
from restore.model import Step, StepKind
from restore.profile import load_profile
from restore.replay.steps.diagnose import diagnose
from tests.support.fake_docker import Answer, FakeEngine

SINCE = datetime(2026, 11, 24, tzinfo=UTC)
LOAD = Step("restore-database:db", StepKind.RESTORE_DATABASE, "", "db__pra_0a1b2c")
COPY = Step("documents:t:db", StepKind.DOCUMENTS, "", "/var/lib/odoo/filestore/db")
ROOMY = "Filesystem 1024-blocks Used Available Capacity Mounted\n/dev/vda 1000000 1 999999 1% /\n"
FULL = "Filesystem 1024-blocks Used Available Capacity Mounted\n/dev/vda 1000000 999999 1 99% /\n"
NO_ROOM = "could not extend file: No space left on device"
CRASHED = "FATAL: crash of another process possibly corrupted shared memory"


class Server(FakeEngine):
    """An engine with one database server."""

    def __init__(
        self,
        *,
        status: str = "running",
        limit: int = 0,
        kills: str = "",
        df: str = ROOMY,
        words: str = "",
    ) -> None:
        self._told: dict[str, Answer | str] = {"cat": Answer(kills, exit_code=not kills), "df": df}
        super().__init__(lambda call: self._told[call.argv[0]])
        attrs = {
            "State": {"Status": status, "OOMKilled": status == "exited"},
            "HostConfig": {"Memory": limit},
            "Mounts": [{"Destination": "/var/lib/odoo"}, {"Destination": "/srv"}],
        }
        self.add("c", attrs, status=status, log=words)

    @property
    def asked(self) -> list[tuple[str, ...]]:
        return [call.argv for call in self.calls if call.argv[0] == "df"]


def context_of(runner: Runner) -> ReplayContext:
    one = SimpleNamespace(container="c")
    nothing = cast(Any, None)
    return ReplayContext(
        runner=runner,
        environment=cast(Any, SimpleNamespace(database=one, erp=one)),
        repository=nothing,
        generation=nothing,
        profile=load_profile("odoo"),
        now=lambda: SINCE,
    )


def told(server: Server, words: str = "it failed", step: Step = LOAD) -> list[tuple[str, str]]:
    return [
        (one.cause, one.hint) for one in diagnose(context_of(server.runner), step, words, SINCE)
    ]


def test_healthy_servers_tell_nothing() -> None:
    assert told(Server()) == []
    assert told(Server(kills="oom_kill_disable 0\nunder_oom 0\noom_kill 0\n")) == []
    assert told(Server(), step=COPY) == []


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (Server(), NO_ROOM),
        (Server(df=FULL), "it failed"),
        # The tool saw only that the server went; the server's log says why.
        (Server(words=f"{CRASHED}\nPANIC: {NO_ROOM}"), "server closed the connection"),
        (Server(), "n'a pas pu étendre : Aucun espace disponible sur le périphérique"),
    ],
)
def test_a_full_disk_is_named_with_what_is_free(server: Server, words: str) -> None:
    ((cause, hint),) = told(server, words)
    assert cause.startswith("the disk of the database server's data (/var/lib/postgresql/data) is")
    assert "of 976 MiB are free now" in cause
    assert hint.startswith("make room there")
    assert server.asked == [("df", "-Pk", "/var/lib/postgresql/data")]


def test_the_disk_of_documents_is_that_of_their_volume() -> None:
    server = Server()
    ((cause, _),) = told(server, "tar: Cannot write: No space left on device", COPY)
    assert cause.startswith("the disk of the documents (/var/lib/odoo) is full")
    assert server.asked == [("df", "-Pk", "/var/lib/odoo")]


def test_shared_memory_is_no_disk() -> None:
    words = "could not resize shared memory segment: No space left on device"
    assert told(Server(), words) == [
        (
            "the database server's shared memory (/dev/shm) is full",
            "give it more: the stack's setting databaseSharedMemoryMb",
        )
    ]


@pytest.mark.parametrize(
    ("limit", "ending", "hint"),
    [
        (64 << 20, "(its limit is 64 MiB)", "give it more: the stack's setting databaseMemoryMb"),
        (0, "(the machine's)", "its machine needs more memory"),
    ],
)
@pytest.mark.parametrize("kills", ["low 0\noom 3\noom_kill 2\n", "under_oom 0\noom_kill 2\n"])
def test_processes_that_the_kernel_killed_are_counted(
    limit: int, ending: str, hint: str, kills: str
) -> None:
    ((cause, advice),) = told(Server(limit=limit, kills=kills))
    assert "has killed 2 of the database server's processes" in cause
    assert cause.endswith(ending)
    assert advice == hint


def test_a_server_that_ended_tells_how_with_its_last_words() -> None:
    server = Server(status="exited", limit=64 << 20, words="LOG: good bye\n")
    assert told(server) == [
        (
            "the database server was killed, out of memory (its limit is 64 MiB): LOG: good bye",
            "give it more: the stack's setting databaseMemoryMb",
        )
    ]


def test_what_cannot_be_asked_tells_nothing() -> None:
    gone = Server()
    gone.all.clear()
    assert told(gone) == []
    assert told(Server(df="df: what?\n"), NO_ROOM) == []
