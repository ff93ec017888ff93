"""The recovery time that is accepted, and how recovery times develop."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore.errors import UsageError
from restore.model import (
    Acceptance,
    CheckStatus,
    PastRun,
    Report,
    Selection,
    Verdict,
    ignore_progress,
)
from restore.model.durations import parse_budget, spoken
from restore.profile import load_profile, parse_profile, profile_text
from restore.report.budget import budget_check
from restore.report.html import to_html
from restore.report.junit import to_junit
from restore.report.language import locale
from restore.report.rto_plot import BOTTOM, HEIGHT, TOP, rto_plot
from restore.report.trends import change, sparkline, trend
from restore.runs import drill as drill_module
from restore.runs.drill import within_budget
from restore.runs.recorder import Recorder, Run
from restore.runs.request import ReplayRequest, Services
from tests.support.report_samples import CHECKS, STARTED, passed

START = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("1h30m", 5400), ("2h", 7200), ("1m5s", 65)]
)
def test_budgets_are_durations(text: str, seconds: float) -> None:
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["", "15", "0s", "0h0m", "-5m", "5m 3s", "1d", "m", "1.5h", "٥m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no recovery time"):
        parse_budget(text)


@given(st.floats(0.05, 1e7))
def test_durations_are_said_without_needless_units(seconds: float) -> None:
    parts = spoken(seconds).split(" ")
    assert all(float(amount) > 0 for amount in parts[::2]) or seconds < 0.1
    assert all(unit in ("h", "min", "s") for unit in parts[1::2])
    # Sixty hours are said as such; sixty seconds or minutes never.
    assert not {("60", "min"), ("60", "s")} & set(zip(parts[::2], parts[1::2], strict=True))


def test_a_budget_is_met_exceeded_or_not_measured() -> None:
    met, exceeded, unknown = (budget_check(900, rto) for rto in (900.0, 912.5, None))

    assert (met.status, met.observed) == (CheckStatus.PASSED, "recovered in 15 min")
    assert exceeded.status is CheckStatus.FAILED
    assert exceeded.expected == "recovered within 15 min"
    assert exceeded.details == ("12.5 s over the budget of 15 min",)
    assert unknown.status is CheckStatus.UNVERIFIABLE


def recorded(budget: float | None, *accepted: Acceptance, checks: bool = True) -> Report:
    """A run that took ten seconds."""
    times = iter(START + timedelta(seconds=n) for n in range(100))
    recorder = Recorder("run", "pra drill", "drill", accepted, lambda: next(times), ignore_progress)
    recorder.rto_budget = budget
    recorder.checks = CHECKS[:3] if checks else ()
    recorder.checked = START + timedelta(seconds=10)
    return recorder.report()


def test_a_run_within_its_budget_passes() -> None:
    report = recorded(10)
    assert report.verdict is Verdict.PASS
    assert report.checks[-1].id == "rto.budget"
    assert report.rto_budget == 10


def test_a_slower_run_fails_in_report_and_junit() -> None:
    report = recorded(9)
    assert report.verdict is Verdict.FAIL
    assert "reprise en 9 s au plus" in to_html(report, "fr")
    assert "Recovery time within its budget" in to_html(report)
    (failure,) = fromstring(to_junit(report)).findall(  # noqa: S314 - our own text
        ".//testcase[@classname='pra.checks.rto.budget']/failure"
    )
    assert failure.get("message") == "recovered in 10 s"
    assert "1 s over the budget of 9 s" in str(failure.text)


def test_a_budget_can_be_ignored_with_a_reason() -> None:
    report = recorded(9, Acceptance("rto.budget", "slow laptop"))
    assert report.verdict is Verdict.PASS
    assert report.checks[-1].status is CheckStatus.IGNORED


def test_a_budget_that_is_met_proves_nothing() -> None:
    assert recorded(100, checks=False).verdict is Verdict.UNVERIFIABLE
    assert recorded(9, checks=False).verdict is Verdict.FAIL
    assert recorded(None).checks == CHECKS[:3]


def request_of(budget: float | None = None) -> ReplayRequest:
    return ReplayRequest(
        Selection(Path("backups"), "latest", "odoo"), None, (), Path("reports"), rto_budget=budget
    )


def test_the_option_beats_the_stack_and_the_stack_the_profile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    profile = replace(load_profile("odoo"), rto_budget=3600.0)
    services = Services(cast(Any, None), cast(Any, None), profile, lambda: START, ignore_progress)
    settings = {"rtoBudget": "15m"}
    monkeypatch.setattr(drill_module, "setting_of", lambda _stack, name: settings.get(name))

    assert Run.begin("", request_of(), services).recorder.rto_budget == 3600
    assert within_budget(request_of(), "drill").rto_budget == 900
    assert within_budget(request_of(60), "drill").rto_budget == 60
    assert Run.begin("", request_of(60), services).recorder.rto_budget == 60
    settings["rtoBudget"] = "soon"
    with pytest.raises(UsageError):
        within_budget(request_of(), "drill")


def test_a_profile_may_have_a_budget() -> None:
    text = profile_text("odoo")
    assert parse_profile(text, "odoo").rto_budget is None
    assert parse_profile(f"rto_budget: 1h30m\n{text}", "mine").rto_budget == 5400
    for wrong in ("soon", "0m", "15"):
        with pytest.raises(UsageError, match="rto_budget"):
            parse_profile(f"rto_budget: '{wrong}'\n{text}", "mine")


# How recovery times develop


def past(
    *times: float | None, verdict: Verdict = Verdict.PASS, budget: float | None = None
) -> tuple[PastRun, ...]:
    """Runs of the days before the sample's."""
    return tuple(
        PastRun(f"run-{n}", STARTED - timedelta(days=len(times) - n), verdict, "g", time, 60.0,
                budget, 1000)
        for n, time in enumerate(times)
    )  # fmt: skip


def test_a_trend_is_of_what_passed() -> None:
    found = trend((*past(10, 12, 14), *past(1, verdict=Verdict.FAIL), *past(None), *past(15)))
    assert found is not None
    assert [*found.times] == [10, 12, 14, 15]
    assert found.median == 13
    assert found.change == pytest.approx(0.25)
    assert trend(past(9, verdict=Verdict.FAIL)) is None
    alone = trend(past(9))
    assert alone is not None and alone.change is None
    assert change(0, 5) is None


def test_sparklines_go_from_the_shortest_to_the_longest() -> None:
    assert sparkline([1, 2, 8]) == "▁▂█"
    assert sparkline([5, 5]) == "▁▁"
    assert sparkline([]) == ""


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40))
def test_sparklines_have_a_block_a_run(times: list[float]) -> None:
    assert len(sparkline(times)) == len(times)


ENGLISH = locale("en")


def test_the_first_run_has_no_plot() -> None:
    assert rto_plot(passed(), ENGLISH) is None
    assert "Recovery times so far" not in to_html(passed())


def test_the_plot_shows_earlier_runs_and_this_one() -> None:
    report = replace(passed(), history=past(30.0, 34.0, 32.0), rto_budget=60.0)
    plot = rto_plot(report, ENGLISH)
    assert plot is not None
    assert len(plot.points) == 4
    assert plot.line.count(",") == 4
    assert plot.days[-1].label == "this run"
    assert plot.budget is not None and plot.budget.label == "budget 1\N{NO-BREAK SPACE}min"
    assert TOP <= plot.budget.at < min(point.y for point in plot.points)
    assert "35% more" in plot.summary
    page = to_html(report, "fr")
    assert "Délais de reprise à ce jour" in page
    assert page.count("<circle") == 4


def test_what_did_not_pass_is_marked_and_not_joined() -> None:
    report = replace(
        passed(),
        history=(*past(30.0), *past(5.0, verdict=Verdict.FAIL), *past(None, verdict=Verdict.FAIL)),
    )
    plot = rto_plot(report, ENGLISH)
    assert plot is not None and plot.any_failed
    assert plot.line.count(",") == 2
    assert plot.points[2].y == BOTTOM and not plot.points[2].measured
    assert "not measured" in plot.points[2].title


def test_a_budget_far_above_does_not_flatten_the_runs() -> None:
    plot = rto_plot(replace(passed(), history=past(40.0), rto_budget=7200.0), ENGLISH)
    assert plot is not None and plot.budget_above
    assert min(point.y for point in plot.points) < HEIGHT / 3


def test_a_plot_without_a_run_that_passed() -> None:
    failed = replace(passed(), verdict=Verdict.FAIL, history=past(None, verdict=Verdict.FAIL))
    plot = rto_plot(replace(failed, rto=None), ENGLISH)
    assert plot is not None
    assert plot.summary == "None of these runs was cold and passed."
    same = rto_plot(replace(passed(), history=past(43.1)), ENGLISH)
    assert same is not None and "as long as" in same.summary
    shorter = rto_plot(replace(passed(), history=past(86.2)), ENGLISH)
    assert shorter is not None and "50% less" in shorter.summary


@given(
    st.lists(st.none() | st.floats(0, 1e6), min_size=1, max_size=40), st.none() | st.floats(1, 1e6)
)
def test_a_plot_stays_within_its_frame(times: list[float | None], budget: float | None) -> None:
    plot = rto_plot(replace(passed(), history=past(*times), rto_budget=budget), ENGLISH)
    assert plot is not None
    marks = [point.y for point in plot.points] + [mark.at for mark in plot.times]
    marks += [plot.budget.at] if plot.budget else []
    assert all(TOP - 0.1 <= at <= BOTTOM + 0.1 for at in marks)
    assert 2 <= len(plot.times) <= 6
    assert len(plot.days) <= 9


def aged(budget: float | None, hours: float, *accepted: Acceptance, newest: bool = True) -> Report:
    """A run of a generation that is so old."""
    times = iter(START + timedelta(seconds=n) for n in range(100))
    recorder = Recorder("run", "pra drill", "drill", accepted, lambda: next(times), ignore_progress)
    generation = passed().generation
    assert generation is not None
    point = recorder.started - timedelta(hours=hours)
    recorder.generation = replace(generation, consistency_point=point)
    recorder.rpo_budget, recorder.newest = budget, newest
    recorder.checks = CHECKS[:3]
    return recorder.report()


def test_the_newest_generation_may_be_so_old_and_no_older() -> None:
    young, old = aged(26 * 3600, 26), aged(26 * 3600, 27)
    assert (young.verdict, old.verdict) == (Verdict.PASS, Verdict.FAIL)
    assert (old.checks[-1].id, old.checks[-1].status) == ("rpo.budget", CheckStatus.FAILED)
    assert old.checks[-1].details == ("1 h over the budget of 26 h",)
    assert (young.rpo_budget, young.warnings, old.warnings) == (26 * 3600, (), ())
    assert "données d’il y a 27 h" in to_html(old, "fr")
    accepted = Acceptance("rpo.budget", "holidays")
    assert aged(26 * 3600, 27, accepted).outcome == "pass with reserves"


def test_without_a_budget_an_old_generation_is_warned_of_on_the_first_page() -> None:
    assert aged(None, 47).warnings == ()
    report = aged(None, 300 * 24)
    assert report.verdict is Verdict.PASS
    assert "the newest generation is 300 days old" in report.warnings[0]
    page = to_html(report, "fr")
    assert page.index("a 300 jours") < page.index("<section", page.index("a 300 jours"))


def test_another_generation_than_the_newest_is_not_judged_by_its_age() -> None:
    report = aged(3600, 300 * 24, newest=False)
    assert (report.verdict, report.checks[-1].status) == (Verdict.PASS, CheckStatus.UNVERIFIABLE)
    assert aged(None, 300 * 24, newest=False).warnings == ()
