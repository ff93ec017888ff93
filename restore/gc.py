"""Removes what crashed drills left on a Docker engine: found by label, judged by owner and age."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from docker.errors import APIError, NotFound
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from restore import lock
from restore.errors import EnvironmentFailure, NotFoundError, RefusedError
from restore.kept_copies import COPIES
from restore.model import LOCAL, KeptCopy
from restore.runner import LABEL, Runner

EPHEMERAL: Final = "drill-"
"""Prefix of the stacks that a drill makes for itself; its run's id follows."""

IMPORT: Final = "import-"
"""Prefix of the name that the server of an import carries as its stack."""

_EPHEMERAL: Final = re.compile(rf"(?:{EPHEMERAL}|{IMPORT})\d{{8}}-\d{{6}}-[0-9a-f]{{4}}")


@dataclass(frozen=True, slots=True)
class Leftover:
    """A container, network or volume that carries our label."""

    kind: str
    id: str
    name: str
    stack: str
    created: datetime
    host: str = LOCAL


@dataclass(frozen=True, slots=True)
class Collection:
    """What to collect: whole stacks, with the reason."""

    stack: str
    reason: str
    leftovers: tuple[Leftover, ...]


def is_ephemeral(stack: str) -> bool:
    """Whether a run made the stack for itself. People may name theirs ``drill-sales``."""
    return _EPHEMERAL.fullmatch(stack) is not None


def find_leftovers(runner: Runner, host: str = LOCAL) -> tuple[Leftover, ...]:
    """Everything on an engine that carries our label, in the order in which it can be removed.

    A network that spans hosts is the swarm's: its managers alone can remove it.
    """
    client = runner.client
    manages = bool(client.info().get("Swarm", {}).get("ControlAvailable"))
    selector: dict[str, str | list[str] | bool] = {"label": LABEL}
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
    created = str(attrs.get("Created") or attrs.get("CreatedAt"))
    return Leftover(kind, str(identity), str(name), labels.get(LABEL, ""), _time(created))


def _time(text: str) -> datetime:
    """Docker's time, whose nanoseconds Python doesn't read."""
    head, dot, tail = text.partition(".")
    zone = tail.lstrip("0123456789") if dot else ""
    return datetime.fromisoformat((head + zone if dot else text).replace("Z", "+00:00"))


def choose_collections(
    leftovers: Iterable[Leftover], locks: Path, *, now: datetime, older_than: timedelta
) -> tuple[Collection, ...]:
    """Decide which stacks to remove.

    Only stacks that a drill made for itself are looked at. One whose process died is removed at
    once; one that this clone knows nothing of when all of it is older than ``older_than``. One
    that lives, or was asked to be kept, stays.
    """
    abandoned = lock.abandoned(locks)
    chosen: list[Collection] = []
    by_stack: dict[str, list[Leftover]] = {}
    for leftover in leftovers:
        by_stack.setdefault(leftover.stack, []).append(leftover)
    for stack in sorted(filter(is_ephemeral, {*by_stack, *abandoned})):
        items = tuple(by_stack.get(stack, ()))
        owner = abandoned.get(stack)
        if owner is not None and not owner.kept:
            reason = f"process {owner.process} ({owner.command}) ended without destroying it"
            chosen.append(Collection(stack, reason, items))
        elif (
            owner is None
            and not lock.alive(locks, stack)
            and all(now - item.created > older_than for item in items)
        ):
            chosen.append(Collection(stack, f"older than {older_than}", items))
    return tuple(chosen)


def named_collection(
    leftovers: Iterable[Leftover], locks: Path, stack: str
) -> tuple[Collection, ...]:
    """The one stack that the user named.

    Raises:
        RefusedError: a living process holds it.
        NotFoundError: nothing is known of it.
    """
    items = tuple(item for item in leftovers if item.stack == stack)
    if lock.alive(locks, stack):
        raise RefusedError(f"stack {stack} is in use", "wait for its end, or stop it with Ctrl-C")
    if not items and stack not in lock.abandoned(locks):
        raise NotFoundError(
            f"there is nothing of stack {stack}",
            "'pra gc --dry-run' shows what crashed drills left",
        )
    return (Collection(stack, "named", items),)


def choose_copies(
    copies: Iterable[tuple[str, KeptCopy]], locks: Path, *, now: datetime, older_than: timedelta
) -> tuple[Collection, ...]:
    """Decide which kept copies to remove: unfinished ones whose drill is dead, or not known.

    Args:
        copies: each with its Docker host.
    """
    dead = lock.abandoned(locks)
    chosen: list[Collection] = []
    for host, copy in copies:
        owner = dead.get(copy.stack)
        old = now - copy.created > older_than and not lock.alive(locks, copy.stack)
        if copy.complete or not (owner or old):
            continue
        reason = (
            f"{copy.stack} ended while it kept this copy" if owner else f"older than {older_than}"
        )
        item = Leftover("volume", copy.volume, copy.volume, COPIES, copy.created, host)
        chosen.append(Collection(COPIES, f"not finished: {reason}", (item,)))
    return tuple(chosen)


def choose_readers(
    leftovers: Iterable[Leftover], *, now: datetime, older_than: timedelta
) -> tuple[Collection, ...]:
    """The containers through which copies were looked at, when they were left behind."""
    items = tuple(
        item
        for item in leftovers
        if (item.stack, item.kind) == (COPIES, "container") and now - item.created > older_than
    )
    return (Collection(COPIES, f"older than {older_than}", items),) if items else ()


def find_everywhere(engines: Mapping[str, Runner]) -> tuple[Leftover, ...]:
    """Everything on these hosts' engines that carries our label."""
    return tuple(item for host, engine in engines.items() for item in find_leftovers(engine, host))


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
