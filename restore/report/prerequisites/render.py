"""The document as one self-contained HTML page and as Markdown. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from jinja2 import Template
from markupsafe import Markup

from restore.report.html import environment
from restore.report.prerequisites.document import Document, Span, Table, breakable, spans

_MARKS: Final = re.compile(r"([\\*<>\[\]|#~]|(?<!\w)_|_(?!\w))")
"""What Markdown would read as a mark; an underscore inside a word is none."""


@dataclass(frozen=True, slots=True)
class Font:
    """A font's file, by its URL, under the name that the style sheet gives it."""

    family: str
    weight: int
    url: str


def to_html(document: Document, fonts: tuple[Font, ...] = ()) -> str:
    """The document as a page that needs nothing else, and prints well.

    Args:
        fonts: given to a page that becomes a PDF, which then has a title page and page numbers.
    """
    template = _template("prerequisites.html.j2", autoescape=True)
    text = template.render(doc=document, fonts=fonts)
    # Lone surrogates stand for bytes of file names that are not UTF-8; no page can hold them.
    return text.encode("utf-8", errors="replace").decode("utf-8")


def to_markdown(document: Document) -> str:
    """The document as Markdown, with tables as GitHub and GitLab read them."""
    text = _template("prerequisites.md.j2", autoescape=False).render(doc=document)
    lines = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    return lines.encode("utf-8", errors="replace").decode("utf-8")


def _template(name: str, *, autoescape: bool) -> Template:
    rendering = environment(autoescape=autoescape)
    rendering.filters |= {
        "spans": spans,
        "breakable": breakable,
        "md": lambda text: "".join(map(_span, spans(text))),
        "md_cell": _cell,
        "fence": _fence,
        "css": _css_text,
    }
    return rendering.get_template(name)


def _css_text(text: str) -> Markup:
    """A text as CSS generates it; ``{page}`` and ``{pages}`` become counters."""
    escaped = re.sub(r'[\\"<]', lambda mark: f"\\{ord(mark[0]):x} ", " ".join(text.split()))
    return Markup('"' + re.sub(r"\{(pages?)\}", r'" counter(\1) "', escaped) + '"')  # noqa: S704


def _span(span: Span) -> str:
    """A piece of Markdown: code as it is, all else escaped."""
    if span.code:
        return f"`{span.text}`"
    return _MARKS.sub(r"\\\1", span.text)


def _cell(table: Table, row: tuple[str, ...], position: int) -> str:
    """A cell; those of code columns are code, and no cell ends its row."""
    text = " ".join(row[position].split())
    if table.is_code(row, position) and text:
        text = text.replace("`", "'").replace("|", "\\|")
        return f"`{text}`"
    # The bar is escaped inside code, too: it would end the cell.
    return "".join(
        f"`{span.text}`".replace("|", "\\|") if span.code else _span(span) for span in spans(text)
    )


def _fence(text: str) -> str:
    """A fence longer than any in a text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    return "`" * max(3, longest + 1)
