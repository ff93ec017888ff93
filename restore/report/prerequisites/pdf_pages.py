"""Pages of the PDF: their margins, and footers that know how many pages there are."""

from __future__ import annotations

from typing import Any, Final

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from restore.report.prerequisites.pdf_style import MARK, RULE, SOFT

MARGIN: Final = 20 * mm
LINE: Final = MARK
_FOOT: Final = 11 * mm


class NumberedCanvas(Canvas):
    """Writes footers last, when the number of pages is known."""

    def __init__(self, *arguments: Any, words: tuple[str, str], **options: Any) -> None:
        # The default font is one that no PDF holds.
        options["initialFontName"] = "Text"
        super().__init__(*arguments, **options)
        self._words = words
        self._pages: list[dict[str, Any]] = []

    def showPage(self) -> None:
        """Keep a page until all are there."""
        self._pages.append(dict(self.__dict__))
        self._startPage()  # type: ignore[attr-defined]

    def save(self) -> None:
        """Write every page with its footer; the title page has none."""
        for number, page in enumerate(self._pages, 1):
            self.__dict__.update(page)
            if number > 1:
                self._footer(number, len(self._pages))
            super().showPage()
        super().save()

    def _footer(self, number: int, pages: int) -> None:
        page, footer = self._words
        self.setStrokeColor(RULE)
        self.setLineWidth(0.5)
        self.line(MARGIN, _FOOT + 4 * mm, A4[0] - MARGIN, _FOOT + 4 * mm)
        self.setFillColor(SOFT)
        self.setFont("Text", 8.5)
        self.drawString(MARGIN, _FOOT, footer)
        self.drawRightString(A4[0] - MARGIN, _FOOT, page.format(page=number, pages=pages))
