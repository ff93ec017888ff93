"""A PEM is judged before anything serves it: each thing that can be wrong has its own message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from fixtures.authority import HOST, Authority, Identity, self_signed, server_pem
from restore.model import Severity
from restore.model.secret import Secret
from restore.plan.equivalence.certificate import (
    KEYS,
    Judged,
    anchor_of,
    host_of,
    judge,
    names_host,
    other_certificate,
    public_part,
)
from restore.plan.equivalence.compare import is_difference_key

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.new(NOW)


@pytest.fixture(scope="module")
def server(authority: Authority) -> Identity:
    return authority.issue(since=NOW - DAY, until=NOW + 365 * DAY)


def keys(judged: Judged) -> dict[str, str]:
    return {item.key: item.severity.value for item in judged.differences}


def messages(judged: Judged) -> str:
    return "\n".join(item.message for item in judged.differences)


def test_a_sound_pem(authority: Authority, server: Identity) -> None:
    judged = judge(authority.pem(server), HOST, NOW)
    assert judged.differences == () and judged.servable
    facts = judged.facts
    assert facts is not None
    assert (facts.subject, facts.issuer) == (f"CN={HOST}", "CN=Specibike Issuing CA")
    assert (facts.names, facts.authorities) == ((HOST,), 2)
    assert facts.not_after == NOW + 365 * DAY
    assert "PRIVATE" not in judged.public
    assert judged.public.count("BEGIN CERTIFICATE") == 3
    assert public_part(Secret(authority.pem(server).decode())).split() == judged.public.split()


def test_what_reads_a_public_part_asks_for_no_key(authority: Authority, server: Identity) -> None:
    public = judge(authority.pem(server), HOST, NOW).public.encode()
    assert keys(judge(public, HOST, NOW)) == {"certificate.key": "blocking"}
    assert judge(public, HOST, NOW, keyed=False).differences == ()


@pytest.mark.parametrize(
    ("pem", "message"),
    [
        (b"", "no certificate"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "can't be read"),
        (b"\xff\xfe binary", "no certificate"),
    ],
)
def test_what_holds_no_certificate(pem: bytes, message: str) -> None:
    judged = judge(pem, HOST, NOW)
    assert keys(judged) == {"certificate.key": "blocking"}
    assert message in messages(judged)
    assert judged.facts is None and not judged.servable


def test_each_thing_that_is_wrong_with_a_key(authority: Authority, server: Identity) -> None:
    chain = authority.issuing.public_pem + authority.root.public_pem
    encrypted = server.key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    broken = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    for middle, message in (
        (b"", "no private key"),
        (server.key_pem * 2, "several private keys"),
        (authority.root.key_pem.replace(b"", b"", 0), "is of certificate 3 of the file"),
        (Authority.new(NOW).root.key_pem, "is not the certificate's"),
        (encrypted, "is encrypted"),
        (broken, "can't be read"),
    ):
        judged = judge(server.public_pem + middle + chain, HOST, NOW)
        assert keys(judged) == {"certificate.key": "blocking"}, message
        assert message in messages(judged)
        assert judged.facts is not None and not judged.servable


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (-400, -1, {"certificate.expired": "blocking"}),
        (1, 90, {"certificate.not-yet-valid": "blocking"}),
        (-300, 29, {"certificate.expires-soon": "warning"}),
        (-300, 31, {}),
    ],
)
def test_its_time(authority: Authority, since: int, until: int, expected: dict[str, str]) -> None:
    server = authority.issue(since=NOW + since * DAY, until=NOW + until * DAY)
    assert keys(judge(authority.pem(server), HOST, NOW)) == expected


def test_an_expired_authority_is_named() -> None:
    old = Authority.new(NOW - 10 * 365 * DAY)
    server = old.issue(since=NOW - DAY, until=NOW + 90 * DAY)
    judged = judge(old.pem(server), HOST, NOW)
    assert keys(judged) == {"certificate.expired": "blocking"}
    assert "the authority's (Specibike Issuing CA) expired on 2021" in messages(judged)


def test_a_chain_must_lead_from_it_to_an_authority(authority: Authority, server: Identity) -> None:
    own = server.public_pem + server.key_pem
    issuing, root = authority.issuing.public_pem, authority.root.public_pem
    stranger = Authority.new(NOW).root.public_pem
    assert keys(judge(own, HOST, NOW)) == {"certificate.chain": "blocking"}
    assert "Specibike Issuing CA" in messages(judge(own, HOST, NOW))
    # An authority of the same name that did not sign it is another.
    assert keys(judge(own + stranger, HOST, NOW)) == {"certificate.chain": "blocking"}
    assert keys(judge(own + issuing + root + stranger, HOST, NOW)) == {
        "certificate.chain": "blocking", "certificate.order": "warning",
    }  # fmt: skip
    # Clients have the root.
    assert keys(judge(own + issuing, HOST, NOW)) == {}
    assert keys(judge(own + root + issuing, HOST, NOW)) == {"certificate.order": "warning"}


def test_a_self_signed_one_is_a_reserve() -> None:
    server = self_signed(since=NOW - DAY, until=NOW + 90 * DAY)
    judged = judge(server.public_pem + server.key_pem, HOST, NOW)
    assert keys(judged) == {"certificate.self-signed": "warning"}
    assert anchor_of(judged.public) == judged.public


def test_the_anchor_is_the_last_authority(authority: Authority, server: Identity) -> None:
    public = judge(authority.pem(server), HOST, NOW).public
    assert anchor_of(public) == authority.root.public_pem.decode()
    short = judge(server.public_pem + authority.issuing.public_pem, HOST, NOW).public
    assert anchor_of(short) == authority.issuing.public_pem.decode()


def test_it_must_be_for_the_external_url_s_host(authority: Authority, server: Identity) -> None:
    judged = judge(authority.pem(server), "erp.other.example", NOW)
    assert keys(judged) == {"certificate.name": "blocking"}
    assert "not for erp.other.example" in messages(judged)
    assert judge(authority.pem(server), None, NOW).differences == ()
    nameless = authority.issue((), since=NOW - DAY, until=NOW + 90 * DAY)
    judged = judge(authority.pem(nameless), HOST, NOW)
    assert [item.observed for item in judged.differences] == ["no name"]


@pytest.mark.parametrize(
    ("name", "host", "fits"),
    [
        ("erp.example.org", "ERP.example.org", True),
        ("erp.example.org", "erp.example.org.", True),
        ("*.example.org", "erp.example.org", True),
        ("*.example.org", "example.org", False),
        ("*.example.org", "a.b.example.org", False),
        ("*", "localhost", False),
        ("10.0.0.1", "10.0.0.1", True),
    ],
)
def test_hosts(name: str, host: str, fits: bool) -> None:
    assert names_host((name,), host) is fits


def test_only_who_comes_by_https_sees_a_certificate() -> None:
    assert host_of("https://erp.example.org:8443/web") == "erp.example.org"
    assert host_of("http://10.1.2.3:8069") is None
    assert host_of(None) is None


def test_another_than_production_s_is_a_note(authority: Authority, server: Identity) -> None:
    used = judge(authority.pem(server), HOST, NOW).facts
    other = judge(server_pem(NOW), HOST, NOW).facts
    assert used and other
    assert other_certificate(None, used) == other_certificate(used, used) == ()
    (difference,) = other_certificate(other, used)
    assert (difference.key, difference.severity) == ("certificate.other", Severity.NOTE)


def test_every_key_can_be_accepted() -> None:
    assert all(is_difference_key(key) for key in KEYS)
    gravities = list(Severity)
    assert all(gravities.index(a) < gravities.index(b) for a, b in pairwise(gravities))
