"""Reaches the servers of an environment that stands on other Docker hosts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace

from restore.adapters.docker.runner import Runner
from restore.adapters.docker.tunnel import Tunnel
from restore.errors import EnvironmentFailure
from restore.model import LOCAL, Environment, Relay


@contextmanager
def open_access(environment: Environment, runner: Runner) -> Iterator[tuple[Environment, Runner]]:
    """The environment as this machine reaches it, and a runner that finds each container.

    Where every server stands on the engine's own host, both are what was given. Otherwise tunnels
    lead to the servers, and end with the body.

    Raises:
        EnvironmentFailure: a Docker host doesn't answer; names it.
    """
    with ExitStack() as stack:
        engines = _Engines(runner, stack)
        halves = [half for half in (environment, environment.reports) if half is not None]
        for half in halves:
            engines.learn(half.database.container, half.database.host)
            engines.learn(half.erp.container, half.erp.host)
            if half.erp.relay is not None:
                engines.learn(half.erp.relay.container, half.erp.relay.host)
        yield engines.opened(environment), engines.runner()


class _Engines:
    """The engines and tunnels of one environment, closed by its stack."""

    def __init__(self, runner: Runner, stack: ExitStack) -> None:
        self._runner = runner
        self._stack = stack
        self._by_host: dict[str, Runner] = {LOCAL: runner}
        self._others: dict[str, Runner] = {}

    def learn(self, container: str, host: str | None) -> None:
        """Note on which host a container stands, and connect to that host's engine."""
        if host is None:
            return
        if host not in self._by_host:
            made = Runner.connect(host)
            self._by_host[host] = self._stack.enter_context(closing(made))
        self._others[container] = self._by_host[host]

    def runner(self) -> Runner:
        """A runner for the containers of all hosts."""
        return self._runner.reaching(self._others) if self._others else self._runner

    def opened(self, environment: Environment) -> Environment:
        """The environment with a tunnel to each server that needs one."""
        server, erp = environment.database, environment.erp
        if server.host is not None:
            relay = Relay(server.host, server.container, server.address, server.port)
            server = replace(server, tunnel=self._tunnel(relay))
        if erp.relay is not None:
            erp = replace(erp, tunnel=self._tunnel(erp.relay))
        reports = environment.reports
        return replace(
            environment,
            database=server,
            erp=erp,
            reports=None if reports is None else self.opened(reports),
        )

    def _tunnel(self, relay: Relay) -> int:
        try:
            tunnel = Tunnel(self._by_host[relay.host].client, relay)
        except OSError as error:
            raise EnvironmentFailure(f"this machine lends no port for a tunnel: {error}") from error
        self._stack.enter_context(closing(tunnel))
        return tunnel.port
