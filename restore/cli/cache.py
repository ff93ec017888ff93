"""Commands of caches of database servers: list and remove them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from restore.adapters.docker.cache_volumes import find_caches, remove_cache
from restore.adapters.docker.runner import Runner
from restore.cli.options import every_engine
from restore.cli.terminal import Terminal
from restore.errors import EnvironmentFailure, NotFoundError, UsageError
from restore.model import LOCAL, Cache
from restore.plan.text import size_text

_COLUMNS = ("copy", "key", "generation", "part", "size", "kept (UTC)", "last used (UTC)", "by")


@dataclass(frozen=True, slots=True)
class _Found:
    host: str
    engine: Runner
    cache: Cache


@click.group("cache")
def cache_group() -> None:
    """Copies of database servers' data, kept by cold drills and used by later ones."""


@cache_group.command("list")
@click.pass_obj
def list_command(terminal: Terminal) -> None:
    """List the kept copies, those used last first.

    Docker hosts that stack files name (setting hosts) are looked at, too. One without a time at
    which it was kept is being made, or was not finished: it is never used.

    \b
    Examples:
      pra cache list
      pra --json cache list
    """
    with every_engine(terminal) as engines:
        found = _find(engines)
        if found:
            terminal.table("Kept copies", _COLUMNS, [_row(one) for one in found])
        else:
            terminal.print("no copy is kept")
        terminal.json([_document(one) for one in found])


@cache_group.command("remove")
@click.argument("keys", nargs=-1, metavar="[COPY|KEY]...")
@click.option("--all", "everything", is_flag=True, help="Remove every copy.")
@click.pass_obj
def remove_command(terminal: Terminal, keys: tuple[str, ...], everything: bool) -> None:
    """Remove kept copies: by name, by key or its beginning, or all of them.

    The next drill of their generation is cold. One that a drill is using is refused; the others go.

    \b
    Examples:
      pra cache remove 3fa91c20d1b4
      pra cache remove --all
    """
    if bool(keys) == everything:
        raise UsageError("name copies, or --all", "'pra cache list' shows which there are")
    with every_engine(terminal) as engines:
        found = _find(engines)
        chosen = found if everything else tuple(_named(found, keys))
        refused: list[EnvironmentFailure] = []
        gone: list[_Found] = []
        for one in chosen:
            try:
                remove_cache(one.engine, one.cache.volume)
            except EnvironmentFailure as error:
                refused.append(error)
                continue
            gone.append(one)
            terminal.print(f"removed {one.cache.volume}{_where(one)}")
        if refused:
            raise refused[0]
        if not chosen:
            terminal.print("no copy is kept")
        terminal.json([_document(one) for one in gone])


def _find(engines: dict[str, Runner]) -> tuple[_Found, ...]:
    return tuple(
        _Found(host, engine, cache)
        for host, engine in engines.items()
        for cache in find_caches(engine)
    )


def _named(found: tuple[_Found, ...], keys: tuple[str, ...]) -> list[_Found]:
    chosen: list[_Found] = []
    for key in keys:
        named = [one for one in found if one.cache.volume == key or one.cache.key.startswith(key)]
        if not named or not key:
            raise NotFoundError(f"there is no copy {key}", "'pra cache list' shows which there are")
        chosen += [one for one in named if one not in chosen]
    return chosen


def _where(one: _Found) -> str:
    return "" if one.host == LOCAL else f" on {one.host}"


def _row(one: _Found) -> tuple[str, ...]:
    cache = one.cache
    return (
        cache.volume + _where(one),
        cache.key[:12],
        cache.generation,
        cache.part,
        size_text(cache.bytes) if cache.complete else "-",
        f"{cache.kept:%Y-%m-%d %H:%M}" if cache.kept else "not finished",
        f"{cache.used:%Y-%m-%d %H:%M}" if cache.used else "-",
        cache.stack,
    )


def _document(one: _Found) -> dict[str, Any]:
    cache = one.cache
    return {
        "copy": cache.volume,
        "key": cache.key,
        "host": one.host,
        "generation": cache.generation,
        "part": cache.part,
        "stack": cache.stack,
        "complete": cache.complete,
        "created": cache.created.isoformat(),
        "kept": cache.kept.isoformat() if cache.kept else None,
        "used": cache.used.isoformat() if cache.used else None,
        "bytes": cache.bytes,
        "files": cache.files,
    }
