"""How ERPs keep documents: which columns name a file, where it lies, what stands for it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from restore.adapters.postgres.commands import identifier
from restore.anonymise.placeholders import Placeholder, placeholders
from restore.anonymise.tables import Table

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Layout:
    """A table that lists documents.

    Column ``file`` names a document's file, ``content`` holds it where there is no file. ``named``
    gives what stands in ``file`` for a placeholder, ``path`` the expression, over that column, of
    where its file lies. ``media`` is the column of its media type, ``names`` are those whose ending
    tells its type where there is none. ``others`` are further columns, each with its expression
    over the row, ``t``, and the placeholder, ``p``. ``binary`` is how content stands in a column.
    """

    file: str
    content: str
    path: str
    named: Callable[[Placeholder], str]
    lies: Callable[[Placeholder], str]
    names: tuple[str, ...]
    media: str | None = None
    others: tuple[tuple[str, str], ...] = ()
    binary: str = "p.content"

    def settings(self, table: Table) -> Values:
        """What each column of a table is set to."""
        file, content = f"t.{identifier(self.file)}", f"t.{identifier(self.content)}"
        held = bool(table.column(self.content))
        none = f"{file} IS NULL" + (f" AND {content} IS NULL" if held else "")
        kept = {
            name: f"CASE WHEN {none} THEN t.{identifier(name)} ELSE {value} END"
            for name, value in self.others
        }
        own = {
            self.file: f"CASE WHEN {file} IS NOT NULL THEN p.file END",
            self.content: f"CASE WHEN {file} IS NULL AND {content} IS NOT NULL"
            f" THEN {self.binary} END",
            **kept,
        }
        return {name: value for name, value in own.items() if table.column(name)}

    def type_of(self, table: Table) -> str:
        """An expression: the type of a row's document, ``other`` when nothing tells it."""
        told = [
            "(SELECT y.type FROM pg_temp.pra_type y WHERE y.key = "
            f"lower(substring(t.{identifier(name)} FROM '\\.[A-Za-z0-9]+$')))"
            for name in self.names
            if table.column(name)
        ]
        if self.media is not None and table.column(self.media):
            media = f"lower(split_part(t.{identifier(self.media)}, ';', 1))"
            told.insert(0, f"(SELECT y.type FROM pg_temp.pra_type y WHERE y.key = {media})")
        return f"coalesce({', '.join((*told, chr(39) + 'other' + chr(39)))})"

    def files(self) -> Mapping[str, bytes]:
        """Every placeholder's content, by where it lies."""
        return {self.lies(one): one.content for one in placeholders().values()}


_ODOO: Final = Layout(
    file="store_fname",
    content="db_datas",
    path="store_fname",
    named=lambda one: one.file,
    lies=lambda one: one.file,
    names=("name",),
    media="mimetype",
    others=(
        ("checksum", "p.checksum"),
        ("file_size", "p.size"),
        # As Odoo has it for what holds no text.
        (
            "index_content",
            "CASE WHEN t.index_content IS NOT NULL"
            " THEN coalesce(p.words, split_part(t.mimetype, '/', 1)) END",
        ),
    ),
)
_OPENERP: Final = replace(
    _ODOO,
    names=("datas_fname", "name"),
    media="file_type",
    others=(
        ("file_size", "p.size"),
        ("index_content", "CASE WHEN t.index_content IS NOT NULL THEN p.words END"),
    ),
    # Its columns of bytes hold them as Base64.
    binary="convert_to(encode(p.content, 'base64'), 'UTF8')",
)
_TRYTON: Final = Layout(
    file="file_id",
    content="data",
    path="substr(file_id, 1, 2) || '/' || substr(file_id, 3, 2) || '/' || file_id",
    named=lambda one: one.md5,
    lies=lambda one: f"{one.md5[:2]}/{one.md5[2:4]}/{one.md5}",
    names=("name",),
)

LAYOUTS: Final[Mapping[str, Layout]] = {"odoo": _ODOO, "openerp": _OPENERP, "tryton": _TRYTON}
"""By the name that rules give them."""
