"""Renderings of a report, from its results alone: JSON, HTML in two languages, JUnit. All pure."""

from restore.report.document import FORMAT as FORMAT
from restore.report.document import parse_report as parse_report
from restore.report.document import report_document as report_document
from restore.report.document import to_json as to_json
from restore.report.html import to_html as to_html
from restore.report.junit import to_junit as to_junit
from restore.report.language import LANGUAGES as LANGUAGES
