"""When databases are loaded in bulk mode, and how the server is then set."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.plans.cases import ID, request
from restore.errors import RefusedError
from restore.model import Role, StepKind
from restore.plan.bulk import bulk_changes, needs_restart, statements
from restore.plan.planning import plan
from restore.plan.request import (
    BULK_FROM,
    MANY_FILES,
    BulkState,
    ExistingDatabase,
    PlanRequest,
    Resources,
    copied_documents,
)
from restore.plan.text import describe_plan

GB = 1 << 30


def kinds(wanted: PlanRequest) -> list[StepKind]:
    return [step.kind for step in plan(wanted).steps]


def sized(size: int, *existing: ExistingDatabase) -> PlanRequest:
    plain = request()
    facts = replace(plain.generation.fingerprint.databases[0], size=size)
    fingerprint = replace(plain.generation.fingerprint, databases=(facts,))
    return replace(
        plain,
        generation=replace(plain.generation, fingerprint=fingerprint),
        target=replace(plain.target, existing=existing),
        replace=True,
    )


def test_bulk_mode_is_around_all_that_loads_and_ends_before_anything_is_promoted() -> None:
    found = kinds(replace(request("a", "b"), bulk_from=0))
    enter, leave = (
        found.index(StepKind.ENTER_BULK_MODE),
        found.index(StepKind.LEAVE_BULK_MODE),
    )
    loading = [
        number
        for number, kind in enumerate(found)
        if kind in (StepKind.CREATE_DATABASE, StepKind.RESTORE_DATABASE, StepKind.CHECK_DATABASE)
    ]
    assert enter < min(loading) < max(loading) < leave < found.index(StepKind.PROMOTE_DATABASE)


def test_a_small_database_is_loaded_as_the_server_is_set() -> None:
    assert StepKind.ENTER_BULK_MODE not in kinds(sized(BULK_FROM - 1))
    assert StepKind.ENTER_BULK_MODE in kinds(sized(BULK_FROM))


@pytest.mark.parametrize(
    ("existing", "bulk"),
    [
        (ExistingDatabase("specibike_prod", ours=True, generation=ID), False),
        (ExistingDatabase("another", ours=False), False),
        # What a replay that was cut short left is made anew anyway.
        (ExistingDatabase("specibike_prod__pra_0a1b2c", ours=True, generation=ID), True),
    ],
)
def test_a_server_that_holds_something_is_never_put_into_bulk_mode(
    existing: ExistingDatabase, bulk: bool
) -> None:
    assert (StepKind.ENTER_BULK_MODE in kinds(sized(BULK_FROM, existing))) is bulk


def test_a_server_left_in_bulk_mode_is_put_right_before_anything_else() -> None:
    plain = sized(0, ExistingDatabase("specibike_prod", ours=True))
    steps = plan(replace(plain, target=replace(plain.target, bulk=BulkState.LEFT))).steps
    assert [step.id for step in steps][1:3] == ["roles", "leave-bulk-mode:left"]
    assert StepKind.ENTER_BULK_MODE not in [step.kind for step in steps]


def test_a_server_whose_machine_was_restarted_in_bulk_mode_is_refused() -> None:
    plain = request()
    with pytest.raises(RefusedError, match="left in bulk mode") as caught:
        plan(replace(plain, target=replace(plain.target, bulk=BulkState.LOST)))
    assert "pulumi destroy" in caught.value.hint


def test_wal_is_minimal_only_where_two_restarts_are_worth_it() -> None:
    (small,) = [s for s in plan(sized(BULK_FROM)).steps if s.kind is StepKind.ENTER_BULK_MODE]
    (large,) = [s for s in plan(sized(2 * GB)).steps if s.kind is StepKind.ENTER_BULK_MODE]
    assert not needs_restart(small.changes)
    assert needs_restart(large.changes)


def test_a_plan_shows_the_settings() -> None:
    lines = describe_plan(plan(replace(request(), bulk_from=0)))
    assert "     fsync: (absent) → off" in [line.replace("      ", "     ") for line in lines]


def test_settings_become_statements_that_the_server_reads() -> None:
    changes = bulk_changes(Resources(GB, 2), 2, GB, restart=False)
    assert statements(changes)[0] == "ALTER SYSTEM SET fsync = 'off'"
    assert statements(changes)[-1] == "SELECT pg_catalog.pg_reload_conf()"


@given(st.integers(0, 1 << 45), st.integers(1, 512), st.integers(1, 64), st.integers(0, 1 << 45))
def test_memory_and_wal_stay_within_bounds(memory: int, cores: int, jobs: int, size: int) -> None:
    found = {
        change.key: change.after
        for change in bulk_changes(Resources(memory, cores), jobs, size, restart=False)
    }
    each = int(found["maintenance_work_mem"].removesuffix("MB"))
    assert 64 <= each <= 1024
    assert each == 64 or each * jobs <= memory // 8 // (1 << 20) + jobs
    assert 1024 <= int(found["max_wal_size"].removesuffix("MB")) <= 8192


@pytest.mark.parametrize("databases", [(), ("b",)])
@pytest.mark.parametrize("nodes", [tuple(Role), (Role.DATABASE,), (Role.ERP,)])
def test_documents_that_are_read_once_are_those_that_the_plan_copies(
    databases: tuple[str, ...], nodes: tuple[Role, ...]
) -> None:
    wanted = replace(request("a", "b"), databases=databases, nodes=nodes)
    many = tuple(replace(one, files=MANY_FILES) for one in wanted.generation.artifacts)
    wanted = replace(wanted, generation=replace(wanted.generation, artifacts=many))

    found = copied_documents(wanted.generation, wanted.profile, databases, nodes)

    copied = {step.source for step in plan(wanted).steps if step.kind is StepKind.DOCUMENTS}
    assert {one.folder for one in many if one.name in found} == copied


def test_a_few_documents_are_compared_before_anything_is_made() -> None:
    plain = request()
    assert copied_documents(plain.generation, plain.profile, (), tuple(Role)) == frozenset()
