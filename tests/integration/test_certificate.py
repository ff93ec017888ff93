"""A real nginx: what a capture reads of it, what a stack's serves, and what the check sees."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from docker.models.networks import Network

from fixtures.authority import HOST, URL, Authority, server_pem
from fixtures.plans.cases import database, generation
from fixtures.site import put_files
from restore.adapters.docker.facts import read_node_facts
from restore.adapters.docker.health import wait_healthy
from restore.adapters.docker.runner import Runner
from restore.capture.artifacts import FILE, NAME, capture_proxy
from restore.checks.certificate import ID, certificate_checks
from restore.checks.tls import client, tls_of
from restore.context import ReplayContext
from restore.errors import ReplayError, UsageError
from restore.model import (
    Acceptance,
    ArtifactKind,
    CheckResult,
    CheckStatus,
    DatabaseServer,
    Environment,
    ErpServer,
    Generation,
    ProxyFacts,
)
from restore.model.secret import Secret
from restore.plan.equivalence.certificate import judge, public_part
from restore.profile import ProxyProfile, load_profile
from restore.repository.folder import FolderRepository
from stacks.proxy import CERTIFICATE, CONFIGURATION, HEALTH, configuration
from tests.support.servers import placed, private_network

pytestmark = pytest.mark.docker

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
PROFILE = load_profile("odoo")
MADE = generation(database("specibike_prod"))


@dataclass(frozen=True)
class Lab:
    """A network where one proxy may stand."""

    runner: Runner
    stack: str
    network: Network
    address: str

    def environment(self, certificate: str | None) -> Environment:
        """The environment whose proxy stands at the address."""
        server = DatabaseServer("", "", 5432, "", Secret(""), "", Secret(""), "")
        scheme = "http" if certificate is None else "https"
        url = f"{scheme}://{self.address}"
        erp = ErpServer("", self.address, 8069, url)
        return Environment("test", "", server, erp, url, certificate=certificate)

    def context(self, pem: bytes, *accepted: str) -> ReplayContext:
        """What a check is given where ``pem`` ought to be served, as it was in production."""
        facts = judge(pem, None, NOW).facts
        proxy = ProxyFacts(MADE.fingerprint.erp, facts)
        fingerprint = replace(MADE.fingerprint, proxy=proxy, external_url=URL)
        return ReplayContext(
            runner=self.runner,
            environment=self.environment(public_part(Secret(pem.decode()))),
            repository=None,  # type: ignore[arg-type]  # nothing is read
            generation=replace(MADE, fingerprint=fingerprint),
            profile=PROFILE,
            now=lambda: NOW,
            accepted=tuple(Acceptance(key, "because") for key in accepted),
        )


@pytest.fixture(scope="module")
def lab(docker_runner: Runner) -> Iterator[Lab]:
    stack = f"test-{secrets.token_hex(4)}"
    with private_network(docker_runner, stack) as (network, addresses):
        yield Lab(docker_runner, stack, network, addresses[0])


@pytest.fixture
def serve(lab: Lab) -> Iterator[Callable[[bytes], str]]:
    """Starts the proxy of a stack with a PEM; the ERP behind it is its own plain side."""
    with ExitStack() as cleanup:

        def start(pem: bytes, path: str = CERTIFICATE) -> str:
            container = lab.runner.client.containers.create(
                "pra/nginx:1.18",
                healthcheck={
                    "test": ["CMD", "curl", "-fsS", f"http://127.0.0.1{HEALTH}"],
                    "interval": 10**8,
                },
                **placed(lab.runner, lab.stack, lab.network, lab.address),
            )
            cleanup.callback(container.remove, force=True)
            site = configuration("127.0.0.1:80", tls=True).encode()
            put_files(container, "/", {CONFIGURATION[1:]: site}, 0o644, owner=0)
            put_files(container, "/", {path[1:]: pem}, 0o400, owner=0)
            container.start()
            wait_healthy(lab.runner, str(container.id), 30)
            return str(container.id)

        yield start


def issued(since: int = -1, until: int = 90) -> tuple[bytes, bytes]:
    """A whole PEM, and the same without its authorities."""
    authority = Authority.new(NOW)
    server = authority.issue(since=NOW + since * DAY, until=NOW + until * DAY)
    return authority.pem(server), server.public_pem + server.key_pem


def check(context: ReplayContext) -> CheckResult:
    (result,) = certificate_checks(context)
    assert result.id == ID
    return result


def test_the_right_certificate_passes(lab: Lab, serve: Callable[[bytes], str]) -> None:
    pem, _ = issued()
    container = serve(pem)
    context = lab.context(pem)

    result = check(context)

    assert (result.status, result.details) == (CheckStatus.PASSED, ())
    assert f"valid until {NOW + 90 * DAY:%Y-%m-%d}" in result.observed
    with client(context.environment.erp.url, tls_of(context.environment)) as visitor:
        # The ERP behind is the proxy's own plain side, which leads to the other.
        answer = visitor.get("/web?db=x")
        assert (answer.status_code, answer.headers["server"][:5]) == (301, "nginx")
        assert visitor.get(HEALTH).text == "ok\n"
    plain = httpx.get(f"http://{lab.address}/web?db=x", headers={"Host": HOST}, trust_env=False)
    assert plain.headers["location"] == f"{URL}/web?db=x"
    # Only root reads the key, before nginx gives its rights away.
    read = ("cat", CERTIFICATE)
    assert lab.runner.execute(container, read, user="nginx").exit_code != 0


@pytest.mark.parametrize(
    ("case", "status", "detail"),
    [
        ("another", CheckStatus.FAILED, "another certificate is served"),
        ("without chain", CheckStatus.FAILED, "the chain that is served is not whole"),
        ("expired", CheckStatus.FAILED, "the certificate expired on"),
        ("expired, accepted", CheckStatus.WARNING, "the certificate expired on"),
        ("expires soon", CheckStatus.WARNING, "in 9 days"),
        ("of another host", CheckStatus.FAILED, "is not for other.example.org"),
        ("nothing", CheckStatus.FAILED, "no answer"),
    ],
)
def test_what_is_wrong_is_seen(
    case: str, status: CheckStatus, detail: str, lab: Lab, serve: Callable[[bytes], str]
) -> None:
    span = {"expired": (-90, -1), "expired, accepted": (-90, -1), "expires soon": (-9, 9.5)}
    pem, bare = issued(*span.get(case, (-1, 90)))  # type: ignore[arg-type]
    if case != "nothing":
        serve({"another": issued()[0], "without chain": bare}.get(case, pem))
    context = lab.context(pem, *(["certificate.expired"] if "accepted" in case else []))
    if case == "of another host":
        environment = replace(context.environment, external_url="https://other.example.org")
        context = replace(context, environment=environment)

    result = check(context)

    assert result.status is status, result
    assert detail in "\n".join((*result.details, result.observed))


def test_nothing_is_asked_where_nothing_was(lab: Lab) -> None:
    context = lab.context(issued()[0])
    without = replace(context, environment=lab.environment(None))
    assert check(without).status is CheckStatus.UNVERIFIABLE
    assert certificate_checks(replace(without, generation=MADE)) == ()


def test_a_capture_keeps_the_pem_and_tells_of_the_proxy(
    production_repository: FolderRepository, production_generation: Generation
) -> None:
    made = production_generation
    (artifact,) = made.artifacts_of(ArtifactKind.CERTIFICATE)
    (entry,) = production_repository.read_index(made, artifact)
    assert (artifact.name, artifact.location) == (NAME, PROFILE.proxy.certificate)
    assert (entry.path, entry.owner, entry.group, entry.mode) == (FILE, 0, 0, 0o600)
    stored = made.root / artifact.folder / FILE
    assert stored.stat().st_mode & 0o077 == 0
    proxy = made.fingerprint.proxy
    assert proxy is not None and proxy.certificate is not None
    judged = judge(stored.read_bytes(), HOST, datetime.now(UTC))
    assert (judged.facts, judged.differences) == (proxy.certificate, ())
    assert made.fingerprint.external_url == URL
    for server in (made.fingerprint.postgresql, made.fingerprint.erp, proxy.server):
        node = server.node
        assert node is not None and node.cpus and node.memory and node.address, server
    node = made.fingerprint.postgresql.node
    assert node is not None and node.disk and node.disk_free and node.disk_free < node.disk
    assert "PRIVATE KEY" not in (made.root / "manifest.json").read_text(encoding="utf-8")


class NoWriter:
    """A generation that must not be written to."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


def test_a_capture_that_finds_no_pem(lab: Lab, serve: Callable[..., str]) -> None:
    path = str(PROFILE.proxy.certificate)
    whole = server_pem()
    container = serve(whole)
    without_key = b"".join(public_part(Secret(whole.decode())).encode().splitlines(True))
    found = lab.runner.container(container)

    def capture(profile: Any = PROFILE) -> Any:
        writer: Any = NoWriter()
        return capture_proxy(lab.runner, container, profile, writer, NOW)

    with pytest.raises(ReplayError, match="has no certificate /etc"):
        capture()
    put_files(found, "/", {path[1:]: without_key}, 0o600, owner=0)
    with pytest.raises(ReplayError, match="no private key"):
        capture()
    with pytest.raises(UsageError, match="does not say where"):
        capture(replace(PROFILE, proxy=ProxyProfile()))


def test_limits_and_addresses_of_a_container(lab: Lab) -> None:
    container = lab.runner.client.containers.create(
        "pra/nginx:1.18",
        mem_limit="64m",
        cpu_period=100_000,
        cpu_quota=50_000,
        **placed(lab.runner, lab.stack, lab.network, lab.address),
    )
    try:
        node = read_node_facts(lab.runner, str(container.id))
    finally:
        container.remove(force=True)
    assert (node.cpus, node.memory, node.address) == (0.5, 64 << 20, lab.address)
    assert (node.disk, node.disk_free) == (None, None)
