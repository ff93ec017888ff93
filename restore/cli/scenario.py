"""Commands on scenarios: check, run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from restore.adapters import lock
from restore.adapters.docker.access import open_access
from restore.adapters.docker.runner import Runner
from restore.adapters.postgres import sql
from restore.adapters.pulumi.outputs import environment_from_outputs
from restore.adapters.pulumi.rebuild import outputs_of
from restore.checks.base import with_acceptances
from restore.checks.scenarios import (
    Ground,
    Scenario,
    is_step_key,
    load_scenario,
    play_all,
    require_playable,
    require_steps,
)
from restore.cli.options import (
    Decorator,
    accept_option,
    acceptances,
    check_credentials,
    language_option,
    login_option,
    profile_option,
    reason_option,
    reports_option,
)
from restore.cli.run_options import conclude_run
from restore.cli.terminal import Terminal
from restore.errors import UsageError
from restore.model import Environment, ProgressListener, Selection, locations
from restore.profile import load_profile
from restore.replay.steps.databases import existing_databases
from restore.report.evidence.keys import signer_of_environment
from restore.runs.entry import run_to_report
from restore.runs.recorder import Recorder, new_run
from restore.runs.request import ReplayRequest, utc_now

COMMAND: Final = "pra scenario run"

_files: Final[Decorator] = click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE...",
)


@click.group("scenario")
def scenario_group() -> None:
    """Check and play scenarios: what people do with the ERP, over its API and its pages."""


@scenario_group.command("check")
@_files
@click.pass_obj
def check_command(terminal: Terminal, files: tuple[Path, ...]) -> None:
    """Validate scenario files and show their steps. Every error of a file is told at once.

    \b
    Example:
      pra scenario check fixtures/scenarios/partners.yaml
    """
    scenarios = [load_scenario(path) for path in files]
    for one in scenarios:
        terminal.table(
            f"{one.title} ({one.name}, {one.api} API)",
            ("step", "act", "deadline", "check"),
            [
                (step.title, step.kind, f"{step.deadline:g} s", one.check_id(step))
                for step in one.steps
            ],
        )
    terminal.json([_document(one) for one in scenarios])


@scenario_group.command("run")
@_files
@click.option("--stack", required=True, help="The stack whose environment stands.")
@click.option("--database", help="The ERP's database; needed where there are several.")
@profile_option
@login_option
@accept_option
@reason_option
@reports_option
@language_option
@click.pass_obj
def run_command(terminal: Terminal, /, **options: Any) -> int:
    """Play scenarios in an environment that stands, and write a report.

    They are played for good: what they create stays there. Pages are opened in a browser of their
    own beside the ERP; 'make setup IMAGES=browser' makes its image.

    \b
    Examples:
      pra scenario run fixtures/scenarios/partners.yaml --stack staging
      pra scenario run sales.yaml stock.yaml --stack staging --lang fr
    """
    scenarios = tuple(map(load_scenario, options["files"]))
    profile = load_profile(options["profile"])
    request = ReplayRequest(
        selection=Selection(locations.REPOSITORY, "", options["profile"]),
        credentials=check_credentials(options["check_login"], profile.web.login),
        accepted=acceptances(options["accepted_keys"], options["reasons"]),
        reports=options["reports"],
        language=options["lang"],
        command=COMMAND,
        scenarios=scenarios,
    )
    if others := [one.key for one in request.accepted if not is_step_key(one.key)]:
        raise UsageError(f"{', '.join(others)}: only steps of scenarios are checked here")
    require_steps(request.accepted, scenarios)
    with terminal.progress() as listener:
        recorder = _recorder(options["stack"], request, profile.name, listener)
        report, folder = run_to_report(
            recorder,
            request,
            lambda: _play(options["stack"], options["database"], request, recorder),
        )
    return conclude_run(terminal, report, folder, recorder)


def _recorder(
    stack: str, request: ReplayRequest, profile: str, listener: ProgressListener
) -> Recorder:
    return Recorder(
        run=new_run(utc_now()),
        command=request.command,
        stack=stack,
        accepted=request.accepted,
        now=utc_now,
        listener=listener,
        profile=profile,
        base=stack,
        signer=signer_of_environment(),
    )


def _play(stack: str, database: str | None, request: ReplayRequest, recorder: Recorder) -> None:
    """Stage "check": play in the environment of a stack, alone in it."""
    with recorder.stage("check", "Play the scenarios"):
        environment = environment_from_outputs(outputs_of(stack))
        with (
            lock.stack_lock(locations.LOCKS, stack, COMMAND, now=recorder.now(), kept=True),
            open_access(environment, Runner.connect()) as (at_hand, runner),
        ):
            erp = at_hand.erp.container
            require_playable(request.scenarios, request.credentials, runner, erp)
            name = database or _only_database(at_hand)
            ground = Ground(
                at_hand, runner, name, request.credentials, recorder.run, request.language
            )
            played = play_all(ground, request.scenarios)
        recorder.checks = with_acceptances(played.results, request.accepted)
        recorder.pictures = played.pictures


def _only_database(environment: Environment) -> str:
    """The database of an environment that has one.

    Raises:
        UsageError: it has none or several; names them.
    """
    with sql.connect(environment.database, "postgres") as connection:
        names = sorted(one.name for one in existing_databases(connection))
    if len(names) != 1:
        raise UsageError(
            f"the environment has {len(names)} databases: {', '.join(names) or 'none'}",
            "name one: --database NAME",
        )
    return names[0]


def _document(scenario: Scenario) -> dict[str, Any]:
    return {
        "name": scenario.name,
        "title": scenario.title,
        "api": scenario.api.value,
        "on_pages": scenario.on_pages,
        "needs_account": scenario.needs_account,
        "steps": [
            {
                "name": step.name,
                "title": step.title,
                "act": step.kind,
                "deadline": step.deadline,
                "check": scenario.check_id(step),
            }
            for step in scenario.steps
        ],
    }
