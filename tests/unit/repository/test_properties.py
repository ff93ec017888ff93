"""What holds of every manifest, profile and plan, not only of those that somebody thought of."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final
from unittest.mock import Mock, patch

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.plans.cases import cases, request
from restore.context import ReplayContext
from restore.errors import DamagedGenerationError, ReplayError, RestoreError, UsageError
from restore.model import (
    ArtifactKind,
    DataSource,
    DumpForm,
    Generation,
    KeystoreFile,
    Origin,
    ReportsFacts,
    RestorePlan,
    Step,
    StepKind,
    StepStatus,
)
from restore.plan.planning import plan
from restore.plan.request import ExistingDatabase, PlanRequest
from restore.plan.text import plan_document, plan_to_json
from restore.profile import parse_profile, profile_names, profile_text
from restore.profile.lint import profile_errors
from restore.replay.replay import lanes_of, replay
from restore.repository.index import BadLineError, parse_entry, render_entry
from restore.repository.manifest import parse_manifest, render_manifest, seal_document
from restore.repository.safe_paths import UnsafePathError

few = settings(
    max_examples=int(os.environ.get("PRA_FUZZ", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(("", "..", "/", "a/b", "\0", "\ud800", "{x}", "9999-12-31T23:59:59-14:00"))
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a document with every key or number in it."""
    keys = document if isinstance(document, dict) else range(len(document))
    for key in list(keys):
        yield document, key
        if isinstance(document[key], dict | list):
            yield from places(document[key])


@st.composite
def changed(draw: st.DrawFn, document: Any) -> Any:
    """A document in which something is replaced, removed, added or doubled."""
    made = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        every = list(places(made))
        if not every:
            return made
        container, key = every[draw(st.integers(0, len(every) - 1))]
        match draw(st.sampled_from(("replace", "remove", "add", "double"))):
            case "replace":
                container[key] = draw(values)
            case "remove":
                del container[key]
            case "add" if isinstance(container, dict):
                container[draw(st.text(max_size=5))] = draw(values)
            case _:
                other, name = every[draw(st.integers(0, len(every) - 1))]
                container[key] = copy.deepcopy(other[name]) if name in _keys(other) else None
    return made


def _keys(container: Any) -> Any:
    return container if isinstance(container, dict) else range(len(container))


# --- manifests ------------------------------------------------------------------------------------


def generations() -> dict[str, Generation]:
    """One of each sort: captured, with a reports server, imported."""
    plain = cases()["one-of-two"].generation
    prints = plain.fingerprint
    reports = ReportsFacts(
        server=replace(prints, erp_series="7.2"),
        resources=("/reports/sales",),
        data_sources=(DataSource("/sources/erp", "jdbc:postgresql://db/x", "odoo"),),
        keystore=(KeystoreFile(".jrsks", "0" * 64),),
    )
    origin = Origin("folder", "/mnt/x", datetime(2026, 11, 24, tzinfo=UTC), ("a",), ("erp",))
    forms = (replace(plain.artifacts[0], form=DumpForm.PLAIN), *plain.artifacts[1:])
    return {
        "captured": plain,
        "reports": replace(plain, fingerprint=replace(prints, reports=reports)),
        "imported": replace(plain, origin=origin, artifacts=forms),
    }


DOCUMENTS: Final = [json.loads(render_manifest(one)) for one in generations().values()]
ROOT: Final = request().generation.root


def judged(text: str) -> Generation | None:
    """A manifest that was believed, and means the same when it is written again."""
    try:
        found = parse_manifest(text, ROOT)
    except DamagedGenerationError:
        return None
    assert parse_manifest(render_manifest(found), ROOT) == found
    return found


@few
@given(st.sampled_from(DOCUMENTS).flatmap(changed))
def test_a_changed_manifest_is_refused_or_means_what_it_says(document: Any) -> None:
    # With its seal made anew, or nothing but the seal would be looked at.
    text = json.dumps(seal_document(document) if isinstance(document, dict) else document)
    if (found := judged(text)) is not None:
        # What is believed leads to a plan, or to a refusal.
        with suppress(RestoreError):
            plan(replace(request(), generation=found))


@few
@given(st.data())
def test_a_spoilt_text_of_a_manifest_is_refused_or_means_what_it_says(data: st.DataObject) -> None:
    text = json.dumps(data.draw(st.sampled_from(DOCUMENTS)))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        end = at + data.draw(st.integers(0, 12))
        text = text[:at] + data.draw(st.text(max_size=4)) + text[end:]
    judged(text)


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, "9" * 5000, '{"id":1,"id":2}'])
def test_a_text_made_to_break_readers_is_refused(text: str) -> None:
    assert judged(text) is None
    with pytest.raises(BadLineError):
        parse_entry(text.encode())


@few
@given(changed({"path": "a/b", "size": 3, "sha256": "0" * 64, "mode": 0o640, "modified": 1.5}))
def test_a_changed_line_of_an_index_is_refused_or_means_what_it_says(document: Any) -> None:
    with suppress(BadLineError, UnsafePathError):
        entry = parse_entry(json.dumps(document).encode())
        assert parse_entry(render_entry(entry)) == entry


@few
@given(st.binary(max_size=60))
def test_any_bytes_as_a_line_of_an_index(line: bytes) -> None:
    with suppress(BadLineError, UnsafePathError):
        parse_entry(line)


# --- profiles -------------------------------------------------------------------------------------


PROFILES: Final = {name: profile_text(name) for name in profile_names()}


def read(text: str) -> None:
    """A profile is refused, or can be planned with."""
    profile_errors(text)
    try:
        profile = parse_profile(text, "mine")
    except UsageError:
        return
    with suppress(RestoreError):
        plan(replace(request(), profile=profile))


@few
@given(
    st.sampled_from([yaml.safe_load(text) for _, text in sorted(PROFILES.items())]).flatmap(changed)
)
def test_a_changed_profile_is_refused_or_can_be_planned_with(document: Any) -> None:
    read(yaml.safe_dump(document))


@few
@given(st.data())
def test_a_spoilt_text_of_a_profile_is_refused_or_can_be_planned_with(data: st.DataObject) -> None:
    text = PROFILES[data.draw(st.sampled_from(sorted(PROFILES)))]
    at = data.draw(st.integers(0, len(text)))
    end = at + data.draw(st.integers(0, 30))
    read(text[:at] + data.draw(st.text(max_size=6)) + text[end:])


@pytest.mark.parametrize(
    "text", ["", "2026-13-45", "[" * 1500, "a: !!python/object:x {}", "\ud800"]
)
def test_a_text_that_is_no_profile_is_refused(text: str) -> None:
    assert profile_errors(text)
    with pytest.raises(UsageError):
        parse_profile(text, "mine")


# --- plans ----------------------------------------------------------------------------------------


# A name with a line break or outer spaces can't stand in a configuration file: it is refused.
names = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp"), exclude_characters="/"),
    min_size=1,
    max_size=63,
).filter(lambda name: name not in (".", "..") and len(name.encode()) <= 63 and name == name.strip())


@st.composite
def requests(draw: st.DrawFn) -> PlanRequest:
    """Any databases, all or some of them asked for, in a target that holds some already."""
    every = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    made = request(*every)
    if draw(st.booleans()):
        origin = Origin("folder", "/x", made.generation.started, tuple(every[:1]), ())
        forms = {ArtifactKind.DATABASE: draw(st.sampled_from(DumpForm))}
        artifacts = tuple(
            replace(item, form=forms.get(item.kind, item.form))
            for item in made.generation.artifacts
        )
        made = replace(
            made, generation=replace(made.generation, origin=origin, artifacts=artifacts)
        )
    existing = tuple(ExistingDatabase(name, draw(st.booleans())) for name in every[:1])
    return replace(
        made,
        databases=tuple(draw(st.lists(st.sampled_from(every), unique=True))),
        target=replace(made.target, existing=existing if draw(st.booleans()) else ()),
        replace=True,
        jobs=draw(st.integers(1, 9)),
    )


AROUND: Final = (StepKind.POST_OPERATION, StepKind.BEGIN_NODE, StepKind.COMPLETE_NODE)
"""What is done beside the replay itself."""


SEEN: Final = (
    StepKind.PROMOTE_DATABASE,
    StepKind.PROMOTE_DOCUMENTS,
    StepKind.CONFIGURATION,
    StepKind.OPEN_DATABASE,
    StepKind.START_ERP,
)
"""What changes what people see."""


def replaying(made: RestorePlan) -> tuple[Step, ...]:
    """The steps of the replay itself."""
    return tuple(step for step in made.steps if step.kind not in AROUND)


def positions(steps: tuple[Step, ...], kind: StepKind) -> list[int]:
    """Where the steps of a kind stand."""
    return [number for number, step in enumerate(steps) if step.kind is kind]


@few
@given(requests())
def test_nothing_is_seen_before_everything_is_checked(wanted: PlanRequest) -> None:
    made = plan(wanted)
    steps = replaying(made)
    kinds = [step.kind for step in steps]

    assert len({step.id for step in made.steps}) == len(made.steps)
    assert kinds[0] is StepKind.STOP_ERP and kinds[-1] is StepKind.START_ERP
    assert kinds.count(StepKind.STOP_ERP) == kinds.count(StepKind.START_ERP) == 1
    assert kinds.count(StepKind.ROLES) == 1
    promotions = positions(steps, StepKind.PROMOTE_DATABASE)
    others = positions(steps, StepKind.PROMOTE_DOCUMENTS)
    opened = positions(steps, StepKind.OPEN_DATABASE)
    # What people would see changes last of all, and the one that may be refused first.
    assert promotions and min(promotions) > max(
        number for number, kind in enumerate(kinds) if kind not in SEEN
    )
    others += positions(steps, StepKind.CONFIGURATION)
    assert all(max(promotions) < number < min(opened) for number in others)
    # Each that is closed as it gets its name is opened.
    assert [steps[n].target for n in opened] == [steps[n].target for n in promotions]


@few
@given(requests())
def test_what_a_node_holds_is_recorded_around_all_that_changes_it(wanted: PlanRequest) -> None:
    made = plan(wanted)
    changes = (StepKind.CONFIGURATION, StepKind.PROMOTE_DATABASE, StepKind.PROMOTE_DOCUMENTS)
    nodes = {step.node for step in made.steps if step.kind in changes}
    assert nodes
    for node in nodes:
        mine = tuple(step for step in made.steps if step.node is node)
        (begun,) = positions(mine, StepKind.BEGIN_NODE)
        (complete,) = positions(mine, StepKind.COMPLETE_NODE)
        changed = [number for number, step in enumerate(mine) if step.kind in changes]
        assert begun < min(changed) <= max(changed) < complete


@few
@given(requests())
def test_each_database_goes_its_way_once_and_under_a_temporary_name(wanted: PlanRequest) -> None:
    made = plan(wanted)
    final = {facts.name for facts in wanted.generation.fingerprint.databases}
    temporary: set[str] = set()
    for name in made.databases:
        steps = [step for step in replaying(made) if step.database == name]
        kinds = [step.kind for step in steps]
        way = [StepKind.CREATE_DATABASE, StepKind.RESTORE_DATABASE]
        way += [StepKind.GIVE_OWNERSHIP] if wanted.generation.origin else []
        way += [StepKind.ANALYZE, StepKind.CHECK_DATABASE, StepKind.DOCUMENTS]
        seen = [StepKind.PROMOTE_DATABASE, StepKind.PROMOTE_DOCUMENTS, StepKind.OPEN_DATABASE]
        assert kinds == [*way, *seen]
        documents, promoted, shown, opened = steps[-4:]
        for step in steps[: len(way) - 1]:
            assert step.target == promoted.staging and step.target not in final
            assert len(step.target.encode()) <= 63
        assert (promoted.target, opened.target) == (name, name)
        assert (shown.target, shown.staging) == (documents.target, documents.staging)
        temporary.add(str(promoted.staging))
    assert len(temporary) == len(made.databases)


@few
@given(requests())
def test_every_artefact_asked_for_is_read_once_and_no_other(wanted: PlanRequest) -> None:
    made = plan(wanted)
    read = [step.source for step in made.steps if step.source is not None]
    asked = [
        item.folder
        for item in wanted.generation.artifacts
        if item.kind in (ArtifactKind.DATABASE, ArtifactKind.DOCUMENTS)
        and item.database in made.databases
    ]
    configuration = [text.source for text in wanted.texts if text.name == "odoo.conf"]
    assert sorted(read) == sorted([*asked, "roles/roles.sql", *configuration])
    assert set(made.databases) == set(wanted.databases or [i.name for i in _facts(wanted)])


def _facts(wanted: PlanRequest) -> Any:
    return wanted.generation.fingerprint.databases


@few
@given(requests())
def test_a_plan_is_a_value_and_what_is_shown_is_all_of_it(wanted: PlanRequest) -> None:
    made = plan(wanted)
    assert plan(wanted) == made
    shown = json.loads(plan_to_json(made))
    assert shown == json.loads(json.dumps(plan_document(made)))
    assert [step["id"] for step in shown["steps"]] == [step.id for step in made.steps]


@few
@given(requests(), st.integers(0, 40))
def test_what_was_planned_is_what_is_executed_up_to_the_first_failure(
    wanted: PlanRequest, number: int
) -> None:
    made = plan(wanted)
    failing = made.steps[number] if number < len(made.steps) else None

    def act(_run: object, step: Step) -> None:
        if step is failing:
            raise ReplayError("as asked")

    nothing: Any = Mock()
    context = ReplayContext(
        nothing, nothing, nothing, nothing, nothing, now=lambda: datetime.now(UTC)
    )
    with (
        patch("restore.replay.replay.ACTS", dict.fromkeys(StepKind, act)),
        patch("restore.replay.replay.diagnose", return_value=()),
    ):
        outcome = replay(made, context)

    assert [result.id for result in outcome.steps] == [step.id for step in made.steps]
    ended = {result.id: result.status for result in outcome.steps}
    seen = False
    for lanes in lanes_of(made.steps):
        for lane in lanes:
            statuses = [ended[step.id] for step in lane]
            if failing in lane:
                before = lane.index(failing)
                done, left = [StepStatus.SUCCEEDED] * before, len(lane) - before - 1
                assert statuses == [*done, StepStatus.FAILED, *[StepStatus.SKIPPED] * left]
            elif failing in [*chain.from_iterable(lanes)]:
                # Beside it, as far as it came.
                assert statuses == sorted(statuses, key=lambda one: one is StepStatus.SKIPPED)
                assert set(statuses) <= {StepStatus.SUCCEEDED, StepStatus.SKIPPED}
            else:
                assert set(statuses) == {StepStatus.SKIPPED if seen else StepStatus.SUCCEEDED}
        seen = seen or failing in [*chain.from_iterable(lanes)]
