"""A drill logs in with an account of its own; whatever else replays does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from restore.adapters.postgres import sql
from restore.errors import EnvironmentFailure
from restore.model import Credentials, Selection
from restore.model.secret import Secret
from restore.profile import load_profile
from restore.runs.own_account import put_own_account, with_own_account
from restore.runs.request import ReplayRequest

ACCOUNT = Credentials("boss", Secret("boss-of-production"))
REQUEST = ReplayRequest(Selection(Path("r"), "latest", "odoo"), ACCOUNT, (), Path("reports"))
ODOO = load_profile("odoo")


class Server:
    """A database server that notes what is run, and answers with a number of rows."""

    def __init__(self) -> None:
        self.found = 1
        self.error: Exception | None = None
        self.run: list[tuple[str, str]] = []
        self.options: list[str] = []

    @contextmanager
    def connect(self, _server: object, database: str, *, options: Secret) -> Iterator[Any]:
        """A session of that database."""
        if self.error is not None:
            raise self.error
        self.options.append(options.reveal())

        def execute(statement: bytes) -> Any:
            self.run.append((database, statement.decode()))
            return SimpleNamespace(rowcount=self.found)

        @contextmanager
        def transaction() -> Iterator[None]:
            yield

        yield SimpleNamespace(execute=execute, transaction=transaction)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server of the environment."""
    made = Server()
    monkeypatch.setattr(sql, "connect", made.connect)
    return made


def put(request: ReplayRequest) -> tuple[ReplayRequest, tuple[str, ...]]:
    """The request after the account was put into two databases, and the warnings."""
    environment = SimpleNamespace(database=None)
    context: Any = SimpleNamespace(
        profile=ODOO, databases=("north", "south"), environment=environment
    )
    recorder: Any = SimpleNamespace(warnings=())
    return put_own_account(context, request, recorder), recorder.warnings


def test_every_profile_that_ships_makes_an_account() -> None:
    for name in ("odoo", "odoo19", "openerp", "openprod", "tryton"):
        assert load_profile(name).web.own, name


def test_a_drill_logs_in_with_its_own_and_tries_production_s_beside_it(server: Server) -> None:
    request = with_own_account(REQUEST, ODOO)
    own = request.credentials
    assert own is not None and own.login != ACCOUNT.login and request.production is ACCOUNT
    other = with_own_account(REQUEST, ODOO).credentials
    assert other is not None and own.password.reveal() != other.password.reveal()

    after, warnings = put(request)

    assert (after, warnings) == (request, ())
    assert server.run == [(name, text) for name in ("north", "south") for text in ODOO.web.own]
    assert all(own.login in options and "boss" not in options for options in server.options)


def test_a_profile_that_makes_none_leaves_the_request_alone() -> None:
    none = replace(ODOO, web=replace(ODOO.web, own=()))
    assert with_own_account(REQUEST, none) is REQUEST


def test_what_is_no_drill_changes_nothing(server: Server) -> None:
    assert put(REQUEST) == (REQUEST, ())
    assert server.run == []


@pytest.mark.parametrize("refused", [True, False])
def test_where_none_can_be_made_production_s_has_to_do(server: Server, refused: bool) -> None:
    server.found = 0
    server.error = EnvironmentFailure("no connection") if refused else None
    after, (warning,) = put(with_own_account(REQUEST, ODOO))
    assert (after.credentials, after.production, after.own) == (ACCOUNT, None, False)
    assert "no account of the drill's own could be made" in warning
    without, _ = put(with_own_account(replace(REQUEST, credentials=None), ODOO))
    assert without.credentials is None
