"""Caches: their key, their plans, and when a drill must be cold."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from fixtures.plans.cases import KEY, cases, request, staging_request
from restore.adapters import lock
from restore.adapters.docker import cache_volumes, leftovers
from restore.adapters.docker.cache_volumes import CACHES
from restore.adapters.docker.runner import Runner
from restore.cli import engines
from restore.cli.main import run
from restore.errors import ExitCode, UsageError
from restore.model import (
    ArtifactKind,
    Cache,
    CacheUse,
    CheckStatus,
    DatabaseLocale,
    Part,
    ReplayMode,
    Report,
    Selection,
    StepKind,
    StepResult,
    StepStatus,
    Verdict,
    Versioned,
    ignore_progress,
)
from restore.model.durations import parse_days
from restore.model.messages import message
from restore.plan.cache import key
from restore.plan.cache.key import ServerIdentity
from restore.plan.cache.key import cache_key as key_of
from restore.plan.cache.policy import Before, CacheOptions, CachePolicy, decide
from restore.plan.planning import plan
from restore.plan.request import PlanRequest
from restore.plan.text import describe_plan
from restore.profile import load_profile
from restore.replay.replay import lanes_of
from restore.report.budget import budget_check
from restore.report.document import parse_report, to_json
from restore.report.history import FILE, VERSION, RunGroup, append_to_history, before, entries
from restore.report.html import to_html
from restore.report.junit import to_junit
from restore.report.language import locale
from restore.report.rto_plot import rto_plot
from restore.report.trends import trend
from restore.runs import drill as drill_module
from restore.runs import gc
from restore.runs.drill import DrillRequest, with_policy
from restore.runs.recorder import Recorder, caching_time
from restore.runs.request import ReplayRequest, Services
from tests.support.fake_docker import FakeEngine
from tests.support.report_samples import STARTED, passed

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)
DRILL = RunGroup("pra drill", "odoo", "drill")
SERVER = ServerIdentity(
    image="sha256:" + "1" * 64,
    version="13.16",
    settings=(("data_checksums", "off"), ("max_connections", "200")),
    collations=(Versioned("fr_FR.utf8", "2.31"),),
    extensions=(Versioned("unaccent", "1.1"),),
)

# The key


def the_key(wanted: PlanRequest | None = None, server: ServerIdentity = SERVER) -> str:
    wanted = wanted or request()
    return key_of(wanted, plan(wanted), Part.ERP, server)


def of_generation(**changes: Any) -> PlanRequest:
    plain = request()
    return replace(plain, generation=replace(plain.generation, **changes))


def of_database(**changes: Any) -> PlanRequest:
    plain = request()
    fingerprint = plain.generation.fingerprint
    (facts,) = fingerprint.databases
    changed = replace(fingerprint, databases=(replace(facts, **changes),))
    wanted = of_generation(fingerprint=changed)
    # What the environment offers follows, so that there is a plan.
    offered = (*(plain.facts.collations or ()), Versioned("de_DE.utf8", "2.31"))
    extensions = (Versioned("unaccent", "1.2"), Versioned("unaccent", "1.1"))
    facts_ = replace(plain.facts, collations=offered, extensions=extensions)
    return replace(wanted, facts=facts_)


def other_digest(kind: ArtifactKind) -> PlanRequest:
    artifacts = request().generation.artifacts
    return of_generation(
        artifacts=tuple(
            replace(one, index_sha256="f" * 64) if one.kind is kind else one for one in artifacts
        )
    )


def test_the_key_is_the_same_for_the_same() -> None:
    assert the_key() == the_key()
    assert len(the_key()) == 64


def test_staging_copies_share_what_a_drill_kept_and_change_it_nowhere() -> None:
    """One kept copy serves all: it is of what was loaded, whatever becomes of it afterwards."""
    anonymised = cases()["anonymised"]
    assert the_key(anonymised) == the_key(staging_request()) == the_key()
    kinds = [step.kind for step in plan(anonymised).steps]
    kept = kinds.index(StepKind.KEEP_CACHE)
    later = (StepKind.PROMOTE_DATABASE, StepKind.NEUTRALISE, StepKind.ANONYMISE)
    assert all(kinds.index(kind) > kept for kind in later)


OTHER_REQUESTS = {
    "generation": of_generation(id="20261123T180000Z-0a1b2d"),
    "dump": other_digest(ArtifactKind.DATABASE),
    "roles": other_digest(ArtifactKind.ROLES),
    "encoding": of_database(encoding="SQL_ASCII"),
    "collation": of_database(collate="C"),
    "ctype": of_database(ctype="C"),
    "collation version": of_database(collation_version=None),
    "locale": of_database(locale=DatabaseLocale("libc")),
    "extensions": of_database(extensions=(Versioned("plpgsql", "1.0"),)),
    "database": request("specibike_test"),
    "databases": request("specibike_prod", "specibike_test"),
    "jobs": replace(request(), jobs=7),
    "repository": replace(request(), target=replace(request().target, repository="/mnt")),
}


@pytest.mark.parametrize("what", OTHER_REQUESTS)
def test_whatever_is_loaded_otherwise_is_another_key(what: str) -> None:
    assert the_key(OTHER_REQUESTS[what]) != the_key()


@pytest.mark.parametrize(
    "changes",
    [
        {"image": "sha256:" + "2" * 64},
        {"version": "13.17"},
        {"settings": (("data_checksums", "on"), ("max_connections", "200"))},
        {"settings": SERVER.settings[:1]},
        {"collations": (Versioned("fr_FR.utf8", "2.36"),)},
        {"extensions": (Versioned("unaccent", "1.2"),)},
    ],
)
def test_another_server_is_another_key(changes: dict[str, Any]) -> None:
    assert the_key(server=replace(SERVER, **changes)) != the_key()


@pytest.mark.parametrize(("name", "value"), [("FORMAT", 2), ("__version__", "99")])
def test_another_engine_is_another_key(
    name: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = the_key()
    monkeypatch.setattr(key, name, value)
    assert the_key() != old


def test_what_is_no_part_of_the_data_is_no_part_of_the_key() -> None:
    documents = other_digest(ArtifactKind.DOCUMENTS)
    named = replace(request(), target=replace(request().target, name="drill-another"))
    assert the_key(documents) == the_key(named) == the_key()
    in_bulk_mode = replace(request(), bulk_from=0)
    assert the_key(replace(in_bulk_mode, restart_from=0)) == the_key(in_bulk_mode)
    settings = replace(SERVER, settings=tuple(reversed(SERVER.settings)))
    assert the_key(server=settings) == the_key()


# The plan


def using(use: CacheUse, *names: str) -> PlanRequest:
    plain = request(*names)
    return replace(plain, target=replace(plain.target, cache=use), bulk_from=0)


def test_a_copy_is_kept_when_all_is_checked_and_nothing_promoted() -> None:
    kinds = [step.kind for step in plan(using(CacheUse(KEY), "a", "b")).steps]
    keep = kinds.index(StepKind.KEEP_CACHE)
    assert kinds[keep - 1] is StepKind.LEAVE_BULK_MODE
    assert kinds[:keep].count(StepKind.CHECK_DATABASE) == 2
    assert keep < kinds.index(StepKind.PROMOTE_DATABASE)
    assert StepKind.PLACE_CACHE not in kinds


def test_a_placed_copy_stands_for_all_that_loads_and_for_no_check() -> None:
    cold = plan(replace(request("a", "b"), bulk_from=0))
    cached = plan(using(CacheUse(KEY, "pra-copy-x"), "a", "b"))
    loading = (
        StepKind.ENTER_BULK_MODE, StepKind.CREATE_DATABASE, StepKind.RESTORE_DATABASE,
        StepKind.ANALYZE, StepKind.LEAVE_BULK_MODE,
    )  # fmt: skip
    rest = [step for step in cold.steps if step.kind not in loading]
    placed = [step for step in cached.steps if step.kind is not StepKind.PLACE_CACHE]
    assert placed == rest
    kinds = [step.kind for step in cached.steps]
    order = (StepKind.STOP_ERP, StepKind.PLACE_CACHE, StepKind.ROLES, StepKind.CHECK_DATABASE)
    assert tuple(kinds[:4]) == order
    assert "pra-copy-x → /var/lib/postgresql/data" in "\n".join(describe_plan(cached))


def test_documents_are_copied_beside_a_copy_that_is_placed() -> None:
    groups = list(lanes_of(plan(using(CacheUse(KEY, "pra-copy-x"))).steps))
    databases, documents = groups[1]
    assert [step.kind for step in databases] == [
        StepKind.PLACE_CACHE, StepKind.ROLES, StepKind.CHECK_DATABASE,
    ]  # fmt: skip
    assert {step.kind for step in documents} == {StepKind.DOCUMENTS}


# When a drill is cold

RECENT = Before(cold=NOW - 2 * DAY)


@pytest.mark.parametrize(
    ("options", "known", "why"),
    [
        (CacheOptions(), RECENT, ""),
        (CacheOptions(cold=True), RECENT, "asked for by --cold"),
        (CacheOptions(cold_every=0), RECENT, "every drill is to be cold (--cold-every 0)"),
        (CacheOptions(), Before(), "no cold drill with these settings has passed yet"),
        (CacheOptions(cold_every=2.5), RECENT, ""),
        (
            CacheOptions(cold_every=2),
            RECENT,
            "the last cold drill that passed is 2.0 days old (--cold-every 2)",
        ),
        (
            CacheOptions(),
            Before(NOW - 8 * DAY),
            "the last cold drill that passed is 8.0 days old (--cold-every 7)",
        ),
        (
            CacheOptions(),
            replace(RECENT, cached_failed=True),
            "the last drill used a kept copy and failed",
        ),
    ],
)
def test_why_a_drill_is_cold(options: CacheOptions, known: Before, why: str) -> None:
    policy = decide(options, known, NOW)
    assert (policy.use, policy.why) == (not why, why)
    if why:
        assert locale("fr").phrase(policy.why) != why


def test_what_is_kept_does_not_depend_on_what_is_used() -> None:
    assert decide(CacheOptions(cold=True, most=5), RECENT, NOW).keep
    assert decide(CacheOptions(cold=True, most=5), RECENT, NOW).most == 5
    assert not decide(CacheOptions(keep=False), RECENT, NOW).keep


@pytest.mark.parametrize(("text", "days"), [("0", 0), ("7", 7), ("0.5", 0.5)])
def test_days(text: str, days: float) -> None:
    assert parse_days(text) == days


@pytest.mark.parametrize("text", ["", "-1", "week", "nan", "inf", "1e9"])
def test_what_is_no_number_of_days_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no number of days"):
        parse_days(text)


def drill_of(reports: Path, **changes: Any) -> CachePolicy:
    replay = ReplayRequest(
        Selection(Path("backups"), "latest", "odoo"), None, (), reports, command="pra drill"
    )
    nothing = cast(Any, None)
    services = Services(nothing, nothing, load_profile("odoo"), lambda: NOW, ignore_progress)
    asked = replace(DrillRequest(replay, base="drill", keep=False, images={}), **changes)
    return with_policy(asked, services).replay.cache


def test_the_stack_and_the_history_say_when_a_drill_is_cold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PRA_HISTORY", raising=False)
    settings: dict[str, str] = {}
    monkeypatch.setattr(drill_module, "setting_of", lambda _stack, name: settings.get(name))
    assert drill_of(tmp_path).why == "no cold drill with these settings has passed yet"
    keep(tmp_path / FILE, ran(ReplayMode.COLD, started=NOW - 3 * DAY))

    assert drill_of(tmp_path).use
    settings["coldEvery"] = "2"
    assert not drill_of(tmp_path).use
    assert drill_of(tmp_path, cache=CacheOptions(cold_every=9)).use
    settings["coldEvery"] = "soon"
    with pytest.raises(UsageError):
        drill_of(tmp_path)
    backup = cast(Any, (None, "latest"))
    assert drill_of(tmp_path, backup=backup) == CachePolicy(
        why="a backup of others is loaded each time"
    )


# The history


def ran(
    mode: ReplayMode | None,
    verdict: Verdict = Verdict.PASS,
    rto: float | None = 40.0,
    started: datetime = STARTED,
) -> Report:
    name = f"{started:%d%H%M%S}-{mode}-{verdict}-{rto}"
    return replace(
        passed(), run=name, mode=mode, verdict=verdict, rto=rto, started=started, finished=started
    )


def keep(path: Path, *reports: Report) -> None:
    for report in reports:
        assert append_to_history(report, DRILL, path).warnings == ()


def test_the_history_tells_the_last_cold_drill_that_passed(tmp_path: Path) -> None:
    path = tmp_path / FILE
    assert before(path, DRILL) == Before()
    keep(
        path,
        ran(ReplayMode.COLD, started=NOW),
        ran(ReplayMode.CACHED, started=NOW + DAY),
        ran(ReplayMode.COLD, Verdict.FAIL, started=NOW + 2 * DAY),
        ran(None, Verdict.FAIL, None, started=NOW + 3 * DAY),
    )
    assert before(path, DRILL) == Before(NOW)
    assert before(path, replace(DRILL, base="ci")) == Before()
    keep(path, ran(ReplayMode.CACHED, Verdict.FAIL, started=NOW + 4 * DAY))
    assert before(path, DRILL) == Before(NOW, cached_failed=True)
    modes = [entry.past.mode for entry in entries(path, DRILL, 10)]
    cold, cached = ReplayMode.COLD, ReplayMode.CACHED
    assert modes == [cold, cached, cold, None, cached]


def test_a_history_without_modes_is_read_and_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / FILE
    keep(path, ran(ReplayMode.COLD), ran(None, Verdict.FAIL, None, STARTED + DAY))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE runs DROP COLUMN mode")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()

    assert [one.past.mode for one in entries(path, DRILL, 9)] == [ReplayMode.COLD, None]
    assert before(path, DRILL) == Before(STARTED)
    keep(path, ran(ReplayMode.CACHED, started=STARTED + 2 * DAY))

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
        found = connection.execute("SELECT mode FROM runs ORDER BY started").fetchall()
    assert found == [("cold",), (None,), ("cached",)]


def test_like_is_compared_with_like(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PRA_HISTORY", raising=False)
    times = ((ReplayMode.COLD, 40.0), (ReplayMode.CACHED, 10.0), (ReplayMode.COLD, 44.0),
             (ReplayMode.CACHED, 11.0))  # fmt: skip
    reports = [ran(m, rto=rto, started=STARTED + n * DAY) for n, (m, rto) in enumerate(times)]
    keep(tmp_path / FILE, *reports)
    past = [report.past for report in reports]
    assert getattr(trend(past), "times", None) == (40.0, 44.0)
    assert getattr(trend(past, cached=True), "times", None) == (10.0, 11.0)

    assert run(["history", "--reports", str(tmp_path)]) == ExitCode.PASS
    out = capsys.readouterr().out
    assert "RTO ▁█  last 44 s" in out
    assert "with a kept copy ▁█  last 11 s, median 10.5 s: not a recovery's time" in out
    assert out.count("+10%") == 3
    assert run(["--json", "history", "--reports", str(tmp_path)]) == ExitCode.PASS
    (group,) = json.loads(capsys.readouterr().out)
    assert (group["rto"]["last"], group["cached"]["last"]) == (44.0, 11.0)
    assert [one["mode"] for one in group["runs"]] == ["cold", "cached", "cold", "cached"]


# The report


def cached_report() -> Report:
    return replace(
        passed(),
        mode=ReplayMode.CACHED,
        mode_reason=message(
            "copy {key}, kept {moment} UTC by {stack}",
            key="0123",
            moment="2026-11-23 18:00",
            stack="x",
        ),
    )


def test_every_rendering_says_that_a_copy_was_used() -> None:
    report = cached_report()
    assert parse_report(to_json(report)) == report
    assert '<property name="mode" value="cached" />' in to_junit(report)
    english, french = to_html(report), to_html(report, "fr")
    assert "cached: placed from a kept copy" in english
    assert "so a recovery takes longer" in english
    assert "copie 0123, gardée le 2026-11-23 18:00 UTC par x" in french
    assert "kept copy" not in to_html(replace(passed(), mode=ReplayMode.COLD))


@pytest.mark.parametrize(("documents_end", "copying"), [(0.0, 10.0), (104.0, 6.0), (120.0, 0.0)])
def test_a_recovery_time_is_without_the_keeping_of_a_copy(
    documents_end: float, copying: float
) -> None:
    planned = plan(using(CacheUse(KEY)))
    ends = {StepKind.KEEP_CACHE: (100.0, 10.0), StepKind.DOCUMENTS: (50.0, documents_end - 50.0)}
    results = tuple(
        StepResult(step.id, step.title, StepStatus.SUCCEEDED, NOW + timedelta(seconds=at), took)
        for step in planned.steps
        for at, took in (ends.get(step.kind, (0.0, 1.0)),)
    )
    recorder = Recorder("run", "pra drill", "drill", (), lambda: NOW, ignore_progress)
    recorder.plan, recorder.steps = planned, results
    recorder.checked = NOW + timedelta(seconds=200)

    report = recorder.report()

    assert (report.copying, report.rto) == (copying, 200 - copying)
    page = to_html(replace(report, generation=passed().generation))
    assert ("in which nothing but a copy for later drills was kept" in page) is (copying > 0)
    assert caching_time(None, results) == 0


def test_the_plot_does_not_join_what_used_a_copy() -> None:
    history = (ran(ReplayMode.COLD).past, ran(ReplayMode.CACHED, rto=9.0).past)
    cold = rto_plot(replace(passed(), mode=ReplayMode.COLD, history=history), locale("en"))
    assert cold is not None and cold.any_cached
    assert cold.line.count(",") == 2
    assert cold.points[1].title.endswith("with a kept copy")
    assert "of 2 cold runs that passed" in cold.summary
    cached = rto_plot(replace(cached_report(), history=history), locale("en"))
    assert cached is not None
    assert cached.summary.endswith("This run used a kept copy, and does not count.")
    page = to_html(replace(cached_report(), history=history), "fr")
    assert "réussie, avec une copie gardée" in page


def test_a_budget_that_a_copy_keeps_within_proves_nothing() -> None:
    within = budget_check(60, 12, ReplayMode.CACHED)
    assert within.status is CheckStatus.UNVERIFIABLE
    assert "only a cold drill tells" in within.reason
    assert locale("fr").phrase(within.reason).startswith("12 s avec une copie gardée")
    assert budget_check(10, 12, ReplayMode.CACHED).status is CheckStatus.FAILED
    assert budget_check(60, 12, ReplayMode.COLD).status is CheckStatus.PASSED


# What is removed

STACK = "drill-20261124-050000-00a1"


def copy_of(name: str, kept: datetime | None = NOW, age: timedelta = DAY / 24) -> Cache:
    return Cache(
        volume=f"pra-copy-{name}", key=name * 8, generation="g", part="erp", stack=STACK,
        created=NOW - age, kept=kept, bytes=1 << 20, files=3,
    )  # fmt: skip


def collected(locks: Path, *copies: Cache) -> list[str]:
    found = gc.choose_caches([("local", one) for one in copies], locks, now=NOW, older_than=DAY)
    return [item.name for collection in found for item in collection.leftovers]


def test_what_a_dead_drill_did_not_finish_goes_and_what_is_whole_stays(tmp_path: Path) -> None:
    young, old = copy_of("aa", None), copy_of("bb", None, 2 * DAY)
    whole = copy_of("cc", age=30 * DAY)
    assert collected(tmp_path, young, old, whole) == [old.volume]
    with lock.stack_lock(tmp_path, STACK, "pra drill", now=NOW, kept=False):
        assert collected(tmp_path, young, old, whole) == []
    assert collected(tmp_path, young, whole) == [young.volume]


def test_containers_through_which_copies_were_read_go_by_age() -> None:
    items = [
        leftovers.Leftover("container", "1", "x", CACHES, NOW - 2 * DAY),
        leftovers.Leftover("container", "2", "y", CACHES, NOW),
        leftovers.Leftover("volume", "3", "z", CACHES, NOW - 2 * DAY),
    ]
    (found,) = gc.choose_readers(items, now=NOW, older_than=DAY)
    assert [item.id for item in found.leftovers] == ["1"]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> list[Cache]:
    """Copies on an engine that is none; those that are removed go."""
    copies = [copy_of("aabb"), copy_of("aacc"), copy_of("dd", None)]

    def remove(_engine: object, volume: str) -> None:
        copies[:] = [one for one in copies if one.volume != volume]

    monkeypatch.setattr(Runner, "connect", lambda: FakeEngine().runner)
    monkeypatch.setattr(engines, "other_engines", lambda _terminal: {})
    monkeypatch.setattr(cache_volumes, "find_caches", lambda _engine: tuple(copies))
    monkeypatch.setattr(cache_volumes, "remove_cache", remove)
    return copies


def test_copies_are_listed(engine: list[Cache], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cache", "list"]) == ExitCode.PASS
    out = capsys.readouterr().out
    assert "pra-copy-aabb" in out and "not finished" in out
    assert run(["--json", "cache", "list"]) == ExitCode.PASS
    listed = json.loads(capsys.readouterr().out)
    assert [one["complete"] for one in listed] == [True, True, False]
    engine.clear()
    assert run(["cache", "list"]) == ExitCode.PASS
    assert "no copy is kept" in capsys.readouterr().out


def test_copies_are_removed_by_name_by_key_or_all(
    engine: list[Cache], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["cache", "remove"]) == ExitCode.USAGE
    assert run(["cache", "remove", "--all", "aabb"]) == ExitCode.USAGE
    assert run(["cache", "remove", "ee"]) == ExitCode.NOT_FOUND
    assert len(engine) == 3
    assert run(["cache", "remove", "aacc", "pra-copy-dd"]) == ExitCode.PASS
    assert [one.volume for one in engine] == ["pra-copy-aabb"]
    assert "removed pra-copy-aacc" in capsys.readouterr().out
    assert run(["cache", "remove", "--all"]) == ExitCode.PASS
    assert engine == []
