"""Where nodes are found and what of their records is believed, without any server."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from restore.adapters.docker.node_records import PLACE, labelled_nodes, node_status
from restore.adapters.docker.runner import Runner
from restore.adapters.postgres import commands
from restore.errors import EnvironmentFailure, NotFoundError
from restore.model import Holding, Node, NodeRecord, Role
from restore.model.node_records import conclude, holds, record_text
from tests.unit.model.test_nodes import NEW, OLD, record


@dataclass
class Machine:
    """A Docker engine with containers, their files, and one database server's comments."""

    containers: list[SimpleNamespace] = field(default_factory=list)
    files: dict[tuple[str, str], str] = field(default_factory=dict)
    comments: dict[str, str | None] = field(default_factory=dict)
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, role: str, stack: str = "rescue", volumes: tuple[str, ...] = ()) -> Node:
        """A container with our labels; what a node of it is."""
        identity = f"{stack}-{role}"
        mounts = [{"Type": "volume", "Destination": path} for path in volumes]
        mounts.append({"Type": "bind", "Destination": "/srv/repository"})
        self.containers.append(
            SimpleNamespace(
                id=identity,
                name=f"name-of-{identity}",
                labels={"pra.stack": stack, "pra.role": role, "pra.generation": OLD},
                attrs={
                    "Mounts": mounts,
                    "Created": "2026-11-24T06:00:00.123456789Z",
                    "State": {"Status": "running", "Health": {"Status": "healthy"}},
                },
            )
        )
        return Node(Role(role) if role in list(Role) else Role.ERP, identity)

    @property
    def runner(self) -> Runner:
        """The engine as a runner gives it."""
        return cast(Runner, self)

    @property
    def clients(self) -> tuple[Any, ...]:
        return (self.client,)

    @property
    def client(self) -> Any:
        return SimpleNamespace(containers=SimpleNamespace(list=self.listed))

    def listed(self, filters: dict[str, Any], **_options: Any) -> list[SimpleNamespace]:
        name, _, stack = filters["label"][0].partition("=")
        return [c for c in self.containers if name in c.labels and stack in ("", c.labels[name])]

    def container(self, name: str) -> SimpleNamespace:
        for found in self.containers:
            if found.id == name:
                return found
        raise NotFoundError(f"container {name} does not exist")

    def read_file(self, container: str, path: str) -> bytes:
        if (container, path) not in self.files:
            raise NotFoundError("no such file")
        return self.files[container, path].encode()

    def check(self, _container: str, argv: tuple[str, ...], *, user: str) -> str:
        assert user == "postgres"
        self.asked.append(argv)
        if not self.comments:
            raise EnvironmentFailure("could not run psql: the container is not running")
        return json.dumps(self.comments)


def at(one: NodeRecord, node: Node) -> NodeRecord:
    """A record that names the node's container."""
    fields = {name: getattr(one, name) for name in one.__dataclass_fields__}
    return NodeRecord(**{**fields, "container": node.container})


def test_stacks_are_found_by_labels_in_the_order_of_roles() -> None:
    machine = Machine()
    for role in ("proxy", "erp", "database", "helper", "somebody's"):
        machine.add(role)
    machine.add("erp", "other")
    found = labelled_nodes(machine.runner)
    assert [node.role for node in found["rescue"]] == [Role.DATABASE, Role.ERP, Role.PROXY]
    assert list(found) == ["other", "rescue"]
    assert list(labelled_nodes(machine.runner, "other")) == ["other"]


def test_a_database_server_is_believed_as_far_as_its_databases_agree() -> None:
    machine = Machine()
    node = machine.add("database")
    line = "pra: node " + record_text(at(record(Role.DATABASE), node))
    mark = f"pra: restored from generation {NEW}"

    machine.comments = {"postgres": line, "db": mark, "another": None}
    found = node_status(machine.runner, node)
    assert (holds(found), found.container) == (NEW, "name-of-rescue-database")
    assert all(argv[0] == commands.query("postgres", "postgres", "x")[0] for argv in machine.asked)

    for comment, problem in (
        (f"pra: restored from generation {OLD}", f"database db is from generation {OLD}"),
        ("Somebody's", "database db is not the restored one"),
        (None, "database db is not the restored one"),
    ):
        machine.comments["db"] = comment
        assert node_status(machine.runner, node).problem == problem
    del machine.comments["db"]
    assert node_status(machine.runner, node).problem == "database db is gone"
    machine.comments = {"postgres": "default administrative connection database"}
    assert conclude((node_status(machine.runner, node),)) is Holding.EMPTY
    machine.comments = {}
    assert "not running" in node_status(machine.runner, node).problem


def test_a_server_has_its_record_on_a_volume_or_in_its_container() -> None:
    machine = Machine()
    node = machine.add("erp", volumes=("/mnt/addons", "/var/lib/odoo"))
    assert node_status(machine.runner, node).record is None
    own = at(record(Role.ERP), node)
    machine.files[node.container, PLACE] = record_text(at(record(Role.ERP, OLD), node))
    assert holds(node_status(machine.runner, node)) == OLD
    # What is on the volume comes first: the container's own files don't outlive it.
    machine.files[node.container, "/var/lib/odoo/.pra-node.json"] = record_text(own)
    assert node_status(machine.runner, node).record == own
    other = record_text(at(record(Role.ERP), machine.add("erp", "other")))
    machine.files[node.container, "/var/lib/odoo/.pra-node.json"] = other
    assert "made anew" in node_status(machine.runner, node).problem
    wrong = record_text(at(record(Role.PROXY), node))
    machine.files[node.container, "/var/lib/odoo/.pra-node.json"] = wrong
    assert node_status(machine.runner, node).problem == "it is that of node proxy"


def test_a_proxy_is_known_by_its_label_until_a_replay_writes_another() -> None:
    machine = Machine()
    node = machine.add("proxy")
    labelled = node_status(machine.runner, node)
    assert holds(labelled) == OLD
    assert labelled.record is not None and labelled.record.since.isoformat() == (
        "2026-11-24T06:00:00+00:00"
    )
    machine.files[node.container, PLACE] = record_text(at(record(Role.PROXY), node))
    assert holds(node_status(machine.runner, node)) == NEW
    machine.containers[0].labels.pop("pra.generation")
    machine.files.clear()
    assert node_status(machine.runner, node).record is None


def test_a_node_that_is_gone_is_its_own_problem() -> None:
    found = node_status(Machine().runner, Node(Role.ERP, "gone"))
    assert (found.health, found.record) == ("unknown", None)
    assert "does not exist" in found.problem
