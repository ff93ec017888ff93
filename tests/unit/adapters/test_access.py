"""How servers on other Docker hosts are reached, without any host."""

from __future__ import annotations

import socket

import pytest

from restore.adapters.docker.access import open_access
from restore.adapters.docker.runner import Runner
from restore.model import DatabaseServer, Environment, ErpServer, Relay
from restore.model.secret import Secret
from tests.support.fake_docker import FakeEngine


def environment(host: str | None, relay: Relay | None) -> Environment:
    secret = Secret("a password of the test")
    server = DatabaseServer("db", "10.0.0.2", 5432, "postgres", secret, "odoo", secret, "", host)
    erp = ErpServer("erp", "10.0.0.3", 8069, "http://127.0.0.1:80", host, relay=relay)
    return Environment("stack", "net", server, erp, "http://127.0.0.1:80")


def test_what_stands_here_is_reached_as_it_is() -> None:
    runner, local = FakeEngine().runner, environment(None, None)
    with open_access(local, runner) as (at_hand, found):
        assert at_hand == local and found is runner


def test_each_server_elsewhere_has_a_tunnel_while_the_body_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engines = {"ssh://a": FakeEngine(), "ssh://b": FakeEngine()}
    monkeypatch.setattr(Runner, "connect", lambda host: engines[host].runner)
    far = environment("ssh://a", Relay("ssh://b", "proxy", "127.0.0.1", 80))
    with open_access(far, FakeEngine().runner) as (at_hand, runner):
        for name, host in (("db", "ssh://a"), ("erp", "ssh://a"), ("proxy", "ssh://b")):
            found: object = runner.engine_of(name)
            assert found is engines[host]
        ports = (at_hand.database.tunnel, at_hand.erp.tunnel)
        assert None not in ports and ports[0] != ports[1]
        assert at_hand.database.endpoint == ("127.0.0.1", ports[0])
    assert all(engine.closed for engine in engines.values())
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", ports[0] or 0), 5):
        pass
