"""The command that imports backups which others made."""

from __future__ import annotations

import click

from restore.catalogue.foreign import Layout
from restore.catalogue.importing import import_generation
from restore.cli.backup import summary
from restore.cli.foreign import at_option, image_option, open_backup
from restore.cli.options import describe, profile_option, repository_option
from restore.cli.terminal import Terminal
from restore.repository import create_repository
from restore.runs.request import utc_now


@click.command("import")
@click.argument("backup", metavar="LAYOUT:PATH")
@profile_option
@repository_option
@click.option(
    "--generation",
    default="latest",
    show_default=True,
    help='Which backup of several: an id or its beginning, "latest", or "latest-before DATE".',
)
@click.option("--all", "every", is_flag=True, help="Every backup that is there.")
@click.option("--list", "listed", is_flag=True, help="Only say which backups are there.")
@at_option
@image_option
@click.pass_obj
def import_command(terminal: Terminal, /, **options: str) -> None:
    """Turn a backup that others made into a generation. The original is only read.

    LAYOUT is odoo-zip (a file of Odoo's database manager), openerp (a folder of nightly dumps,
    DATABASE.dump.DAY), folder (a YAML file that says what is what), or pgbackrest (a repository of
    physical backups, or a YAML file that names one and its documents). What the backup does not
    tell stays unknown. One that was cut, is damaged or could do harm is refused.

    \b
    Examples:
      pra import odoo-zip:/mnt/nas/specibike_prod.zip --repository /srv/backups
      pra import openerp:/srv/sauvegardesLocales --generation "latest-before 2026-11-23"
      pra import folder:/mnt/nas/mapping.yaml
      pra import pgbackrest:/srv/pgbackrest --at "2026-11-23 18:00"
    """
    layout = open_backup(options["backup"], options)
    if options["listed"]:
        _list(terminal, layout)
        return
    repository = create_repository(options["repository"])
    choices = layout.ids() if options["every"] else (options["generation"],)
    found = []
    with terminal.progress() as listener:
        for choice in choices:
            one = import_generation(layout, choice, repository, now=utc_now, listener=listener)
            found.append(one)
            known = "imported" if one.new else "imported before:"
            terminal.print(f"{known} {describe(one.generation)}")
    terminal.json([{**summary(one.generation), "new": one.new} for one in found])


def _list(terminal: Terminal, layout: Layout) -> None:
    found = [(name, layout.describe(name)) for name in layout.ids()]
    for name, text in found:
        terminal.print(f"{name}  {text}")
    terminal.json([{"id": name, "description": text} for name, text in found])
