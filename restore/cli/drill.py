"""``pra drill``: rebuild, replay, check, destroy."""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack
from typing import TYPE_CHECKING

from restore.cli.importing import ForeignOptions, open_backup
from restore.cli.options import CachingOptions
from restore.cli.run_options import EphemeralOptions, conclude_run, prepare_replay
from restore.cli.terminal import Terminal
from restore.cli.verbs import command, option
from restore.errors import UsageError
from restore.model import locations
from restore.model.durations import parse_days
from restore.plan.cache.policy import CacheOptions

if TYPE_CHECKING:
    from restore.catalogue.foreign import Layout


class DrillOptions(EphemeralOptions, ForeignOptions, CachingOptions):
    backup: str | None = option(
        "A backup that others made (see 'pra import'); imported for this drill only. "
        "--generation then chooses among what is there.",
        flag="--from",
        metavar="LAYOUT:PATH",
    )


@command("drill", DrillOptions)
def verb(terminal: Terminal, options: DrillOptions) -> int:
    """Rebuild an environment, replay a generation into it, check it, and destroy it.

    A cold drill loads the databases, and keeps a copy of the database server's data as they are
    then. A drill of the same generation uses it while the last cold one that passed is not older
    than --cold-every days: it is quicker, says that it is cached, and proves less.

    \b
    Examples:
      pra drill --generation latest
      pra drill --generation "latest-before 2026-11-23" --lang fr
      pra drill --generation latest --accept erp.release --reason "same series"
      pra drill --generation latest --scenario fixtures/scenarios/partners.yaml
      pra drill --from odoo-zip:/mnt/nas/specibike_prod.zip
      pra drill --from pgbackrest:/srv/pgbackrest --at "2026-11-23 18:00"
      pra drill --generation latest --cold
    """
    from restore.runs.drill import drill

    with ExitStack() as stack, terminal.progress() as listener:
        options, backup = _with_backup(options, stack)
        services, replay = prepare_replay(terminal, options, listener, "pra drill")
        days = options.cold_every
        cache = CacheOptions(
            cold=options.cold,
            keep=not options.no_copy,
            cold_every=None if days is None else parse_days(days),
            most=options.copies,
        )
        request = dataclasses.replace(options.drill(replay), backup=backup, cache=cache)
        report, folder, recorder = drill(request, services)
    return conclude_run(terminal, report, folder, recorder)


def _with_backup(
    options: DrillOptions, stack: ExitStack
) -> tuple[DrillOptions, tuple[Layout, str] | None]:
    """Open the backup of ``--from``, if any; return it with the choice among what is there.

    The options returned name a repository for it, which is gone when the stack ends.
    """
    if options.backup is None:
        if options.at is not None:
            raise UsageError(
                "--at goes with --from pgbackrest:PATH",
                'a generation is chosen by --generation "latest-before DATE"',
            )
        return options, None
    if options.keep:
        raise UsageError(
            "--from with --keep: the environment would keep a repository that goes away",
            "import the backup first: pra import LAYOUT:PATH, then pra drill --keep",
        )
    from restore.catalogue.importing import temporary_folder
    from restore.repository import create_repository
    from restore.repository.selection import LATEST

    layout = open_backup(options.backup, options.profile, options)
    folder = stack.enter_context(temporary_folder(locations.IMPORTS))
    repository = create_repository(str(folder)).location
    choice = options.generation or LATEST
    options = dataclasses.replace(options, repository=repository, generation=LATEST)
    return options, (layout, choice)
