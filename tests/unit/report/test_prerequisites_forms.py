"""The document as HTML, Markdown and PDF, and the command that writes it."""

from __future__ import annotations

import importlib.abc
import io
import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from restore.adapters.pulumi.stack_file import raw_settings
from restore.cli.main import run
from restore.errors import EnvironmentFailure, ExitCode
from restore.model import Generation
from restore.report.files import write_report
from restore.report.prerequisites.composition import compose
from restore.report.prerequisites.document import Column, ColumnKind, Document, Section, Table
from restore.report.prerequisites.facts import Prerequisites
from restore.report.prerequisites.pdf import to_pdf
from restore.report.prerequisites.render import Font, to_html, to_markdown
from restore.report.run_folders import newest_report
from restore.repository.folder import FolderRepository
from tests.support.report_samples import failed, passed

Make = Callable[..., Prerequisites]


def with_table(document: Document, cell: str) -> Document:
    """A document whose only section is a table with that cell as text and as code."""
    columns = (Column("A"), Column("B", kind=ColumnKind.CODE))
    table = Table(columns, ((cell, cell),))
    return replace(document, sections=(Section("x", "1", "X", (table,)),))


class Counter(HTMLParser):
    """Counts elements, and finds those that are left open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: dict[str, int] = {}

    def handle_starttag(self, tag: str, _attributes: object) -> None:
        self.seen[tag] = self.seen.get(tag, 0) + 1
        if tag not in ("meta", "col", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", ["en", "fr"])
def test_html_is_whole_and_self_contained(make_prerequisites: Make, language: str) -> None:
    document = compose(make_prerequisites(last=passed()), language)
    page = to_html(document)
    counter = Counter()
    counter.feed(page)
    assert counter.open == [] and f'<html lang="{language}">' in page
    assert counter.seen["section"] == len(document.sections)
    assert not re.search(r'(src|href)="(?!#)', page)
    for link in re.findall(r'href="#([^"]+)"', page):
        assert f'id="{link}"' in page


def test_nothing_becomes_markup(make_prerequisites: Make) -> None:
    document = with_table(compose(make_prerequisites()), "<b>*x* a|b_c _d_ ` & \x07\x00 \udc80")
    page, text = to_html(document), to_markdown(document)
    assert "<b>*" not in page and "&lt;b&gt;" in page
    row = next(line for line in text.splitlines() if line.startswith("| \\<b\\>"))
    assert len(re.split(r"(?<!\\)\|", row)) == 4
    assert "b_c" in row and r"\_d\_" in row
    assert to_pdf(document).startswith(b"%PDF-")


def test_a_sum_is_no_code(make_prerequisites: Make) -> None:
    document = compose(make_prerequisites())
    assert "\n| Total |" in to_markdown(document)
    assert '<td class="code">Total</td>' in to_html(document)


def test_pdf_leads_to_each_section_and_is_the_same_each_time(make_prerequisites: Make) -> None:
    document = compose(make_prerequisites(last=failed()), "fr")
    content = to_pdf(document)
    assert content == to_pdf(document)
    reader = PdfReader(io.BytesIO(content))
    title, contents, *others = (page.extract_text() for page in reader.pages)
    assert document.title in title and "Page" not in title
    assert document.labels.contents in contents and len(others) > 5
    for number, text in enumerate((contents, *others), 2):
        assert document.labels.page.format(page=number, pages=len(reader.pages)) in text
        assert document.labels.footer.split()[0] in text
    top = [entry.title for entry in reader.outline if not isinstance(entry, list)]
    assert top == [f"{section.number}. {section.title}" for section in document.sections]
    root: Any = reader.trailer["/Root"]
    assert root["/Lang"] == "fr"
    assert reader.metadata is not None and reader.metadata.author == document.author

    pages: Any = reader.pages
    fonts = {
        font["/BaseFont"]: font["/DescendantFonts"][0].get_object()["/FontDescriptor"]
        for page in pages
        for font in (each.get_object() for each in page["/Resources"]["/Font"].values())
    }
    # A part of each of its own fonts, and none of this machine's.
    assert {re.sub(r"^/[A-Z]{6}\+|[-,]*(Semi-Bold)?$", "", name) for name in fonts} == {
        "Source-Sans-3", "IBM-Plex-Mono",
    }  # fmt: skip
    assert all("/FontFile2" in descriptor for descriptor in fonts.values())


def test_a_system_without_pango_is_told_what_to_do(
    make_prerequisites: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Missing(importlib.abc.MetaPathFinder):
        def find_spec(self, name: str, *_others: object) -> None:
            if name == "weasyprint":
                raise OSError("cannot load library 'libpango-1.0-0'")

    monkeypatch.setattr("sys.meta_path", [Missing(), *sys.meta_path])
    monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
    with pytest.raises(EnvironmentFailure, match="Pango") as caught:
        to_pdf(compose(make_prerequisites()))
    assert "libpango-1.0-0" in caught.value.hint and "html" in caught.value.hint


def test_words_of_footers_are_no_style(make_prerequisites: Make) -> None:
    document = compose(make_prerequisites())
    labels = replace(document.labels, footer='a "b" \\ </style><b>c</b>')
    page = to_html(replace(document, labels=labels), (Font("F", 400, "file:///f.ttf"),))
    assert "</style><b>" not in page.partition("</head>")[0]
    assert '"a \\22 b\\22  \\5c  \\3c /style>' in page


def arguments(repository: FolderRepository, reports: Path, *more: str) -> list[str]:
    where = ("--repository", repository.location, "--reports", str(reports))
    return ["prerequisites", *where, *more]


def test_the_command_writes_each_form(
    small_generation: Generation,
    repository: FolderRepository,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    target = tmp_path / "prerequisites.pdf"
    form = ("--lang", "fr", "--format", "pdf", "--client", "Specibike", "--output", str(target))
    assert run(arguments(repository, tmp_path, *form)) == ExitCode.PASS
    assert target.read_bytes().startswith(b"%PDF-") and str(target) in capsys.readouterr().out
    assert run(arguments(repository, tmp_path, "--format", "md")) == ExitCode.PASS
    text = capsys.readouterr().out
    assert text.startswith("# Prerequisites") and small_generation.id in text
    assert "Never drilled" in text
    assert run(["--json", *arguments(repository, tmp_path)]) == ExitCode.PASS
    assert json.loads(capsys.readouterr().out)["sections"][0]["id"] == "purpose"


def test_the_command_finds_the_newest_drill(
    small_generation: Generation,
    repository: FolderRepository,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number, report in enumerate((passed(), failed()), 1):
        write_report(replace(report, run=f"run-{number}"), tmp_path / f"run-{number}")
    (tmp_path / "run-3").mkdir()
    (tmp_path / "run-3" / "report.json").write_text("{}", encoding="utf-8")
    assert run(arguments(repository, tmp_path, "--format", "md")) == ExitCode.PASS
    assert "The last drill failed" in capsys.readouterr().out
    found = newest_report(tmp_path, lambda report: report.run == "run-1")
    assert found is not None and found.run == "run-1"
    assert newest_report(tmp_path, lambda _report: False) is None


@pytest.mark.parametrize(
    ("more", "code", "text"),
    [
        (("--stack", "nowhere"), ExitCode.NOT_FOUND, "Pulumi.nowhere.yaml"),
        (("--generation", "1999"), ExitCode.NOT_FOUND, "1999"),
        (("--profile", "dolibarr"), ExitCode.NOT_FOUND, "dolibarr"),
        (("--format", "docx"), ExitCode.USAGE, "docx"),
    ],
)
def test_errors_have_their_exit_code(
    small_generation: Generation,
    repository: FolderRepository,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    code: ExitCode,
    text: str,
) -> None:
    assert run(arguments(repository, tmp_path, *more)) == code
    assert text in capsys.readouterr().err


def test_a_pdf_is_not_written_to_a_terminal(
    small_generation: Generation,
    repository: FolderRepository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert run(arguments(repository, tmp_path, "--format", "pdf")) == ExitCode.USAGE
    assert "--output" in capsys.readouterr().err


def test_settings_are_read_as_pulumi_hands_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("restore.model.locations.ROOT", tmp_path)
    (tmp_path / "Pulumi.client.yaml").write_text(
        "config:\n  pra:keep: 'true'\n  httpPort: 8069\n  pra:sizes: {erpCpus: 1}\n"
        "  pra:checkPassword: {secure: v1:abc}\n  other:key: x\n",
        encoding="utf-8",
    )
    found, secret = raw_settings("client")
    assert found == {
        "keep": "true", "httpPort": "8069", "sizes": '{"erpCpus": 1}', "checkPassword": "***",
    }  # fmt: skip
    assert secret == {"checkPassword"}
