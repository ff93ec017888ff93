"""``pra scenario``: check and play scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from restore.cli.options import (
    FILE,
    AcceptOptions,
    LanguageOptions,
    LoginOptions,
    ProfileOptions,
    ReportsOptions,
    acceptances,
    check_credentials,
)
from restore.cli.run_options import conclude_run
from restore.cli.terminal import Cell, Terminal, document_of
from restore.cli.verbs import Options, VerbGroup, argument, command, option
from restore.errors import UsageError
from restore.model import Environment, Selection, locations
from restore.model.messages import message

if TYPE_CHECKING:
    from restore.checks.scenarios import Scenario
    from restore.runs.recorder import Recorder
    from restore.runs.request import ReplayRequest

COMMAND: Final = "pra scenario run"


class FilesOptions(Options):
    """Which scenarios they are."""

    files: tuple[Path, ...] = argument(nargs=-1, required=True, type=FILE, metavar="FILE...")


class RunOptions(
    FilesOptions, ProfileOptions, LoginOptions, AcceptOptions, ReportsOptions, LanguageOptions
):
    stack: str = option("The stack whose environment stands.", required=True)
    database: str | None = option("The ERP's database; needed where there are several.")


@click.group("scenario", cls=VerbGroup)
def verb() -> None:
    """Check and play scenarios: what people do with the ERP, over its API and its pages."""


@command("check", FilesOptions, of=verb)
def check_command(terminal: Terminal, options: FilesOptions) -> None:
    """Validate scenario files and show their steps. Every error of a file is told at once.

    \b
    Example:
      pra scenario check fixtures/scenarios/partners.yaml
    """
    from restore.checks.scenarios import load_scenario

    documents = []
    for scenario in [load_scenario(path) for path in options.files]:
        rows = _rows(scenario)
        terminal.table_of(f"{scenario.title} ({scenario.name}, {scenario.api} API)", rows)
        documents.append(
            {
                "name": scenario.name,
                "title": scenario.title,
                "api": scenario.api,
                "on_pages": scenario.on_pages,
                "needs_account": scenario.needs_account,
                "steps": [document_of(row) for row in rows],
            }
        )
    terminal.json(documents)


@command("run", RunOptions, of=verb)
def run_command(terminal: Terminal, options: RunOptions) -> int:
    """Play scenarios in an environment that stands, and write a report.

    They are played for good: what they create stays there. Pages are opened in a browser of their
    own beside the ERP; 'make setup IMAGES=browser' makes its image.

    \b
    Examples:
      pra scenario run fixtures/scenarios/partners.yaml --stack staging
      pra scenario run sales.yaml stock.yaml --stack staging --lang fr
    """
    from restore.checks.scenarios import is_step_key, load_scenario, require_steps
    from restore.profile import load_profile
    from restore.report.evidence.keys import signer_of_environment
    from restore.runs.entry import run_to_report
    from restore.runs.recorder import Recorder, new_run
    from restore.runs.request import ReplayRequest, utc_now

    scenarios = tuple(map(load_scenario, options.files))
    profile = load_profile(options.profile)
    request = ReplayRequest(
        selection=Selection(locations.REPOSITORY, "", options.profile),
        credentials=check_credentials(options.check_login, profile.web.login),
        accepted=acceptances(options.accept, options.reason),
        reports=options.reports,
        language=options.lang,
        command=COMMAND,
        scenarios=scenarios,
    )
    if others := [one.key for one in request.accepted if not is_step_key(one.key)]:
        raise UsageError(f"{', '.join(others)}: only steps of scenarios are checked here")
    require_steps(request.accepted, scenarios)
    with terminal.progress() as listener:
        recorder = Recorder(
            run=new_run(utc_now()),
            command=request.command,
            stack=options.stack,
            accepted=request.accepted,
            now=utc_now,
            listener=listener,
            profile=profile.name,
            base=options.stack,
            signer=signer_of_environment(),
        )
        report, folder = run_to_report(
            recorder,
            request,
            lambda: _play(options.stack, options.database, request, recorder),
        )
    return conclude_run(terminal, report, folder, recorder)


def _play(stack: str, database: str | None, request: ReplayRequest, recorder: Recorder) -> None:
    """Stage "check": play in the environment of a stack, alone in it."""
    from restore.adapters import lock
    from restore.adapters.docker.access import open_access
    from restore.adapters.docker.runner import Runner
    from restore.adapters.pulumi.outputs import environment_from_outputs
    from restore.adapters.pulumi.rebuild import outputs_of
    from restore.checks.base import with_acceptances
    from restore.checks.scenarios import Ground, play_all, require_playable

    with recorder.stage("check", message("Play the scenarios")):
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
    from restore.adapters.postgres import sql
    from restore.replay.steps.databases import find_databases

    with sql.connect(environment.database) as connection:
        names = sorted(one.name for one in find_databases(connection))
    if len(names) != 1:
        raise UsageError(
            f"the environment has {len(names)} databases: {', '.join(names) or 'none'}",
            "name one: --database NAME",
        )
    return names[0]


def _rows(scenario: Scenario) -> list[tuple[Cell, ...]]:
    return [
        (
            Cell("name", step.name),
            Cell("title", step.title, "step"),
            Cell("act", step.kind, "act"),
            Cell("deadline", step.deadline, "deadline", f"{step.deadline:g} s"),
            Cell("check", scenario.check_id(step), "check"),
        )
        for step in scenario.steps
    ]
