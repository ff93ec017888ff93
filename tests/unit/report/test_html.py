"""The page: complete in each language, safe, and whole when the drill ended early."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from jinja2 import UndefinedError

from restore.errors import UsageError
from restore.model import Report, StepResult, StepStatus
from restore.report.html import MOST_DETAILS, environment, to_html
from restore.report.language import locale
from restore.report.timeline import LEFT, RIGHT, timeline
from tests.support.report_samples import (
    SAMPLES,
    STARTED,
    broken,
    early,
    failed,
    passed,
    unverifiable,
)

VOID = {"meta", "br", "wbr"}
NBSP = "\N{NO-BREAK SPACE}"


class Page(HTMLParser):
    """Reads a page; fails on tags that don't match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        """All text, white space folded."""
        return re.sub(r"[ \n]+", " ", "".join(self.texts))


every = pytest.mark.parametrize("make", SAMPLES.values(), ids=SAMPLES)
both = pytest.mark.parametrize("language", ["en", "fr"])


@every
@both
def test_page_stands_alone(make: type[Report], language: str) -> None:
    page = Page(to_html(make(), language))  # type: ignore[call-arg]
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not [v for name, v in page.attributes if name in ("src", "href", "xlink:href", "srcset")]
    assert not re.search(r"url\(|@import", page.text)
    assert ("lang", language) in page.attributes


@every
def test_same_report_gives_the_same_page(make: type[Report]) -> None:
    assert to_html(make()) == to_html(make())  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("report", "english", "french"),
    [
        (passed(), "Pass", "Réussite"),
        (failed(), "Fail", "Échec"),
        (unverifiable(), "Unverifiable", "Non vérifiable"),
    ],
)
def test_verdict_is_in_words(report: Report, english: str, french: str) -> None:
    assert f"<h1>{english}</h1>" in to_html(report, "en")
    assert f"<h1>{french}</h1>" in to_html(report, "fr")


def test_numbers_are_those_of_the_language() -> None:
    english, french = Page(to_html(passed(), "en")).text, Page(to_html(passed(), "fr")).text
    assert f"43.1{NBSP}s" in english and f"25.9{NBSP}MB" in english
    assert f"43,1{NBSP}s" in french and f"25,9{NBSP}Mo" in french
    assert "24 novembre 2026 à 06:14:05 UTC" in french


def test_rpo_says_from_when_to_when() -> None:
    text = Page(to_html(passed(), "en")).text
    assert f"RPO: 8{NBSP}h{NBSP}44{NBSP}min, from" in text
    assert "(23 November 2026, 21:30:02 UTC) to the drill's start (24 November 2026" in text


def test_failed_checks_come_first_with_their_details() -> None:
    text = Page(to_html(failed(), "en")).text
    assert text.index("What went wrong") < text.index("Recovery time and data loss")
    assert "row 388 ('INV/2026/0042.pdf', file 3f/3fa8b2c4): the file is missing" in text
    assert "not a recovery time to count on" in text
    assert "2 checks failed" in text


def test_what_passed_does_not_explain_itself() -> None:
    assert "What went wrong" not in to_html(passed())


def test_engine_sentences_are_translated() -> None:
    text = Page(to_html(failed(), "fr")).text
    assert "Chaque document de la base a son fichier (filestore de specibike_prod)" in text
    assert "HTTP 303 ou 302 ou 301 en moins de 10 s" in text
    assert "HTTP 200 en 21,50 s" in text


ENGLISH = re.compile(
    r"\b(the|is|was|and|with|without|within|rows?|not|each|every|has|from|by|files?)\b"
)


@pytest.mark.parametrize("report", [passed(), failed()], ids=["passed", "failed"])
def test_no_english_is_left_in_a_french_page(report: Report) -> None:
    own_words = {acceptance.reason for acceptance in passed().accepted}
    texts = [text for text in Page(to_html(report, "fr")).texts if text.strip() not in own_words]
    page = "\n".join(text for text in texts if "--ink" not in text)
    assert ENGLISH.findall(page) == []


def test_nothing_from_outside_becomes_markup() -> None:
    assert "<script>" not in to_html(failed())
    hostile = replace(early(), error="<b>\x00\x1b[31m</b>", command="pra 'a\"b' </style>")
    text = to_html(hostile)
    assert "<b>" not in text and text.count("</style>") == 1


def test_names_that_are_not_utf8_can_be_written() -> None:
    name = b"caf\xe9".decode(errors="surrogateescape")
    to_html(replace(early(), error=name)).encode("utf-8")


def test_an_error_is_told_once() -> None:
    text = Page(to_html(broken(), "en")).text
    assert text.count("could not execute query") == 2, "what went wrong, and the table of steps"
    assert "install the extension's package" in text
    text = Page(to_html(early(), "en")).text
    assert text.count("there is no generation 20261122T") == 1


def test_an_error_beside_a_failed_stage_is_told_too() -> None:
    cleaning = StepResult("destroy", "Destroy", StepStatus.FAILED, STARTED, 1.0, "volume is in use")
    report = early()
    text = Page(to_html(replace(report, stages=(*report.stages, cleaning)))).text
    assert "Stage “Destroy the environment”" in text and "volume is in use" in text


def test_interrupted_drill_says_so() -> None:
    (stage,) = early().stages
    aborted = replace(stage, status=StepStatus.ABORTED, reason="")
    report = replace(early(), stages=(aborted,), error=None, hint=None)
    text = Page(to_html(report)).text
    assert "interrupted at the stage “Choose the generation”" in text


def test_failed_drill_without_a_reason_still_renders() -> None:
    report = replace(early(), stages=(), error=None, hint=None)
    text = Page(to_html(report)).text
    assert "The drill did not succeed." in text and "What went wrong" not in text


def test_many_details_are_cut() -> None:
    check = replace(failed().checks[3], details=tuple(f"row {n}" for n in range(MOST_DETAILS + 2)))
    text = Page(to_html(replace(failed(), checks=(check,)))).text
    assert f"row {MOST_DETAILS - 1} " in text and f"row {MOST_DETAILS} " not in text
    assert "and 2 more, in report.json" in text


def test_changes_are_shown_and_secrets_masked() -> None:
    text = Page(to_html(passed())).text
    assert "db.specibike.example" in text and "***" in text and "absent" in text
    assert text.index("listen_addresses") < text.index("db_host")


def test_versions_that_mean_the_same_do_not_differ() -> None:
    report = passed()
    assert report.facts is not None and report.generation is not None
    told = replace(report.generation.fingerprint.postgresql, version="13.16")
    same = replace(report, facts=replace(report.facts, postgresql=told))
    assert ">differs<" in to_html(report) and ">differs<" not in to_html(same)
    assert told.image is not None
    unnamed = replace(told, image=replace(told.image, reference=told.image.id))
    same = replace(report, facts=replace(report.facts, postgresql=unnamed))
    assert ">differs<" not in to_html(same)


def test_columns_of_sla_are_there_only_when_time_is_judged() -> None:
    untimed = tuple(replace(check, sla=None) for check in passed().checks)
    assert ">SLA<" in to_html(passed())
    assert ">SLA<" not in to_html(replace(passed(), checks=untimed))


def test_template_mistakes_are_errors() -> None:
    with pytest.raises(UndefinedError):
        environment().from_string("{{ nothing }}").render()


def test_unknown_language_is_refused() -> None:
    with pytest.raises(UsageError, match="'de'"):
        to_html(passed(), "de")


def test_timeline_shows_stages_and_steps_in_order() -> None:
    picture = timeline(passed(), locale("en"))
    assert picture is not None and picture.marker is not None
    assert [bar.nested for bar in picture.bars] == [False] * 6 + [True] * 7 + [False] * 2
    assert all(bar.x >= LEFT and bar.x + bar.width <= RIGHT for bar in picture.bars)
    assert [bar.y for bar in picture.bars] == sorted(bar.y for bar in picture.bars)
    assert [tick.label for tick in picture.ticks][:2] == [f"0{NBSP}s", f"10{NBSP}s"]


def test_what_was_skipped_has_no_bar() -> None:
    picture = timeline(broken(), locale("en"))
    assert picture is not None and picture.marker is None
    skipped = [bar for bar in picture.bars if bar.status == "skipped"]
    assert len(skipped) == 4
    assert {(bar.width, bar.note) for bar in skipped} == {(0, "Skipped")}


def test_steps_without_their_stage_are_shown_last() -> None:
    report = replace(passed(), stages=passed().stages[:2])
    picture = timeline(report, locale("en"))
    assert picture is not None
    assert [bar.nested for bar in picture.bars] == [False] * 2 + [True] * 7


def test_long_names_are_cut_in_the_picture_only() -> None:
    stage = replace(early().stages[0], id="other", title="x" * 80)
    picture = timeline(replace(early(), stages=(stage,)), locale("en"))
    assert picture is not None
    assert picture.bars[0].label.endswith("…") and picture.bars[0].title == "x" * 80


def test_a_drill_of_days_has_few_ticks() -> None:
    stage = replace(early().stages[0], duration=200_000.0)
    picture = timeline(replace(early(), stages=(stage,)), locale("en"))
    assert picture is not None and 2 <= len(picture.ticks) <= 9
