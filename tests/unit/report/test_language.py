"""Words and formats of the two languages."""

import re
import string
from datetime import UTC, datetime, timedelta, timezone
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore.errors import UsageError
from restore.model.messages import message
from restore.report.language import LANGUAGES, locale

EN, FR = locale("en"), locale("fr")
TEMPLATES = resources.files("restore.report") / "templates"


def plain(text: str) -> str:
    """A text whose special spaces can be read."""
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", "_")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_languages_have_the_same_keys_and_placeholders() -> None:
    assert EN.messages.keys() == FR.messages.keys()
    for key, text in EN.messages.items():
        assert placeholders(text) == placeholders(FR.messages[key]), key


def test_every_message_is_used() -> None:
    sources = [
        path.read_text(encoding="utf-8")
        for folder in (TEMPLATES, resources.files("restore.report"))
        for path in folder.iterdir()
        if path.name.endswith((".j2", ".py"))
    ]
    literals = set(re.findall(r"['\"]([a-z_.]+)['\"]", "\n".join(sources)))
    prefixes = tuple(p for p in literals if p.endswith("."))
    prefixes += ("format.", "summary.", "stage.", "status.", "verdict.")
    for key in EN.messages:
        used = key in literals or re.sub(r"\.(one|other)$", "", key) in literals
        assert used or key.startswith(prefixes), key


def test_phrases_translate_what_they_quote_only_when_asked() -> None:
    assert (
        FR.phrase(message("after failure of {what}", what="not run")) == "après l’échec de not run"
    )
    quoted = message("after failure of {what}", what=message("not run"))
    assert FR.phrase(quoted) == "après l’échec de non exécuté"
    assert FR.phrase("no such sentence") == "no such sentence"
    assert EN.phrase("not run") == "not run"
    assert EN.phrase(quoted) == quoted


def test_decimals_in_phrases_have_the_mark_of_the_language() -> None:
    answer = message("HTTP {code} in {seconds:.2f} s", code=200, seconds=2.5)
    assert (EN.phrase(answer), FR.phrase(answer)) == ("HTTP 200 in 2.50 s", "HTTP 200 en 2,50 s")


@pytest.mark.parametrize(
    ("seconds", "english", "french"),
    [
        (0, "0.00 s", "0,00 s"),
        (0.001, "< 0.01 s", "< 0,01 s"),
        (0.25, "0.25 s", "0,25 s"),
        (59.94, "59.9 s", "59,9 s"),
        (59.96, "1 min 00 s", "1 min 00 s"),
        (125, "2 min 05 s", "2 min 05 s"),
        (3599.9, "1 h 00 min", "1 h 00 min"),
        (11_520, "3 h 12 min", "3 h 12 min"),
        (86_399, "1 d 0 h", "1 j 0 h"),
        (187_200, "2 d 4 h", "2 j 4 h"),
        (1e9, "11,574 d 2 h", "11_574 j 2 h"),
        (-5, "−5.0 s", "−5,0 s"),
    ],
)
def test_durations(seconds: float, english: str, french: str) -> None:
    assert (plain(EN.duration(seconds)), plain(FR.duration(seconds))) == (english, french)


@pytest.mark.parametrize(
    ("seconds", "text"), [(10, "10 s"), (0.5, "0,50 s"), (90, "1 min 30 s"), (0, "0 s")]
)
def test_limits_have_no_needless_decimals(seconds: float, text: str) -> None:
    assert plain(FR.limit(seconds)) == text


@pytest.mark.parametrize(
    ("amount", "english", "french"),
    [
        (0, "0 B", "0 o"),
        (999, "999 B", "999 o"),
        (1000, "1.0 kB", "1,0 ko"),
        (999_949, "999.9 kB", "999,9 ko"),
        (999_950, "1.0 MB", "1,0 Mo"),
        (25_854_321, "25.9 MB", "25,9 Mo"),
        (5 * 10**18, "5,000.0 PB", "5_000,0 Po"),
    ],
)
def test_sizes(amount: int, english: str, french: str) -> None:
    assert (plain(EN.size(amount)), plain(FR.size(amount))) == (english, french)


@given(st.integers(min_value=0, max_value=10**18))
def test_sizes_have_at_most_three_digits_before_the_mark(amount: int) -> None:
    assert re.fullmatch(r"\d{1,3}(\.\d)? [kMGTP]?B|1,000\.0 PB", plain(EN.size(amount)))


@given(st.floats(min_value=0, max_value=10**9))
def test_seconds_and_minutes_never_reach_sixty(seconds: float) -> None:
    text = plain(EN.duration(seconds))
    assert not re.search(r"(?<![\d.])60(\.0)? (s|min)", text)


def test_dates() -> None:
    when = datetime(2026, 12, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert EN.moment(when) == "30 November 2026, 23:30:00 UTC"
    first = datetime(2026, 12, 1, 6, 5, 4, tzinfo=UTC)
    assert FR.moment(first) == "1er décembre 2026 à 06:05:04 UTC"


def test_counts_follow_the_language() -> None:
    assert [EN.count("tile.files", n) for n in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
    assert [FR.count("tile.files", n) for n in (0, 1)] == ["0 fichier", "1 fichier"]
    assert plain(FR.count("tile.files", 1234)) == "1_234 fichiers"


def test_percents() -> None:
    assert (EN.percent(0.256), plain(FR.percent(1))) == ("26%", "100 %")


def test_languages_are_those_that_have_catalogues() -> None:
    names = {path.name for path in TEMPLATES.iterdir()}
    assert {f"messages.{language}.yaml" for language in LANGUAGES} <= names
    with pytest.raises(UsageError, match="'es'"):
        locale("es")


def test_texts_of_several_lines_are_translated_line_by_line() -> None:
    text = "the restored database is not production's:\nunknown line\ninterrupted"
    assert plain(FR.phrase(text)) == (
        "la base restaurée n’est pas celle de la production :\nunknown line\ninterrompu"
    )
