"""Caches of database servers' data: volumes of their own on the engine of their server.

A cache is finished by a small file beside the data, written last: one without it is never used.
The labels of its volume say what it is of, so that they can be read while it is made.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from docker.errors import APIError, ImageNotFound, NotFound
from docker.types import Mount

from restore.adapters import logs
from restore.adapters.docker import rights
from restore.adapters.docker.engine import answers
from restore.adapters.docker.helpers import HELPER, Helper, HelperOptions, beside, helper
from restore.adapters.docker.runner import LABEL, ROLE, Runner
from restore.adapters.docker.tar import Owner, single_file
from restore.errors import EnvironmentFailure, NotFoundError
from restore.model import Cache
from restore.model.cache import MOUNTED

CACHES: Final = "kept-copies"
"""What the volumes of caches carry in the place of a stack."""

VOLUMES: Final = "pra-copy-"
"""How the names of their volumes begin; the beginning of the key follows."""

FORMAT: Final = 1
MARKER: Final = "copy.json"
"""Written last, once the data beside it are on disk."""

_USED: Final = "used.json"
_KEY: Final = "pra.copy.key"
_GENERATION: Final = "pra.copy.generation"
_PART: Final = "pra.copy.part"
_STACK: Final = "pra.copy.stack"
_IMAGE: Final = "pra.copy.image"
_ROOT: Final = Owner(0, 0)


@dataclass(frozen=True, slots=True)
class CacheLabels:
    """What a cache was made of, as the labels of its volume say."""

    key: str
    generation: str
    part: str
    stack: str


def find_caches(runner: Runner, key: str | None = None) -> tuple[Cache, ...]:
    """The caches on a runner's own engine, unfinished ones too, those used last first."""
    selector = f"{LABEL}={CACHES}" if key is None else f"{_KEY}={key}"
    with answers("list kept copies"):
        volumes = runner.client.volumes.list(filters={"label": selector})
        found = [_cache_of(runner, volume.attrs) for volume in volumes]
    by_use = sorted(filter(None, found), key=lambda one: one.used or one.kept or one.created)
    return tuple(reversed(by_use))


def create_cache(runner: Runner, like: str, of: CacheLabels) -> str:
    """Make an empty volume for a cache on the engine of container ``like``, and return its name."""
    labels = {
        LABEL: CACHES,
        _KEY: of.key,
        _GENERATION: of.generation,
        _PART: of.part,
        _STACK: of.stack,
        _IMAGE: str(runner.container(like).attrs["Image"]),
    }
    name = f"{VOLUMES}{of.key[:12]}-{secrets.token_hex(4)}"
    logs.event("make volume", name=name)
    with answers("make a volume for a copy"):
        runner.engine_of(like).volumes.create(name, labels=labels)
    return name


def finish_cache(there: Helper, now: datetime, size: int, files: int) -> None:
    """Mark a cache as complete; its data are on disk already."""
    document = {"format": FORMAT, "kept": now.isoformat(), "bytes": size, "files": files}
    there.write(MOUNTED, _file(MARKER, document))
    there.run("sync", f"{MOUNTED}/{MARKER}", MOUNTED)


def remove_cache(runner: Runner, volume: str, like: str | None = None) -> None:
    """Remove a cache. What is gone already is no error.

    Raises:
        EnvironmentFailure: a container uses it.
    """
    client = runner.client if like is None else runner.engine_of(like)
    logs.event("remove volume", name=volume)
    try:
        client.api.remove_volume(volume)
    except NotFound:
        return
    except APIError as error:
        raise EnvironmentFailure(
            f"copy {volume} could not be removed: {error.explanation or error}",
            "a drill that uses it may be under way; try again when it has ended",
        ) from error


def remove_other_caches(runner: Runner, like: str, kept: str, key: str, most: int) -> None:
    """Remove older caches of the same key, and those that were not used for longest.

    Args:
        kept: the volume that stays whatever happens.
        most: how many may stay.
    """
    there = Runner(runner.engine_of(like))
    complete = [one for one in find_caches(there) if one.complete and one.volume != kept]
    same = [one for one in complete if one.key == key]
    others = [one for one in complete if one.key != key]
    for cache in (*same, *others[max(0, most - 1) :]):
        # One that is just being placed stays; the next drill that keeps one sees to it.
        with suppress(EnvironmentFailure):
            remove_cache(there, cache.volume)


def beside_cache(
    runner: Runner, like: str, volume: str, *, read_only: bool = False
) -> AbstractContextManager[Helper]:
    """A helper with the volumes of container ``like`` and that of a cache; gone at the end."""
    mount = Mount(MOUNTED, volume, "volume", read_only=read_only)
    return beside(runner, like, HelperOptions(mounts=(mount,)))


def read_cache(runner: Runner, like: str, volume: str) -> Cache:
    """A complete cache, by its volume.

    Raises:
        NotFoundError: there is none, or it was not finished.
    """
    there = Runner(runner.engine_of(like))
    with answers(f"look up copy {volume}"):
        try:
            cache = _cache_of(there, there.client.volumes.get(volume).attrs)
        except NotFound:
            cache = None
    if cache is None or not cache.complete:
        raise NotFoundError(f"there is no finished copy {volume}")
    return cache


def note_use(runner: Runner, like: str, volume: str, now: datetime) -> None:
    """Write down that a cache was placed beside container ``like``."""
    mount = Mount(MOUNTED, volume, "volume")
    archive = _file(_USED, {"used": now.isoformat()})
    given = HelperOptions(mounts=(mount,), archives=((MOUNTED, archive),))
    with answers(f"write into copy {volume}"), helper(runner, like, ("true",), given):
        pass  # It is not started: what is written through it stays.


def _file(name: str, document: Mapping[str, Any]) -> bytes:
    """A small file beside the cached data, as a tar archive."""
    return single_file(name, json.dumps(document).encode(), _ROOT, 0o600)


def _cache_of(runner: Runner, attrs: Mapping[str, Any]) -> Cache | None:
    """A cache as its labels and its files say; None for one that goes meanwhile."""
    labels = attrs.get("Labels") or {}
    cache = Cache(
        volume=str(attrs["Name"]),
        key=labels.get(_KEY, ""),
        generation=labels.get(_GENERATION, ""),
        part=labels.get(_PART, ""),
        stack=labels.get(_STACK, ""),
        created=datetime.fromisoformat(str(attrs["CreatedAt"])),
    )
    try:
        marker, used = _files(runner, cache.volume, labels.get(_IMAGE, ""))
    except ImageNotFound:
        # Nothing but that image could use it.
        return cache
    except NotFound:
        return None
    if not marker:
        return cache
    try:
        cache = replace(
            cache,
            kept=datetime.fromisoformat(marker["kept"]),
            bytes=int(marker["bytes"]),
            files=int(marker["files"]),
        )
        return replace(cache, used=datetime.fromisoformat(used["used"])) if used else cache
    except (KeyError, TypeError, ValueError):
        # Another engine's: it is whole, and its key is none of ours.
        return replace(cache, kept=cache.kept or cache.created)


def _files(runner: Runner, volume: str, image: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The small files beside a cache's data, read through a container that is never started."""
    container = runner.client.containers.create(
        image,
        entrypoint="true",
        network_mode="none",
        security_opt=list(rights.SECURITY),
        cap_drop=list(rights.DROPPED),
        mounts=[Mount(MOUNTED, volume, "volume", read_only=True)],
        labels={LABEL: CACHES, ROLE: HELPER},
    )
    try:
        if not runner.client.volumes.get(volume).attrs.get("Labels"):
            # It went meanwhile: the engine has made an empty one for this container.
            container.remove(force=True, v=True)
            runner.client.api.remove_volume(volume)
            raise NotFound(f"volume {volume} is gone")
        marker, used = (_document(runner, str(container.id), name) for name in (MARKER, _USED))
        return marker, used
    finally:
        with suppress(NotFound):
            container.remove(force=True, v=True)


def _document(runner: Runner, container: str, name: str) -> dict[str, Any]:
    try:
        found = json.loads(runner.read_file(container, f"{MOUNTED}/{name}"))
    except (NotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
