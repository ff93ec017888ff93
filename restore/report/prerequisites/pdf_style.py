"""Fonts and paragraph styles of the PDF, and the markup of its texts."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Final
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from restore.report.prerequisites.document import breakable, spans

INK: Final = HexColor("#1c2530")
SOFT: Final = HexColor("#586574")
MARK: Final = HexColor("#1f4e79")
WASH: Final = HexColor("#f4f6f8")
RULE: Final = HexColor("#c9d1da")
GOOD: Final = HexColor("#1d6b3a")
BAD: Final = HexColor("#a3241b")

CELL_CODE: Final = 8.1
"""Points of code in a table."""

_FONTS: Final = {
    "Text": ("font_source_sans_pro", "SourceSansPro-Regular.ttf"),
    "Strong": ("font_source_sans_pro", "SourceSansPro-Semibold.ttf"),
    "Code": ("fontpkg_ibm_plex_mono", "IBMPlexMono-Regular.ttf"),
}
"""Each font's package and file; all are embedded, as far as their letters are used."""


@cache
def _register() -> None:
    for name, (package, file) in _FONTS.items():
        path = resources.files(package) / "files" / file
        pdfmetrics.registerFont(TTFont(name, str(path)))


def _styles() -> dict[str, ParagraphStyle]:
    _register()
    text = ParagraphStyle(
        "text",
        fontName="Text",
        bulletFontName="Text",
        fontSize=10,
        leading=14,
        textColor=INK,
        spaceAfter=6,
    )

    def style(name: str, **changes: object) -> ParagraphStyle:
        return ParagraphStyle(name, parent=text, **changes)  # type: ignore[arg-type]

    made = (
        text,
        style("kicker", fontName="Strong", fontSize=12, leading=16, textColor=MARK),
        style("title", fontName="Strong", fontSize=24.5, leading=30, spaceAfter=4),
        style("subtitle", fontSize=15, leading=20, textColor=SOFT),
        style("contents", fontName="Strong", fontSize=17, leading=22, textColor=MARK),
        style("toc0", fontName="Strong", fontSize=10.5, leading=15, spaceBefore=4, spaceAfter=0),
        style("toc1", fontSize=10, leading=14, leftIndent=14, spaceAfter=0),
        style(
            "heading0", fontName="Strong", fontSize=16, leading=20, textColor=MARK,
            spaceBefore=16, spaceAfter=7,
        ),
        style(
            "heading1", fontName="Strong", fontSize=12, leading=15,
            spaceBefore=10, spaceAfter=5,
        ),
        style("item", spaceAfter=2),
        style("note", spaceAfter=0),
        style("caption", fontName="Strong", fontSize=9.3, leading=12.5, spaceAfter=2),
        style("cell", fontSize=9, leading=11.8, spaceAfter=0),
        style("cellnumber", fontSize=9, leading=11.8, spaceAfter=0, alignment=2),
        style("head", fontName="Strong", fontSize=9, leading=11.5, spaceAfter=0),
        style("headnumber", fontName="Strong", fontSize=9, leading=11.5, spaceAfter=0, alignment=2),
        style("total", fontName="Strong", fontSize=9, leading=11.8, spaceAfter=0),
        style(
            "totalnumber", fontName="Strong", fontSize=9, leading=11.8, spaceAfter=0, alignment=2
        ),
        style("label", fontSize=10.5, leading=14.5, textColor=SOFT, spaceAfter=0),
        style("value", fontSize=10.5, leading=14.5, spaceAfter=0),
        style("tilelabel", fontSize=8.6, leading=11, textColor=SOFT, spaceAfter=2),
        style("tile", fontName="Strong", fontSize=13, leading=16, spaceAfter=0),
        style("code", fontName="Code", fontSize=7.9, leading=11, spaceAfter=0, splitLongWords=1),
    )  # fmt: skip
    return {item.name: item for item in made}


STYLES: Final = _styles()


def markup(text: str) -> str:
    """A text for a paragraph: escaped, code in its own font."""
    return "".join(
        _code(span.text, 8.5) if span.code else escape(_printable(span.text))
        for span in spans(text)
    )


def code_markup(text: str) -> str:
    """Lines of code for a paragraph; the spaces that lines begin with are kept."""
    lines = []
    for line in _printable(text).split("\n"):
        body = line.lstrip(" ")
        lines.append("\N{NO-BREAK SPACE}" * (len(line) - len(body)) + escape(body))
    return "<br/>".join(lines)


def cell_code(text: str, width: float) -> str:
    """Code in a table's cell of that width, broken where people would break it."""
    lines = [""]
    for piece in breakable(_plain_spaces(_printable(text))):
        if lines[-1] and pdfmetrics.stringWidth(lines[-1] + piece, "Code", CELL_CODE) > width:
            lines.append("")
        lines[-1] += piece
    return "<br/>".join(_code(line, CELL_CODE) for line in lines)


def _code(text: str, size: float) -> str:
    return f'<font name="Code" size="{size}">{escape(_plain_spaces(_printable(text)))}</font>'


def _plain_spaces(text: str) -> str:
    """The code font has no narrow space."""
    return text.replace("\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}")


def _printable(text: str) -> str:
    """Without lone surrogates and control characters, which no PDF text can hold."""
    sound = text.encode("utf-8", errors="replace").decode("utf-8")
    return "".join(c if c == "\n" or c.isprintable() or c.isspace() else "?" for c in sound)
