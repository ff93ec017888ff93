"""Neutralisation of staging copies: rules as data, statements, and their place in a plan."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from fixtures.plans import cases
from restore.adapters.postgres.columns import pattern_of
from restore.errors import RefusedError, UsageError
from restore.model import (
    CheckResult,
    CheckStatus,
    Credentials,
    LocalText,
    Purpose,
    Role,
    StepKind,
)
from restore.model.messages import Message, message
from restore.model.secret import Secret
from restore.plan.neutralise import (
    administrator,
    condition,
    for_copies,
    hashed,
    session_options,
    statements,
)
from restore.plan.planning import plan
from restore.profile import (
    Neutralisation,
    NeutralisationAct,
    NeutralisationRule,
    load_profile,
    profile_names,
)
from restore.profile.lint import neutralisation_problems
from restore.replay.replay import lanes_of
from restore.report.language import locale
from restore.runs.request import ReplayRequest
from restore.runs.staging.safety import require_account, stop_unless_safe

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
    assert require_account(wanted) is None
    with pytest.raises(UsageError, match="administrator"):
        require_account(replace(wanted, purpose=Purpose.STAGING))


# --- the profiles that ship -----------------------------------------------------------------------


@pytest.mark.parametrize("name", profile_names())
def test_rules_have_their_french_titles_in_reports(name: str) -> None:
    neutralisation = load_profile(name).neutralisation
    assert neutralisation is not None
    french = locale("fr")
    reports = load_profile(name).reports
    own = reports.server.neutralisation if reports is not None else None
    for rule in (*neutralisation.rules, *(own.rules if own is not None else ())):
        assert french.phrase(rule.title.en) == rule.title.of("fr")
        assert french.phrase(message("Neutralised: {what}", what=Message(rule.title.en))).endswith(
            rule.title.of("fr")
        )


@pytest.mark.parametrize("name", profile_names())
def test_a_rule_says_what_it_does_not_do(name: str) -> None:
    """What a statement empties must be among the things that its proof can see."""
    neutralisation = load_profile(name).neutralisation
    assert neutralisation is not None
    for rule in neutralisation.rules:
        for act in rule.acts:
            assert act.clears or (act.sql and act.proof), rule.name


def test_a_copys_configuration_leads_nowhere() -> None:
    profile = load_profile("odoo")
    (file,) = for_copies(profile).configuration_of(Role.ERP)
    keys = dict(file.set)
    assert (keys["smtp_server"], keys["max_cron_threads"]) == ("invalid", "0")
    assert "smtp_server" not in dict(profile.configuration_of(Role.ERP)[0].set)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"rules": (RULE, RULE)}, "outgoing-mail stands there 2 times"),
        ({"rules": (replace(RULE, name="page"),)}, "page is the name of a check"),
        ({"configuration": (("other.conf", ()),)}, "no file other.conf"),
        ({"rules": (replace(RULE, acts=(replace(ACT, sql=("x {nobody}",)),)),)}, "no {nobody}"),
        (
            {"rules": (replace(RULE, acts=(replace(ACT, proof="current_setting('pra.x')"),)),)},
            "no pra.x; known: pra.administrator",
        ),
    ],
)
def test_what_a_schema_can_not_see(changes: dict[str, Any], problem: str) -> None:
    profile = replace(load_profile("odoo"), neutralisation=replace(RULES, **changes))
    assert problem in "\n".join(neutralisation_problems(profile))


@pytest.mark.parametrize(
    ("pattern", "column", "matches"),
    [
        ("ir_mail_server.*", "ir_mail_server.smtp_pass", True),
        ("*_backend.*key*", "shop_backend.api_key", True),
        ("*_backend.*key*", "shop_backend.name", False),
        ("a.b", "a.bc", False),
        ("a.b", "axb", False),
    ],
)
def test_patterns_of_columns(pattern: str, column: str, matches: bool) -> None:
    assert bool(re.match(pattern_of([pattern]), column)) is matches


def test_a_copy_that_is_not_proved_is_stopped() -> None:
    stopped: list[str] = []

    def result(check: str, status: CheckStatus) -> CheckResult:
        return CheckResult(check, "x", status, "x", "x", 0.0)

    context = SimpleNamespace(
        purpose=Purpose.STAGING,
        runner=SimpleNamespace(stop=stopped.append),
        environment=SimpleNamespace(
            erp=SimpleNamespace(container="erp"),
            reports=SimpleNamespace(erp=SimpleNamespace(container="reports")),
        ),
    )
    for harmless in (
        result("neutralised.passwords", CheckStatus.PASSED),
        result("neutralised.uncovered", CheckStatus.WARNING),
        result("isolation.network", CheckStatus.IGNORED),
        result("web.scenario:login", CheckStatus.FAILED),
    ):
        stop_unless_safe(context, (harmless,))  # type: ignore[arg-type]
    assert stopped == []
    for unsafe in (
        result("neutralised.passwords", CheckStatus.FAILED),
        result("neutralised.page", CheckStatus.UNVERIFIABLE),
        result("isolation.network", CheckStatus.FAILED),
    ):
        stop_unless_safe(context, (unsafe,))  # type: ignore[arg-type]
    assert stopped == ["erp", "reports"] * 3
