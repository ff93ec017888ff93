"""Where servers stand: settings of hosts, and what an environment's outputs say of them."""

from __future__ import annotations

import json
from ipaddress import IPv4Network

import pytest

from restore.adapters.docker.tunnel import relay_argv
from restore.adapters.pulumi.outputs import environment_from_outputs
from restore.model import LOCAL, Hosts, Relay, Role
from stacks import outputs as names
from stacks.network import addresses, own_addresses
from stacks.placement import Placement, read_placement
from stacks.values import Values

DATABASE_HOST = "ssh://root@db-rescue"


def placed(**settings: object) -> tuple[Placement, list[str]]:
    """What settings say, and what is wrong with them."""
    raw = {k: v if isinstance(v, str) else json.dumps(v) for k, v in settings.items()}
    values = Values("pra", raw)
    return read_placement(values), values.errors


def test_servers_stand_on_the_local_engine_unless_told_otherwise() -> None:
    found, errors = placed(hosts={"database": DATABASE_HOST, "erp": LOCAL})

    assert errors == []
    assert found.hosts.of(Role.DATABASE) == DATABASE_HOST
    assert found.hosts.distinct((Role.DATABASE, Role.ERP, Role.PROXY)) == (DATABASE_HOST, LOCAL)
    assert found.encrypted
    assert placed()[0].hosts.distinct(Role) == (LOCAL,)


def test_what_is_wrong_with_hosts_is_told_by_name() -> None:
    _, errors = placed(
        hosts={"databse": DATABASE_HOST, "erp": "tcp://0.0.0.0:2375", "proxy": "unix://relative"},
        repositoryPaths={"database": "backups", "erp": "/x"},
        encryptOverlay="perhaps",
    )

    text = "\n".join(errors)
    for part in ("pra:hosts.databse", "pra:hosts.erp", "pra:hosts.proxy",
                 "pra:repositoryPaths.database", "pra:repositoryPaths.erp",
                 "pra:encryptOverlay"):  # fmt: skip
        assert part in text
    assert placed(hosts="nonsense")[1] == ["pra:hosts: must be an object, in JSON"]


def test_the_reports_half_is_told_in_the_words_of_an_erp() -> None:
    hosts = Hosts({Role.REPORTS_DATABASE: "ssh://a", Role.REPORTS: "ssh://b", Role.ERP: "ssh://c"})

    half = hosts.reports_half()

    assert (half.of(Role.DATABASE), half.of(Role.ERP)) == ("ssh://a", "ssh://b")


@pytest.mark.parametrize("subnet", ["10.20.30.0/24", "10.20.30.0/28"])
def test_docker_takes_no_address_of_a_server_for_itself(subnet: str) -> None:
    network = IPv4Network(subnet)
    where = addresses(network)

    own = {str(address) for address in own_addresses(network)}

    assert own.isdisjoint({where.gateway, where.database, where.erp, where.proxy,
                           where.reports_database, where.reports})  # fmt: skip


def test_outputs_of_several_hosts_become_hosts_and_a_door() -> None:
    outputs = dict.fromkeys(names.ENVIRONMENT, "1")
    local = environment_from_outputs(outputs)
    assert (local.database.host, local.erp.host, local.erp.relay) == (None, None, None)
    assert local.database.endpoint == ("1", 1)

    relay = {"host": "ssh://p", "container": "c", "address": "127.0.0.1", "port": 80.0}
    spread = environment_from_outputs(
        {**outputs, names.DATABASE_HOST: "ssh://d", names.ERP_HOST: LOCAL, names.RELAY: relay}
    )

    assert (spread.database.host, spread.erp.host) == ("ssh://d", LOCAL)
    assert spread.erp.relay == Relay("ssh://p", "c", "127.0.0.1", 80)


def test_addresses_reach_the_relay_as_arguments_of_their_own() -> None:
    assert relay_argv("10.0.0.2", 5432)[-2:] == ("10.0.0.2", "5432")
