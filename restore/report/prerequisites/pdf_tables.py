"""Tables and boxes of the PDF."""

from __future__ import annotations

from typing import Any, Final

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, TableStyle
from reportlab.platypus import Paragraph as Text
from reportlab.platypus import Table as Grid

from restore.report.prerequisites.document import Column, ColumnKind, Fact, Paragraph, Table, Tone
from restore.report.prerequisites.pdf_style import (
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
_PADDING: Final = 5
_FONT: Final = ("FONTNAME", (0, 0), (-1, -1), "Text")
"""Even empty cells name a font, which must be one that the document holds."""
_TO_WRITE_ON: Final = 11 * mm
"""Height of a row that people fill in."""


def data_table(table: Table, width: float) -> Flowable:
    """A table whose header comes again on each page."""
    share = width / sum(column.weight for column in table.columns)
    widths = [column.weight * share for column in table.columns]
    header = [
        Text(markup(column.title), STYLES[_style(column, "head")]) for column in table.columns
    ]
    rows = [_row(table, position, widths) for position in range(len(table.rows))]
    heights = [None, *(_TO_WRITE_ON for _ in rows)] if table.blank else None
    grid = Grid(
        [header, *rows],
        colWidths=widths,
        rowHeights=heights,
        repeatRows=1,
        hAlign="LEFT",
    )
    last: list[Any] = [("LINEABOVE", (0, -1), (-1, -1), 0.7, SOFT)] if table.total else []
    if table.total and not table.rows[-1][1]:
        last.append(("SPAN", (0, -1), (1, -1)))
    boxes = [("INNERGRID", (0, 1), (-1, -1), 0.5, RULE), ("BOX", (0, 1), (-1, -1), 0.5, RULE)]
    grid.setStyle(
        [
            ("BACKGROUND", (0, 0), (-1, 0), WASH),
            ("LINEBELOW", (0, 0), (-1, 0), 0.7, SOFT),
            ("LINEBELOW", (0, 1), (-1, -1), 0.4, RULE),
            ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
            ("VALIGN", (0, 1), (-1, -1), "MIDDLE" if table.blank else "TOP"),
            _FONT,
            ("LEFTPADDING", (0, 0), (-1, -1), _PADDING),
            ("RIGHTPADDING", (0, 0), (-1, -1), _PADDING),
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


def contents_style() -> TableStyle:
    """Of the table of contents, whose lines have their own styles."""
    return TableStyle(
        [
            _FONT,
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 1),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        ]
    )


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
            _FONT,
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
            _FONT,
            ("LEFTPADDING", (0, 0), (-1, -1), 8),
            ("TOPPADDING", (0, 0), (-1, -1), 7),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 9),
            *edges,
        ]
    )
    return grid


def _row(table: Table, position: int, widths: list[float]) -> list[Flowable]:
    prefix = "total" if table.total and position == len(table.rows) - 1 else "cell"
    row = zip(table.rows[position], table.columns, widths, strict=True)
    return [_cell(text, column, width, prefix) for text, column, width in row]


def _cell(text: str, column: Column, width: float, prefix: str) -> Flowable:
    style = STYLES[_style(column, prefix)]
    if column.kind is ColumnKind.CODE and prefix == "cell":
        return Text(cell_code(text, width - 2 * _PADDING), style)
    return Text(markup(text), style)


def _style(column: Column, prefix: str) -> str:
    return f"{prefix}number" if column.kind is ColumnKind.NUMBER else prefix


def _box(content: Flowable, width: float, edges: list[Any]) -> Flowable:
    grid = Grid([[content]], colWidths=[width], hAlign="LEFT", spaceAfter=7)
    grid.setStyle(
        [
            ("BACKGROUND", (0, 0), (-1, -1), WASH),
            _FONT,
            ("LEFTPADDING", (0, 0), (-1, -1), 8),
            ("RIGHTPADDING", (0, 0), (-1, -1), 8),
            ("TOPPADDING", (0, 0), (-1, -1), 5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
            *edges,
        ]
    )
    return grid
