"""Calls over the APIs of Odoo, OpenERP and Tryton, and what comes of a scenario of calls."""

from __future__ import annotations

import base64
import json
import xmlrpc.client
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import yaml

from restore.adapters.docker.runner import Runner
from restore.checks.scenarios import Ground, parse_scenario, play, playing, require_playable
from restore.checks.scenarios.api import Request, caller
from restore.checks.scenarios.failure import Deadline, StepFailed
from restore.checks.scenarios.values import Api
from restore.errors import EnvironmentFailure, UsageError
from restore.model import CheckResult, CheckStatus, Credentials, DatabaseServer, Environment
from restore.model import ErpServer as Erp
from restore.model.secret import Secret
from tests.support.fake_docker import FakeEngine

PASSWORD = "canary-p4ss"
ACCOUNT = Credentials("ann", Secret(PASSWORD))
REQUEST = Request("res.partner", "read", [[7]], {"fields": ["name"]})
ANSWER = [{"id": 7, "name": "Ann"}]


@dataclass
class Server:
    """An ERP that knows one account and answers every call alike."""

    answer: Any = field(default_factory=lambda: ANSWER)
    received: list[Any] = field(default_factory=list)
    refuses: str = ""

    def client(self) -> httpx.Client:
        return httpx.Client(base_url="http://erp", transport=httpx.MockTransport(self.handle))

    def handle(self, request: httpx.Request) -> httpx.Response:
        if request.headers["Content-Type"] == "text/xml":
            return self.xml(request)
        document = json.loads(request.content)
        if request.url.path == "/jsonrpc":
            params = document["params"]
            called = (params["service"], params["method"], params["args"])
            return httpx.Response(200, json=self.json(*called))
        self.received.append((request.headers.get("Authorization"), document))
        if document["method"] == "common.db.login":
            good = document["params"] == ["ann", {"password": PASSWORD}]
            return httpx.Response(200, json={"id": 1, "result": [3, "key", None] if good else None})
        if self.refuses:
            return httpx.Response(200, json={"id": 1, "error": ["UserError", self.refuses, "tb"]})
        return httpx.Response(200, json={"id": 1, "result": self.answer})

    def json(self, service: str, method: str, args: list[Any]) -> dict[str, Any]:
        self.received.append((service, method, args))
        if service == "common":
            return {"result": 2 if args[2] == PASSWORD else False}
        if self.refuses:
            data = {"name": "UserError", "message": self.refuses, "debug": "Traceback"}
            return {"error": {"code": 200, "message": "Odoo Server Error", "data": data}}
        return {"result": self.answer}

    def xml(self, request: httpx.Request) -> httpx.Response:
        arguments, method = xmlrpc.client.loads(request.content)
        service = request.url.path.rpartition("/")[2]
        told = self.json(service, method or "", list(arguments))
        self.received[-1] = (request.url.path, *self.received[-1][1:])
        if "error" in told:
            fault = xmlrpc.client.Fault(1, f"Traceback\n{self.refuses}")
            return httpx.Response(200, text=xmlrpc.client.dumps(fault))
        body = xmlrpc.client.dumps((told["result"],), methodresponse=True, allow_none=True)
        return httpx.Response(200, text=body)


def call(server: Server, api: Api, account: Credentials = ACCOUNT) -> Any:
    with server.client() as client:
        speaker = caller(api, client, "prod", account)
        speaker.call(REQUEST, Deadline(5))
        return speaker.call(REQUEST, Deadline(5))


WHO = ["prod", 2, PASSWORD, "res.partner", "read"]


@pytest.mark.parametrize(
    ("api", "login", "called"),
    [
        (Api.ODOO, "common", ("object", "execute_kw", [*WHO, [[7]], {"fields": ["name"]}])),
        (
            Api.ODOO_XML,
            "/xmlrpc/2/common",
            ("/xmlrpc/2/object", "execute_kw", [*WHO, [[7]], {"fields": ["name"]}]),
        ),
        (Api.OPENERP, "/xmlrpc/common", ("/xmlrpc/object", "execute", [*WHO, [7]])),
    ],
)
def test_odoo_is_logged_into_once_and_called(api: Api, login: str, called: Any) -> None:
    server = Server()
    assert call(server, api) == ANSWER
    assert server.received == [(login, "login", ["prod", "ann", PASSWORD]), called, called]


def test_tryton_is_called_in_a_session() -> None:
    server = Server()
    assert call(server, Api.TRYTON) == ANSWER
    session = "Session " + base64.b64encode(b"ann:3:key").decode()
    document = {
        "id": 1,
        "method": "model.res.partner.read",
        "params": [[7], {"fields": ["name"]}],
    }
    assert server.received[1:] == [(session, document)] * 2


@pytest.mark.parametrize("api", Api)
def test_a_refusal_says_why_and_not_who(api: Api) -> None:
    with pytest.raises(StepFailed, match=r"the ERP refused: .*no such field$"):
        call(Server(refuses="no such field"), api)
    with pytest.raises(StepFailed, match="does not let the account") as caught:
        call(Server(), api, Credentials("ann", Secret("another")))
    assert "another" not in str(caught.value)


@pytest.mark.parametrize("api", Api)
@pytest.mark.parametrize(("status", "text"), [(500, ""), (200, "<html>"), (200, "[]")])
def test_an_answer_that_is_none_is_a_failure(api: Api, status: int, text: str) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, text=text))
    client = httpx.Client(base_url="http://erp", transport=transport)
    with client, pytest.raises(StepFailed):
        caller(api, client, "prod", ACCOUNT).call(REQUEST, Deadline(5))


def ground(account: Credentials | None = ACCOUNT) -> Ground:
    database = DatabaseServer("db", "10.0.0.2", 5432, "p", Secret("s"), "odoo", Secret("o"), "/r")
    erp = Erp("erp", "10.0.0.3", 8069, "http://10.0.0.3:8069")
    environment = Environment("stack", "net", database, erp, erp.url)
    return Ground(environment, Runner(None), "prod", account, "run-1")  # type: ignore[arg-type]


CALLS = """
name: calls
title: Calls
deadline: 5
steps:
  - name: make
    call: {model: m, method: create, arguments: [{name: "n {run}", of: "{login}"}],
           at: [0, id], expect: {equals: 7}, remember: made}
  - name: read
    call: {model: m, method: read, arguments: [["{made}"]], at: [0],
           expect: {contains: {id: "{made}"}}}
"""


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[CheckResult]]:
    def act(server: Server, text: str = CALLS, where: Ground | None = None) -> list[CheckResult]:
        monkeypatch.setattr(playing, "client", lambda _url, _tls: server.client())
        return list(play(where or ground(), parse_scenario(text, "calls.yaml")).results)

    return act


def test_values_are_remembered_between_steps(played: Callable[..., list[CheckResult]]) -> None:
    server = Server()
    results = played(server)
    assert [(one.id, one.status) for one in results] == [
        ("scenario.calls.make", CheckStatus.PASSED),
        ("scenario.calls.read", CheckStatus.PASSED),
    ]
    assert [args[5] for _, method, args in server.received if method == "execute_kw"] == [
        [{"name": "n run-1", "of": "ann"}],
        [[7]],
    ]


def test_what_follows_a_failure_is_not_played(played: Callable[..., list[CheckResult]]) -> None:
    made, read = played(Server(answer=[{"id": 8, "name": PASSWORD}]))
    assert (made.status, made.observed) == (CheckStatus.FAILED, "expected 7, got 8")
    assert (read.status, read.reason) == (CheckStatus.UNVERIFIABLE, "after failure of make")
    missing, _ = played(Server(answer=[PASSWORD]))
    assert missing.observed == "the answer has no [0]['id']: ['***']"


def test_a_late_answer_is_a_failure(played: Callable[..., list[CheckResult]]) -> None:
    text = CALLS.replace("deadline: 5", "deadline: 0.000001")
    made, _ = played(Server(), text)
    assert made.status is CheckStatus.FAILED
    assert made.observed == "it took more than the 1e-06 s that it has"


def test_without_an_account_nothing_is_known(played: Callable[..., list[CheckResult]]) -> None:
    made, _ = played(Server(), CALLS, ground(None))
    assert made.status is CheckStatus.UNVERIFIABLE and made.broke_off


def test_what_cannot_be_played_is_refused_before_anything_is_made() -> None:
    calls = parse_scenario(CALLS, "calls.yaml")
    pages = parse_scenario(
        yaml.safe_dump({"name": "p", "title": "p", "steps": [{"name": "a", "open": "/"}]}), "p.yaml"
    )
    runner = FakeEngine().runner
    require_playable((calls,), ACCOUNT, runner)
    with pytest.raises(UsageError, match="scenario calls takes an account"):
        require_playable((calls,), None, runner)
    with pytest.raises(UsageError, match="several scenarios are called calls"):
        require_playable((calls, calls), ACCOUNT, runner)
    with pytest.raises(EnvironmentFailure, match="is missing") as caught:
        require_playable((pages,), None, runner)
    assert "make setup IMAGES=browser" in caught.value.hint
