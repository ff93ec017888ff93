"""Nodes on real servers: what they hold, one alone again, a mixture, and post-operations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from restore.adapters.docker.node_records import find_nodes, read_node_status
from restore.checks.nodes import check_nodes
from restore.checks.operation_checks import operation_checks
from restore.context import ReplayContext
from restore.errors import RefusedError, ReplayError
from restore.model import (
    CheckStatus,
    Holding,
    LocalText,
    NodeState,
    NodeStatus,
    Role,
    Step,
    StepStatus,
)
from restore.model.node_records import conclude, describe_nodes, holds
from restore.profile import OperationCheck, OperationKind, PostOperation
from restore.replay.replay import replay
from tests.support.repository import DATABASE
from tests.support.servers import Scene

pytestmark = pytest.mark.docker

RECORD = "/var/lib/odoo/.pra-node.json"
ORDERS = "SELECT count(*), sum(amount) FROM sale_order"


def look(scene: Scene) -> dict[Role, NodeStatus]:
    """The nodes of the scene's environment, as they are."""
    runner, environment = scene.context.runner, scene.context.environment
    return {node.role: read_node_status(runner, node) for node in find_nodes(runner, environment)}


def together(scene: Scene) -> Holding:
    """What they hold together."""
    return conclude(tuple(look(scene).values()))


def run_plan(scene: Scene, **changes: object) -> None:
    """Replay as the engine does; every step succeeds."""
    outcome = replay(scene.plan(**changes), scene.context)
    wrong = [step for step in outcome.steps if step.status is not StepStatus.SUCCEEDED]
    assert wrong == []


def test_a_replay_leaves_a_record_on_every_node_that_goes_with_its_data(scene: Scene) -> None:
    before = {role: node.record for role, node in look(scene).items()}
    # The database server is the session's: an earlier test's record is of databases that are gone.
    assert before[Role.ERP] is None
    assert together(scene) is not Holding.COMPLETE

    scene = replace(scene, context=replace(scene.context, run="20261124-060000-0a1b"))
    run_plan(scene)

    generation = scene.context.generation
    for node in look(scene).values():
        assert holds(node) == generation.id
        assert node.record is not None and node.record.run == "20261124-060000-0a1b"
        assert node.record.consistency_point == generation.consistency_point
    assert check_nodes(scene.context).status is CheckStatus.PASSED

    scene.lab.execute(f"COMMENT ON DATABASE {DATABASE} IS 'pra: restored from generation other'")
    assert look(scene)[Role.DATABASE].problem == f"database {DATABASE} is from generation other"
    scene.lab.execute(f"DROP DATABASE {DATABASE}")
    assert look(scene)[Role.DATABASE].problem == f"database {DATABASE} is gone"
    own = look(scene)[Role.ERP].record
    assert own is not None
    scene.in_erp("sed", "-i", f"s/{own.container}/{'0' * 64}/", RECORD)
    assert look(scene)[Role.ERP].problem == "its container was made anew since"
    scene.in_erp("truncate", "--size=40", RECORD)
    assert "was cut while it was written" in look(scene)[Role.ERP].problem
    assert check_nodes(scene.context).status is CheckStatus.FAILED
    scene.in_erp("rm", RECORD)
    assert look(scene)[Role.ERP].record is None


def test_one_node_again_changes_nothing_that_matters_and_leaves_the_others(scene: Scene) -> None:
    run_plan(scene)
    first = look(scene)
    orders = scene.lab.execute(ORDERS, DATABASE)
    scene.lab.execute("DELETE FROM sale_order WHERE id > 10", DATABASE)

    with pytest.raises(RefusedError, match=f"has a database {DATABASE} already, of this"):
        scene.plan(nodes=(Role.DATABASE,))
    run_plan(scene, nodes=(Role.DATABASE,), replace=True)

    assert scene.lab.execute(ORDERS, DATABASE) == orders
    assert scene.lab.databases() == {DATABASE}
    assert look(scene)[Role.ERP].record == first[Role.ERP].record
    assert look(scene)[Role.DATABASE].record != first[Role.DATABASE].record
    assert check_nodes(scene.context).status is CheckStatus.PASSED


def test_a_mixture_fails_by_its_name_until_every_node_holds_the_same(
    scene_of: Callable[..., Scene],
) -> None:
    scene = scene_of()
    run_plan(scene)
    newer = scene_of()
    old, new = scene.context.generation.id, newer.context.generation.id
    assert old != new

    # The documents that are there are in nobody's way: their node is not replayed.
    run_plan(newer, nodes=(Role.DATABASE,), replace=True)

    found = check_nodes(newer.context)
    assert found.status is CheckStatus.FAILED
    assert found.observed.startswith("mixed: nodes hold different generations; ")
    assert set(found.details) == {
        f"node database holds generation {new}", f"node erp holds generation {old}",
    }  # fmt: skip
    assert together(newer) is Holding.MIXED

    run_plan(newer, nodes=(Role.ERP,), replace=True)
    assert check_nodes(newer.context).status is CheckStatus.PASSED
    # A whole set of another generation than the one that was asked for is no success either.
    assert check_nodes(scene.context).status is CheckStatus.FAILED


def test_a_replay_that_was_cut_short_is_seen(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_context: ReplayContext, _step: Step) -> None:
        raise ReplayError("the power went")

    with monkeypatch.context() as patched:
        patched.setattr("restore.replay.steps.documents._move", lambda *_: broken(*_[:2]))
        outcome = replay(scene.plan(), scene.context)

    assert any(step.status is StepStatus.FAILED for step in outcome.steps)
    found = look(scene)
    # The database has its name, and nobody can connect to it before its documents are in place.
    for role in (Role.DATABASE, Role.ERP):
        record = found[role].record
        assert record is not None and record.state is NodeState.REPLAYING
    nodes = tuple(found.values())
    assert describe_nodes(nodes) == "incomplete: no whole generation on database, erp"


def test_automated_operations_are_run_and_checked(scene: Scene) -> None:
    text = LocalText("whatever")
    automated = OperationKind.AUTOMATED
    value = "SELECT name FROM res_partner WHERE id = 1"
    operations = (
        PostOperation(
            "url", text, text, automated,
            sql="UPDATE res_partner SET name = {external_url} WHERE id = 1",
            check=OperationCheck(sql=value, expected="{external_url}"),
        ),
        PostOperation(
            "elsewhere", text, text, automated, sql="no SQL at all",
            where="SELECT 1 FROM pg_class WHERE relname = 'of_another_erp'",
            check=OperationCheck(sql="nor this", expected="x"),
        ),
        PostOperation(
            "mark", text, text, automated, command=("touch", "/tmp/{database}"), user="odoo",
            check=OperationCheck(command=("ls", "/tmp/{database}"), expected="/tmp/{databases}"),
        ),
        PostOperation(
            "wrong", text, text, automated, sql="SELECT 1",
            check=OperationCheck(sql=value, expected="partner 1"),
        ),
    )  # fmt: skip
    profile = replace(scene.context.profile, post_operations=operations)
    scene = replace(scene, context=replace(scene.context, profile=profile))

    run_plan(scene)
    found = {check.id: check for check in operation_checks(scene.context, (DATABASE,))}

    url = scene.context.environment.external_url
    statuses = {name: check.status for name, check in found.items()}
    assert statuses == {
        f"postop.url:{DATABASE}": CheckStatus.PASSED,
        f"postop.elsewhere:{DATABASE}": CheckStatus.PASSED,
        "postop.mark": CheckStatus.PASSED,
        f"postop.wrong:{DATABASE}": CheckStatus.FAILED,
    }
    assert found[f"postop.url:{DATABASE}"].observed == url
    assert found[f"postop.elsewhere:{DATABASE}"].observed == "nothing to do in this database"
    assert found[f"postop.wrong:{DATABASE}"].details == ("expected partner 1",)
