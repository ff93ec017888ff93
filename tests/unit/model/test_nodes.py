"""What nodes hold: records, what they say together, plans of some nodes, and ``pra status``."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, combinations
from types import SimpleNamespace
from typing import Any

import pytest

from fixtures.plans import cases
from restore.adapters.docker import node_records
from restore.adapters.docker.runner import Runner
from restore.cli import engines
from restore.cli.main import run
from restore.errors import ExitCode, RefusedError, ReplayError, UsageError
from restore.model import (
    Holding,
    Node,
    NodeRecord,
    NodeState,
    NodeStatus,
    Part,
    Role,
    Step,
    StepKind,
)
from restore.model.node_records import (
    conclude,
    describe_node,
    describe_nodes,
    holds,
    parse_record,
    record_text,
)
from restore.plan.nodes import require_nodes
from restore.plan.planning import plan
from restore.plan.request import ExistingDatabase
from restore.replay.steps import bulk
from restore.report.language import locale
from tests.unit.plan.test_reports import request as reports_request

SINCE = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
OLD, NEW = "20261122T180000Z-aaaaaa", "20261123T180000Z-bbbbbb"


def record(role: Role, generation: str = NEW, state: NodeState = NodeState.COMPLETE) -> NodeRecord:
    return NodeRecord(
        role,
        state,
        generation,
        "odoo",
        SINCE,
        "20261124-060000-0a1b",
        SINCE,
        "0.1.0",
        "c1",
        ("db",),
    )


def status(role: Role, generation: str | None = NEW, **changes: Any) -> NodeStatus:
    found = None if generation is None else record(role, generation)
    return replace(NodeStatus(role, f"prod-{role}", "healthy", found), **changes)


ROLES = (Role.DATABASE, Role.ERP, Role.PROXY)
WHOLE = tuple(status(role) for role in ROLES)


# --- records --------------------------------------------------------------------------------------


def test_a_record_is_read_back_as_it_was_written() -> None:
    for one in (record(Role.ERP), replace(record(Role.PROXY), consistency_point=None)):
        assert parse_record(record_text(one)) == one


def test_a_record_that_was_cut_is_none() -> None:
    text = record_text(record(Role.ERP))
    for length in (0, 1, 40, len(text) - 1):
        with pytest.raises(ReplayError, match="cut while it was written"):
            parse_record(text[:length])
    with pytest.raises(ReplayError, match="newer engine"):
        parse_record(text.replace('"format": 1', '"format": 2'))


# --- together -------------------------------------------------------------------------------------


def test_what_nodes_hold_together() -> None:
    assert conclude(WHOLE) is Holding.COMPLETE
    assert conclude(tuple(status(role, None) for role in ROLES)) is Holding.EMPTY
    made = (*(status(role, None) for role in ROLES[:2]), WHOLE[2])
    assert conclude(made) is Holding.EMPTY
    assert conclude((*WHOLE[:2], status(Role.PROXY, OLD))) is Holding.MIXED
    assert conclude((*WHOLE[:2], status(Role.PROXY, None))) is Holding.INCOMPLETE
    assert conclude((*WHOLE[:2], status(Role.PROXY, problem="gone"))) is Holding.INCOMPLETE
    replaying = replace(WHOLE[1], record=record(Role.ERP, NEW, NodeState.REPLAYING))
    assert conclude((WHOLE[0], replaying)) is Holding.INCOMPLETE
    # Half a replay of another generation is a mixture, not a replay that is only unfinished.
    other = replace(WHOLE[1], record=record(Role.ERP, OLD, NodeState.REPLAYING))
    assert conclude((WHOLE[0], other)) is Holding.MIXED
    unreachable = tuple(status(role, None, problem="no answer") for role in ROLES)
    assert conclude(unreachable) is Holding.INCOMPLETE


def test_each_way_has_its_sentence_in_both_languages() -> None:
    replaying = replace(WHOLE[1], record=record(Role.ERP, NEW, NodeState.REPLAYING))
    nodes = (*WHOLE, replaying, status(Role.ERP, None), status(Role.ERP, None, problem="x y"))
    sentences = [describe_node(node) for node in nodes]
    sentences.append(describe_node(status(Role.ERP, problem="its container was made anew since")))
    for made in (
        WHOLE,
        (WHOLE[0], status(Role.ERP, OLD)),
        (WHOLE[0], status(Role.ERP, None)),
        (status(Role.ERP, None),),
    ):
        sentences.append(describe_nodes(made))
    french = locale("fr")
    assert len(set(sentences)) == len(sentences)
    for sentence in sentences:
        assert french.phrase(sentence) != sentence, sentence
    mixed = describe_nodes((WHOLE[0], status(Role.ERP, OLD), status(Role.PROXY, None)))
    assert mixed == (
        f"mixed: nodes hold different generations; erp: {OLD}; database: {NEW}; proxy: nothing"
    )


def test_only_a_complete_record_that_is_believed_counts() -> None:
    assert holds(WHOLE[0]) == NEW
    assert holds(status(Role.ERP, problem="x")) is None
    assert holds(status(Role.ERP, None)) is None


# --- plans ----------------------------------------------------------------------------------------


def test_every_kind_of_step_belongs_to_a_node() -> None:
    for kind in StepKind:
        for part in Part:
            target = Role.PROXY if "node" in kind or kind is StepKind.POST_OPERATION else "x"
            assert Step("x", kind, "x", target, part=part).node in Role


@pytest.mark.parametrize("wanted", [cases.request(), reports_request()])
def test_a_node_is_marked_around_all_that_changes_it(wanted: Any) -> None:
    steps = plan(wanted).steps
    changing = (
        StepKind.CONFIGURATION,
        StepKind.PROMOTE_DATABASE,
        StepKind.PROMOTE_DOCUMENTS,
        StepKind.DATA_SOURCE,
    )
    roles = {step.node for step in steps if step.kind in changing}
    assert Role.DATABASE in roles and Role.ERP in roles
    for role in roles:
        kinds = [step.kind for step in steps if step.node is role]
        begun, ended = kinds.index(StepKind.BEGIN_NODE), kinds.index(StepKind.COMPLETE_NODE)
        assert not set(kinds[:begun]) & set(changing)
        assert set(kinds[ended + 1 :]) <= {StepKind.POST_OPERATION}
        assert (kinds.count(StepKind.BEGIN_NODE), kinds.count(StepKind.COMPLETE_NODE)) == (1, 1)
        assert StepKind.START_ERP not in kinds[ended:]


def test_a_plan_of_some_nodes_has_their_steps_and_the_stop_beside_them() -> None:
    full = plan(reports_request()).steps
    roles = tuple(Role)
    subsets = chain.from_iterable(combinations(roles, n) for n in range(1, len(roles) + 1))
    for nodes in subsets:
        steps = plan(replace(reports_request(), nodes=nodes)).steps
        assert [step for step in full if step in steps] == list(steps)
        assert {step for step in full if step.node in nodes} <= set(steps)
        others = {step.kind for step in steps if step.node not in nodes}
        assert others <= {StepKind.STOP_ERP, StepKind.START_ERP}
    ids = [step.id for step in plan(replace(reports_request(), nodes=(Role.PROXY,))).steps]
    assert ids == ["complete-node:proxy"]
    ids = [step.id for step in plan(replace(reports_request(), nodes=(Role.REPORTS,))).steps]
    assert ids[0] == "reports:stop-erp" and ids[-1] == "complete-node:reports"


def test_a_node_that_is_not_there_is_refused() -> None:
    require_nodes(tuple(Role), ROLES)
    require_nodes((Role.ERP,), ROLES)
    with pytest.raises(UsageError, match="has no node reports") as caught:
        require_nodes((Role.ERP, Role.REPORTS), ROLES)
    assert caught.value.hint == "it has: database, erp, proxy"


def test_only_what_is_on_a_node_that_is_replayed_is_in_the_way() -> None:
    wanted = cases.request()
    database = wanted.generation.fingerprint.databases[0].name
    target = replace(wanted.target, existing=(ExistingDatabase(database, True),))
    occupied = replace(wanted, target=target)
    for nodes in (tuple(Role), (Role.DATABASE,)):
        with pytest.raises(RefusedError, match=f"has a database {database} already"):
            plan(replace(occupied, nodes=nodes))
    plan(replace(occupied, nodes=(Role.ERP, Role.PROXY)))


# --- pra status -----------------------------------------------------------------------------------


@pytest.fixture
def stands(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[NodeStatus, ...]]:
    """The stacks that stand, to be filled."""
    found: dict[str, tuple[NodeStatus, ...]] = {}

    def labelled(_runner: object) -> dict[str, tuple[Node, ...]]:
        return {
            name: tuple(Node(node.role, f"{name}/{node.role}") for node in nodes)
            for name, nodes in found.items()
        }

    def looked(_runner: object, node: Node) -> NodeStatus:
        name, _, role = node.container.partition("/")
        return next(one for one in found[name] if one.role == role)

    monkeypatch.setattr(node_records, "find_labelled_nodes", labelled)
    monkeypatch.setattr(node_records, "read_node_status", looked)
    monkeypatch.setattr(bulk, "bulk_problem", lambda *_: "")
    engine: Any = SimpleNamespace(close=lambda: None, reaching=lambda others: engine)
    monkeypatch.setattr(Runner, "connect", lambda: engine)
    monkeypatch.setattr(engines, "other_engines", lambda _terminal: {})
    return found


def test_status_shows_nodes_and_conclusion(
    stands: dict[str, tuple[NodeStatus, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    stands["rescue"] = WHOLE
    assert run(["status"]) == ExitCode.PASS
    shown = capsys.readouterr().out
    for part in ("Stack rescue", "prod-database", NEW, "2026-11-24 06:00", "20261124-060000-0a1b",
                 f"complete: every node holds generation {NEW}"):  # fmt: skip
        assert part in shown

    assert run(["--json", "status", "--stack", "rescue"]) == ExitCode.PASS
    (stack,) = json.loads(capsys.readouterr().out)
    assert (stack["stack"], stack["holding"]) == ("rescue", "complete")
    assert {node["role"]: node["generation"] for node in stack["nodes"]} == dict.fromkeys(
        ROLES, NEW
    )


def test_status_exits_by_the_worst_stack(
    stands: dict[str, tuple[NodeStatus, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["status"]) == ExitCode.PASS
    assert "no stack stands" in capsys.readouterr().out
    stands["whole"] = WHOLE
    stands["empty"] = tuple(status(role, None) for role in ROLES)
    assert run(["status"]) == ExitCode.UNVERIFIABLE
    stands["mixed"] = (WHOLE[0], status(Role.ERP, OLD))
    assert run(["status"]) == ExitCode.FAIL
    assert run(["status", "--stack", "whole"]) == ExitCode.PASS
    stands["unfinished"] = (WHOLE[0], status(Role.ERP, problem="its container was made anew since"))
    capsys.readouterr()
    assert run(["status", "--stack", "unfinished"]) == ExitCode.FAIL
    shown = capsys.readouterr().out
    assert "(not whole)" in shown and "made anew" in shown
    assert run(["status", "--stack", "nobodys"]) == ExitCode.NOT_FOUND
    assert "mixed" in capsys.readouterr().err
