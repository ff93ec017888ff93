"""Staging copies: what is decided about them, and where they may stand."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore.errors import EnvironmentFailure, NotFoundError, RefusedError, UsageError
from restore.model import locations
from restore.model.secret import Secret
from restore.runs.staging import places, records
from restore.runs.staging.copies import (
    Condition,
    CopyState,
    StagingCopy,
    condition,
    renewed,
    require_life,
    require_name,
    require_owner,
    why_due,
)
from restore.runs.staging.places import POOL, PORTS, free_port, free_subnet, routed
from tests.support.fake_docker import FakeEngine

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
WEEK = timedelta(days=7)

COPY = StagingCopy(
    name="sales",
    owner="A. Martin",
    state=CopyState.READY,
    created=NOW,
    expires=NOW + WEEK,
    generation="20261124T060102Z-0a1b2c",
    profile="odoo",
    repository="/srv/backups",
    base="drill",
    subnet="10.130.4.0/24",
    port=18069,
    url="http://127.0.0.1:18069",
    login="admin",
    neutralised=True,
)

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
tun0\t0000820A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""

moments = st.datetimes(
    datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)
)  # fmt: skip
copies = st.builds(
    lambda state, expires: replace(COPY, state=state, expires=expires),
    st.sampled_from(CopyState),
    moments,
)
networks = st.builds(
    lambda address, prefix: IPv4Network((address, prefix), strict=False),
    st.integers(int(POOL.network_address), int(POOL.broadcast_address)),
    st.integers(12, 30),
)


@given(copies, moments)
def test_what_a_living_process_works_on_stays(copy: StagingCopy, now: datetime) -> None:
    assert why_due(copy, alive=True, now=now) is None


@given(copies, moments)
def test_only_what_expired_or_was_abandoned_is_collected(copy: StagingCopy, now: datetime) -> None:
    reason = why_due(copy, alive=False, now=now)
    under_way = copy.state in (CopyState.CREATING, CopyState.DESTROYING)
    assert (reason is not None) == (under_way or now >= copy.expires)
    # What is shown and what is collected are the same judgement.
    shown = condition(copy, alive=False, now=now)
    assert (reason is not None) == (shown in (Condition.EXPIRED, Condition.ABANDONED))


@given(moments, st.timedeltas(timedelta(seconds=1), timedelta(days=366)))
def test_a_renewed_copy_stays_until_its_new_end(now: datetime, life: timedelta) -> None:
    copy = renewed(COPY, life, now=now)
    assert why_due(copy, alive=False, now=now + life - timedelta(microseconds=1)) is None
    reason = why_due(copy, alive=False, now=now + life)
    assert reason is not None and "A. Martin" in reason
    assert copy.created == COPY.created


def test_an_expired_copy_can_be_renewed_while_it_stands() -> None:
    old = replace(COPY, expires=NOW - WEEK)
    assert condition(old, alive=False, now=NOW) is Condition.EXPIRED
    assert condition(renewed(old, WEEK, now=NOW), alive=False, now=NOW) is Condition.READY


@pytest.mark.parametrize("state", [CopyState.CREATING, CopyState.DESTROYING])
def test_what_was_abandoned_is_not_renewed(state: CopyState) -> None:
    with pytest.raises(RefusedError, match="abandoned"):
        renewed(replace(COPY, state=state), WEEK, now=NOW)
    reason = why_due(replace(COPY, state=state), alive=False, now=NOW)
    assert reason is not None and state.value[:5] in reason


def test_a_failed_copy_that_is_kept_stopped_expires_too() -> None:
    failed = replace(COPY, state=CopyState.FAILED)
    assert condition(failed, alive=False, now=NOW) is Condition.FAILED
    assert why_due(failed, alive=False, now=NOW) is None
    assert why_due(failed, alive=False, now=NOW + WEEK) is not None


@given(st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True), st.lists(networks, max_size=40))
def test_a_subnet_is_nobody_elses(name: str, used: list[IPv4Network]) -> None:
    try:
        found = free_subnet(name, used)
    except EnvironmentFailure:
        taken = sorted({other for other in used if other.prefixlen <= 24})
        assert sum(1 for _ in taken) > 0
        return
    assert found.subnet_of(POOL) and found.prefixlen == 24
    assert not any(found.overlaps(other) for other in used)
    # Drills have a range of their own.
    assert not found.overlaps(IPv4Network("10.192.0.0/10"))


def test_the_same_name_gets_the_same_subnet_while_it_is_free() -> None:
    first = free_subnet("sales", [])
    assert free_subnet("sales", [IPv4Network("10.0.0.0/24")]) == first
    assert free_subnet("sales", [first]) != first
    with pytest.raises(EnvironmentFailure, match="is free"):
        free_subnet("sales", [IPv4Network("10.0.0.0/8")])


@given(st.sets(st.sampled_from(PORTS)))
def test_a_port_is_the_first_that_is_free(taken: set[int]) -> None:
    if len(taken) == len(PORTS):
        return
    found = free_port(taken.__contains__)
    assert found not in taken and all(port in taken for port in range(PORTS.start, found))


def test_no_port_left_is_an_error() -> None:
    with pytest.raises(EnvironmentFailure, match=r"127\.0\.0\.1"):
        free_port(lambda _port: True)


def test_a_route_that_leads_somewhere_is_taken_and_the_default_is_not() -> None:
    assert routed(ROUTES) == (IPv4Network("10.130.0.0/16"), IPv4Network("172.17.0.0/16"))


@pytest.mark.parametrize("name", ["sales", "a", "sales-test-2", "0", "a" * 30])
def test_names(name: str) -> None:
    require_name(name)


@pytest.mark.parametrize("name", ["", "-a", "a-", "Sales", "a_b", "a/b", "../a", "a" * 31, "é"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(UsageError, match="no name"):
        require_name(name)


@pytest.mark.parametrize("life", [timedelta(0), timedelta(days=367), timedelta(seconds=-1)])
def test_what_is_no_time_to_live(life: timedelta) -> None:
    with pytest.raises(UsageError, match="can't live"):
        require_life(life)


@pytest.mark.parametrize("owner", ["", "  ", "a\x1b[31m"])
def test_what_is_no_owner(owner: str) -> None:
    with pytest.raises(UsageError, match="no owner"):
        require_owner(owner)
    assert require_owner(" A.\n Martin ") == "A. Martin"


def test_a_copy_is_written_down_and_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "staging"
    records.save(folder, COPY)
    records.save(folder, replace(COPY, name="other", state=CopyState.CREATING))
    assert records.load(folder, "sales") == COPY
    assert [copy.name for copy in records.load_all(folder).copies] == ["other", "sales"]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    records.forget(folder, "sales")
    with pytest.raises(NotFoundError, match="no staging copy sales"):
        records.load(folder, "sales")


def test_the_password_lies_apart_for_its_user_alone_and_goes_with_the_copy(tmp_path: Path) -> None:
    records.save(tmp_path, COPY)
    assert records.read_account(tmp_path, COPY) is None
    path = records.save_password(tmp_path, "sales", Secret("sesame"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text(encoding="utf-8") == "sesame\n"
    account = records.read_account(tmp_path, COPY)
    assert account is not None and (account.login, account.password) == ("admin", Secret("sesame"))
    assert "sesame" not in (tmp_path / "sales.json").read_text(encoding="utf-8")
    records.forget(tmp_path, "sales")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 2, "name": "x"}'])
def test_a_damaged_record_is_told_and_hides_no_other(text: str, tmp_path: Path) -> None:
    records.save(tmp_path, COPY)
    (tmp_path / "broken.json").write_text(text, encoding="utf-8")
    found = records.load_all(tmp_path)
    assert found.copies == (COPY,)
    (told,) = found.damaged
    assert "broken.json" in told
    with pytest.raises(EnvironmentFailure):
        records.load(tmp_path, "broken")


def test_a_folder_that_is_not_there_holds_no_copy(tmp_path: Path) -> None:
    assert records.load_all(tmp_path / "none") == records.Records(())


def test_a_port_that_something_listens_on_is_taken() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert places.port_taken(server.getsockname()[1])


def test_networks_of_engines_stacks_and_other_copies_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locations, "ROOT", tmp_path)
    monkeypatch.setattr(places, "_ROUTES", tmp_path / "route")
    (tmp_path / "route").write_text(ROUTES, encoding="ascii")
    (tmp_path / "Pulumi.site.yaml").write_text("config:\n  pra:subnet: 10.150.0.0/24\n")
    (tmp_path / "Pulumi.odd.yaml").write_text("config:\n  pra:subnet: anything\n")
    docker = FakeEngine()
    ipam = {"Config": [{"Subnet": "10.140.0.0/16"}, {"Subnet": "fd00::/64"}, {}]}
    docker.network_attrs = [{"IPAM": ipam}, {}]
    bindings = {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18069"}], "443/tcp": None}
    docker.add("c", {"HostConfig": {"PortBindings": bindings}})
    engine = docker.runner
    used = places.used_subnets([engine], [COPY])
    assert {str(network) for network in used} == {
        "10.140.0.0/16", "10.130.0.0/16", "172.17.0.0/16", "10.150.0.0/24", "10.130.4.0/24",
    }  # fmt: skip
    assert places.published_ports(engine) == {18069}
