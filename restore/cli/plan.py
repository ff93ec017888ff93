"""``pra plan``: what a drill of a generation would do."""

from __future__ import annotations

from pathlib import Path

from restore.cli.options import (
    AcceptOptions,
    JobsOptions,
    ProfileOptions,
    RepositoryOptions,
    ServerOptions,
)
from restore.cli.run_options import Replaying, prepare_replay
from restore.cli.terminal import Terminal
from restore.cli.verbs import argument, command


class PlanOptions(
    RepositoryOptions, ProfileOptions, AcceptOptions, JobsOptions, ServerOptions, Replaying
):
    generation: str | None = argument(required=False)


@command("plan", PlanOptions)
def verb(terminal: Terminal, options: PlanOptions) -> None:
    """Show the plan that a drill of a generation would follow. Nothing is made.

    It is that of a cold drill: for kept copies (see 'pra cache'), a drill looks when its servers
    stand.

    \b
    Examples:
      pra plan latest
      pra --json plan latest
    """
    from restore.model.environment import StackOverrides, certificate_choice
    from restore.plan.text import describe_plan, plan_document
    from restore.runs.recorder import Run
    from restore.runs.stages import preflight, select

    with terminal.progress() as listener:
        services, request = prepare_replay(terminal, options, listener, "pra plan")
        run = Run.begin("drill", request, services)
        generation = select(run)
        path, plain = certificate_choice(options.certificate_path(), Path.cwd())
        overrides = StackOverrides(options.images(), path, plain=plain)
        plan = preflight(run, generation, overrides).plan
    for line in describe_plan(plan):
        terminal.print(line)
    terminal.json(plan_document(plan))
    terminal.differences(run.recorder.differences)
