"""Tables and boxes of the PDF."""

from __future__ import annotations

from typing import Any, Final

from reportlab.lib.units import mm
from reportlab.platypus import Flowable
from reportlab.platypus import Paragraph as Text
from reportlab.platypus import Table as Grid

from restore.prerequisites.document import (
    Column,
    ColumnKind,
    Fact,
    Paragraph,
    Table,
    Tone,
)
from restore.prerequisites.pdf_style import (
    BAD,
    GOOD,
    MARK,
    RULE,
    SOFT,
    STYLES,
    WASH,
    cell_code,
    markup,
)

_TONES: Final = {Tone.NOTE: SOFT, Tone.GOOD: GOOD, Tone.BAD: BAD}
_TO_WRITE_ON: Final = 11 * mm
"""Height of a row that people fill in."""


def data_table(table: Table, width: float) -> Flowable:
    """A table whose header comes again on each page."""
    share = width / sum(column.weight for column in table.columns)
    header = [_cell(column.title, column, "head") for column in table.columns]
    rows = [_row(table, row, position) for position, row in enumerate(table.rows, 1)]
    heights = [None, *(_TO_WRITE_ON for _ in rows)] if table.blank else None
    grid = Grid(
        [header, *rows],
        colWidths=[column.weight * share for column in table.columns],
        rowHeights=heights,
        repeatRows=1,
        hAlign="LEFT",
    )
    last = [("LINEABOVE", (0, -1), (-1, -1), 0.7, SOFT)] if table.total else []
    boxes = [("INNERGRID", (0, 1), (-1, -1), 0.5, RULE), ("BOX", (0, 1), (-1, -1), 0.5, RULE)]
    grid.setStyle(
        [
            ("BACKGROUND", (0, 0), (-1, 0), WASH),
            ("LINEBELOW", (0, 0), (-1, 0), 0.7, SOFT),
            ("LINEBELOW", (0, 1), (-1, -1), 0.4, RULE),
            ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
            ("VALIGN", (0, 1), (-1, -1), "MIDDLE" if table.blank else "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 5),
            ("RIGHTPADDING", (0, 0), (-1, -1), 5),
            ("TOPPADDING", (0, 0), (-1, -1), 3.2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 3.8),
            *last,
            *(boxes if table.blank else []),
        ]
    )
    return grid


def note_box(paragraph: Paragraph, width: float) -> Flowable:
    """A paragraph; one that has a tone stands in a box."""
    if paragraph.tone is Tone.NORMAL:
        return Text(markup(paragraph.text), STYLES["text"])
    return _box(
        Text(markup(paragraph.text), STYLES["note"]),
        width,
        [("LINEBEFORE", (0, 0), (0, -1), 2.4, _TONES[paragraph.tone])],
    )


def command_box(text: str, width: float) -> Flowable:
    """Lines of code in a box."""
    return _box(Text(text, STYLES["code"]), width, [("BOX", (0, 0), (-1, -1), 0.5, RULE)])


def facts_table(facts: tuple[Fact, ...], width: float) -> Flowable:
    """The properties of the title page."""
    rows = [
        [Text(markup(fact.label), STYLES["label"]), Text(markup(fact.value), STYLES["value"])]
        for fact in facts
    ]
    grid = Grid(rows, colWidths=[0.36 * width, 0.64 * width], hAlign="LEFT")
    grid.setStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 3.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 4.5),
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE),
            ("LINEABOVE", (0, 0), (-1, 0), 0.7, SOFT),
        ]
    )
    return grid


def tiles(facts: tuple[Fact, ...], width: float) -> Flowable:
    """The figures that a reader looks for first."""
    cells = [
        [Text(markup(fact.label), STYLES["tilelabel"]), Text(markup(fact.value), STYLES["tile"])]
        for fact in facts
    ]
    grid = Grid([cells], colWidths=[width / len(facts)] * len(facts), hAlign="LEFT")
    edges = [("LINEBEFORE", (n, 0), (n, 0), 2.4, MARK) for n in range(len(facts))]
    grid.setStyle(
        [
            ("BACKGROUND", (0, 0), (-1, -1), WASH),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 8),
            ("TOPPADDING", (0, 0), (-1, -1), 7),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 9),
            *edges,
        ]
    )
    return grid


def _row(table: Table, row: tuple[str, ...], position: int) -> list[Flowable]:
    prefix = "total" if table.total and position == len(table.rows) else ""
    return [_cell(cell, column, prefix) for cell, column in zip(row, table.columns, strict=True)]


def _cell(text: str, column: Column, prefix: str) -> Flowable:
    number = column.kind is ColumnKind.NUMBER
    name = f"{prefix}number" if number else prefix or "cell"
    plain = prefix or column.kind is not ColumnKind.CODE
    return Text(markup(text) if plain else cell_code(text), STYLES[name])


def _box(content: Flowable, width: float, edges: list[Any]) -> Flowable:
    grid = Grid([[content]], colWidths=[width], hAlign="LEFT", spaceAfter=7)
    grid.setStyle(
        [
            ("BACKGROUND", (0, 0), (-1, -1), WASH),
            ("LEFTPADDING", (0, 0), (-1, -1), 8),
            ("RIGHTPADDING", (0, 0), (-1, -1), 8),
            ("TOPPADDING", (0, 0), (-1, -1), 5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
            *edges,
        ]
    )
    return grid
