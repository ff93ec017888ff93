"""What an upgrade may change, what its log says, and which image it goes to: all pure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from restore.checks.scenarios import ScenarioResults, parse_scenario
from restore.checks.scenarios.filling import filled
from restore.errors import NotFoundError, UsageError
from restore.model import (
    Acceptance,
    CheckResult,
    CheckStatus,
    DatabaseFacts,
    Fact,
    LocalText,
    Measure,
    Picture,
    Rule,
    Selection,
    TableFacts,
    Versioned,
)
from restore.model.upgrade import SERVED, distinct
from restore.profile import Invariant, ServedThings, UpgradeProfile, load_profile
from restore.profile.lint import upgrade_problems
from restore.runs.drill import DrillRequest
from restore.runs.request import ReplayRequest
from restore.runs.upgrade.checks import played_again
from restore.runs.upgrade.command import LogWatch, Upgrading, command_check
from restore.runs.upgrade.difference import (
    check_id,
    compare_measures,
    is_wrong,
    structure_measures,
    subject_checks,
    subject_names,
)
from restore.runs.upgrade.measuring import problem_of
from restore.runs.upgrade.rehearsal import require_image
from restore.runs.upgrade.request import (
    RehearsalRequest,
    new_image,
    require_known,
    require_upgrade,
    split,
)
from restore.runs.upgrade.road_book import parse_road_book
from tests.support.fake_docker import FakeEngine
from tests.support.report_samples import passed

PROFILE = UpgradeProfile(("upgrade", "{database}"), r"all done$", ("ERROR",), technical=("^ir_",))


def measure(rule: Rule, *facts: tuple[str, str], unknown: str = "") -> Measure:
    """A measure of database ``prod``."""
    rows = tuple(Fact(*fact) for fact in facts)
    return Measure("prod", "accounts", LocalText("Accounts"), rule, rows, unknown)


@pytest.mark.parametrize(
    ("rule", "before", "after", "wrong"),
    [
        (Rule.SAME, "1", "2", True),
        (Rule.SAME, None, "2", True),
        (Rule.SAME, "1", None, True),
        (Rule.KEPT, "1", None, True),
        (Rule.KEPT, "1", "2", False),
        (Rule.KEPT, None, "2", False),
        (Rule.NO_FEWER, "10", "9", True),
        (Rule.NO_FEWER, "9", "10", False),
        (Rule.NO_FEWER, "1", None, True),
        (Rule.NO_FEWER, "0", None, False),
        (Rule.NO_FEWER, None, "3", False),
        (Rule.NO_FEWER, "many", "few", True),
        (Rule.SERVED, SERVED, "HTTP 500", True),
        (Rule.SERVED, SERVED, None, False),
        (Rule.SERVED, "HTTP 500", SERVED, False),
        (Rule.SERVED, "HTTP 500", "HTTP 404", False),
        (Rule.SERVED, None, "HTTP 500", False),
        (Rule.TOLD, "1", None, False),
    ],
)
def test_a_rule_says_which_change_is_wrong(
    rule: Rule, before: str | None, after: str | None, wrong: bool
) -> None:
    assert is_wrong(rule, before, after) is wrong


def test_only_what_differs_is_a_change_and_what_is_wrong_fails_its_check() -> None:
    before = (measure(Rule.NO_FEWER, ("bike", "40"), ("note", "3"), ("user", "5")),)
    after = (measure(Rule.NO_FEWER, ("bike", "33"), ("note", "4"), ("user", "5"), ("tag", "1")),)

    (subject,) = compare_measures(before, after)
    (check,) = subject_checks((subject,))

    assert [(c.key, c.wrong) for c in subject.changes] == [
        ("bike", True), ("note", False), ("tag", False),
    ]  # fmt: skip
    assert check.id == check_id("accounts", "prod") == "upgrade.accounts:prod"
    assert check.status is CheckStatus.FAILED
    assert check.details == ("bike: was 40, is 33",)


def test_a_measure_that_failed_once_is_unverifiable_and_tells_why() -> None:
    before = (measure(Rule.SAME, ("bike", "40")),)

    (subject,) = compare_measures(before, (measure(Rule.SAME, unknown="not logged in"),))

    assert subject.changes == ()
    (check,) = subject_checks((subject,))
    assert (check.status, check.reason) == (CheckStatus.UNVERIFIABLE, "not logged in")


def test_what_is_only_told_makes_no_check() -> None:
    told = (measure(Rule.TOLD, ("bike", "40")),)
    assert subject_checks(compare_measures(told, (measure(Rule.TOLD),))) == ()


def test_rows_of_the_erps_own_tables_are_told_apart() -> None:
    tables = (TableFacts("public", "ir_model", 7), TableFacts("public", "bike", 40),
              TableFacts("archive", "bike", 2))  # fmt: skip
    facts = DatabaseFacts("prod", "o", "UTF8", "C", "C", None, 0, (),
                          (Versioned("sale", "1.0"),), tables)  # fmt: skip

    found = {m.name: m for m in structure_measures(facts, [("bike.name", "text")], PROFILE)}

    assert tuple(found) == subject_names(PROFILE)
    assert found["rows"].facts == (Fact("bike", "40"), Fact("archive.bike", "2"))
    assert found["rows"].rule is Rule.NO_FEWER
    assert found["technical-rows"].facts == (Fact("ir_model", "7"),)
    assert found["modules"].facts == (Fact("sale", "1.0"),)
    assert found["columns"].facts == (Fact("bike.name", "text"),)


def test_a_row_hides_no_other_of_the_same_key() -> None:
    assert distinct([("401", 1, None), ("401", 2, "x"), (None,)]) == (
        Fact("401", "1 "),
        Fact("401 #2", "2 x"),
        Fact("", ""),
    )


def test_a_log_is_ready_by_its_line_and_wrong_by_its_errors() -> None:
    watch = LogWatch(UpgradeProfile(("x",), r"done$", ("ERROR", "^Traceback"), ("ERROR harm",)))
    for line in ("INFO begun", "ERROR harmless", "ERROR the view", "Traceback (most", "all done"):
        watch.see(line)

    assert watch.ready
    assert (watch.wrong, watch.errors) == (2, ["ERROR the view", "Traceback (most"])


@pytest.mark.parametrize(
    ("lines", "code", "late", "status"),
    [
        (("all done",), 0, False, CheckStatus.PASSED),
        (("ERROR x", "all done"), 0, False, CheckStatus.FAILED),
        (("nearly",), 0, False, CheckStatus.FAILED),
        (("all done",), 1, False, CheckStatus.FAILED),
        (("all done",), 137, True, CheckStatus.FAILED),
    ],
)
def test_an_upgrade_went_well_by_its_exit_code_its_ready_line_and_its_log(
    lines: tuple[str, ...], code: int, late: bool, status: CheckStatus
) -> None:
    watch = LogWatch(PROFILE)
    for line in lines:
        watch.see(line)

    check = command_check("prod", Upgrading(code, 12.5, late, watch))

    assert (check.id, check.status, check.duration) == ("upgrade.command:prod", status, 12.5)
    if "nearly" in lines:
        assert "at its end: nearly" in check.details


@pytest.mark.parametrize(
    ("named", "old", "image"),
    [
        ("1.1", "pra/odoo-specibike:1.0", "pra/odoo-specibike:1.1"),
        ("1.1", "registry.example:5000/odoo@sha256:ab", "registry.example:5000/odoo:1.1"),
        ("pra/odoo:15.0", "pra/odoo:14.0", "pra/odoo:15.0"),
        ("odoo:15.0", "pra/odoo:14.0", "odoo:15.0"),
    ],
)
def test_an_image_is_named_whole_or_by_its_tag(named: str, old: str, image: str) -> None:
    assert new_image(named, old) == image


def test_a_placeholder_alone_is_the_columns_own_value() -> None:
    value = {"args": ["{id}", "{id}/{model}"], "kwargs": {"view_type": "{type}", "x": "{other}"}}
    assert filled(value, {"id": 7, "type": "form"}) == {
        "args": [7, "7/{model}"],
        "kwargs": {"view_type": "form", "x": "{other}"},
    }


def test_the_profile_of_odoo_knows_the_lines_of_its_log() -> None:
    profile = load_profile("odoo").upgrade
    assert profile is not None
    watch = LogWatch(profile)
    head = "2026-11-24 14:14:01,123 1 {} specibike odoo.modules.loading: "
    watch.see(head.format("INFO") + "Module specibike: ERROR is a word here")
    assert watch.wrong == 0
    watch.see(head.format("WARNING") + "invalid custom view(s) for model specibike.bike: …")
    watch.see(head.format("ERROR") + "Some modules are not loaded")
    watch.see(head.format("INFO") + "Modules loaded.")
    assert (watch.wrong, watch.ready) == (2, True)
    assert profile.argv("prod")[2] == "--database=prod"


def asked(erp: str | None = "1.1", database: str | None = None, book: str = "") -> RehearsalRequest:
    """A rehearsal of nothing that is there."""
    replay = ReplayRequest(Selection(Path("r"), "latest", "odoo"), None, (), Path("reports"))
    drill = DrillRequest(replay, "drill", keep=False, images={})
    road_book = parse_road_book(book, "book") if book else None
    return RehearsalRequest(drill, erp, database, road_book)


def test_a_rehearsal_of_nothing_or_without_a_command_is_refused() -> None:
    profile = load_profile("odoo")
    with pytest.raises(UsageError, match="nothing is to be upgraded"):
        require_upgrade(asked(erp=None), profile)
    with pytest.raises(UsageError, match="does not say how its ERP is upgraded"):
        require_upgrade(asked(), replace(profile, upgrade=None))


@pytest.mark.parametrize("name", ["odoo", "odoo19", "openprod", "openerp", "tryton"])
def test_every_profile_that_ships_says_how_its_erp_is_upgraded(name: str) -> None:
    profile = load_profile(name)
    require_upgrade(asked(), profile)
    assert profile.upgrade is not None
    names = {"trial-balance", "stock", "open-invoices", "users", "rights"}
    assert names <= set(subject_names(profile.upgrade))


def test_acceptances_of_the_rehearsal_are_told_from_those_of_its_drill() -> None:
    ours, others = split(
        tuple(
            Acceptance(key, "why")
            for key in ("upgrade.rows:p", "erp.release", "upgraded.web.scenario:login",
                        "road-book.colour:p", "postgresql-upgraded.database.tables:p")
        )
    )  # fmt: skip
    assert [one.key for one in others] == ["erp.release"]
    assert len(ours) == 4


def test_a_misspelt_acceptance_is_refused_before_anything_is_made() -> None:
    generation, profile = passed().generation, load_profile("odoo")
    assert generation is not None
    name = generation.fingerprint.databases[0].name
    book = "title: x\nchanges: [{name: colour, title: A, kind: http, path: /}]"
    good = ("upgrade.rows", "upgrade.command", "upgrade.views", "road-book.colour",
            "upgraded.documents.attachments:filestore")  # fmt: skip
    known = tuple(Acceptance(f"{key}:{name}", "why") for key in good)

    require_known(known, asked(book=book), profile, generation)

    with pytest.raises(UsageError, match=r"no check named upgrade\.rovs:x") as caught:
        wrong = Acceptance("upgrade.rovs:x", "why")
        require_known((*known, wrong), asked(book=book), profile, generation)
    assert f"upgrade.rows:{name}" in caught.value.hint


@pytest.mark.parametrize("there", [True, False])
def test_an_image_that_cant_be_had_ends_a_rehearsal_before_it_begins(there: bool) -> None:
    engine = FakeEngine()
    if there:
        engine.image_names.add("erp:2")
        require_image(engine.runner, "erp:2")
        return
    with pytest.raises(NotFoundError, match=r"image erp:2 .* no such registry"):
        require_image(engine.runner, "erp:2")


SALE = "name: sale\ntitle: A sale\nsteps: [{name: home, open: /}]"


def test_steps_of_scenarios_are_accepted_by_when_they_are_played() -> None:
    generation, profile = passed().generation, load_profile("odoo")
    assert generation is not None
    request = asked()
    replay = replace(request.drill.replay, scenarios=(parse_scenario(SALE, "sale.yaml"),))
    request = replace(request, drill=replace(request.drill, replay=replay))
    keys = ("upgraded.scenario.sale.home", "postgresql-upgraded.scenario.sale.home")
    known = tuple(Acceptance(key, "why") for key in keys)

    require_known(known, request, profile, generation)

    assert split((*known, Acceptance("scenario.sale.home", "why")))[0] == known
    with pytest.raises(UsageError, match=r"upgraded\.scenario\.sale\.hose"):
        wrong = Acceptance("upgraded.scenario.sale.hose", "why")
        require_known((wrong,), request, profile, generation)


def test_what_is_played_again_hides_nothing_of_what_was_played_before() -> None:
    content = b"png"
    picture = Picture("scenario-sale.home.png", len(content), "0" * 64)
    home = CheckResult(
        "scenario.sale.home", "Scenario A sale: home", CheckStatus.FAILED, "x", "y", 1.0,
        picture=picture,
    )  # fmt: skip
    bare = replace(home, id="scenario.sale.call", picture=None)
    before = ScenarioResults((home, bare), ((picture.name, content),))

    after = played_again("upgraded.", "After the upgrade", before)

    assert [one.id for one in after.results] == [
        "upgraded.scenario.sale.home", "upgraded.scenario.sale.call",
    ]  # fmt: skip
    assert after.results[0].title == "After the upgrade: Scenario A sale: home"
    name = "upgraded-scenario-sale.home.png"
    assert after.pictures == ((name, content),)
    assert after.results[0].picture == replace(picture, name=name)
    assert after.results[1].picture is None


def test_what_a_schema_cant_see_in_an_upgrade_is_told() -> None:
    title, sql = LocalText("x"), "SELECT 1"
    profile = UpgradeProfile(
        ("upgrade",),
        "done(",
        ("ok", "["),
        invariants=(
            Invariant("rows", title, sql, Rule.SAME),
            Invariant("a", title, sql, Rule.SAME),
        ),
        served=(ServedThings("a", title, sql, "/", problem="no group"),),
    )

    problems = tuple(upgrade_problems(profile))

    for told in ("names no {database}", "rows is the engine's own", "a stands there 2 times",
                 "upgrade.ready: no regular", "upgrade.errors: no regular",
                 "upgrade.served.a.problem: has no group"):  # fmt: skip
        assert [one for one in problems if told in one], told
    assert len(problems) == 6
    with pytest.raises(UsageError, match="rows is the engine's own"):
        require_upgrade(asked(), replace(load_profile("odoo"), upgrade=profile))


@pytest.mark.parametrize(
    ("pattern", "answer", "problem"),
    [
        (r'"message": "((?:[^"\\]|\\.)*)"', r'{"message": "v\u00e9lo\n &lt;field&gt; \"x\""}',
         'vélo <field> "x"'),
        (r"<b>(.*)</b>", r"<b>C:\users</b>", r"C:\users"),
        (None, "error", "the answer holds 'error'"),
    ],
)  # fmt: skip
def test_what_a_bad_answer_says_is_told_on_one_line(
    pattern: str | None, answer: str, problem: str
) -> None:
    things = ServedThings("a", LocalText("A"), "", "/", absent="error", problem=pattern)
    assert problem_of(things, answer) == problem
