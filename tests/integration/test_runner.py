"""Commands beside a server, on a real Docker engine."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from restore.adapters.docker.helpers import run_once
from restore.adapters.docker.runner import LABEL, Runner

pytestmark = pytest.mark.docker


def test_the_output_of_a_helper_is_whole_whatever_the_engines_log_is(
    docker_runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = f"test-{secrets.token_hex(4)}"
    containers = docker_runner.client.containers
    server = containers.create("pra/nginx:1.18", labels={LABEL: stack})
    create, logs = containers.create, list[dict[str, Any]]()

    def watched(*arguments: Any, **options: Any) -> Any:
        made = create(*arguments, **options)
        made.reload()
        logs.append(made.attrs["HostConfig"]["LogConfig"])
        return made

    monkeypatch.setattr(type(containers), "create", lambda _self, *a, **o: watched(*a, **o))
    try:
        output = run_once(docker_runner, str(server.id), ("seq", "200000"))
    finally:
        server.remove(force=True)

    assert len(output.splitlines()) == 200_000
    (log,) = logs
    assert log["Type"] == "json-file"
    assert (log["Config"]["mode"], log["Config"]["max-size"]) == ("blocking", "1000g")
    assert (
        docker_runner.client.containers.list(all=True, filters={"label": f"{LABEL}={stack}"}) == []
    )
