"""The ``pra`` command: its verbs, and the exit code of every error.

Nothing else in the engine exits.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from importlib import import_module
from typing import Final, NoReturn

import click

from restore import __version__
from restore.cli.terminal import Terminal
from restore.cli.verbs import Verb, VerbGroup
from restore.errors import ExitCode, RestoreError

VERBS: Final = {
    "anonymise": "Check and show rules by which staging copies are anonymised.",
    "cache": "Copies of database servers' data, kept by cold drills and used by later ones.",
    "capture": "Make a generation from a running ERP: databases first, then documents.",
    "completion": "Print the completion script of a shell.",
    "drill": "Rebuild an environment, replay a generation into it, check it, and destroy it.",
    "evidence": "Signed reports: verify them, make and show keys.",
    "gc": "Remove what crashed drills left: containers, networks, volumes and stack files.",
    "generations": "List and show the generations of a repository.",
    "history": "Show past runs and how their recovery times develop.",
    "import": "Turn a backup that others made into a generation.",
    "plan": "Show the plan that a drill of a generation would follow.",
    "postop": "List and tick off what people do after a restore (post-operations of the profile).",
    "prerequisites": "Write the prerequisites of a restore as a document.",
    "profile": "List, begin, check and show profiles: ERPs described as data.",
    "report": "Render the report of a run again; of the last run when none is named.",
    "restore": "Replay a generation into an environment that stands.",
    "scenario": "Check and play scenarios: what people do with the ERP, over its API and its "
    "pages.",
    "staging": "Make, list, renew and destroy staging copies: safe copies of production that stay "
    "a while.",
    "status": "Show which generation each node of a stack holds, and whether it is the same on "
    "all.",
    "upgrade": "Rehearse an upgrade on what production's backup holds, accept it, and take it "
    "back.",
    "verify": "Verify every checksum of a generation, in parallel.",
}
"""Each verb with its line of help. ``restore/cli/`` has a module each, which defines ``verb``."""


def load_verb(name: str) -> click.Command:
    """Import the module of a verb of ``VERBS``; return its command."""
    module = "importing" if name == "import" else name
    verb: click.Command = import_module(f"restore.cli.{module}").verb
    return verb


class LazyVerbs(VerbGroup):
    """Lists the verbs from the table, and imports the module of the one that is used."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb that the arguments begin with; import it."""
        name, listed, rest = super().resolve_command(ctx, args)
        return name, load_verb(name) if name else listed, rest


@click.group(
    cls=LazyVerbs,
    commands=[Verb(name, short_help=text) for name, text in VERBS.items()],
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
@click.version_option(__version__, prog_name="pra")
def pra() -> None:
    """Restore ERP backups into a rebuilt environment, and prove that they work.

    A generation is one consistent backup set in a repository. A drill rebuilds an equivalent
    environment with Pulumi, replays a generation into it, checks the result and gives a verdict.
    """


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run ``pra`` and exit with the documented code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run ``pra`` and return its exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    terminal = Terminal()
    try:
        result = pra.main(arguments, prog_name="pra", standalone_mode=False, obj=terminal)
    except RestoreError as error:
        if terminal.is_verbose:
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
        # Parsing may have ended before it came to the option.
        terminal.as_json = terminal.as_json or "--json" in arguments
        command = getattr(error, "ctx", None)
        hint = f"see '{command.command_path} --help'" if command else "see 'pra --help'"
        terminal.json({"error": error.format_message(), "hint": hint, "exit_code": ExitCode.USAGE})
        return ExitCode.USAGE
    return int(result or ExitCode.PASS)
