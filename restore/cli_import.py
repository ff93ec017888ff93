"""The command that imports backups which others made."""

from __future__ import annotations

import click

from restore.catalogue.layouts import open_layout
from restore.cli_backup import summary
from restore.cli_options import describe, profile_option, repository_option
from restore.console import Terminal
from restore.importing import import_generation
from restore.profile import load_profile
from restore.repository import create_repository
from restore.stages import utc_now


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
@click.pass_obj
def import_command(terminal: Terminal, /, **options: str) -> None:
    """Turn a backup that others made into a generation. The original is only read.

    LAYOUT is odoo-zip (a file of Odoo's database manager), openerp (a folder of nightly dumps,
    DATABASE.dump.DAY), or folder (a YAML file that says what is what). What the backup does not
    tell stays unknown. One that was cut, is damaged or could do harm is refused.

    \b
    Examples:
      pra import odoo-zip:/mnt/nas/specibike_prod.zip --repository /srv/backups
      pra import openerp:/srv/sauvegardesLocales --generation "latest-before 2026-11-23"
      pra import folder:/mnt/nas/mapping.yaml
    """
    layout = open_layout(options["backup"], load_profile(options["profile"]))
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
