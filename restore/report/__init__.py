"""Renderings of a report, from its results alone: JSON, HTML in two languages, JUnit. All pure."""

from restore.report.document import FORMAT, parse_report, report_document, to_json
from restore.report.html import to_html
from restore.report.junit import to_junit
from restore.report.language import LANGUAGES

__all__ = [
    "FORMAT",
    "LANGUAGES",
    "parse_report",
    "report_document",
    "to_html",
    "to_json",
    "to_junit",
]
