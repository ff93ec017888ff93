"""What a stack's own replay requires before it touches anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from restore.errors import UsageError
from restore.model import Acceptance, Credentials, Selection, Verdict, ignore_progress
from restore.model.secret import Secret
from restore.profile import load_profile
from restore.runs import entry
from restore.runs.request import ReplayRequest, utc_now


@pytest.mark.parametrize("account", [True, False])
def test_a_stack_without_an_account_is_refused_before_anything_is_replayed(
    account: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    replayed: list[str] = []
    services: Any = SimpleNamespace(
        profile=load_profile("odoo"), now=utc_now, listener=ignore_progress, signer=None
    )
    monkeypatch.setattr(entry, "environment_from_outputs", lambda _: SimpleNamespace(stack="s"))
    monkeypatch.setattr(entry, "open_services", lambda _selection: services)

    def run_to_report(_recorder: object, _request: object, _story: object) -> object:
        replayed.append("replayed")
        return SimpleNamespace(checks=(), verdict=Verdict.PASS, generation=None, hint=None), Path()

    monkeypatch.setattr(entry, "run_to_report", run_to_report)
    credentials = Credentials("admin", Secret("word")) if account else None
    request = ReplayRequest(
        Selection(Path("r"), "latest", "odoo"), credentials, (), Path("reports")
    )
    if account:
        entry.replay_outputs({}, request)
    else:
        with pytest.raises(UsageError, match="nobody could log in"):
            entry.replay_outputs({}, request)
        assert replayed == []
        left_out = (Acceptance("web.scenario:login", "looked at by hand"),)
        entry.replay_outputs({}, replace(request, accepted=left_out))
    assert len(replayed) == 1
