"""``pra import``: backups that others made become generations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from restore.cli.generations import describe, summary
from restore.cli.options import ProfileOptions, RepositoryOptions, secret_of_environment
from restore.cli.terminal import Terminal
from restore.cli.verbs import Options, argument, command, option
from restore.model.secret import Secret

if TYPE_CHECKING:
    from restore.catalogue.foreign import Layout


class ForeignOptions(Options):
    """How a backup is read that others made."""

    at: str | None = option(
        "Bring a physical backup back to this moment, in UTC unless it says otherwise: "
        "2026-11-23T18:00+01:00. Default: the last transaction that was archived.",
        metavar="MOMENT",
    )
    pgbackrest_image: str | None = option(
        "Image with PostgreSQL of the backup's major and pgBackRest, which bring a physical "
        "backup back. Default: pra/pgbackrest with the tag of the profile's database image. The"
        " passphrase of an encrypted repository is read from PRA_PGBACKREST_PASSPHRASE or the "
        "file that PRA_PGBACKREST_PASSPHRASE_FILE names.",
        envvar="PRA_PGBACKREST_IMAGE",
    )


def open_backup(text: str, profile: str, options: ForeignOptions) -> Layout:
    """Open the backup ``LAYOUT:PATH`` that a command names, as its options ask.

    Raises:
        RestoreError: what is wrong with its options or its place.
    """
    from restore.catalogue.foreign import LayoutOptions
    from restore.catalogue.layouts import open_layout
    from restore.profile import load_profile
    from restore.repository.selection import moment

    passphrase = secret_of_environment(
        "PRA_PGBACKREST_PASSPHRASE", "the passphrase of the repository"
    )
    asked = LayoutOptions(
        at=moment(options.at) if options.at is not None else None,
        image=options.pgbackrest_image,
        passphrase=Secret("") if passphrase is None else passphrase,
    )
    return open_layout(text, load_profile(profile), asked)


class ImportOptions(ProfileOptions, RepositoryOptions, ForeignOptions):
    backup: str = argument(metavar="LAYOUT:PATH")
    generation: str = option(
        'Which backup of several: an id or its beginning, "latest", or "latest-before DATE".',
        default="latest",
    )
    every: bool = option("Every backup that is there.", flag="--all")
    listed: bool = option("Only say which backups are there.", flag="--list")


@command("import", ImportOptions)
def verb(terminal: Terminal, options: ImportOptions) -> None:
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
    from restore.catalogue.importing import import_generation
    from restore.report.evidence.keys import manifest_signature
    from restore.repository import create_repository
    from restore.runs.request import utc_now

    layout = open_backup(options.backup, options.profile, options)
    if options.listed:
        backups = [(name, layout.describe(name)) for name in layout.ids()]
        for name, text in backups:
            terminal.print(f"{name}  {text}")
        terminal.json([{"id": name, "description": text} for name, text in backups])
        return
    repository = create_repository(options.repository, manifest_signature())
    choices = layout.ids() if options.every else (options.generation,)
    documents = []
    with terminal.progress() as listener:
        for choice in choices:
            imported = import_generation(layout, choice, repository, now=utc_now, listener=listener)
            documents.append({**summary(imported.generation), "new": imported.new})
            known = "imported" if imported.new else "imported before:"
            terminal.print(f"{known} {describe(imported.generation)}")
    terminal.json(documents)
