"""``pra restore``: replay a generation into an environment that stands."""

from __future__ import annotations

import click

from restore.cli.run_options import ReplayOptions, conclude_run, prepare_replay
from restore.cli.terminal import Terminal
from restore.cli.verbs import command, option
from restore.model import Role, locations


class RestoreOptions(ReplayOptions):
    stack: str = option("Stack that stands, made by 'pulumi up'.", required=True)
    replace: bool = option("Replace databases that are there already.")
    node: tuple[str, ...] = option(
        "Replay this node only, and others named so; the rest stay as they are. 'pra status' "
        "shows the nodes.",
        type=click.Choice([role.value for role in Role]),
    )


@command("restore", RestoreOptions)
def verb(terminal: Terminal, options: RestoreOptions) -> int:
    """Replay a generation into an environment that stands.

    A target that has a database of the same name already is refused, unless --replace is given.
    The old database goes away only when the new one has been checked. The repository must be the
    one that the stack was made with.

    A staging copy is neutralised again, and keeps its administrator's password.

    With --node, only some nodes are replayed; the servers beside them are stopped meanwhile. What
    is there already needs --replace all the same. The verdict is fail until every node holds the
    same generation, to the end.

    \b
    Examples:
      pra restore --stack staging --generation latest
      pra restore --stack staging --generation 20261123T180000Z-3fa91c --node database --replace
      pra restore --stack staging --generation "latest-before 2026-11-23" --replace
    """
    from restore.runs.drill import restore_stack
    from restore.runs.staging import life

    with terminal.progress() as listener:
        services, request = prepare_replay(terminal, options, listener, "pra restore")
        request = life.as_copy(locations.STAGING, options.stack, request)
        report, folder, recorder = restore_stack(options.stack, request, services)
        life.record_replay(locations.STAGING, options.stack, report)
    return conclude_run(terminal, report, folder, recorder)
