"""Plays a scenario: one check a step, with a screenshot of what its page showed."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import httpx

from restore.adapters.docker.runner import Runner
from restore.checks.base import Check, Finding, describe, masked, run_check, unverifiable
from restore.checks.scenarios import values
from restore.checks.scenarios.api import Caller, Request, caller
from restore.checks.scenarios.browser import Browser, open_browser, require_browser
from restore.checks.scenarios.failure import NO_ACCOUNT, Deadline, StepFailed
from restore.checks.scenarios.filling import filled, part_of, shown, wrong
from restore.checks.scenarios.pages import perform, place_of
from restore.checks.tls import client, tls_of
from restore.errors import EnvironmentFailure, RestoreError, UsageError
from restore.model import Acceptance, CheckResult, CheckStatus, Credentials, Environment, Picture
from restore.model.messages import joined, message
from restore.model.secret import Secret


@dataclass(frozen=True, slots=True)
class Ground:
    """Where scenarios are played: environment and runner as ``access.open_access`` gives them.

    ``run`` is the run's id, for values that must be new. ``language`` is the browser's.
    """

    environment: Environment
    runner: Runner
    database: str
    credentials: Credentials | None
    run: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class ScenarioResults:
    """What came of scenarios: a result a step, and the screenshots by the names of their files."""

    results: tuple[CheckResult, ...] = ()
    pictures: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)

    def __add__(self, other: ScenarioResults) -> ScenarioResults:
        return ScenarioResults(self.results + other.results, self.pictures + other.pictures)


def play_all(ground: Ground, scenarios: tuple[values.Scenario, ...]) -> ScenarioResults:
    """Play scenarios one after the other, each as a new visitor; never raises for what it finds."""
    played = ScenarioResults()
    for scenario in scenarios:
        played += play(ground, scenario)
    return played


def play(ground: Ground, scenario: values.Scenario) -> ScenarioResults:
    """Play one scenario. What follows a failed step is unverifiable."""
    results: list[CheckResult] = []
    pictures: list[tuple[str, bytes]] = []
    failed: str | None = None
    with ExitStack() as stack:
        visit = _Visit(ground, scenario, stack)
        for step in scenario.steps:
            check = Check(
                scenario.check_id(step),
                message("Scenario {title}: {step}", title=scenario.title, step=step.title),
                message("done within {n:g} s", n=step.deadline),
                step.deadline,
            )
            if failed is not None:
                results.append(unverifiable(check, message("after failure of {what}", what=failed)))
                continue
            result, picture = visit.play(step, check)
            if result.status is not CheckStatus.PASSED:
                failed = step.name
            if picture is not None:
                name = f"scenario-{scenario.name}.{step.name}.png"
                pictures.append((name, picture))
                facts = Picture(name, len(picture), sha256(picture).hexdigest())
                result = replace(result, picture=facts)
            results.append(result)
    return ScenarioResults(tuple(results), tuple(pictures))


def require_playable(
    scenarios: tuple[values.Scenario, ...],
    credentials: Credentials | None,
    runner: Runner,
    beside: str = "",
) -> None:
    """Refuse to begin what can't be played to its end.

    Args:
        beside: the ERP's container, on whose engine the browser would stand.

    Raises:
        UsageError: a scenario takes an account, and none was given; or two have one name.
        EnvironmentFailure: one takes a browser, and there is no image of it.
    """
    names = [one.name for one in scenarios]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(
            f"several scenarios are called {', '.join(twice)}", "give each a name of its own"
        )
    if credentials is None and (asking := [one for one in scenarios if one.needs_account]):
        raise UsageError(
            f"scenario {asking[0].name} takes an account, and none was given",
            "set PRA_CHECK_PASSWORD or PRA_CHECK_PASSWORD_FILE, and PRA_CHECK_LOGIN",
        )
    if any(one.on_pages for one in scenarios):
        require_browser(runner, beside)


def is_step_key(key: str) -> bool:
    """Whether an acceptance is about a step of a scenario; ``require_steps`` then judges it."""
    return key.startswith(values.PREFIX)


def require_steps(accepted: tuple[Acceptance, ...], scenarios: tuple[values.Scenario, ...]) -> None:
    """Refuse an acceptance of a step that no scenario has.

    Raises:
        UsageError: names it, and the steps that there are.
    """
    known = tuple(one for scenario in scenarios for one in scenario.check_ids)
    wrong = [one.key for one in accepted if is_step_key(one.key) and one.key not in known]
    if wrong:
        raise UsageError(
            f"no check is named {', '.join(wrong)}",
            f"steps of scenarios of this run: {', '.join(known) or 'none'}",
        )


class _Visit:
    """One visitor of the ERP: what it remembers, its browser and its calls, begun when needed."""

    def __init__(self, ground: Ground, scenario: values.Scenario, stack: ExitStack) -> None:
        self._ground = ground
        self._scenario = scenario
        self._stack = stack
        self._browser: Browser | None = None
        self._caller: Caller | None = None
        self._values: dict[str, Any] = {"database": ground.database, "run": ground.run}
        self._secrets: tuple[Secret, ...] = ()
        if ground.credentials is not None:
            account = ground.credentials
            self._values |= {"login": account.login, "password": account.password.reveal()}
            self._secrets = (account.password,)

    def play(self, step: values.ScenarioStep, check: Check) -> tuple[CheckResult, bytes | None]:
        """Play one step: its result, and a screenshot of how it ended."""
        # A browser's start is no time of the ERP's.
        obstacle = None if isinstance(step.act, values.Call) else self._begin()

        def probe() -> Finding:
            if obstacle is not None:
                raise obstacle
            return self._probe(step)

        result = run_check(check, probe)
        return result, self._picture(step) if step.picture else None

    def _begin(self) -> RestoreError | None:
        """Start the browser, unless it stands; what is in the way of that."""
        if self._browser is None:
            opened = open_browser(
                self._ground.environment, self._ground.runner, self._ground.language
            )
            try:
                self._browser = self._stack.enter_context(opened)
            except RestoreError as error:
                return error
        return None

    def _probe(self, step: values.ScenarioStep) -> Finding:
        if self._ground.credentials is None and step.needs_account:
            return Finding(
                CheckStatus.UNVERIFIABLE, message("not run"), reason=NO_ACCOUNT, broke_off=True
            )
        deadline = Deadline(step.deadline)
        try:
            observed = self._act(step.act, deadline)
            # An answer that comes by drops may be later than any single wait.
            _ = deadline.left
        except StepFailed as failure:
            return self._failed(str(failure), step)
        except httpx.HTTPError as error:
            return self._failed(
                message("the API did not answer: {text}", text=describe(error)), step
            )
        return Finding(CheckStatus.PASSED, masked(observed, self._secrets))

    def _act(self, act: values.Act, deadline: Deadline) -> str:
        if isinstance(act, values.Call):
            return self._call(act, deadline)
        if self._browser is None:
            raise StepFailed("no page is open")
        observed, remembered = perform(self._browser.page, act, self._values, deadline)
        self._values |= remembered
        return observed

    def _call(self, act: values.Call, deadline: Deadline) -> str:
        arguments, keywords = filled((act.arguments, dict(act.keywords)), self._values)
        request = Request(act.model, act.method, arguments, keywords)
        answer = self._api().call(request, deadline)
        try:
            value = part_of(answer, act.at)
        except LookupError as error:
            raise StepFailed(str(error.args[0])) from error
        if problems := list(wrong(act.expect, value, self._values)):
            raise StepFailed(joined("; ", problems))
        if act.remember is not None:
            self._values[act.remember] = value
        return message("answered {value}", value=shown(value))

    def _api(self) -> Caller:
        if self._caller is None:
            environment, account = self._ground.environment, self._ground.credentials
            if account is None:
                raise StepFailed(NO_ACCOUNT)
            visitor = client(environment.erp.endpoint, tls_of(environment))
            self._stack.enter_context(visitor)
            self._caller = caller(self._scenario.api, visitor, self._ground.database, account)
        return self._caller

    def _failed(self, problem: str, step: values.ScenarioStep) -> Finding:
        browser = None if isinstance(step.act, values.Call) else self._browser
        details = (masked(place_of(browser.page), self._secrets),) if browser is not None else ()
        return Finding(CheckStatus.FAILED, masked(problem, self._secrets), details)

    def _picture(self, step: values.ScenarioStep) -> bytes | None:
        """What the page shows; None where no picture can be made."""
        if self._browser is None:
            return None
        try:
            if step.kind in ("open", "log_in", "click"):
                # What it opened is still being drawn; that is no time of the step's.
                self._browser.settle()
            return self._browser.picture()
        except EnvironmentFailure:
            return None
