"""Where nodes are found and what of their records is believed, without any server."""

from __future__ import annotations

import json

from restore.adapters.docker.node_records import PLACE, find_labelled_nodes, read_node_status
from restore.model import Holding, Node, NodeRecord, Role
from restore.model.node_records import conclude, holds, record_text
from tests.support.fake_docker import Answer, Call, FakeEngine
from tests.unit.model.test_nodes import NEW, OLD, record


class Machine(FakeEngine):
    """An engine with servers of ours, and one database server's comments."""

    def __init__(self) -> None:
        super().__init__(self._psql)
        self.comments: dict[str, str | None] = {}

    def node(self, role: str, stack: str = "rescue", volumes: tuple[str, ...] = ()) -> Node:
        """A container with our labels; what a node of it is."""
        name = f"{stack}-{role}"
        mounts = [{"Type": "volume", "Destination": path} for path in volumes]
        mounts.append({"Type": "bind", "Destination": "/srv/repository"})
        labels = {"pra.stack": stack, "pra.role": role, "pra.generation": OLD}
        state = {"Status": "running", "Health": {"Status": "healthy"}}
        self.add(name, {"Mounts": mounts, "State": state}, labels=labels)
        return Node(Role(role) if role in list(Role) else Role.ERP, name)

    def _psql(self, call: Call) -> Answer:
        assert (call.argv[0], call.user) == ("psql", "postgres")
        if not self.comments:
            return Answer(stderr="the container is not running", exit_code=1)
        return Answer(json.dumps(self.comments))


def at(one: NodeRecord, node: Node) -> NodeRecord:
    """A record that names the node's container."""
    fields = {name: getattr(one, name) for name in one.__dataclass_fields__}
    return NodeRecord(**{**fields, "container": node.container})


def test_stacks_are_found_by_labels_in_the_order_of_roles() -> None:
    machine = Machine()
    for role in ("proxy", "erp", "database", "helper", "somebody's"):
        machine.node(role)
    machine.node("erp", "other")
    found = find_labelled_nodes(machine.runner)
    assert [node.role for node in found["rescue"]] == [Role.DATABASE, Role.ERP, Role.PROXY]
    assert list(found) == ["other", "rescue"]
    assert list(find_labelled_nodes(machine.runner, "other")) == ["other"]


def test_a_database_server_is_believed_as_far_as_its_databases_agree() -> None:
    machine = Machine()
    node = machine.node("database")
    line = "pra: node " + record_text(at(record(Role.DATABASE), node))
    mark = f"pra: restored from generation {NEW}"

    machine.comments = {"postgres": line, "db": mark, "another": None}
    found = read_node_status(machine.runner, node)
    assert (holds(found), found.container) == (NEW, "rescue-database")

    for comment, problem in (
        (f"pra: restored from generation {OLD}", f"database db is from generation {OLD}"),
        ("Somebody's", "database db is not the restored one"),
        (None, "database db is not the restored one"),
    ):
        machine.comments["db"] = comment
        assert read_node_status(machine.runner, node).problem == problem
    del machine.comments["db"]
    assert read_node_status(machine.runner, node).problem == "database db is gone"
    machine.comments = {"postgres": "default administrative connection database"}
    assert conclude((read_node_status(machine.runner, node),)) is Holding.EMPTY
    machine.comments = {}
    assert "not running" in read_node_status(machine.runner, node).problem


def test_a_server_has_its_record_on_a_volume_or_in_its_container() -> None:
    machine = Machine()
    node = machine.node("erp", volumes=("/mnt/addons", "/var/lib/odoo"))
    assert read_node_status(machine.runner, node).record is None
    own, files = at(record(Role.ERP), node), machine.all[node.container].files
    files[PLACE] = record_text(at(record(Role.ERP, OLD), node)).encode()
    assert holds(read_node_status(machine.runner, node)) == OLD
    # What is on the volume comes first: the container's own files don't outlive it.
    files["/var/lib/odoo/.pra-node.json"] = record_text(own).encode()
    assert read_node_status(machine.runner, node).record == own
    other = record_text(at(record(Role.ERP), machine.node("erp", "other")))
    files["/var/lib/odoo/.pra-node.json"] = other.encode()
    assert "made anew" in read_node_status(machine.runner, node).problem
    wrong = record_text(at(record(Role.PROXY), node))
    files["/var/lib/odoo/.pra-node.json"] = wrong.encode()
    assert read_node_status(machine.runner, node).problem == "it is that of node proxy"


def test_a_proxy_is_known_by_its_label_until_a_replay_writes_another() -> None:
    machine = Machine()
    node = machine.node("proxy")
    files = machine.all[node.container].files
    labelled = read_node_status(machine.runner, node)
    assert holds(labelled) == OLD
    assert labelled.record is not None and labelled.record.since.isoformat() == (
        "2026-11-24T06:00:00+00:00"
    )
    files[PLACE] = record_text(at(record(Role.PROXY), node)).encode()
    assert holds(read_node_status(machine.runner, node)) == NEW
    machine.all[node.container].labels.pop("pra.generation")
    files.clear()
    assert read_node_status(machine.runner, node).record is None


def test_a_node_that_is_gone_is_its_own_problem() -> None:
    found = read_node_status(Machine().runner, Node(Role.ERP, "gone"))
    assert (found.health, found.record) == ("unknown", None)
    assert "does not exist" in found.problem
