"""What the commands that replay share: their options, what is read from them, how they end."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from restore.checks.scenarios import load_scenario
from restore.cli.options import (
    accept_option,
    acceptances,
    check_credentials,
    choose_generation,
    generation_option,
    jobs_option,
    language_option,
    login_option,
    profile_option,
    reason_option,
    reports_login_option,
    reports_option,
    repository_option,
    rto_budget_option,
    scenario_option,
)
from restore.cli.terminal import Terminal
from restore.errors import ExitCode
from restore.model import Credentials, ProgressListener, Report, Role, Selection, Verdict, locations
from restore.model.durations import parse_budget
from restore.model.environment import NO_CERTIFICATE
from restore.profile import Profile
from restore.report import report_document
from restore.runs.recorder import Recorder
from restore.runs.request import ReplayRequest, Services, open_services

VERDICT_CODES: Final = {
    Verdict.PASS: ExitCode.PASS,
    Verdict.FAIL: ExitCode.FAIL,
    Verdict.UNVERIFIABLE: ExitCode.UNVERIFIABLE,
}

_IMAGES: Final = {
    Role.DATABASE: "Image of the database server, in place of the generation's.",
    Role.ERP: "Image of the ERP server, in place of the generation's.",
    Role.PROXY: "Image of the reverse proxy, in place of the profile's.",
    Role.REPORTS_DATABASE: "Image of the reports server's own database server.",
    Role.REPORTS: "Image of the reports server, in place of the generation's.",
}

Command = Callable[..., Any]


def replay_options(command: Command) -> Command:
    """Options of the commands that replay."""
    for option in (
        language_option,
        reports_option,
        jobs_option,
        rto_budget_option,
        reports_login_option,
        scenario_option,
        login_option,
        reason_option,
        accept_option,
        generation_option,
        repository_option,
        profile_option,
    ):
        command = option(command)
    return command


def image_options(command: Command) -> Command:
    """Options that replace the generation's images."""
    for role in reversed(Role):
        command = click.option(f"--{role.value}-image", help=_IMAGES[role])(command)
    return command


certificate_option = click.option(
    "--certificate",
    metavar="PATH",
    help="PEM that the reverse proxy serves, in place of the generation's; none is plain HTTP.",
)


def prepare_replay(
    terminal: Terminal, options: dict[str, Any], listener: ProgressListener, command: str
) -> tuple[Services, ReplayRequest]:
    accepted = acceptances(options["accepted_keys"], options["reasons"])
    selection = Selection(
        repository=Path(options["repository"]), generation="", profile=options["profile"]
    )
    services = open_services(selection, listener)
    choice = choose_generation(services.repository, options["generation"], terminal)
    request = ReplayRequest(
        selection=Selection(selection.repository, choice, selection.profile),
        credentials=check_credentials(options.get("check_login"), services.profile.web.login),
        reports_account=_reports_account(services.profile, options.get("reports_login")),
        accepted=accepted,
        reports=options.get("reports", locations.REPORTS),
        language=options.get("lang", "en"),
        jobs=options["jobs"],
        replace=options.get("replace", False),
        scenarios=tuple(map(load_scenario, options.get("scenario_files") or ())),
        nodes=tuple(map(Role, options.get("nodes") or tuple(Role))),
        command=command,
        # CI servers set a variable that has no value to nothing.
        rto_budget=parse_budget(budget) if (budget := options.get("rto_budget")) else None,
    )
    return services, request


def _reports_account(profile: Profile, login: str | None) -> Credentials | None:
    """The account of the reports server, where the profile has one."""
    if profile.reports is None:
        return None
    return check_credentials(login, profile.reports.login, "PRA_REPORTS")


def chosen_images(options: dict[str, Any]) -> dict[Role, str]:
    given = {role: options.get(f"{role.value.replace('-', '_')}_image") for role in Role}
    return {role: image for role, image in given.items() if image}


def chosen_certificate(options: dict[str, Any]) -> str | None:
    """The certificate that was named, from wherever Pulumi's program runs."""
    told: str | None = options["certificate"]
    if told in (None, NO_CERTIFICATE):
        return told
    return str(Path(str(told)).expanduser().resolve())


def conclude_run(terminal: Terminal, report: Report, folder: Path, recorder: Recorder) -> int:
    terminal.differences(report.differences)
    terminal.report(report, str(folder / "report.html"))
    terminal.json({**report_document(report), "folder": str(folder)})
    if recorder.error is not None:
        terminal.error(recorder.error)
        if terminal.verbose:
            traceback.print_exception(recorder.error)
        return recorder.error.exit_code
    return VERDICT_CODES[report.verdict]
