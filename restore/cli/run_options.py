"""What the commands that replay share: their options, what is read from them, how they end."""

from __future__ import annotations

import traceback
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from restore.cli import options as shared
from restore.cli.generations import choose_generation
from restore.cli.terminal import Terminal
from restore.cli.verbs import Options, option
from restore.errors import ExitCode
from restore.model import ProgressListener, Report, Role, Selection, Verdict, locations
from restore.model.durations import parse_budget

if TYPE_CHECKING:
    from restore.runs.drill import DrillRequest
    from restore.runs.recorder import Recorder
    from restore.runs.request import ReplayRequest, Services

VERDICT_CODES: Final = {
    Verdict.PASS: ExitCode.PASS,
    Verdict.FAIL: ExitCode.FAIL,
    Verdict.UNVERIFIABLE: ExitCode.UNVERIFIABLE,
}


class Replaying(Options):
    """All that a replay can be told; a command offers some of it by deriving from groups, too."""

    profile: str = "odoo"
    repository: str = ""
    generation: str | None = None
    accept: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()
    check_login: str | None = None
    reports_login: str | None = None
    scenario: tuple[Path, ...] = ()
    rto_budget: str | None = None
    rpo_budget: str | None = None
    require_signed: bool = False
    jobs: int = 2
    reports: Path = locations.REPORTS
    lang: str = "en"
    node: tuple[str, ...] = ()
    replace: bool = False


class ReportedOptions(
    shared.AcceptOptions,
    shared.ReportsLoginOptions,
    shared.JobsOptions,
    shared.ReportsOptions,
    shared.LanguageOptions,
    Replaying,
):
    """Options of all commands that replay, and write a report."""


class ReplayOptions(
    shared.ProfileOptions,
    shared.RepositoryOptions,
    shared.GenerationOptions,
    shared.LoginOptions,
    ReportedOptions,
):
    """Options of the commands that replay a generation as it is."""

    scenario: tuple[Path, ...] = option(
        "Play this scenario once everything else was checked; may be given several times.",
        type=shared.FILE,
        metavar="FILE",
    )
    rto_budget: str | None = option(
        "Longest recovery time that is accepted, such as 90s, 15m or 1h30m; a longer one fails."
        " Default: the stack's setting rtoBudget, else the profile's rto_budget, else none.",
        envvar="PRA_RTO_BUDGET",
        metavar="DURATION",
    )
    rpo_budget: str | None = option(
        "How old the newest generation may be, such as 26h; an older one fails. Default: the"
        " stack's setting rpoBudget, else the profile's rpo_budget, else none: beyond 48 hours, the"
        " report warns.",
        envvar="PRA_RPO_BUDGET",
        metavar="DURATION",
    )
    require_signed: bool = option(
        "Refuse a generation whose manifest no trusted key has signed. The stack's setting"
        " requireSigned demands it always.",
    )


class EphemeralOptions(ReplayOptions, shared.ServerOptions):
    """Options of the commands that rebuild an environment, and destroy it in the end."""

    stack: str = option(
        "Stack file whose settings the ephemeral environment starts from.", default="drill"
    )
    keep: bool = option("Leave the environment standing afterwards.")

    def drill(self, replay: ReplayRequest) -> DrillRequest:
        """The drill of a replay in such an environment."""
        from restore.runs.drill import DrillRequest

        return DrillRequest(
            replay=replay,
            base=self.stack,
            keep=self.keep,
            images=self.images(),
            certificate=self.certificate_path(),
        )


def prepare_replay(
    terminal: Terminal, options: Replaying, listener: ProgressListener, command: str
) -> tuple[Services, ReplayRequest]:
    """Read what a command was told of a replay, and reach what the replay needs.

    Raises:
        RestoreError: an option, the repository, the profile or the Docker engine can't be used.
    """
    from restore.checks.scenarios import load_scenario
    from restore.runs.request import ReplayRequest, open_services

    accepted = shared.acceptances(options.accept, options.reason)
    selection = Selection(Path(options.repository), "", options.profile)
    services = open_services(selection, listener)
    profile = services.profile
    choice = choose_generation(services.repository, options.generation, terminal)
    request = ReplayRequest(
        selection=replace(selection, generation=choice),
        credentials=shared.check_credentials(options.check_login, profile.web.login),
        reports_account=None
        if profile.reports is None
        else shared.check_credentials(options.reports_login, profile.reports.login, "PRA_REPORTS"),
        accepted=accepted,
        reports=options.reports,
        language=options.lang,
        jobs=options.jobs,
        replace=options.replace,
        scenarios=tuple(map(load_scenario, options.scenario)),
        nodes=tuple(map(Role, options.node or tuple(Role))),
        command=command,
        # CI servers set a variable that has no value to nothing.
        rto_budget=parse_budget(options.rto_budget) if options.rto_budget else None,
        require_signed=options.require_signed,
        rpo_budget=(
            parse_budget(options.rpo_budget, "age of data") if options.rpo_budget else None
        ),
    )
    return services, request


def conclude_run(terminal: Terminal, report: Report, folder: Path, recorder: Recorder) -> int:
    """Print a run's report, and the error that ended it if any; the exit code."""
    from restore.report.document import report_document

    terminal.differences(report.differences)
    terminal.report(report, str(folder / "report.html"))
    terminal.json({**report_document(report), "folder": str(folder)})
    if recorder.error is not None:
        terminal.error(recorder.error)
        if terminal.is_verbose:
            traceback.print_exception(recorder.error)
        return recorder.error.exit_code
    return VERDICT_CODES[report.verdict]
