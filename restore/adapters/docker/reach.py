"""Reaches the servers of an environment that stands on other Docker hosts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from typing import Final

from restore.adapters.docker.runner import Runner
from restore.adapters.docker.tunnel import Tunnel
from restore.errors import EnvironmentFailure, NotFoundError, UsageError
from restore.model import LOCAL, Door, Environment, Generation
from restore.repository.base import Repository

_MANIFEST: Final = "manifest.json"


@contextmanager
def reached(environment: Environment, runner: Runner) -> Iterator[tuple[Environment, Runner]]:
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
            if half.erp.door is not None:
                engines.learn(half.erp.door.container, half.erp.door.host)
        yield engines.opened(environment), engines.runner()


def require_same_repository(
    environment: Environment, generation: Generation, repository: Repository, runner: Runner
) -> None:
    """Refuse a database server whose host shows it another repository, or none.

    Only for servers on other hosts: what this machine mounts is what it reads.

    Raises:
        UsageError: names the host.
        EnvironmentFailure: the host doesn't answer.
    """
    ours = (generation.root / _MANIFEST).read_bytes()
    folder = generation.root.relative_to(repository.location)
    for half in (environment, environment.reports):
        if half is None or half.database.host is None:
            continue
        server = half.database
        path = f"{server.repository}/{folder}/{_MANIFEST}"
        try:
            same = runner.read_file(server.container, path) == ours
        except NotFoundError:
            same = False
        if not same:
            raise UsageError(
                f"Docker host {server.host} does not see generation {generation.id} "
                f"in the repository of container {server.container[:12]}",
                "mount the repository on that host, read-only, and name its path there in the "
                "stack's setting repositoryPaths",
            )


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
            door = Door(server.host, server.container, server.address, server.port)
            server = replace(server, tunnel=self._tunnel(door))
        if erp.door is not None:
            erp = replace(erp, tunnel=self._tunnel(erp.door))
        reports = environment.reports
        return replace(
            environment,
            database=server,
            erp=erp,
            reports=None if reports is None else self.opened(reports),
        )

    def _tunnel(self, door: Door) -> int:
        try:
            tunnel = Tunnel(self._by_host[door.host].client, door)
        except OSError as error:
            raise EnvironmentFailure(f"this machine lends no port for a tunnel: {error}") from error
        self._stack.enter_context(closing(tunnel))
        return tunnel.port
