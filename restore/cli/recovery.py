"""Commands that restore: plan, drill, restore, report."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from restore.catalogue.foreign import Layout
from restore.catalogue.importing import temporary_folder
from restore.cli.foreign import at_option, image_option, open_backup
from restore.cli.options import (
    accept_option,
    cache_options,
    copy_options,
    jobs_option,
    language_option,
    profile_option,
    reason_option,
    reports_option,
    repository_option,
)
from restore.cli.run_options import (
    certificate_option,
    chosen_certificate,
    chosen_images,
    conclude_run,
    image_options,
    prepare_replay,
    replay_options,
)
from restore.cli.terminal import Terminal
from restore.errors import UsageError
from restore.model import Role, locations
from restore.model.environment import StackOverrides, certificate_choice
from restore.plan.text import describe_plan, plan_document
from restore.report.files import find_run, read_report, render_report
from restore.report.postops import read_events
from restore.repository import create_repository
from restore.repository.selection import LATEST
from restore.runs.drill import DrillRequest, drill, restore_stack
from restore.runs.recorder import Run
from restore.runs.stages import preflight, select
from restore.runs.staging import life


@click.command("plan")
@click.argument("generation", required=False)
@repository_option
@profile_option
@accept_option
@reason_option
@jobs_option
@image_options
@certificate_option
@click.pass_obj
def plan_command(terminal: Terminal, /, **options: Any) -> None:
    """Show the plan that a drill of a generation would follow. Nothing is made.

    It is that of a cold drill: for kept copies (see 'pra cache'), a drill looks when its servers
    stand.

    \b
    Examples:
      pra plan latest
      pra --json plan latest
    """
    with terminal.progress() as listener:
        services, request = prepare_replay(terminal, options, listener, "pra plan")
        run = Run.begin("drill", request, services)
        generation = select(run)
        path, plain = certificate_choice(chosen_certificate(options), Path.cwd())
        overrides = StackOverrides(chosen_images(options), path, plain=plain)
        plan = preflight(run, generation, overrides).plan
    for line in describe_plan(plan):
        terminal.print(line)
    terminal.json(plan_document(plan))
    terminal.differences(run.recorder.differences)


@click.command("drill")
@click.option(
    "--stack",
    default="drill",
    show_default=True,
    help="Stack file whose settings the ephemeral environment starts from.",
)
@click.option(
    "--from",
    "backup",
    metavar="LAYOUT:PATH",
    help="A backup that others made (see 'pra import'); imported for this drill only. "
    "--generation then chooses among what is there.",
)
@at_option
@image_option
@replay_options
@image_options
@certificate_option
@click.option("--keep", is_flag=True, help="Leave the environment standing afterwards.")
@copy_options
@click.pass_obj
def drill_command(terminal: Terminal, /, **options: Any) -> int:
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
    with ExitStack() as stack, terminal.progress() as listener:
        backup = _foreign(options, stack)
        services, replay = prepare_replay(terminal, options, listener, "pra drill")
        request = DrillRequest(
            replay=replay,
            base=options["stack"],
            keep=options["keep"],
            images=chosen_images(options),
            certificate=chosen_certificate(options),
            backup=backup,
            cache=cache_options(options),
        )
        report, folder, recorder = drill(request, services)
    return conclude_run(terminal, report, folder, recorder)


@click.command("restore")
@click.option("--stack", required=True, help="Stack that stands, made by 'pulumi up'.")
@replay_options
@click.option("--replace", is_flag=True, help="Replace databases that are there already.")
@click.option(
    "--node",
    "nodes",
    multiple=True,
    type=click.Choice([role.value for role in Role]),
    help="Replay this node only, and others named so; the rest stay as they are. "
    "'pra status' shows the nodes.",
)
@click.pass_obj
def restore_command(terminal: Terminal, /, **options: Any) -> int:
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
    with terminal.progress() as listener:
        services, request = prepare_replay(terminal, options, listener, "pra restore")
        stack = options["stack"]
        request = life.as_copy(locations.STAGING, stack, request)
        report, folder, recorder = restore_stack(stack, request, services)
        life.replayed(locations.STAGING, stack, report)
    return conclude_run(terminal, report, folder, recorder)


@click.command("report")
@click.argument("run", required=False)
@reports_option
@language_option
@click.option(
    "--format", "form", type=click.Choice(["html", "json", "junit"]), default="html",
    show_default=True, help="What to render.",
)  # fmt: skip
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: stdout.")
@click.pass_obj
def report_command(terminal: Terminal, /, **options: Any) -> None:
    """Render the report of a run again; of the last run when none is named.

    \b
    Examples:
      pra report --output report.html
      pra report 20261124-060102-1a2b --lang fr --output rapport.html
    """
    folder = find_run(options["reports"], options["run"])
    events = read_events(folder)
    text = render_report(read_report(folder), options["form"], options["lang"], events)
    if options["output"] is None:
        click.echo(text)
    else:
        options["output"].write_text(text, encoding="utf-8")
        terminal.print(f"report: {options['output']}")


def _foreign(options: dict[str, Any], stack: ExitStack) -> tuple[Layout, str] | None:
    """The backup of ``--from`` and which of it; its repository is gone when the stack ends."""
    if options["backup"] is None:
        if options["at"] is not None:
            raise UsageError(
                "--at goes with --from pgbackrest:PATH",
                'a generation is chosen by --generation "latest-before DATE"',
            )
        return None
    if options["keep"]:
        raise UsageError(
            "--from with --keep: the environment would keep a repository that goes away",
            "import the backup first: pra import LAYOUT:PATH, then pra drill --keep",
        )
    layout = open_backup(options["backup"], options)
    folder = stack.enter_context(temporary_folder(locations.IMPORTS))
    options["repository"] = create_repository(str(folder)).location
    choice, options["generation"] = options["generation"] or LATEST, LATEST
    return layout, choice
