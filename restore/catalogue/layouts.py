"""Layouts of backups that others made, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from restore.catalogue import folder, odoo_zip, openerp
from restore.catalogue.foreign import Layout, LayoutOptions
from restore.catalogue.pgbackrest import reader as pgbackrest
from restore.errors import UsageError
from restore.profile import Profile

_FILES: Final[dict[str, Callable[[Path, Profile], Layout]]] = {
    odoo_zip.LAYOUT: odoo_zip.OdooZip,
    openerp.LAYOUT: openerp.OpenErpTree,
    folder.LAYOUT: folder.MappedFolder,
}
_SERVERS: Final[dict[str, Callable[[Path, Profile, LayoutOptions], Layout]]] = {
    pgbackrest.LAYOUT: pgbackrest.PgBackRest,
}
"""Those that bring a cluster back, and can do so to a moment."""

LAYOUTS: Final = (*_FILES, *_SERVERS)
"""The layouts that are known."""


def open_layout(
    text: str,
    profile: Profile,
    options: LayoutOptions = LayoutOptions(),  # noqa: B008 - frozen
) -> Layout:
    """Open ``LAYOUT:PATH``.

    Raises:
        UsageError: there is no such layout, or no path; or it can't go back to a moment.
        RestoreError: what the layout's reader says of the path.
    """
    name, colon, path = text.partition(":")
    if name not in LAYOUTS or not colon or not path:
        raise UsageError(
            f"{text!r} is no LAYOUT:PATH", "layouts: " + ", ".join(f"{one}:PATH" for one in LAYOUTS)
        )
    place = Path(path).expanduser().absolute()
    if name in _SERVERS:
        return _SERVERS[name](place, profile, options)
    if options.at is not None:
        raise UsageError(
            f"--at: layout {name} holds no log of transactions",
            "choose among its backups by --generation; layout pgbackrest goes back to a moment",
        )
    return _FILES[name](place, profile)
