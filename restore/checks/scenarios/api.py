"""Calls of models over an ERP's own API: Odoo, OpenERP and Tryton, as one account."""

from __future__ import annotations

import base64
import xmlrpc.client
from dataclasses import dataclass
from typing import Any, Final, Protocol
from xml.parsers.expat import ExpatError

import httpx

from restore.checks.scenarios.failure import Deadline, StepFailed
from restore.checks.scenarios.values import Api
from restore.model import Credentials
from restore.model.messages import message

_CONNECT: Final = 5.0
"""Seconds after which a server that takes no connection counts as down."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call, its placeholders filled."""

    model: str
    method: str
    arguments: list[Any]
    keywords: dict[str, Any]


class Caller(Protocol):
    """Speaks to an ERP; logs in with its first call."""

    def call(self, request: Request, deadline: Deadline) -> Any:
        """The answer of a method.

        Raises:
            StepFailed: the ERP refused, or answered something else than an answer.
            httpx.HTTPError: it did not answer in time.
        """
        ...


def caller(api: Api, client: httpx.Client, database: str, account: Credentials) -> Caller:
    """Who speaks that interface. The client leads to the ERP's own address."""
    match api:
        case Api.ODOO:
            return _Odoo(_JsonService(client), database, account)
        case Api.ODOO_XML:
            return _Odoo(_XmlService(client, "/xmlrpc/2"), database, account)
        case Api.OPENERP:
            return _Odoo(_XmlService(client, "/xmlrpc"), database, account, by_name=False)
        case Api.TRYTON:
            return _Tryton(client, database, account)


class _Service(Protocol):
    def invoke(self, service: str, method: str, arguments: list[Any], deadline: Deadline) -> Any:
        """The answer of a service's method."""
        ...


class _JsonService:
    """Services of Odoo at ``/jsonrpc``."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def invoke(self, service: str, method: str, arguments: list[Any], deadline: Deadline) -> Any:
        params = {"service": service, "method": method, "args": arguments}
        document = {"jsonrpc": "2.0", "method": "call", "id": 1, "params": params}
        answer = _posted_json(self._client, "/jsonrpc", document, deadline)
        if error := answer.get("error"):
            data = error.get("data") if isinstance(error, dict) else None
            told = data if isinstance(data, dict) else {"message": str(error)}
            raise _refusal(told.get("message"))
        return answer.get("result")


class _XmlService:
    """Services of Odoo and OpenERP, one address each."""

    def __init__(self, client: httpx.Client, path: str) -> None:
        self._client = client
        self._path = path

    def invoke(self, service: str, method: str, arguments: list[Any], deadline: Deadline) -> Any:
        try:
            body = xmlrpc.client.dumps(tuple(arguments), method, allow_none=True)
        except (OverflowError, TypeError) as error:
            raise StepFailed(f"XML-RPC can't carry that: {error}") from error
        response = self._client.post(
            f"{self._path}/{service}",
            content=body.encode(),
            headers={"Content-Type": "text/xml"},
            timeout=_timeout(deadline),
        )
        _require_ok(response)
        try:
            (answer,), _ = xmlrpc.client.loads(response.content)
        except xmlrpc.client.Fault as fault:
            raise _refusal(fault.faultString, -1) from fault
        except (ExpatError, ValueError, TypeError, xmlrpc.client.ResponseError) as error:
            raise StepFailed("the answer is no XML-RPC") from error
        return answer


class _Odoo:
    """Models of Odoo, or of OpenERP, which takes no arguments by name."""

    def __init__(
        self, service: _Service, database: str, account: Credentials, *, by_name: bool = True
    ) -> None:
        self._service = service
        self._database = database
        self._account = account
        self._by_name = by_name
        self._user: int | None = None

    def call(self, request: Request, deadline: Deadline) -> Any:
        """The answer of a method."""
        password = self._account.password.reveal()
        if self._user is None:
            arguments: list[Any] = [self._database, self._account.login, password]
            user = self._service.invoke("common", "login", arguments, deadline)
            if not isinstance(user, int) or not user:
                raise StepFailed(message("the ERP does not let the account of the checks in"))
            self._user = user
        who = [self._database, self._user, password, request.model, request.method]
        if self._by_name:
            arguments = [*who, request.arguments, request.keywords]
            return self._service.invoke("object", "execute_kw", arguments, deadline)
        return self._service.invoke("object", "execute", [*who, *request.arguments], deadline)


class _Tryton:
    """Models of Tryton. Their context is their last argument."""

    def __init__(self, client: httpx.Client, database: str, account: Credentials) -> None:
        self._client = client
        self._path = f"/{database}/"
        self._account = account
        self._headers: dict[str, str] = {}

    def call(self, request: Request, deadline: Deadline) -> Any:
        """The answer of a method; arguments by name are the context."""
        if not self._headers:
            password = {"password": self._account.password.reveal()}
            session = self._post("common.db.login", [self._account.login, password], deadline)
            if not isinstance(session, list) or len(session) < 2:
                raise StepFailed(message("the ERP does not let the account of the checks in"))
            token = f"{self._account.login}:{session[0]}:{session[1]}"
            coded = base64.b64encode(token.encode()).decode()
            self._headers = {"Authorization": f"Session {coded}"}
        parameters = [*request.arguments, request.keywords]
        return self._post(f"model.{request.model}.{request.method}", parameters, deadline)

    def _post(self, method: str, parameters: list[Any], deadline: Deadline) -> Any:
        document = {"id": 1, "method": method, "params": parameters}
        answer = _posted_json(self._client, self._path, document, deadline, self._headers)
        if error := answer.get("error"):
            told = error[:2] if isinstance(error, list) else [error]
            raise _refusal(": ".join(map(str, told)))
        return answer.get("result")


def _posted_json(
    client: httpx.Client,
    path: str,
    document: dict[str, Any],
    deadline: Deadline,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    response = client.post(path, json=document, headers=headers, timeout=_timeout(deadline))
    _require_ok(response)
    try:
        answer = response.json()
    except ValueError as error:
        raise StepFailed("the answer is no JSON") from error
    if not isinstance(answer, dict):
        raise StepFailed("the answer is no JSON-RPC")
    return answer


def _require_ok(response: httpx.Response) -> None:
    if response.status_code != httpx.codes.OK:
        raise StepFailed(message("the API answered HTTP {code}", code=response.status_code))


def _timeout(deadline: Deadline) -> httpx.Timeout:
    left = deadline.left
    return httpx.Timeout(left, connect=min(_CONNECT, left))


def _refusal(text: object, line: int = 0) -> StepFailed:
    """What the ERP says, in one line of its text; a traceback says in its last what it is about."""
    told = str(text).strip().splitlines() or ["it did not say why"]
    return StepFailed(message("the ERP refused: {text}", text=told[line]))
