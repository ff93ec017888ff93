"""Removes what crashed drills left on a Docker engine: found by label, judged by owner and age."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from restore.adapters import lock
from restore.adapters.docker.cache_volumes import CACHES
from restore.adapters.docker.leftovers import Leftover
from restore.errors import NotFoundError, RefusedError
from restore.model import Cache
from restore.model.stack_names import is_ephemeral


@dataclass(frozen=True, slots=True)
class Collection:
    """What to collect: whole stacks, with the reason."""

    stack: str
    reason: str
    leftovers: tuple[Leftover, ...]


def choose_collections(
    leftovers: Iterable[Leftover], locks: Path, *, now: datetime, older_than: timedelta
) -> tuple[Collection, ...]:
    """Decide which stacks to remove.

    Only stacks that a drill made for itself are looked at. One whose process died is removed at
    once; one that this clone knows nothing of when all of it is older than ``older_than``. One
    that lives, or was asked to be kept, stays.
    """
    abandoned = lock.find_abandoned(locks)
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
            and not lock.is_held(locks, stack)
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
    if lock.is_held(locks, stack):
        raise RefusedError(f"stack {stack} is in use", "wait for its end, or stop it with Ctrl-C")
    if not items and stack not in lock.find_abandoned(locks):
        raise NotFoundError(
            f"there is nothing of stack {stack}",
            "'pra gc --dry-run' shows what crashed drills left",
        )
    return (Collection(stack, "named", items),)


def choose_caches(
    caches: Iterable[tuple[str, Cache]], locks: Path, *, now: datetime, older_than: timedelta
) -> tuple[Collection, ...]:
    """Decide which caches to remove: unfinished ones whose drill is dead, or not known.

    Args:
        caches: each with its Docker host.
    """
    dead = lock.find_abandoned(locks)
    chosen: list[Collection] = []
    for host, cache in caches:
        owner = dead.get(cache.stack)
        old = now - cache.created > older_than and not lock.is_held(locks, cache.stack)
        if cache.complete or not (owner or old):
            continue
        reason = (
            f"{cache.stack} ended while it kept this copy" if owner else f"older than {older_than}"
        )
        item = Leftover("volume", cache.volume, cache.volume, CACHES, cache.created, host)
        chosen.append(Collection(CACHES, f"not finished: {reason}", (item,)))
    return tuple(chosen)


def choose_readers(
    leftovers: Iterable[Leftover], *, now: datetime, older_than: timedelta
) -> tuple[Collection, ...]:
    """Choose leftover containers through which caches were read."""
    items = tuple(
        item
        for item in leftovers
        if (item.stack, item.kind) == (CACHES, "container") and now - item.created > older_than
    )
    return (Collection(CACHES, f"older than {older_than}", items),) if items else ()
