"""One replay by the engine into servers that stand, timed, in a process of its own.

The ERP is neither stopped nor started: no other way does that, and it takes as long in each.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.target import REPOSITORY
from restore.adapters.docker.runner import Runner
from restore.context import ReplayContext
from restore.model import (
    DatabaseServer,
    Environment,
    EnvironmentFacts,
    ErpServer,
    ReplayMode,
    Role,
    StepKind,
    StepStatus,
)
from restore.model.secret import Secret
from restore.plan.blueprint import configuration_texts
from restore.plan.cache.policy import CachePolicy
from restore.plan.planning import plan
from restore.plan.request import PlanRequest, copied_documents, standing_target
from restore.profile import load_profile
from restore.replay.replay import replay
from restore.repository.folder import FolderRepository
from restore.repository.verify import require_sound, verify
from restore.runs.cache import choose_cache
from restore.runs.planning import with_server

_LEFT_OUT: Final = (StepKind.STOP_ERP, StepKind.START_ERP, StepKind.CONFIGURATION)
_POLICIES: Final = {
    "cold": CachePolicy(),
    "keep": CachePolicy(keep=True),
    "cached": CachePolicy(use=True),
}
"""What a replay may do with caches, by its name here."""


def main(given: dict[str, Any]) -> None:
    """Verify, plan and replay; print the seconds as JSON."""
    runner = Runner.connect()
    environment = _environment(given)
    repository = FolderRepository.at(Path(given["root"]) / "repository")
    profile = load_profile("odoo")
    begun = time.monotonic()
    generation = repository.load(given["generation"])
    unread = copied_documents(generation, profile, (), tuple(Role))
    require_sound(verify(repository, generation, jobs=given["jobs"], unread=unread))
    verified = time.monotonic()
    fingerprint = generation.fingerprint
    request = PlanRequest(
        generation=generation,
        profile=profile,
        texts=configuration_texts(repository, generation, profile),
        facts=EnvironmentFacts(fingerprint.postgresql, fingerprint.erp, fingerprint.erp_series),
        target=with_server(runner, environment, profile, standing_target(environment)),
        jobs=given["jobs"],
    )
    chosen = choose_cache(runner, environment, request, _POLICIES[given["copies"]])
    if (chosen.mode is ReplayMode.CACHED) != (given["copies"] == "cached"):
        raise RuntimeError(f"the replay would be {chosen.mode}: {chosen.reason}")
    planned = plan(chosen.request)
    steps = tuple(step for step in planned.steps if step.kind not in _LEFT_OUT)
    context = ReplayContext(
        runner=runner,
        environment=environment,
        repository=repository,
        generation=generation,
        profile=profile,
        now=lambda: datetime.now(UTC),
        jobs=given["jobs"],
        run="bench",
        # No copy of others goes for this one.
        most_caches=64,
    )
    outcome = replay(replace(planned, steps=steps), context)
    ended = time.monotonic()
    if bad := [step for step in outcome.steps if step.status is not StepStatus.SUCCEEDED]:
        raise RuntimeError(f"{bad[0].title}: {bad[0].reason}")
    timed = {step.id.partition(":")[0]: step.duration for step in outcome.steps}
    # It goes on while the ERP starts.
    afterwards = timed.get(StepKind.STATISTICS.value, 0.0)
    found = {"seconds": ended - begun - afterwards, "steps": {"verify": verified - begun, **timed}}
    print(json.dumps(found))  # noqa: T201 - what the caller reads


def _environment(given: dict[str, Any]) -> Environment:
    server = DatabaseServer(
        container=given["database"],
        address=given["address"],
        port=5432,
        superuser="postgres",
        password=Secret(os.environ["BENCH_SUPERUSER"]),
        erp_role="odoo",
        erp_password=Secret(os.environ["BENCH_ERP"]),
        repository=REPOSITORY,
    )
    erp = ErpServer(given["erp"], given["address"], 8069, "http://nowhere")
    return Environment(given["stack"], given["stack"], server, erp, "http://nowhere")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
