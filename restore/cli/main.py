"""The ``pra`` command: arguments, printing, and the exit code of every error.

Nothing else in the engine exits.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from types import FrameType
from typing import Final, NoReturn

import click

from restore import __version__
from restore.adapters import logs
from restore.cli.anonymise import anonymise_group
from restore.cli.backup import capture_command, generations_group, verify_command
from restore.cli.cache import cache_group
from restore.cli.evidence import evidence_group
from restore.cli.gc import gc_command
from restore.cli.history import history_command
from restore.cli.importing import import_command
from restore.cli.postop import postop_group
from restore.cli.prerequisites import prerequisites_command
from restore.cli.profile import profile_group
from restore.cli.recovery import drill_command, plan_command, report_command, restore_command
from restore.cli.scenario import scenario_group
from restore.cli.staging import staging_group
from restore.cli.status import status_command
from restore.cli.terminal import Terminal
from restore.cli.upgrade import upgrade_group
from restore.errors import ExitCode, RestoreError
from restore.runs.recorder import new_run
from restore.runs.request import utc_now

LOGGED: Final = ("capture", "import", "gc", "staging")
"""The commands that change something outside of a run that is reported: they log for themselves."""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  pra capture --database-container db --erp-container erp
  pra generations list
  pra drill --generation latest
  pra staging create --name sales-test --generation latest
  pra restore --stack staging --generation "latest-before 2026-11-23"

Exit codes: 0 pass, 1 internal error, 2 usage, 3 verdict fail, 4 unverifiable, 5 not found,
6 damaged generation, 7 refused, 8 environment, 9 capture or replay failed, 10 evidence altered,
11 not signed by a trusted key, 130 interrupted.
""",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@click.option(
    "--verbose", is_flag=True, help="Show commands and stages as they go, and errors' tracebacks."
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    help="How they are shown on stderr: as text, or as JSON lines.  [default: text, if verbose]",
)
@click.version_option(__version__, prog_name="pra")
@click.pass_context
def pra(context: click.Context, as_json: bool, verbose: bool, log_format: str | None) -> None:
    """Restore ERP backups into a rebuilt environment, and prove that they work.

    A generation is one consistent backup set in a repository. A drill rebuilds an equivalent
    environment with Pulumi, replays a generation into it, checks the result and gives a verdict.
    """
    context.obj = Terminal(as_json=as_json, verbose=verbose or log_format is not None)
    if context.obj.verbose:
        context.with_resource(logs.shown(as_json=log_format == "json"))
    if context.invoked_subcommand in LOGGED:
        command = f"pra {context.invoked_subcommand}"
        context.with_resource(logs.run_log(new_run(utc_now()), command=command))


@pra.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Example:
      eval "$(pra completion bash)"
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - rarely needed

    found = get_completion_class(shell)
    if found is not None:
        click.echo(found(pra, {}, "pra", "_PRA_COMPLETE").source())


for command in (
    capture_command,
    import_command,
    generations_group,
    verify_command,
    plan_command,
    drill_command,
    restore_command,
    staging_group,
    status_command,
    report_command,
    upgrade_group,
    postop_group,
    prerequisites_command,
    evidence_group,
    history_command,
    scenario_group,
    cache_group,
    gc_command,
    profile_group,
    anonymise_group,
):
    pra.add_command(command)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run ``pra`` and exit with the documented code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run ``pra`` and return its exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    terminal = Terminal(as_json="--json" in arguments, verbose="--verbose" in arguments)
    try:
        result = pra.main(arguments, prog_name="pra", standalone_mode=False)
    except RestoreError as error:
        if terminal.verbose:
            traceback.print_exc()
        terminal.error(error)
        terminal.json({"error": error.message, "hint": error.hint, "exit_code": error.exit_code})
        return error.exit_code
    except BrokenPipeError:
        # The reader, `head` for example, has seen enough; Python would complain at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.PASS
    except (click.exceptions.Abort, KeyboardInterrupt):
        terminal.note("interrupted")
        return ExitCode.INTERRUPTED
    except click.ClickException as error:
        error.show()
        command = getattr(error, "ctx", None)
        hint = f"see '{command.command_path} --help'" if command else "see 'pra --help'"
        terminal.json({"error": error.format_message(), "hint": hint, "exit_code": ExitCode.USAGE})
        return ExitCode.USAGE
    return int(result or ExitCode.PASS)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
