"""Which certificate a reverse proxy serves: the stack's own, the generation's, or none."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fixtures.authority import HOST, URL, server_pem
from restore.adapters.docker.facts import address_of, foresee_node_facts, read_node_facts
from restore.capture.artifacts import FILE, NAME
from restore.checks.tls import tls_of
from restore.errors import DamagedGenerationError, NotFoundError
from restore.model import (
    Artifact,
    ArtifactKind,
    DatabaseServer,
    Environment,
    ErpServer,
    FileEntry,
    Generation,
    NodeFacts,
    ProxyFacts,
)
from restore.model.environment import StackOverrides, certificate_choice
from restore.model.secret import Secret
from restore.plan.equivalence.certificate import judge, public_part
from restore.runs.certificate import LONGEST, Served, foreseen_certificate, standing_certificate
from tests.support.fake_docker import FakeEngine

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
PEM = server_pem(NOW)


class OneFile:
    """A repository whose generations hold one PEM."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def read_index(self, _generation: Generation, _artifact: Artifact) -> list[FileEntry]:
        return [FileEntry(FILE, len(self.content), "0" * 64)]

    def open(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self.content)


@pytest.fixture
def made(small_generation: Generation) -> Generation:
    """A generation with a certificate."""
    artifact = Artifact(
        NAME, ArtifactKind.CERTIFICATE, None, "/erp.pem", NAME, "i", "0" * 64, 1, len(PEM)
    )
    proxy = ProxyFacts(small_generation.fingerprint.erp, judge(PEM, HOST, NOW).facts)
    fingerprint = replace(small_generation.fingerprint, proxy=proxy, external_url=URL)
    artifacts = (*small_generation.artifacts, artifact)
    return replace(small_generation, fingerprint=fingerprint, artifacts=artifacts)


def foreseen(made: Generation, overrides: StackOverrides, content: bytes = PEM) -> Served:
    repository: Any = OneFile(content)
    return foreseen_certificate(repository, made, overrides, NOW)


def keys(served: Served) -> list[str]:
    return [item.key for item in served.differences]


def test_the_generation_s_is_served(made: Generation) -> None:
    served = foreseen(made, StackOverrides())
    assert served.pem == Secret(PEM.decode())
    assert (served.facts, served.differences) == (judge(PEM, HOST, NOW).facts, ())
    assert "PRIVATE" not in repr(served)


def test_the_stack_s_own_wins_and_is_noted(made: Generation, tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    own.write_bytes(server_pem(NOW))
    served = foreseen(made, StackOverrides(certificate=own))
    assert served.pem == Secret(own.read_text())
    assert keys(served) == ["certificate.other"]
    with pytest.raises(NotFoundError, match="can't be read"):
        foreseen(made, StackOverrides(certificate=tmp_path / "missing.pem"))


def test_its_name_is_held_against_the_stack_s_url_first(made: Generation) -> None:
    served = foreseen(made, StackOverrides(external_url="https://rescue.example.org"))
    assert keys(served) == ["certificate.name"]
    assert served.pem is not None


def test_what_no_server_can_start_with_is_not_served(made: Generation) -> None:
    public = public_part(Secret(PEM.decode())).encode()
    served = foreseen(made, StackOverrides(), public)
    assert (served.pem, keys(served)) == (None, ["certificate.key"])
    assert keys(foreseen(made, StackOverrides(), b"junk")) == ["certificate.key"]
    with pytest.raises(DamagedGenerationError, match="too large for a certificate"):
        foreseen(made, StackOverrides(), PEM + b"\n" * LONGEST)


def test_without_one(made: Generation, small_generation: Generation) -> None:
    assert foreseen(small_generation, StackOverrides()) == Served()
    plain = foreseen(made, StackOverrides(plain=True))
    assert (plain.pem, plain.facts, keys(plain)) == (None, None, ["certificate.other"])
    assert foreseen(small_generation, StackOverrides(plain=True)) == Served()


def environment(certificate: str | None, url: str = "https://127.0.0.1:4443") -> Environment:
    server = DatabaseServer("", "", 5432, "", Secret(""), "", Secret(""), "")
    erp = ErpServer("", "", 8069, "https://127.0.0.1:4443")
    return Environment("test", "", server, erp, url, certificate=certificate)


def test_one_that_stands_is_judged_without_its_key(made: Generation) -> None:
    public = public_part(Secret(PEM.decode()))
    standing = environment(public)
    assert standing_certificate(standing, made, NOW).differences == ()
    late = standing_certificate(standing, made, NOW.replace(year=2040))
    assert keys(late)[0] == "certificate.expired"
    elsewhere = environment(public, "https://rescue.example.org")
    assert keys(standing_certificate(elsewhere, made, NOW)) == ["certificate.name"]
    assert keys(standing_certificate(environment(None), made, NOW)) == ["certificate.other"]


def test_it_is_asked_for_by_its_name(made: Generation) -> None:
    public = public_part(Secret(PEM.decode()))
    found, own = tls_of(environment(public)), tls_of(environment(public, "https://rescue.example"))
    assert found and own and (found.host, own.host) == (HOST, "rescue.example")
    assert tls_of(environment(None)) is None


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (None, (None, False)),
        ("none", (None, True)),
        ("a/b.pem", (Path("/project/a/b.pem"), False)),
        ("/etc/b.pem", (Path("/etc/b.pem"), False)),
    ],
)
def test_what_a_setting_asks_for(told: str | None, expected: tuple[Path | None, bool]) -> None:
    assert certificate_choice(told, Path("/project")) == expected


def engine(root: Path, **host: Any) -> FakeEngine:
    """A Docker engine with one container."""
    made = FakeEngine()
    made.facts = {"NCPU": 8, "MemTotal": 16 << 30, "DockerRootDir": str(root)}
    networks = {"a": {"IPAddress": "10.0.0.9"}, "b": {"IPAMConfig": {"IPv4Address": "10.1.0.4"}}}
    made.add("c", {"HostConfig": host, "NetworkSettings": {"Networks": networks}}, status="exited")
    return made


@pytest.mark.parametrize(
    ("host", "cpus", "memory"),
    [
        ({}, 8, 16 << 30),
        ({"NanoCpus": 1_500_000_000, "Memory": 1 << 30}, 1.5, 1 << 30),
        ({"CpuQuota": 50_000}, 0.5, 16 << 30),
        ({"CpusetCpus": "0-2,5", "CpuQuota": -1}, 4, 16 << 30),
        ({"CpusetCpus": "", "Memory": 1 << 40}, 8, 16 << 30),
    ],
)
def test_what_a_container_may_use(
    host: dict[str, Any], cpus: float, memory: int, tmp_path: Path
) -> None:
    assert read_node_facts(engine(tmp_path, **host).runner, "c", "/data") == NodeFacts(
        cpus, memory, None, None, "10.1.0.4"
    )


def test_the_disk_of_an_engine_elsewhere_is_unknown(tmp_path: Path) -> None:
    local = engine(tmp_path)
    here = foresee_node_facts(local.runner)
    assert here.disk and here.disk_free and (here.cpus, here.address) == (8, None)
    local.api.base_url = "http://10.0.0.1:2375"
    assert foresee_node_facts(local.runner).disk is None


def test_a_container_without_networks_has_no_address() -> None:
    assert address_of({"NetworkSettings": {"Networks": {}}}) is None
