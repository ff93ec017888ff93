"""The stack's settings, read without Pulumi."""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore.errors import UsageError
from restore.model import Acceptance, Credentials, Role
from restore.model.environment import Limits
from restore.model.secret import Secret
from stacks.anonymise import AnonymiseSettings
from stacks.keys import KEYS
from stacks.settings import (
    SIZE_KEYS,
    Place,
    Settings,
    default_subnet,
    parse,
)

ROOT = Path("/project")
HERE = Place("drill", ROOT)


def parsed(secret: tuple[str, ...] = (), **raw: str) -> Settings:
    return parse({"generation": "latest", **raw}, secret, HERE)


def refused(secret: tuple[str, ...] = (), **raw: str) -> list[str]:
    """What is wrong, one line a setting."""
    with pytest.raises(UsageError) as caught:
        parsed(secret, **raw)
    return [line.strip() for line in caught.value.message.splitlines()[1:]]


def test_a_generation_is_enough() -> None:
    settings = parse({"generation": "latest"}, (), HERE)

    assert settings.stack == "drill"
    assert settings.selection.generation == "latest"
    assert settings.selection.profile == "odoo"
    assert settings.selection.repository == ROOT / ".pra/repository"
    assert settings.selection.databases == ()
    assert settings.reports == ROOT / ".pra/reports"
    assert (settings.keep, settings.replay, settings.replace) == (False, True, True)
    assert settings.subnet == default_subnet("drill")
    assert settings.credentials is None
    assert settings.images == {}
    assert settings.accepted == ()
    assert (settings.jobs, settings.language) == (None, "en")
    assert settings.database_limits == Limits(shared_memory_mb=256)
    assert settings.erp_limits == Limits()


def test_everything_can_be_said() -> None:
    settings = parsed(
        ("anonymisationKey", "checkPassword", "databasePassword", "erpPassword"),
        generation="20261124T060102Z-0a1b2c",
        repository="/srv/backups",
        profile="openprod",
        databases='["one", "two"]',
        keep="true",
        replay="false",
        subnet="192.168.7.0/28",
        externalUrl="https://erp.example.org:8443/",
        httpPort="8069",
        sizes='{"databaseMemoryMb": 512, "databaseCpus": "1.5", "databaseSharedMemoryMb": 64,'
        ' "erpMemoryMb": "1024", "erpCpus": 2}',
        databaseImage="postgres:13",
        erpImage="odoo:14.0",
        proxyImage="nginx:1.28",
        checkLogin="drill",
        checkPassword="sesame",
        databasePassword="super",
        erpPassword="erp",
        accept='[{"difference": "postgresql.minor", "reason": "approved"}]',
        certificate="tls/erp.pem",
        jobs="8",
        reports="/var/reports",
        language="fr",
        rtoBudget="1h30m",
        purpose="staging",
        anonymise="rules/ours.yaml",
        anonymisationKey="sixteen letters.",
    )

    assert settings.rto_budget == 5400
    rules, key = str(ROOT / "rules/ours.yaml"), Secret("sixteen letters.")
    assert settings.anonymise == AnonymiseSettings(rules, key)
    assert settings.selection.repository == Path("/srv/backups")
    assert settings.selection.databases == ("one", "two")
    assert (settings.keep, settings.replay, settings.replace) == (True, False, False)
    assert settings.subnet == IPv4Network("192.168.7.0/28")
    assert settings.external_url == "https://erp.example.org:8443"
    assert settings.http_port == 8069
    assert (settings.certificate, settings.plain) == (ROOT / "tls/erp.pem", False)
    assert settings.database_limits == Limits(512, 1.5, 64)
    assert settings.erp_limits == Limits(1024, 2.0)
    assert settings.images == {
        Role.DATABASE: "postgres:13",
        Role.ERP: "odoo:14.0",
        Role.PROXY: "nginx:1.28",
    }
    assert settings.credentials == Credentials("drill", Secret("sesame"))
    assert settings.database_password == Secret("super")
    assert settings.erp_password == Secret("erp")
    assert settings.accepted == (Acceptance("postgresql.minor", "approved"),)
    assert (settings.jobs, settings.reports, settings.language) == (8, Path("/var/reports"), "fr")


def test_all_errors_are_told_at_once_each_with_its_key() -> None:
    lines = refused(
        keep="perhaps",
        subnet="8.8.8.0/24",
        httpPort="http",
        externalUrl="erp.example.org",
        jobs="0",
        language="de",
        rtoBudget="soon",
        sizes='{"databaseMemoryMb": 1}',
        accept='[{"difference": "x"}]',
        generatoin="latest",
        checkLogin="drill",
        erpPassword="in clear",
    )

    keys = {line.split(": ")[0] for line in lines}
    assert keys == {
        "pra:keep",
        "pra:subnet",
        "pra:httpPort",
        "pra:externalUrl",
        "pra:jobs",
        "pra:language",
        "pra:rtoBudget",
        "pra:sizes.databaseMemoryMb",
        "pra:accept[0].reason",
        "pra:generatoin",
        "pra:checkLogin",
        "pra:erpPassword",
    }
    assert any("did you mean pra:generation" in line for line in lines)
    assert any("--secret pra:erpPassword" in line for line in lines)


ANONYMISED = {
    "purpose": "staging",
    "anonymise": "builtin",
    "anonymisationKey": "sixteen letters.",
}


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"purpose": "recovery"}, "pra:anonymise: only a staging copy"),
        ({"anonymisationKey": None}, "pra:anonymise: needs anonymisationKey"),
        ({"anonymise": None}, "pra:anonymisationKey: is a key to anonymise by, and no rules"),
        ({"anonymisationKey": "short"}, "pra:anonymisationKey: is too short"),
        ({"anonymise": " "}, "pra:anonymise: must not be empty"),
    ],
)
def test_what_anonymises_a_copy_is_told_as_a_whole(
    changes: dict[str, str | None], wrong: str
) -> None:
    given = {"generation": "latest", **ANONYMISED}
    raw = {name: value for name, value in (given | changes).items() if value is not None}
    with pytest.raises(UsageError) as caught:
        parse(raw, ("anonymisationKey",), HERE)
    assert wrong in caught.value.message
    assert parsed().anonymise is None
    settings = parse(given, ("anonymisationKey",), HERE)
    assert settings.anonymise is not None and settings.anonymise.rules == "builtin"
    assert "sixteen" not in repr(settings)


def test_a_generation_is_required() -> None:
    with pytest.raises(UsageError, match=r"pra:generation: is required"):
        parse({}, (), HERE)


def test_an_error_never_shows_a_secret() -> None:
    text = "\n".join(refused(erpPassword="pass\nword", databasePassword="hush"))

    assert "pass" not in text.replace("Password", "")
    assert "hush" not in text


@pytest.mark.parametrize(
    "text",
    ["10.0.0.0/15", "10.0.0.0/29", "10.0.0.1/24", "fd00::/64", "172.32.0.0/24", "10.0.0/24", "x"],
)
def test_subnets_that_are_refused(text: str) -> None:
    (line,) = refused(subnet=text)
    assert line.startswith("pra:subnet:")


@pytest.mark.parametrize("text", ["10.0.0.0/16", "172.16.0.0/28", "192.168.255.240/28"])
def test_subnets_that_are_taken(text: str) -> None:
    assert parsed(subnet=text).subnet == IPv4Network(text)


@pytest.mark.parametrize(
    "text",
    [
        "ftp://x",
        "https://",
        "https://user:pw@erp.example.org",
        "https://erp.example.org/?a=1",
        "https://erp.example.org/#a",
        "http://[::1",
        "http://erp:99999",
    ],
)
def test_external_urls_that_are_refused(text: str) -> None:
    (line,) = refused(externalUrl=text)
    assert line.startswith("pra:externalUrl:")


@pytest.mark.parametrize(
    ("name", "text", "key"),
    [
        ("databases", '"one"', "pra:databases"),
        ("databases", "one", "pra:databases"),
        ("databases", '["one", 2]', "pra:databases[1]"),
        ("accept", "{}", "pra:accept"),
        ("accept", "[1]", "pra:accept[0]"),
        ("accept", '[{"difference": "a", "reason": " "}]', "pra:accept[0].reason"),
        ("accept", '[{"difference": "a", "reason": "b", "until": "c"}]', "pra:accept[0].until"),
        ("sizes", "[]", "pra:sizes"),
        ("sizes", '{"erpCpus": true}', "pra:sizes.erpCpus"),
        ("sizes", '{"erpCpus": "lots"}', "pra:sizes.erpCpus"),
        ("sizes", '{"erpCpus": "nan"}', "pra:sizes.erpCpus"),
        ("sizes", '{"erpMemoryMb": 512.5}', "pra:sizes.erpMemoryMb"),
        ("sizes", '{"erpMemory": 512}', "pra:sizes.erpMemory"),
        ("erpImage", "two words", "pra:erpImage"),
        ("profile", " ", "pra:profile"),
        ("jobs", "²", "pra:jobs"),
        ("jobs", "65", "pra:jobs"),
    ],
)
def test_values_that_are_refused(name: str, text: str, key: str) -> None:
    (line,) = refused((), **{name: text})
    assert line.startswith(f"{key}:")


def test_a_password_without_a_login_is_the_administrators() -> None:
    settings = parsed(("checkPassword",), checkPassword="sesame")
    assert settings.credentials == Credentials("admin", Secret("sesame"))


@given(st.text(min_size=1))
def test_a_default_subnet_is_valid_and_always_the_same(stack: str) -> None:
    subnet = default_subnet(stack)
    assert subnet.prefixlen == 24
    assert subnet.subnet_of(IPv4Network("10.192.0.0/10"))
    assert default_subnet(stack) == subnet


@given(st.dictionaries(st.sampled_from([key.name for key in KEYS]), st.text(max_size=30)))
def test_any_value_is_taken_or_refused_with_its_key(raw: dict[str, str]) -> None:
    try:
        parse(raw, [key.name for key in KEYS if key.secret], HERE)
    except UsageError as error:
        for line in error.message.splitlines()[1:]:
            if line.startswith("  "):
                assert re.match(r"  pra:\w+", line)


def test_each_key_is_described() -> None:
    names = [key.name for key in KEYS]
    assert len(set(names)) == len(names)
    for key in KEYS:
        assert key.type and key.default and key.example and key.description.endswith("."), key.name
    (sizes,) = (key for key in KEYS if key.name == "sizes")
    assert all(name in sizes.description for name in SIZE_KEYS)
