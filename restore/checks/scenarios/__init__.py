"""Scenarios: what people do with the ERP, over its API and over its pages in a real browser."""

from restore.checks.scenarios.browser import Browser as Browser
from restore.checks.scenarios.browser import open_browser as open_browser
from restore.checks.scenarios.browser import require_browser as require_browser
from restore.checks.scenarios.pictures import screenshot as screenshot
from restore.checks.scenarios.playing import Ground as Ground
from restore.checks.scenarios.playing import ScenarioResults as ScenarioResults
from restore.checks.scenarios.playing import is_step_key as is_step_key
from restore.checks.scenarios.playing import play as play
from restore.checks.scenarios.playing import play_all as play_all
from restore.checks.scenarios.playing import require_playable as require_playable
from restore.checks.scenarios.playing import require_steps as require_steps
from restore.checks.scenarios.reading import load_scenario as load_scenario
from restore.checks.scenarios.reading import parse_scenario as parse_scenario
from restore.checks.scenarios.values import Api as Api
from restore.checks.scenarios.values import Scenario as Scenario
from restore.checks.scenarios.values import ScenarioStep as ScenarioStep
