"""Screenshots in reports, and reports of environments in which nothing was restored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from restore.model import Picture, Report
from restore.report.document import parse_report, to_json
from restore.report.files import render_pages, write_report
from restore.report.html import to_html
from tests.support.report_samples import passed

PICTURE = Picture("scenario-a.b.png", 3, "0" * 64)


def with_picture() -> Report:
    report = passed()
    first, *others = report.checks
    return replace(report, checks=(replace(first, picture=PICTURE), *others))


def test_a_picture_survives_the_document() -> None:
    report = with_picture()
    assert parse_report(to_json(report)) == report


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_page_may_show_pictures_of_its_folder_only_where_it_has_some(language: str) -> None:
    page = to_html(with_picture(), language)
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' file:\"" in page
    assert 'src="scenario-a.b.png"' in page
    plain = to_html(passed(), language)
    assert "img-src" not in plain and "<img" not in plain


def test_pictures_lie_beside_the_report_and_stay(tmp_path: Path) -> None:
    write_report(with_picture(), tmp_path, pictures={PICTURE.name: b"png"})
    render_pages(with_picture(), tmp_path, ())
    assert (tmp_path / PICTURE.name).read_bytes() == b"png"
    assert PICTURE.name in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_an_environment_that_stands_is_not_said_to_be_restored() -> None:
    full = with_picture()
    stages = tuple(stage for stage in full.stages if stage.id == "check")
    report = replace(full, generation=None, plan=None, facts=None, stages=stages, rto=None)
    page = to_html(report)
    assert "checked as it stands, and every check passed" in page
    assert "was restored" not in page and "Recovery time and data loss" not in page
    assert "contrôlé tel qu’il est" in to_html(report, "fr")
