"""A replay in a process of its own, which is killed at a step.

Run as ``python -m tests.support.killed_replay``, on a JSON document of what ``order`` makes; the
process ends by SIGKILL, or well.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from restore.adapters.docker.runner import Runner
from restore.adapters.pulumi.outputs import environment_from_outputs
from restore.context import ReplayContext
from restore.model import Progress, StepStatus
from restore.model.locations import ROOT
from restore.profile import load_profile
from restore.replay.replay import replay
from restore.repository.folder import FolderRepository
from stacks import outputs
from tests.support.servers import Scene, make_plan

MIDDLE = "middle"


def order(scene: Scene, generation: str, step: int, when: str) -> dict[str, Any]:
    """What the process needs: a replay of ``generation`` that dies at a step; -1 is none.

    Args:
        when: ``begin`` of the step, or ``MIDDLE``: when it first tells how far it is, or ends.
    """
    environment = scene.context.environment
    database, erp = environment.database, environment.erp
    told = {
        outputs.STACK: environment.stack,
        outputs.NETWORK: environment.network,
        outputs.DATABASE_CONTAINER: database.container,
        outputs.DATABASE_ADDRESS: database.address,
        outputs.DATABASE_PORT: database.port,
        outputs.DATABASE_SUPERUSER: database.superuser,
        outputs.DATABASE_PASSWORD: database.password.reveal(),
        outputs.ERP_ROLE: database.erp_role,
        outputs.ERP_ROLE_PASSWORD: database.erp_password.reveal(),
        outputs.REPOSITORY_MOUNT: database.repository,
        outputs.ERP_CONTAINER: erp.container,
        outputs.ERP_ADDRESS: erp.address,
        outputs.ERP_PORT: erp.port,
        outputs.ERP_URL: erp.url,
        outputs.EXTERNAL_URL: environment.external_url,
    }
    return {
        "outputs": told,
        "repository": scene.context.repository.location,
        "generation": generation,
        "step": step,
        "when": when,
    }


def run(document: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Run the process."""
    return subprocess.run(
        [sys.executable, "-m", "tests.support.killed_replay"],
        input=json.dumps(document),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=ROOT,
    )


@contextmanager
def _runner() -> Iterator[Runner]:
    runner = Runner.connect()
    try:
        yield runner
    finally:
        runner.close()


def main() -> int:
    """Replay, or die; 1 when a step failed."""
    document = json.load(sys.stdin)
    repository = FolderRepository.at(Path(document["repository"]))
    with _runner() as runner:
        context = ReplayContext(
            runner=runner,
            environment=environment_from_outputs(document["outputs"]),
            repository=repository,
            generation=repository.load(document["generation"]),
            profile=load_profile("odoo"),
            now=lambda: datetime.now(UTC),
        )
        planned = make_plan(context, None, replace=True)
        titles = [step.title for step in planned.steps]
        heard: list[str] = []

        def listener(progress: Progress) -> None:
            heard.append(progress.label)
            if document["step"] < 0:
                return
            title = titles[document["step"]]
            begun, next_one = heard.count(title), titles[document["step"] + 1 :][:1]
            middle = begun > 1 or progress.label in next_one
            if middle if document["when"] == MIDDLE else begun:
                os.kill(os.getpid(), signal.SIGKILL)

        outcome = replay(planned, replace(context, listener=listener))
    failed = [asdict(s) for s in outcome.steps if s.status is not StepStatus.SUCCEEDED]
    print(json.dumps(failed, default=str))  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
