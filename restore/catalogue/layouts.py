"""Layouts of backups that others made, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from restore.catalogue import folder, odoo_zip, openerp
from restore.catalogue.foreign import Layout
from restore.errors import UsageError
from restore.profile import Profile

LAYOUTS: Final[dict[str, Callable[[Path, Profile], Layout]]] = {
    odoo_zip.LAYOUT: odoo_zip.OdooZip,
    openerp.LAYOUT: openerp.OpenErpTree,
    folder.LAYOUT: folder.MappedFolder,
}
"""Each layout's reader, which is given the place and the ERP's profile."""


def open_layout(text: str, profile: Profile) -> Layout:
    """Open ``LAYOUT:PATH``.

    Raises:
        UsageError: there is no such layout, or no path.
        RestoreError: what the layout's reader says of the path.
    """
    name, colon, path = text.partition(":")
    if name not in LAYOUTS or not colon or not path:
        raise UsageError(
            f"{text!r} is no LAYOUT:PATH", "layouts: " + ", ".join(f"{one}:PATH" for one in LAYOUTS)
        )
    return LAYOUTS[name](Path(path).expanduser().absolute(), profile)
