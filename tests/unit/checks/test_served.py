"""How a document is asked for, as profiles say it."""

from __future__ import annotations

import base64
import hashlib
import json

import httpx
import pytest

from restore.checks.documents import DocumentSet, Row
from restore.checks.served import _problem
from restore.checks.web import WebSession, filled_request
from restore.model.secret import Secret
from restore.profile import DocumentFetch, load_profile

CONTENT = bytes(range(256)) * 2
SUM = hashlib.md5(CONTENT).hexdigest()  # noqa: S324 - the ERP's own
TRYTON = load_profile("tryton")
(TREE,) = TRYTON.documents


def problem(
    answer: str, checksum: str = SUM, status: int = 200
) -> tuple[str | None, httpx.Request]:
    """What is wrong with row 7 as an ERP with that answer serves it, and what it was asked."""
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status, text=answer)

    client = httpx.Client(base_url="http://erp", transport=httpx.MockTransport(handle))
    values: dict[str, str | Secret] = {
        "database": "d b",
        "login": "admin",
        "user": "1",
        "session": Secret("s3ss10n!"),
    }
    assert TREE.fetch is not None
    with client:
        found = _problem(
            WebSession(client, values), TREE.fetch, DocumentSet(TREE, "d b"), row(checksum)
        )
    return found, asked[0]


def row(checksum: str) -> Row:
    return Row("7", "contract", "ab/cd/abcd", checksum)


def answer(content: bytes) -> str:
    """As Tryton answers: lines of base64 in JSON."""
    data = {"__class__": "bytes", "base64": base64.encodebytes(content).decode()}
    return json.dumps({"id": 0, "result": [{"id": 7, "data": data}]})


def test_a_request_asks_with_the_session_and_the_rows_id() -> None:
    found, asked = problem(answer(CONTENT))
    assert found is None
    assert (asked.method, asked.url.raw_path) == ("POST", b"/d%20b/")
    token = base64.b64encode(b"admin:1:s3ss10n!").decode()
    assert asked.headers["Authorization"] == f"Session {token}"
    assert json.loads(asked.content)["params"][0] == [["id", "=", "7"]]


@pytest.mark.parametrize(
    ("text", "status", "told"),
    [
        (answer(b"other"), 200, f"expected checksum {SUM}, the ERP served"),
        ('{"result": [{"data": null}]}', 200, "the answer holds no document"),
        ('{"base64": "a"}', 200, "the answer holds no document"),
        ("", 401, "HTTP 401"),
    ],
)
def test_what_is_not_the_document_is_told(text: str, status: int, told: str) -> None:
    assert str(problem(text, status=status)[0]).startswith(told)


def test_without_a_checksum_a_document_must_only_come() -> None:
    assert problem(answer(b"anything"), checksum="")[0] is None
    assert Row("7", "contract", "ab").checksum == ""


def test_a_plain_path_is_a_request_too() -> None:
    (tree,) = load_profile("odoo").documents
    assert tree.fetch == DocumentFetch("/web/content/{id}")


def test_headers_encode_what_they_hold_once_it_is_filled() -> None:
    values: dict[str, str | Secret] = {"login": "é", "password": Secret("p{x}")}
    headers = (("A", "Basic {base64:{login}:{password}}"), ("B", "Bearer {password}{kept}"))
    assert filled_request(DocumentFetch("/", headers=headers), values)["headers"] == {
        "A": "Basic " + base64.b64encode("é:p{x}".encode()).decode(),
        "B": "Bearer p{x}{kept}",
    }
