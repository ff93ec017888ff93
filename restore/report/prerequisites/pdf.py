"""The document as a PDF: title page, contents, numbered pages, fonts inside. Pure: bytes out.

It is laid out by ReportLab, which is Python alone; its fonts come as packages, too. Nothing of the
operating system is needed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, Final

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    KeepTogether,
    ListFlowable,
    ListItem,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Spacer,
)
from reportlab.platypus import Paragraph as Text
from reportlab.platypus.tableofcontents import TableOfContents

from restore.report.prerequisites.document import (
    Block,
    Commands,
    Document,
    Items,
    Paragraph,
    Section,
    Table,
    Tone,
)
from restore.report.prerequisites.pdf_pages import LINE, MARGIN, NumberedCanvas
from restore.report.prerequisites.pdf_style import STYLES, code_markup, markup
from restore.report.prerequisites.pdf_tables import (
    command_box,
    contents_style,
    data_table,
    facts_table,
    note_box,
    tiles,
)

WIDTH: Final = A4[0] - 2 * MARGIN
"""Of the text, in points."""
_SHORT: Final = 9
"""Rows of a table that is kept on one page."""
_AFTER_TABLE: Final = 3.2 * mm
_ROOM: Final = 60 * mm
"""A long table begins where there is so much room for it and what leads to it."""


def to_pdf(document: Document) -> bytes:
    """The document as a PDF; the same document gives the same bytes."""
    output = io.BytesIO()
    template = _Template(output, document)
    # Pages are laid out until the table of contents knows its page numbers.
    template.multiBuild(list(_story(document)), canvasmaker=template.canvas)
    return output.getvalue()


class _Template(BaseDocTemplate):
    """Two kinds of pages, and the notes that the table of contents is made from."""

    def __init__(self, output: io.BytesIO, document: Document) -> None:
        super().__init__(
            output,
            pagesize=A4,
            title=f"{document.title} – {document.subtitle}",
            author=document.author,
            subject=document.kicker,
            lang=document.language,
            invariant=1,
        )
        self._document = document
        height = A4[1] - 2 * MARGIN
        frame = Frame(MARGIN, MARGIN, WIDTH, height, 0, 0, 0, 0, id="text")
        self.addPageTemplates(
            [
                PageTemplate(id="title", frames=[frame], onPage=_title_band),
                PageTemplate(id="text", frames=[frame]),
            ]
        )

    def canvas(self, *arguments: Any, **options: Any) -> NumberedCanvas:
        """A canvas that knows the document's words for its footers."""
        labels = self._document.labels
        return NumberedCanvas(*arguments, words=(labels.page, labels.footer), **options)

    def afterFlowable(self, flowable: Flowable) -> None:
        """Note titles for the table of contents and the reader's outline."""
        key = getattr(flowable, "section", None)
        if key is None:
            return
        level: int = getattr(flowable, "level", 0)
        title: str = getattr(flowable, "plain", "")
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(title, key, level, closed=level == 0)
        self.notify("TOCEntry", (level, title, self.page, key))


def _title_band(canvas: Any, _template: BaseDocTemplate) -> None:
    canvas.saveState()
    canvas.setFillColor(LINE)
    canvas.rect(0, A4[1] - 9 * mm, A4[0], 9 * mm, stroke=0, fill=1)
    canvas.restoreState()


def _story(document: Document) -> Iterator[Flowable]:
    yield Spacer(1, 24 * mm)
    yield Text(markup(document.kicker), STYLES["kicker"])
    yield Text(markup(document.title), STYLES["title"])
    yield Text(markup(document.subtitle), STYLES["subtitle"])
    yield Spacer(1, 10 * mm)
    yield facts_table(document.facts, WIDTH)
    yield Spacer(1, 8 * mm)
    yield tiles(document.highlights, WIDTH)
    yield NextPageTemplate("text")
    yield PageBreak()
    yield Text(markup(document.labels.contents), STYLES["contents"])
    yield TableOfContents(
        levelStyles=[STYLES["toc0"], STYLES["toc1"]],
        tableStyle=contents_style(),
        dotsMinLevel=0,
        rightColumnWidth=14 * mm,
    )
    yield PageBreak()
    for section in document.sections:
        yield from _section(section, level=0)


def _section(section: Section, level: int, above: tuple[Flowable, ...] = ()) -> Iterator[Flowable]:
    """A section's flowables; ``above`` are titles that have nothing else below them."""
    waiting = [*above, _heading(section, level)]
    for block, after in zip_longest(section.blocks, section.blocks[1:]):
        if isinstance(block, Paragraph) and _is_lead(block, after):
            waiting.append(Text(markup(block.text), STYLES["text"]))
            continue
        first, *others = _groups(block)
        if not first:
            yield CondPageBreak(_ROOM)
        # What leads to something stands on its page.
        yield KeepTogether([*waiting, *first])
        waiting = []
        for group in others:
            yield KeepTogether(group)
        if isinstance(block, Table) and not _is_short(block):
            yield data_table(block, WIDTH)
            yield Spacer(1, _AFTER_TABLE)
    for part in section.sections:
        yield from _section(part, level + 1, tuple(waiting))
        waiting = []
    yield from waiting


def _heading(section: Section, level: int) -> Flowable:
    number = f"{section.number}." if level == 0 else section.number
    heading = Text(markup(f"{number} {section.title}"), STYLES[f"heading{level}"])
    heading.section = section.id  # type: ignore[attr-defined]
    heading.level = level  # type: ignore[attr-defined]
    heading.plain = f"{number} {section.title}"  # type: ignore[attr-defined]
    return heading


def _is_lead(paragraph: Paragraph, after: Block | None) -> bool:
    """Whether a paragraph leads to a table or a command."""
    return paragraph.tone is Tone.NORMAL and isinstance(after, Table | Commands)


def _is_short(table: Table) -> bool:
    """Whether a table is kept on one page: on two it reads badly, and can't be signed."""
    return len(table.rows) <= _SHORT


def _groups(block: Block) -> list[list[Flowable]]:
    """What a block is made of; each group is kept on one page. A long table is in none."""
    match block:
        case Paragraph():
            return [[note_box(block, WIDTH)]]
        case Items():
            return [[_items(block)]]
        case Table():
            return (
                [[data_table(block, WIDTH), Spacer(1, _AFTER_TABLE)]] if _is_short(block) else [[]]
            )
        case Commands():
            return [
                [
                    Text(markup(command.caption), STYLES["caption"]),
                    command_box(code_markup(command.text), WIDTH),
                    Spacer(1, 2.2 * mm),
                ]
                for command in block.commands
            ]


def _items(block: Items) -> Flowable:
    items: list[Any] = [ListItem(Text(markup(item), STYLES["item"])) for item in block.items]
    return ListFlowable(
        items,
        bulletType="1" if block.ordered else "bullet",
        bulletFormat="%s." if block.ordered else None,
        start=None if block.ordered else "•",
        bulletFontName="Text",
        bulletFontSize=9.8,
        bulletColor=colors.HexColor("#1c2530"),
        leftIndent=16,
        spaceAfter=6,
    )
