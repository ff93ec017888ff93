"""The engine's entry: what the Pulumi program calls, and how every run ends in a report."""

from __future__ import annotations

import shutil
import tempfile
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restore import __version__, model
from restore.adapters import lock, logs
from restore.adapters.pulumi.outputs import environment_from_outputs
from restore.anonymise import Anonymisation, anonymisation_asked
from restore.anonymise.key import VARIABLE
from restore.checks.web import foreseen_scenario_checks
from restore.errors import EnvironmentFailure, Interrupted, RestoreError, UsageError
from restore.model import locations
from restore.model.environment import StackOverrides
from restore.model.messages import message
from restore.profile import load_profile
from restore.report.evidence.format import sign_files
from restore.report.files import write_report
from restore.report.history import RunGroup, append_to_history, history_file
from restore.repository.selection import choose
from restore.runs.recorder import Recorder, Run
from restore.runs.request import ReplayRequest, open_services
from restore.runs.stages import preflight, replay_into, select, verify_generation

__all__ = [
    "ReplayRequest",
    "ReplaySummary",
    "StackOverrides",
    "anonymisation",
    "blueprint",
    "replay_outputs",
]


@dataclass(frozen=True, slots=True)
class ReplaySummary:
    """How a replay ended, in texts that may go into a stack's outputs."""

    verdict: str
    generation: str
    report: str
    message: str


def blueprint(
    selection: model.Selection,
    overrides: StackOverrides,
    accepted: tuple[model.Acceptance, ...] = (),
) -> model.Blueprint:
    """Compute the equivalent environment that a generation asks for.

    Args:
        overrides: what the stack is told in place of what the generation says.
        accepted: differences that the user accepts.

    Raises:
        RestoreError: the repository, generation or profile can't be used, or the environment
            would not be equivalent.
    """
    services = open_services(selection)
    generation = choose(services.repository, selection.generation)
    run = Run.begin("", ReplayRequest(selection, None, accepted, locations.REPORTS), services)
    return preflight(run, generation, overrides).blueprint


def anonymisation(rules: str | None, key: str | None, profile: str) -> Anonymisation | None:
    """The anonymisation that a stack is told, whose profile is named or at a path; None without.

    Raises:
        RestoreError: there are no such rules or no such profile, or they or the key are wrong.
    """
    if rules is None:
        return None
    return anonymisation_asked(rules, None, load_profile(profile).name, {VARIABLE: key or ""})


def replay_outputs(outputs: Mapping[str, Any], request: ReplayRequest) -> ReplaySummary:
    """Replay into the environment that a stack's outputs describe, for the stack itself.

    Raises:
        RestoreError: what stopped the run, after its report was written.
    """
    environment = environment_from_outputs(outputs)
    run = Run.begin(environment.stack, request, open_services(request.selection))
    _require_login(run)
    report, folder = run_to_report(run.recorder, request, lambda: replay_standing(run, environment))
    if run.recorder.error is not None:
        raise run.recorder.error
    found = [
        f"{c.id}: expected {c.expected}, observed {c.observed}"
        for c in report.checks
        if c.status is model.CheckStatus.FAILED
    ]
    found += [f"{c.id} is without an answer: {c.reason}" for c in report.checks if c.undecided]
    return ReplaySummary(
        verdict=report.verdict.value,
        generation=report.generation.id if report.generation else "",
        report=str(folder / "report.html"),
        message="; ".join(found) + (f"\n{report.hint}" if report.hint else ""),
    )


def _require_login(run: Run) -> None:
    """Refuse early what could not pass: a stack that fails has to be replayed into once more.

    Raises:
        UsageError: no account was given to log in with, and the login was not left out.
    """
    scenario = run.services.profile.web
    login = next(one.id for one in foreseen_scenario_checks(scenario) if one.decisive)
    accepted = {acceptance.key for acceptance in run.request.accepted}
    if run.request.credentials is None and login not in accepted:
        raise UsageError(
            "nobody could log in to what is restored, so nothing was replayed yet",
            f"set checkPassword (and checkLogin), or leave {login} out with a reason (setting "
            "accept); then run it again",
        )


def replay_standing(run: Run, environment: model.Environment) -> None:
    """Choose, verify and replay a generation into a stack that stands, alone in it.

    ``pulumi up`` and ``pra restore`` know nothing of each other, but for the stack's lock.

    Raises:
        RestoreError: what stopped the run.
    """
    command, now = run.request.command, run.services.now()
    with lock.stack_lock(locations.LOCKS, environment.stack, command, now=now, kept=True):
        generation = select(run)
        verify_generation(run, generation)
        replay_into(run, environment, generation)


def run_to_report(
    recorder: Recorder, request: ReplayRequest, story: Callable[[], None]
) -> tuple[model.Report, Path]:
    """Run a story to its end, however it ends, keep it in the history and write its report.

    Returns:
        The report, whose ``error`` says what stopped the run, and its folder.
    """
    with logs.run_log(recorder.run, command=recorder.command, stack=recorder.stack):
        logs.event("run begins", profile=recorder.profile, version=__version__)
        try:
            story()
        except RestoreError as error:
            recorder.error = error
        except KeyboardInterrupt:
            recorder.error = Interrupted(
                message("interrupted"), message("run it again: it begins afresh")
            )
        except Exception as error:  # a bug still leaves a report, and says that it is one
            recorder.error = RestoreError(
                f"internal error: {type(error).__name__}: {error}", "please report it as a bug"
            )
            recorder.error.__cause__ = error
            logs.event("bug", trace="".join(traceback.format_tb(error.__traceback__)))
        group = RunGroup(recorder.command, recorder.profile, recorder.base)
        report = append_to_history(recorder.report(), group, history_file(request.reports))
        logs.event("run ends", verdict=report.verdict, error=report.error)
        return report, _kept(report, request, recorder)


def _kept(report: model.Report, request: ReplayRequest, recorder: Recorder) -> Path:
    """Write a report into its folder; where it can't be, elsewhere, and say so.

    Raises:
        EnvironmentFailure: the folder takes no report; names the verdict and where it lies.
    """
    folder = request.reports / report.run
    try:
        _write(report, folder, request.language, recorder)
    except OSError as error:
        with suppress(OSError):
            folder.rmdir()
        problem = f"the report could not be written into {folder}: {error.strerror or error}"
        ended = f"; what had ended the run: {report.error}" if report.error else ""
        raise EnvironmentFailure(
            f"{problem}; the verdict is {report.verdict}{ended}",
            _elsewhere(report, request.language, recorder)
            + "make room there, or choose another --reports",
        ) from error
    return folder


def _write(report: model.Report, folder: Path, language: str, recorder: Recorder) -> None:
    signer, run, now = recorder.signer, recorder.run, recorder.now
    signing = (lambda files: sign_files(signer, run, __version__, now(), files)) if signer else None
    write_report(report, folder, language, signing, dict(recorder.pictures))


def _elsewhere(report: model.Report, language: str, recorder: Recorder) -> str:
    with suppress(OSError):
        folder = Path(tempfile.mkdtemp(prefix=f"pra-report-{report.run}-"))
        try:
            _write(report, folder, language, recorder)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            return f"the report lies in {folder}: keep it; "
    return ""
