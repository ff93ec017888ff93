"""Finds and removes the containers, networks and volumes that carry our label."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from docker.errors import APIError, NotFound
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from restore.adapters import logs
from restore.adapters.docker.runner import LABEL, Runner
from restore.errors import EnvironmentFailure
from restore.model import LOCAL


@dataclass(frozen=True, slots=True)
class Leftover:
    """A container, network or volume that carries our label."""

    kind: str
    id: str
    name: str
    stack: str
    created: datetime
    host: str = LOCAL


def find_leftovers(
    runner: Runner, host: str = LOCAL, stack: str | None = None
) -> tuple[Leftover, ...]:
    """Everything on an engine that carries our label, in the order in which it can be removed.

    Args:
        stack: look for what belongs to this stack only.

    A network that spans hosts is the swarm's: its managers alone can remove it.
    """
    client = runner.client
    manages = bool(client.info().get("Swarm", {}).get("ControlAvailable"))
    selector: dict[str, str | list[str] | bool] = {"label": f"{LABEL}={stack}" if stack else LABEL}
    found = [
        *(
            _leftover("container", c.id, c.name, c.attrs)
            for c in client.containers.list(all=True, filters=selector, ignore_removed=True)
        ),
        *(
            _leftover("network", n.id, n.name, n.attrs)
            for n in client.networks.list(filters=selector)
            if manages or n.attrs.get("Scope") != "swarm"
        ),
        *(
            _leftover("volume", v.id, v.name, v.attrs)
            for v in client.volumes.list(filters=selector)
        ),
    ]
    return tuple(replace(item, host=host) for item in found)


def _leftover(kind: str, identity: str | None, name: str | None, attrs: dict[str, Any]) -> Leftover:
    labels = attrs.get("Labels") or attrs.get("Config", {}).get("Labels") or {}
    told = attrs.get("Created") or attrs.get("CreatedAt")
    # What tells no time is never taken for old.
    created = datetime.fromisoformat(str(told)) if told else datetime.now(UTC)
    return Leftover(kind, str(identity), str(name), labels.get(LABEL, ""), created)


def find_everywhere(
    engines: Mapping[str, Runner], stack: str | None = None
) -> tuple[Leftover, ...]:
    """Everything on these hosts' engines that carries our label, or is of one stack."""
    return tuple(
        item for host, engine in engines.items() for item in find_leftovers(engine, host, stack)
    )


def remove(
    runner: Runner, leftovers: Iterable[Leftover], others: Mapping[str, Runner] | None = None
) -> None:
    """Remove containers, then networks, then volumes. What is gone already is no error.

    Args:
        others: the engines of other hosts, for what was found there.

    Raises:
        EnvironmentFailure: the engine refuses one; names it.
    """
    removers = {
        "container": lambda api, item: api.remove_container(item.id, force=True, v=True),
        "network": lambda api, item: api.remove_network(item.id),
        "volume": lambda api, item: api.remove_volume(item.name),
    }
    for item in sorted(leftovers, key=lambda item: list(removers).index(item.kind)):
        logs.event(f"remove {item.kind}", name=item.name, stack=item.stack, host=item.host)
        api = (others or {}).get(item.host, runner).client.api
        try:
            for attempt in Retrying(
                retry=retry_if_exception_type(APIError),
                stop=stop_after_delay(15),
                wait=wait_fixed(0.25),
                reraise=True,
            ):
                with attempt, suppress(NotFound):
                    removers[item.kind](api, item)
        except APIError as error:
            raise EnvironmentFailure(
                f"could not remove {item.kind} {item.name}: {error.explanation}"
            ) from error
