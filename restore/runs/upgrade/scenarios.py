"""Scenarios in a rehearsal: played again on what was upgraded, and as entries of a road book."""

from __future__ import annotations

from dataclasses import replace

from restore.checks.base import about
from restore.checks.scenarios import Scenario, ScenarioResults, play
from restore.context import ReplayContext
from restore.model import CheckResult
from restore.model.messages import Message, message
from restore.runs.request import ReplayRequest
from restore.runs.stages import ground_of, play_asked
from restore.runs.upgrade.request import AFTER
from restore.runs.upgrade.road_book import Entry, RoadBook, step_id


def again(beginning: str, when: str, results: tuple[CheckResult, ...]) -> tuple[CheckResult, ...]:
    """Results of checks that are run a second time, under ids and titles of their own."""
    return tuple(
        replace(one, id=f"{beginning}{one.id}", title=about(when, one.title)) for one in results
    )


def played_again(beginning: str, when: str, played: ScenarioResults) -> ScenarioResults:
    """Scenarios that were played before, with their screenshots, under names of their own."""
    found = _pictures_named(played, f"{beginning.removesuffix('.')}-")
    return replace(found, results=again(beginning, when, found.results))


def play_upgraded(context: ReplayContext, request: ReplayRequest) -> ScenarioResults:
    """Play the rehearsal's scenarios once more, on the upgraded ERP, where the drill did."""
    return played_again(AFTER, message("After the upgrade"), play_asked(context, request))


def play_road_book(
    context: ReplayContext, request: ReplayRequest, book: RoadBook
) -> ScenarioResults:
    """Play the scenarios that a road book names, each on every database."""
    played = ScenarioResults()
    for entry, script in book.scripts:
        for number, database in enumerate(context.databases, 1):
            found = play(ground_of(context, request, database), script)
            found = _pictures_named(found, f"road-book-{entry.name}-{number}-")
            played += replace(found, results=_as_entry(found.results, entry, script, database))
    return played


def _as_entry(
    results: tuple[CheckResult, ...], entry: Entry, script: Scenario, database: str
) -> tuple[CheckResult, ...]:
    beginning = message("Road book: {title}", title=Message(entry.title.en))
    return tuple(
        replace(one, id=step_id(entry, step, database), title=about(beginning, step.title))
        for one, step in zip(results, script.steps, strict=True)
    )


def _pictures_named(played: ScenarioResults, beginning: str) -> ScenarioResults:
    """The same results, their screenshots renamed with a prefix."""
    results = tuple(
        replace(one, picture=replace(one.picture, name=f"{beginning}{one.picture.name}"))
        if one.picture
        else one
        for one in played.results
    )
    return ScenarioResults(
        results, tuple((f"{beginning}{name}", data) for name, data in played.pictures)
    )
