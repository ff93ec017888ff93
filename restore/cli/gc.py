"""``pra gc``: remove what runs left that died, and what has expired."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from restore.cli.engines import other_engines
from restore.cli.options import RepositoryOptions
from restore.cli.terminal import Terminal
from restore.cli.verbs import command, option
from restore.errors import EnvironmentFailure, NotFoundError, RefusedError
from restore.model import LOCAL, locations
from restore.model.durations import parse_age

if TYPE_CHECKING:
    from restore.adapters.docker.leftovers import Leftover
    from restore.runs.gc import Collection


class GcOptions(RepositoryOptions):
    older_than: str = option("Age of what goes by its age.", default="24h")
    stack: str | None = option("Remove this stack, whoever made it and whatever its age.")
    dry_run: bool = option("Only say what would be removed.")


@command("gc", GcOptions)
def verb(terminal: Terminal, options: GcOptions) -> None:
    """Remove what crashed drills left: containers, networks, volumes and stack files.

    Drills of this clone whose process died are removed at once; drills that this clone knows
    nothing of, when they are older than --older-than. So are generations that an interrupted
    capture left unfinished in the repository, and copies that an interrupted drill did not finish.
    Staging copies whose time to live has passed, and those whose making or ending died, are
    destroyed. What lives, was kept, or carries no label of ours stays; so do kept copies (see
    'pra cache'). Docker hosts that stack files name (setting hosts) are looked at, too.

    \b
    Examples:
      pra gc --dry-run
      pra gc --stack drill-20261124-060102-1a2b
    """
    from restore.adapters import lock, logs
    from restore.adapters.docker.cache_volumes import find_caches
    from restore.adapters.docker.leftovers import find_everywhere, remove
    from restore.adapters.docker.runner import Runner
    from restore.adapters.pulumi.rebuild import destroy, stacks
    from restore.runs import gc
    from restore.runs.request import utc_now
    from restore.runs.staging import life

    age, stack, dry_run = parse_age(options.older_than), options.stack, options.dry_run
    engines = {LOCAL: Runner.connect(), **other_engines(terminal)}
    leftovers = find_everywhere(engines)
    if stack is not None:
        chosen = gc.named_collection(leftovers, locations.LOCKS, stack)
    else:
        chosen = gc.choose_collections(leftovers, locations.LOCKS, now=utc_now(), older_than=age)
        # After the drills, whose helpers may stand on them.
        caches = [(host, one) for host, engine in engines.items() for one in find_caches(engine)]
        chosen += gc.choose_caches(caches, locations.LOCKS, now=utc_now(), older_than=age)
        chosen += gc.choose_readers(leftovers, now=utc_now(), older_than=age)
    documents: list[dict[str, object]] = []
    broken: list[EnvironmentFailure] = []
    for collection in chosen:
        documents.append(_tell(terminal, collection.stack, collection, dry_run))
        logs.event("collect", stack=collection.stack, reason=collection.reason, dry_run=dry_run)
        if not dry_run:
            remove(engines[LOCAL], collection.leftovers, engines)
            if collection.stack in stacks():
                destroy(collection.stack)
            life.forget_stack(locations.STAGING, collection.stack)
            lock.release(locations.LOCKS, collection.stack)
    if stack is None:
        ended, broken = _end_staging(terminal, leftovers, dry_run)
        documents += ended
        documents += _collect_partials(terminal, options.repository, utc_now() - age, dry_run)
    if not documents and not broken:
        terminal.print("nothing to remove")
    terminal.json(documents)
    if broken:
        raise broken[0]


def _tell(
    terminal: Terminal, what: str, collection: Collection, dry_run: bool, key: str = "stack"
) -> dict[str, object]:
    """Print what is collected, and why; return its JSON document, which names it by the key."""
    terminal.print(f"{what}: {collection.reason}")
    for item in collection.leftovers:
        where = "" if item.host == LOCAL else f" on {item.host}"
        terminal.print(f"  {item.kind:10} {item.name}{where}")
    return {
        key: collection.stack,
        "reason": collection.reason,
        "removed": not dry_run,
        "leftovers": [f"{item.kind} {item.name}" for item in collection.leftovers],
    }


def _end_staging(
    terminal: Terminal, leftovers: Iterable[Leftover], dry_run: bool
) -> tuple[list[dict[str, object]], list[EnvironmentFailure]]:
    """End the staging copies that are due; one that can't be is in no other's way."""
    from restore.runs.gc import Collection
    from restore.runs.request import utc_now
    from restore.runs.staging import life

    ended: list[dict[str, object]] = []
    broken: list[EnvironmentFailure] = []
    life.forget_locks(locations.STAGING, dry_run=dry_run)
    for copy, reason in life.due(locations.STAGING, utc_now()):
        items = tuple(item for item in leftovers if item.stack == copy.stack)
        collection = Collection(copy.stack, reason, items)
        document = _tell(terminal, f"staging copy {copy.name}", collection, dry_run)
        try:
            if not dry_run and not life.end_if_due(locations.STAGING, copy.name, utc_now()):
                terminal.print("  it was renewed meanwhile, and stays")
                continue
        except (NotFoundError, RefusedError) as error:
            terminal.note(error.message)
            continue
        except EnvironmentFailure as error:
            terminal.error(error)
            broken.append(error)
            continue
        ended.append(document)
    return ended, broken


def _collect_partials(
    terminal: Terminal, location: str, before: datetime, dry_run: bool
) -> Iterator[dict[str, object]]:
    """Remove the unfinished generations that nothing was added to since ``before``.

    Their age counts too, since the lock of a capture elsewhere isn't seen on every network mount.
    """
    from restore.repository import open_repository
    from restore.runs.gc import Collection

    try:
        repository = open_repository(location)
    except NotFoundError:
        return
    for partial in repository.partials():
        if partial.active or partial.modified >= before:
            continue
        collection = Collection(partial.id, "its capture was interrupted", ())
        yield _tell(terminal, partial.id, collection, dry_run, "generation")
        terminal.print(f"  folder     {partial.path}")
        if not dry_run:
            repository.remove_partial(partial.id)
