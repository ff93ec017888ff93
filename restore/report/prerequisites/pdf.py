"""The document as a PDF: its HTML page, printed with a title page, contents and page numbers.

WeasyPrint prints it by libraries of the system (Pango, HarfBuzz); fonts come as packages, and are
embedded in what is written.
"""

from __future__ import annotations

import io
import os
import warnings
from contextlib import redirect_stdout
from importlib import resources
from pathlib import Path
from typing import Any, Final

from restore.errors import EnvironmentFailure
from restore.report.prerequisites.document import Document
from restore.report.prerequisites.render import Font, to_html

_FONTS: Final = (
    ("Source Sans 3", 400, "font_source_sans_pro", "SourceSansPro-Regular.ttf"),
    ("Source Sans 3", 600, "font_source_sans_pro", "SourceSansPro-Semibold.ttf"),
    ("IBM Plex Mono", 400, "fontpkg_ibm_plex_mono", "IBMPlexMono-Regular.ttf"),
)
"""The fonts that prerequisites.css names: family, weight, package and file."""


def to_pdf(document: Document) -> bytes:
    """Print the document; on one machine, the same document gives the same bytes.

    Raises:
        EnvironmentFailure: the system lacks the libraries that print.
    """
    weasyprint = _load_weasyprint()
    fonts = tuple(
        Font(family, weight, Path(str(resources.files(package) / "files" / file)).as_uri())
        for family, weight, package, file in _FONTS
    )
    # Nothing but the fonts is ever fetched, should a text have become markup after all.
    fetcher = weasyprint.URLFetcher(allowed_protocols=["file"])
    page = weasyprint.HTML(string=to_html(document, fonts), url_fetcher=fetcher)
    with warnings.catch_warnings(action="ignore"):
        content: bytes = page.write_pdf()
    return content


def _load_weasyprint() -> Any:
    """Import the printer, which takes a while, and needs more than Python."""
    # Without HarfBuzz's part for subsets, fontTools makes them, and would note the time in each.
    os.environ.setdefault("SOURCE_DATE_EPOCH", "0")
    try:
        # What it prints when a library is missing would stand in the middle of a document.
        with redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):
            import weasyprint  # noqa: PLC0415
    except OSError as error:
        raise EnvironmentFailure(
            "a PDF can't be printed: this system lacks Pango or HarfBuzz",
            "as root on Debian or Ubuntu: apt-get install libpango-1.0-0 libpangoft2-1.0-0 "
            "libharfbuzz-subset0; or take --format html, which a browser prints",
        ) from error
    return weasyprint
