"""``kill -9`` of the engine: a target is the old one or the new one, or says that it is neither."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace

import pytest

from restore.adapters.docker.helpers import HELPER
from restore.adapters.docker.node_records import find_begun_nodes, find_nodes, read_node_status
from restore.adapters.docker.runner import LABEL, ROLE
from restore.adapters.postgres import sql
from restore.errors import EnvironmentFailure, RefusedError
from restore.model import Generation, Holding, RestorePlan, StepKind
from restore.model.node_records import MARK, conclude
from restore.plan.request import standing_target, with_begun
from restore.replay.steps.databases import find_databases
from restore.replay.steps.documents import find_documents
from tests.support.killed_replay import MIDDLE, order, run
from tests.support.repository import DATABASE, GenerationFactory
from tests.support.servers import Scene, Source

pytestmark = pytest.mark.docker

FILESTORE = "/var/lib/odoo/filestore"
COMMENTS = """
SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database
WHERE NOT datistemplate AND datname <> 'postgres'
"""
MARKERS = ("of-one", "of-another")
WITHIN = {StepKind.RESTORE_DATABASE, StepKind.DOCUMENTS}
"""Steps that take their time: these are killed in the middle too."""


class Target:
    """An environment that holds ``old``; ``new`` is replayed into it and killed."""

    def __init__(
        self, scene: Scene, markers: dict[str, str], old: Generation, new: Generation
    ) -> None:
        self.scene, self.markers, self.old, self.new = scene, markers, old, new

    def contents(self) -> tuple[str, str]:
        """The generations that the database and the documents are of, whatever nodes say."""
        comments = dict(self.scene.lab.execute(COMMENTS))
        listed = self.scene.in_erp("ls", f"{FILESTORE}/{DATABASE}").split()
        (documents,) = [name for name, marker in self.markers.items() if marker in listed]
        return str(comments[DATABASE]).removeprefix(MARK), documents

    def holding(self) -> tuple[Holding, set[str | None]]:
        """What the nodes say, as ``pra status`` shows it."""
        context = self.scene.context
        nodes = tuple(
            read_node_status(context.runner, node)
            for node in find_nodes(context.runner, context.environment)
        )
        return conclude(nodes), {node.record.generation if node.record else None for node in nodes}

    def kill(self, step: int, when: str) -> None:
        """Replay the new one and die at a step."""
        died = run(order(self.scene, self.new.id, step, when))
        assert died.returncode == -signal.SIGKILL, died.stdout + died.stderr

    def assert_no_mix(self) -> None:
        """Whole, or said not to be; nobody works on what is a mixture."""
        holding, generations = self.holding()
        database, documents = self.contents()
        if holding is Holding.COMPLETE:
            assert {database, documents} == generations
            return
        if database != documents:
            self.assert_nobody_gets_in()

    def assert_nobody_gets_in(self) -> None:
        """Whoever starts the ERP by hand, its own role and the superuser are both refused."""
        server = self.scene.context.environment.database
        for as_erp in (True, False):
            with (
                pytest.raises(EnvironmentFailure, match="not currently accepting connections"),
                sql.connect(server, DATABASE, as_erp=as_erp, deadline=0),
            ):
                pass

    def plan_again(self) -> RestorePlan:
        """The plan of the same command without leave to replace anything."""
        context = self.scene.context
        runner, environment = context.runner, context.environment
        with sql.connect(environment.database, "postgres") as connection:
            existing = find_databases(connection)
        documents = find_documents(runner, self.scene.erp, context.profile, [DATABASE])
        target = standing_target(environment, existing, documents)
        begun = find_begun_nodes(runner, find_nodes(runner, environment))
        return self.scene.plan(target=with_begun(target, begun))

    def finish(self) -> None:
        """Run it again: all of it is the new one, and nothing is left of those before."""
        done = run(order(self.scene, self.new.id, -1, ""))
        assert done.returncode == 0, done.stdout + done.stderr
        assert self.holding() == (Holding.COMPLETE, {self.new.id})
        assert self.contents() == (self.new.id, self.new.id)
        assert self.scene.lab.databases() == {DATABASE}
        assert self.scene.in_erp("ls", "-A", FILESTORE).split() == [DATABASE]
        labels = [f"{LABEL}={self.scene.lab.stack}", f"{ROLE}={HELPER}"]
        containers = self.scene.context.runner.client.containers
        assert containers.list(all=True, filters={"label": labels}) == []
        self.old, self.new = self.new, self.old


@pytest.fixture
def target(
    scene_of: Callable[..., Scene], source: Source, generation_factory: GenerationFactory
) -> Target:
    """An environment that holds one of two generations, told apart by a document of each."""
    scene = scene_of()
    fingerprint = scene.context.generation.fingerprint
    old, new = (
        generation_factory(
            replace(source.contents, documents={**source.contents.documents, name: b"mine"}),
            fingerprint,
        )
        for name in MARKERS
    )
    made = Target(scene, {old.id: MARKERS[0], new.id: MARKERS[1]}, new, old)
    made.finish()
    return made


def steps(target: Target) -> list[tuple[int, str, StepKind]]:
    """Every place to die at, with the kind of step."""
    found = list(enumerate(step.kind for step in target.scene.plan(replace=True).steps))
    middles = [(number, MIDDLE, kind) for number, kind in found if kind in WITHIN]
    return sorted([*((number, "begin", kind) for number, kind in found), *middles])


@pytest.mark.parametrize("kind", [StepKind.RESTORE_DATABASE, StepKind.PROMOTE_DOCUMENTS])
def test_killed_at_a_step_running_again_finishes(target: Target, kind: StepKind) -> None:
    number = next(number for number, _, found in steps(target) if found is kind)
    target.kill(number, MIDDLE if kind in WITHIN else "begin")
    target.assert_no_mix()
    if kind is StepKind.RESTORE_DATABASE:
        # All is the old one still, which people may have worked with.
        with pytest.raises(RefusedError, match="has a database"):
            target.plan_again()
    else:
        target.assert_nobody_gets_in()
        assert target.plan_again()
    target.finish()


@pytest.mark.heavy
def test_killed_at_every_step_running_again_finishes(target: Target) -> None:
    for number, when, _ in steps(target):
        target.kill(number, when)
        target.assert_no_mix()
        target.finish()
