"""Options of the commands that read backups which others made."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from restore.catalogue.foreign import Layout, LayoutOptions
from restore.catalogue.layouts import open_layout
from restore.cli.options import Decorator
from restore.errors import UsageError
from restore.model.secret import Secret
from restore.profile import load_profile
from restore.repository.selection import moment

_PASSPHRASE = "PRA_PGBACKREST_PASSPHRASE"  # noqa: S105 - the variable's name

at_option: Decorator = click.option(
    "--at",
    metavar="MOMENT",
    help="Bring a physical backup back to this moment, in UTC unless it says otherwise: "
    "2026-11-23T18:00+01:00. Default: the last transaction that was archived.",
)
image_option: Decorator = click.option(
    "--pgbackrest-image",
    envvar="PRA_PGBACKREST_IMAGE",
    show_envvar=True,
    help="Image with PostgreSQL of the backup's major and pgBackRest, which bring a physical "
    "backup back. Default: pra/pgbackrest with the tag of the profile's database image. The "
    "passphrase of an encrypted repository is read from PRA_PGBACKREST_PASSPHRASE or the file "
    "that PRA_PGBACKREST_PASSPHRASE_FILE names.",
)


def open_backup(text: str, options: dict[str, Any]) -> Layout:
    """Open the backup that a command names, as its options ask.

    Raises:
        RestoreError: what is wrong with its options or its place.
    """
    at = options["at"]
    asked = LayoutOptions(
        at=moment(at) if at is not None else None,
        image=options["pgbackrest_image"],
        passphrase=_passphrase(),
    )
    return open_layout(text, load_profile(options["profile"]), asked)


def _passphrase() -> Secret:
    file = os.environ.get(f"{_PASSPHRASE}_FILE")
    if not file or os.environ.get(_PASSPHRASE):
        return Secret(os.environ.get(_PASSPHRASE, ""))
    try:
        return Secret(Path(file).read_text(encoding="utf-8").rstrip("\n"))
    except OSError as error:
        raise UsageError(
            f"{_PASSPHRASE}_FILE: {file} can't be read: {error.strerror}",
            "name a file that holds the passphrase of the repository",
        ) from error
