"""What a user would do first, request by request, each held against its SLA."""

from __future__ import annotations

import base64
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from restore.checks.base import Check, Finding, about, describe, masked, run_check, unverifiable
from restore.checks.scenarios.failure import NO_ACCOUNT, StepFailed
from restore.checks.scenarios.filling import filled, filled_text
from restore.checks.tls import Tls, client
from restore.model import CheckResult, CheckStatus, Credentials
from restore.model.messages import message
from restore.model.secret import Secret
from restore.profile import DocumentFetch, ServedThings, WebScenario, WebStep

_BASE64: Final = re.compile(r"\{base64:((?:[^{}]|\{[^{}]*\})*)\}")

SHORTEST_TOKEN: Final = 8
"""Characters of a captured value below which it opens nothing: a number of a row, say."""

_NO_LOGIN: Final = message("no step of the profile's web scenario sends a password")
_LOGIN: Final = Check(
    "web.login", message("Web: a login"), message("an account logs in"), decisive=True
)
"""Of a profile whose scenario makes no login: the ERP's pages prove little without one."""

PRODUCTION: Final = Check(
    "web.account", message("Web: the account of production"), message("an account logs in")
)
"""Only of a drill that was given its password."""

PATIENCE: Final = 30.0
"""Seconds beyond its SLA that a step is waited for, so that a slow answer is measured."""

CONNECT_TIMEOUT: Final = 5.0
"""Seconds after which a server that takes no connection counts as down."""


@dataclass(slots=True)
class WebSession:
    """One visitor: cookies, and the values that the next requests need.

    ``values`` fill placeholders; what is a ``Secret`` is masked wherever it could be shown.
    """

    client: httpx.Client
    values: dict[str, str | Secret] = field(default_factory=dict)

    @property
    def secrets(self) -> list[Secret]:
        """Values that nobody may see."""
        return [value for value in self.values.values() if isinstance(value, Secret)]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, in short. ``seconds`` is from the request to the last byte."""

    status: int
    seconds: float

    def __str__(self) -> str:
        return message("HTTP {code} in {seconds:.2f} s", code=self.status, seconds=self.seconds)


def open_session(
    url: str, database: str, credentials: Credentials | None, tls: Tls | None = None
) -> WebSession:
    """A visitor of the ERP at ``url`` that has sent nothing yet; close its client when done."""
    session = WebSession(client(url, tls), {"database": database})
    if credentials is not None:
        session.values |= {"login": credentials.login, "password": credentials.password}
    return session


def log_in(session: WebSession, scenario: WebScenario) -> None:
    """Play a scenario up to the step that sends the password.

    Raises:
        StepFailed: a step failed, or none sends a password; says which.
        httpx.HTTPError: the ERP doesn't answer.
    """
    for step in scenario.steps:
        try:
            perform(session, step)
        except StepFailed as error:
            raise StepFailed(
                message("step {step} failed: {error}", step=repr(step.name), error=error)
            ) from error
        if _sends_password(step):
            return
    raise StepFailed(_NO_LOGIN)


def scenario_checks(
    url: str,
    database: str,
    scenario: WebScenario,
    credentials: Credentials | None,
    tls: Tls | None = None,
) -> tuple[CheckResult, ...]:
    """Play a scenario, one result a step. What follows a failed step can't be verified."""
    session = open_session(url, database, credentials, tls)
    results: list[CheckResult] = []
    failed: str | None = None
    with session.client:
        for check, step in _checks(scenario):
            if step is None:
                result = unverifiable(check, _NO_LOGIN)
            elif failed is not None:
                result = unverifiable(check, message("after failure of {what}", what=failed))
            elif step.credentials and credentials is None:
                result = unverifiable(check, NO_ACCOUNT)
            else:
                result = run_check(check, lambda step=step: _probe(session, step))  # type: ignore[misc]
                # The session goes on after a slow answer, which is still an answer.
                broken = result.status is not CheckStatus.PASSED and not result.details
                failed = step.name if broken else None
            results.append(result)
    return tuple(results)


def production_check(
    url: str,
    database: str,
    scenario: WebScenario,
    credentials: Credentials,
    tls: Tls | None = None,
) -> CheckResult:
    """Try the account that production has itself, where others are looked at with a drill's own."""
    session = open_session(url, database, credentials, tls)

    def look() -> Finding:
        with session.client:
            try:
                log_in(session, scenario)
            except (StepFailed, httpx.HTTPError) as error:
                what = str(error) if isinstance(error, StepFailed) else describe(error)
                return Finding(CheckStatus.FAILED, masked(what, session.secrets))
        return Finding(CheckStatus.PASSED, message("logged in"))

    return run_check(PRODUCTION, look)


def foreseen_scenario_checks(scenario: WebScenario) -> tuple[Check, ...]:
    """A scenario's checks before it is played, in order."""
    return tuple(check for check, _ in _checks(scenario))


def perform(session: WebSession, step: WebStep) -> Answer:
    """Send one request, hold the answer against the step, and keep what it captures.

    Raises:
        StepFailed: the answer is wrong.
        httpx.HTTPError: there is none.
    """
    request = session.client.build_request(
        **filled_request(step, session.values),
        data={key: filled_text(text, session.values) for key, text in step.form} or None,
        timeout=httpx.Timeout(step.sla + PATIENCE, connect=CONNECT_TIMEOUT),
    )
    begun = time.perf_counter()
    response = session.client.send(request)
    if _asks_again(step, response) and response.next_request is not None:
        # A server of several databases first notes in a cookie which one is asked for.
        response = session.client.send(response.next_request, follow_redirects=False)
    answer = Answer(response.status_code, time.perf_counter() - begun)
    if wrong := _wrong(step, response):
        raise StepFailed(about(str(answer), masked(wrong, session.secrets)))
    for name, pattern in step.capture:
        if (match := re.search(pattern, response.text)) is None:
            raise StepFailed(about(str(answer), message("the answer holds no {name}", name=name)))
        # Tokens open the session to whoever reads them.
        token = len(match[1]) >= SHORTEST_TOKEN
        session.values[name] = Secret(match[1]) if token else match[1]
    return answer


def _probe(session: WebSession, step: WebStep) -> Finding:
    try:
        answer = perform(session, step)
    except StepFailed as error:
        return Finding(CheckStatus.FAILED, str(error))
    except httpx.HTTPError as error:
        # An ERP that does not answer is exactly what this check looks for.
        text = masked(message("no answer: {error}", error=describe(error)), session.secrets)
        return Finding(CheckStatus.FAILED, text)
    if answer.seconds > step.sla:
        slow = message(
            "{seconds:.2f} s is more than the SLA of {sla:g} s",
            seconds=answer.seconds,
            sla=step.sla,
        )
        # Of the backup it says nothing: the answer is right, and a busy machine is slow with any.
        return Finding(CheckStatus.WARNING, str(answer), (slow, *_busy()))
    return Finding(CheckStatus.PASSED, str(answer))


def _busy() -> Iterator[str]:
    """That this machine had more to do than it has processors for, where that is so."""
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    if load > processors:
        yield message(
            "this machine was busy: load {load:.1f} on {n} processors", load=load, n=processors
        )


def _asks_again(step: WebStep, response: httpx.Response) -> bool:
    """Whether a page leads to itself, unexpectedly: then the session is to bring it."""
    following = response.next_request
    same = following is not None and (
        (following.url.host, following.url.path) == (response.url.host, response.url.path)
    )
    return same and step.method == "GET" and response.status_code not in step.status


def _wrong(step: WebStep, response: httpx.Response) -> str | None:
    """In which way an answer is not the step's; never quotes the body."""
    if response.status_code not in step.status:
        return _with_way(message("expected {codes}", codes=_codes(step)), response)
    if step.location is not None and _path(response) != urlsplit(step.location).path:
        wanted = message("expected to be led to {wanted}", wanted=step.location)
        return _with_way(wanted, response)
    if step.contains is not None and step.contains not in response.text:
        return message("the answer does not hold {text}", text=repr(step.contains))
    if step.absent is not None and step.absent in response.text:
        return message("the answer holds {text}", text=repr(step.absent))
    return None


def _path(response: httpx.Response) -> str:
    location: str = response.headers.get("location", "")
    return urlsplit(location).path


def _with_way(expected: str, response: httpx.Response) -> str:
    """What was expected, and where the answer leads, without the query: that may hold tokens."""
    if "location" not in response.headers:
        return expected
    return message("{expected}, was led to {found}", expected=expected, found=_path(response))


def filled_request(
    request: WebStep | DocumentFetch | ServedThings, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Method, URL, headers and JSON of a request that a profile describes, as ``httpx`` takes them.

    Each value is quoted in the path; ``{base64:…}`` in a header is encoded once it is filled.
    """

    def encoded(match: re.Match[str]) -> str:
        return base64.b64encode(filled_text(match[1], values).encode()).decode()

    return {
        "method": request.method,
        "url": filled_text(request.path, values, quoting=True),
        "headers": {
            name: filled_text(_BASE64.sub(encoded, text), values) for name, text in request.headers
        },
        "json": filled(request.json, values),
    }


def _sends_password(step: WebStep) -> bool:
    return "{password}" in repr((step.form, step.json, step.headers))


def _codes(step: WebStep) -> str:
    codes = f"HTTP {step.status[0]}"
    for code in step.status[1:]:
        codes = message("{codes} or {code}", codes=codes, code=code)
    return codes


def _checks(scenario: WebScenario) -> Iterator[tuple[Check, WebStep | None]]:
    """A scenario's checks with their steps; that of a login has none where no step makes one."""
    login = next(filter(_sends_password, scenario.steps), None)
    for step in scenario.steps:
        yield _check(step, decisive=step is login), step
    if login is None:
        yield _LOGIN, None


def _check(step: WebStep, *, decisive: bool) -> Check:
    expected = message("{codes} within {seconds:g} s", codes=_codes(step), seconds=step.sla)
    return Check(
        f"web.scenario:{step.name}",
        message("Web: {step}", step=step.name),
        expected,
        step.sla,
        decisive,
    )
