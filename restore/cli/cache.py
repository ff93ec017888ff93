"""``pra cache``: list and remove caches of database servers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from restore.cli.engines import every_engine
from restore.cli.terminal import Cell, Terminal, document_of
from restore.cli.verbs import VerbGroup
from restore.errors import EnvironmentFailure, NotFoundError, UsageError
from restore.model import LOCAL, Cache

if TYPE_CHECKING:
    from restore.adapters.docker.runner import Runner


@dataclass(frozen=True, slots=True)
class _Kept:
    """A cache, and the engine that has it."""

    host: str
    engine: Runner
    cache: Cache

    def __str__(self) -> str:
        return self.cache.volume + ("" if self.host == LOCAL else f" on {self.host}")


@click.group("cache", cls=VerbGroup)
def verb() -> None:
    """Copies of database servers' data, kept by cold drills and used by later ones."""


@verb.command("list")
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
        rows = [_cells(kept) for kept in _find(engines)]
        terminal.listing("Kept copies", rows, empty="no copy is kept")


@verb.command("remove")
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
    from restore.adapters.docker.cache_volumes import remove_cache

    with every_engine(terminal) as engines:
        there = _find(engines)
        chosen = there if everything else _named(there, keys)
        refused: list[EnvironmentFailure] = []
        gone: list[_Kept] = []
        for kept in chosen:
            try:
                remove_cache(kept.engine, kept.cache.volume)
            except EnvironmentFailure as error:
                refused.append(error)
                continue
            gone.append(kept)
            terminal.print(f"removed {kept}")
        if refused:
            raise refused[0]
        if not chosen:
            terminal.print("no copy is kept")
        terminal.json([document_of(_cells(kept)) for kept in gone])


def _find(engines: dict[str, Runner]) -> Sequence[_Kept]:
    from restore.adapters.docker.cache_volumes import find_caches

    return [
        _Kept(host, engine, cache)
        for host, engine in engines.items()
        for cache in find_caches(engine)
    ]


def _named(there: Sequence[_Kept], keys: tuple[str, ...]) -> Sequence[_Kept]:
    chosen: list[_Kept] = []
    for key in keys:
        named = [kept for kept in there if key in (kept.cache.volume, kept.cache.key[: len(key)])]
        if not named or not key:
            raise NotFoundError(f"there is no copy {key}", "'pra cache list' shows which there are")
        chosen += [kept for kept in named if kept not in chosen]
    return chosen


def _cells(kept: _Kept) -> tuple[Cell, ...]:
    from restore.plan.text import size_text

    cache = kept.cache
    return (
        Cell("copy", cache.volume, "copy", str(kept)),
        Cell("key", cache.key, "key", cache.key[:12]),
        Cell("host", kept.host),
        Cell("generation", cache.generation, "generation"),
        Cell("part", cache.part, "part"),
        Cell("bytes", cache.bytes, "size", size_text(cache.bytes) if cache.complete else "-"),
        Cell("complete", cache.complete),
        Cell("created", cache.created),
        Cell("kept", cache.kept, "kept (UTC)", None if cache.kept else "not finished"),
        Cell("used", cache.used, "last used (UTC)"),
        Cell("stack", cache.stack, "by"),
        Cell("files", cache.files),
    )
