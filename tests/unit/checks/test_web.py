"""Web scenarios against a small HTTP server of the test's own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from restore.checks.scenarios.failure import NO_ACCOUNT, StepFailed
from restore.checks.scenarios.filling import filled_text
from restore.checks.web import (
    foreseen_scenario_checks,
    log_in,
    open_session,
    production_check,
    scenario_checks,
)
from restore.model import CheckStatus, Credentials
from restore.model.secret import Secret
from restore.profile import WebScenario, WebStep

PASSWORD = "p4ss {word}&é"
ACCOUNT = Credentials("admin", Secret(PASSWORD))
TOKEN = "tok3n"


def step(name: str, **changes: Any) -> WebStep:
    plain = WebStep(
        name=name,
        method="GET",
        path="/",
        form=(),
        json=None,
        status=(200,),
        contains=None,
        absent=None,
        location=None,
        capture=(),
        sla=30.0,
        credentials=False,
    )
    return replace(plain, **changes)


HOME = step("home", path="/home?db={database}", capture=(("csrf_token", 'token="([^"]+)"'),))
LOGIN = step(
    "login",
    method="POST",
    path="/login",
    form=(("login", "{login}"), ("password", "{password}"), ("csrf_token", "{csrf_token}")),
    status=(303,),
    location="/web",
    credentials=True,
)
MENU = step(
    "menu",
    method="POST",
    path="/rpc",
    json={"params": {"who": "{login}", "list": ["{database}", 3, None], "{kept}": "{unknown}"}},
    contains='"children"',
    absent='"error"',
    credentials=True,
)
SCENARIO = WebScenario("admin", (HOME, LOGIN, MENU))


@dataclass
class Erp:
    """A tiny ERP: a home page with a token, a login that sets a cookie, and a call."""

    url: str
    received: list[Any] = field(default_factory=list)
    menu: str = '{"children": []}'
    pause: float = 0
    asks_again: tuple[str, ...] = ()
    keeps: bool = True


@pytest.fixture
def erp() -> Iterator[Erp]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            time.sleep(known.pause)
            known.received.append(self.path)
            if self.path in known.asks_again and not self.headers.get("Cookie"):
                cookie = {"Set-Cookie": "sid=42"} if known.keeps else {}
                self.reply(302, "", {"Location": self.path, **cookie})
                return
            self.reply(200, f'<input token="{TOKEN}">')

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if self.path == "/login":
                form = {key: values[0] for key, values in parse_qs(body).items()}
                known.received.append(form)
                good = form == {"login": "admin", "password": PASSWORD, "csrf_token": TOKEN}
                where = "/web?secret=1" if good else "/home"
                self.reply(303, "", {"Location": where, "Set-Cookie": "sid=42"})
            else:
                known.received.append((self.headers.get("Cookie"), json.loads(body)))
                self.reply(200, known.menu)

        def reply(self, code: int, body: str, headers: dict[str, str] | None = None) -> None:
            self.send_response(code)
            for key, value in (headers or {}).items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        known = Erp(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield known
        server.shutdown()
        thread.join()


def played(erp: Erp, *steps: WebStep, account: Credentials | None = ACCOUNT) -> dict[str, Any]:
    results = scenario_checks(erp.url, "my db", WebScenario("admin", steps), account)
    return {result.id.removeprefix("web.scenario:"): result for result in results}


def test_a_visit_fills_placeholders_and_keeps_the_session(erp: Erp) -> None:
    results = played(erp, HOME, LOGIN, MENU)

    assert {r.status for r in results.values()} == {CheckStatus.PASSED}, results
    assert erp.received[0] == "/home?db=my%20db"
    assert erp.received[2] == (
        "sid=42",
        {"params": {"who": "admin", "list": ["my db", 3, None], "{kept}": "{unknown}"}},
    )
    assert results["home"].sla == 30
    assert results["home"].observed.startswith("HTTP 200 in ")


def test_without_an_account_what_needs_one_is_unverifiable(erp: Erp) -> None:
    results = played(erp, HOME, LOGIN, MENU, account=None)

    assert results["home"].status is CheckStatus.PASSED
    for name in ("login", "menu"):
        assert results[name].status is CheckStatus.UNVERIFIABLE
        assert results[name].reason == NO_ACCOUNT


def test_what_follows_a_failed_step_is_unverifiable(erp: Erp) -> None:
    wrong = Credentials("admin", Secret("wrong"))

    results = played(erp, HOME, LOGIN, MENU, account=wrong)

    assert results["login"].status is CheckStatus.FAILED
    assert "expected to be led to /web, was led to /home" in results["login"].observed
    assert results["menu"].status is CheckStatus.UNVERIFIABLE
    assert results["menu"].reason == "after failure of login"


@pytest.mark.parametrize("busy", [True, False])
def test_a_slow_answer_is_told_with_both_numbers_and_the_visit_goes_on(
    erp: Erp, busy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    erp.pause = 0.02
    monkeypatch.setattr("os.getloadavg", lambda: (64.0 if busy else 0.5, 1.0, 1.0))
    monkeypatch.setattr("os.cpu_count", lambda: 2)

    results = played(erp, replace(HOME, sla=0.01), LOGIN)

    slow = results["home"]
    assert (slow.status, slow.too_slow) == (CheckStatus.WARNING, True)
    assert "is more than the SLA of 0.01 s" in slow.details[0]
    # Who reads it can tell the neighbours' fault from the backup's.
    assert list(slow.details[1:]) == (
        ["this machine was busy: load 64.0 on 2 processors"] if busy else []
    )
    assert results["login"].status is CheckStatus.PASSED


def test_a_wrong_answer_that_is_slow_too_is_a_failure(erp: Erp) -> None:
    erp.pause = 0.02
    results = played(erp, replace(HOME, sla=0.01, status=(404,)), LOGIN)
    assert results["home"].status is CheckStatus.FAILED


@pytest.mark.parametrize(
    ("menu", "problem"),
    [
        ('{"nothing": 1}', "does not hold '\"children\"'"),
        ('{"children": [], "error": "s3cret body"}', "the answer holds '\"error\"'"),
    ],
)
def test_wrong_content_fails_and_bodies_are_never_shown(erp: Erp, menu: str, problem: str) -> None:
    erp.menu = menu

    result = played(erp, HOME, LOGIN, MENU)["menu"]

    assert result.status is CheckStatus.FAILED
    assert problem in result.observed
    assert "s3cret" not in repr(result)


def test_an_unexpected_status_says_where_it_leads_without_tokens(erp: Erp) -> None:
    result = played(erp, HOME, replace(LOGIN, status=(200, 201)))["login"]

    assert "HTTP 303" in result.observed
    assert "expected HTTP 200 or 201, was led to /web" in result.observed
    assert "secret=1" not in repr(result)


def test_a_value_that_is_not_in_the_answer_fails(erp: Erp) -> None:
    result = played(erp, replace(HOME, capture=(("csrf_token", "absent=(.)"),)))["home"]

    assert result.status is CheckStatus.FAILED
    assert "the answer holds no csrf_token" in result.observed


def test_a_server_that_does_not_answer_fails_the_step() -> None:
    results = scenario_checks("http://127.0.0.1:9", "db", SCENARIO, ACCOUNT)

    assert results[0].status is CheckStatus.FAILED
    assert "no answer" in results[0].observed
    assert {r.status for r in results[1:]} == {CheckStatus.UNVERIFIABLE}


def test_no_secret_is_in_any_result(erp: Erp) -> None:
    echo = replace(MENU, contains=PASSWORD)

    results = played(erp, HOME, LOGIN, echo)

    assert PASSWORD not in repr(results)
    assert TOKEN not in repr(results)


def test_the_proxy_of_this_machine_is_not_used(erp: Erp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    assert played(erp, HOME)["home"].status is CheckStatus.PASSED


def test_logging_in_ends_with_the_step_that_sends_the_password(erp: Erp) -> None:
    session = open_session(erp.url, "db", ACCOUNT)
    with session.client:
        log_in(session, SCENARIO)

    assert len(erp.received) == 2


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ((HOME,), "no step of the profile's web scenario sends a password"),
        ((replace(HOME, status=(404,)), LOGIN), "step 'home' failed: HTTP 200"),
    ],
)
def test_a_login_that_fails_says_where(erp: Erp, steps: tuple[WebStep, ...], problem: str) -> None:
    session = open_session(erp.url, "db", ACCOUNT)

    with session.client, pytest.raises(StepFailed, match=problem):
        log_in(session, WebScenario(None, steps))


def test_ids_are_those_of_the_results(erp: Erp) -> None:
    results = scenario_checks(erp.url, "db", SCENARIO, None)

    assert [check.id for check in foreseen_scenario_checks(SCENARIO)] == [one.id for one in results]


def test_values_in_a_path_are_quoted() -> None:
    assert filled_text("/d/{id}?x={y}", {"id": "a/b"}, quoting=True) == "/d/a%2Fb?x={y}"
    assert urlsplit(filled_text("/{id}", {"id": "?q"}, quoting=True)).query == ""


def test_a_page_that_leads_to_itself_is_asked_once_more(erp: Erp) -> None:
    # A server of several databases does so to note the one that was asked for.
    page = step("home", path="/home")
    erp.asks_again = ("/home",)
    result, _login = scenario_checks(erp.url, "db", WebScenario(None, (page,)), None)
    assert result.status is CheckStatus.PASSED
    assert erp.received == ["/home", "/home"]

    erp.keeps = False
    result, _login = scenario_checks(erp.url, "db", WebScenario(None, (page,)), None)
    assert result.status is CheckStatus.FAILED
    assert len(erp.received) == 4


def test_the_step_that_logs_in_decides_and_a_scenario_without_one_is_missed(erp: Erp) -> None:
    decisive = [check.id for check in foreseen_scenario_checks(SCENARIO) if check.decisive]
    assert decisive == ["web.scenario:login"]
    page = step("home", path="/home")
    home, login = scenario_checks(erp.url, "db", WebScenario(None, (page,)), ACCOUNT)
    assert not home.undecided
    assert (login.id, login.undecided) == ("web.login", True)
    basic = replace(page, headers=(("Authorization", "Basic {base64:{login}:{password}}"),))
    (sent,) = foreseen_scenario_checks(WebScenario(None, (basic,)))
    assert sent.decisive


def test_production_s_own_account_is_tried_up_to_its_login(erp: Erp) -> None:
    good = production_check(erp.url, "db", SCENARIO, ACCOUNT)
    assert (good.id, good.status, good.decisive) == ("web.account", CheckStatus.PASSED, False)
    wrong = replace(ACCOUNT, password=Secret("not this one"))
    bad = production_check(erp.url, "db", SCENARIO, wrong)
    assert bad.status is CheckStatus.FAILED and "login" in bad.observed
    nobody = production_check("http://127.0.0.1:9", "db", SCENARIO, ACCOUNT)
    assert nobody.status is CheckStatus.FAILED
