"""Opens access to servers on other Docker hosts: connections to engines, tunnels to ports."""

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
    """Give the environment as this machine reaches it, and a runner that finds each container.

    Where every server stands on the engine's own host, both are what was given. Otherwise tunnels
    lead to the servers, and end with the body.

    Raises:
        EnvironmentFailure: a Docker host doesn't answer; names it.
    """
    engines, others = {LOCAL: runner}, dict[str, Runner]()
    with ExitStack() as stack:

        def learn(container: str, host: str | None) -> None:
            """Note on which host a container stands, and connect to that host's engine."""
            if host is not None:
                if host not in engines:
                    engines[host] = stack.enter_context(closing(Runner.connect(host)))
                others[container] = engines[host]

        def tunnel(relay: Relay) -> int:
            try:
                listening = Tunnel(engines[relay.host].client, relay)
            except OSError as error:
                raise EnvironmentFailure(
                    f"this machine lends no port for a tunnel: {error}"
                ) from error
            return stack.enter_context(closing(listening)).port

        def opened(half: Environment) -> Environment:
            server, erp = half.database, half.erp
            if server.host is not None:
                relay = Relay(server.host, server.container, server.address, server.port)
                server = replace(server, tunnel=tunnel(relay))
            if erp.relay is not None:
                erp = replace(erp, tunnel=tunnel(erp.relay))
            reports = half.reports and opened(half.reports)
            return replace(half, database=server, erp=erp, reports=reports)

        for half in filter(None, (environment, environment.reports)):
            learn(half.database.container, half.database.host)
            learn(half.erp.container, half.erp.host)
            if half.erp.relay is not None:
                learn(half.erp.relay.container, half.erp.relay.host)
        yield opened(environment), runner.reaching(others) if others else runner
