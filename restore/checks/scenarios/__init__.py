"""Scenarios: what people do with the ERP, over its API and over its pages in a real browser."""

from restore.checks.scenarios.browser import Browser, open_browser, require_browser
from restore.checks.scenarios.pictures import screenshot
from restore.checks.scenarios.playing import (
    Ground,
    ScenarioResults,
    is_step_key,
    play,
    play_all,
    require_playable,
    require_steps,
)
from restore.checks.scenarios.reading import load_scenario, parse_scenario
from restore.checks.scenarios.values import Api, Scenario, ScenarioStep

__all__ = [
    "Api",
    "Browser",
    "Ground",
    "Scenario",
    "ScenarioResults",
    "ScenarioStep",
    "is_step_key",
    "load_scenario",
    "open_browser",
    "parse_scenario",
    "play",
    "play_all",
    "require_browser",
    "require_playable",
    "require_steps",
    "screenshot",
]
