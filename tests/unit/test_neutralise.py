"""Neutralisation of staging copies: rules as data, statements, and their place in a plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fixtures.plans import cases
from restore.errors import RefusedError, UsageError
from restore.lanes import lanes_of
from restore.model import Credentials, LocalText, Purpose, StepKind
from restore.neutralise import administrator, condition, hashed, session_options, statements
from restore.planning import plan
from restore.profile import Neutralisation, NeutralisationAct, NeutralisationRule
from restore.request import ReplayRequest
from restore.secret import Secret
from restore.staging_safety import required_account

ACT = NeutralisationAct(
    ("ir_mail_server.active",),
    ("UPDATE ir_mail_server SET active = false, name = {external_url};",),
    "SELECT name FROM ir_mail_server WHERE active",
)
RULE = NeutralisationRule("outgoing-mail", LocalText("Outgoing mail"), (ACT,))
RULES = Neutralisation((RULE,))
ACCOUNT = Credentials("chef d’atelier", Secret("a b\\c"))


def staging(**changes: Any) -> Any:
    wanted = cases.request()
    return replace(
        wanted,
        profile=replace(wanted.profile, neutralisation=RULES),
        purpose=Purpose.STAGING,
        **changes,
    )


def test_a_recovery_is_not_neutralised() -> None:
    wanted = replace(staging(), purpose=Purpose.RECOVERY)
    assert StepKind.NEUTRALISE not in {step.kind for step in plan(wanted).steps}


def test_a_copy_is_neutralised_before_anything_of_the_erp_runs() -> None:
    kinds = [step.kind for step in plan(staging(bulk_from=0)).steps]
    place = kinds.index(StepKind.NEUTRALISE)
    assert StepKind.STATISTICS in kinds and StepKind.POST_OPERATION in kinds
    before = (StepKind.PROMOTE_DATABASE, StepKind.PROMOTE_DOCUMENTS, StepKind.CONFIGURATION)
    after = (StepKind.POST_OPERATION, StepKind.STATISTICS, StepKind.START_ERP)
    assert all(number < place for number, kind in enumerate(kinds) if kind in before)
    last = len(kinds) - 1 - kinds[::-1].index(StepKind.NEUTRALISE)
    assert all(number > last for number, kind in enumerate(kinds) if kind in after)
    # One that is not made safe is not complete.
    assert kinds.index(StepKind.COMPLETE_NODE) > last


def test_it_runs_alone() -> None:
    groups = [
        group
        for group in lanes_of(plan(staging()).steps)
        if any(step.kind is StepKind.NEUTRALISE for lane in group for step in lane)
    ]
    assert groups and all(len(group) == 1 for group in groups)


def test_the_erps_own_command_comes_first() -> None:
    command = ("/usr/bin/odoo", "neutralize", "--database={database}")
    wanted = staging()
    rules = replace(RULES, command=command)
    wanted = replace(wanted, profile=replace(wanted.profile, neutralisation=rules))
    first, second = [s for s in plan(wanted).steps if s.kind is StepKind.NEUTRALISE]
    assert (first.argv[-1], first.owner) == ("--database=specibike_prod", "odoo")
    assert (second.id, second.owner, second.items) == ("neutralise:specibike_prod", None, 1)


def test_without_rules_there_is_no_copy() -> None:
    wanted = staging()
    with pytest.raises(RefusedError, match="how a copy is neutralised"):
        plan(replace(wanted, profile=replace(wanted.profile, neutralisation=None)))


def test_a_statement_looks_itself_for_what_it_changes() -> None:
    (text,) = statements(RULES, {"external_url": "https://copie.example/it's"})
    assert text.startswith("DO '") and "outgoing-mail" in text
    # A literal in a literal: each quote is doubled again.
    assert "https://copie.example/it''''s" in text
    assert condition(ACT.when).replace("'", "''") in text


@pytest.mark.parametrize(
    ("when", "parts"),
    [
        (("res_users",), ("to_regclass('res_users') IS NOT NULL",)),
        (("a.b", "c"), ("attname = 'b'", "to_regclass('a')", " AND to_regclass('c')")),
    ],
)
def test_conditions(when: tuple[str, ...], parts: tuple[str, ...]) -> None:
    assert all(part in condition(when) for part in parts)


def test_a_password_is_hashed_as_passlib_does() -> None:
    salt = b"\x0b\x21\x64\xec\xbd\xf7\xfe\x5f\xcb\xf9\x9f\xf3\xbe\xd7\xda\x5b"
    assert hashed(Secret("password"), salt, 6400).reveal().startswith("$pbkdf2-sha512$6400$")
    made = hashed(Secret("x"), b"\xff\xff\xff", 1).reveal()
    assert made.split("$")[3] == "////" and "=" not in made and "+" not in made


def test_settings_of_a_session_hold_blanks_and_show_nothing() -> None:
    given = session_options(administrator(ACCOUNT, b"0" * 16))
    assert "pra.administrator_password=a\\ b\\\\c" in given.reveal()
    assert "pra.administrator=chef\\ d’atelier" in given.reveal()
    assert str(given) == "***"


def test_no_plan_of_a_copy_holds_a_secret() -> None:
    assert "a b" not in repr(plan(staging()))


@pytest.mark.parametrize("account", [None, Credentials("admin", Secret(""))])
def test_a_copy_needs_an_administrator(account: Credentials | None) -> None:
    wanted = ReplayRequest(None, account, (), None)  # type: ignore[arg-type]
    assert required_account(wanted) is None
    with pytest.raises(UsageError, match="administrator"):
        required_account(replace(wanted, purpose=Purpose.STAGING))
