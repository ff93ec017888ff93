"""``kill -9`` of the engine: a target is the old one or the new one, or says that it is neither."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace

import pytest

from restore.model import Generation, Holding, StepKind
from restore.node_records import environment_nodes, node_status
from restore.nodes import MARK, conclude
from tests.fix_repository import DATABASE, GenerationFactory
from tests.fix_servers import Scene, Source
from tests.killed_replay import MIDDLE, order, run

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
            node_status(context.runner, node)
            for node in environment_nodes(context.runner, context.environment)
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
        # Stopped before the first change, started when all is there.
        runner = self.scene.context.runner
        assert database == documents or runner.container(self.scene.erp).status != "running"

    def finish(self) -> None:
        """Run it again: all of it is the new one, and nothing is left of those before."""
        done = run(order(self.scene, self.new.id, -1, ""))
        assert done.returncode == 0, done.stdout + done.stderr
        assert self.holding() == (Holding.COMPLETE, {self.new.id})
        assert self.contents() == (self.new.id, self.new.id)
        assert self.scene.lab.databases() == {DATABASE}
        assert self.scene.in_erp("ls", "-A", FILESTORE).split() == [DATABASE]
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
    target.finish()


@pytest.mark.heavy
def test_killed_at_every_step_running_again_finishes(target: Target) -> None:
    for number, when, _ in steps(target):
        target.kill(number, when)
        target.assert_no_mix()
        target.finish()
