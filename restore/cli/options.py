"""Options that several commands share, each described once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Final

import click

from restore.adapters.docker.runner import Runner
from restore.adapters.pulumi.stack_file import known_hosts
from restore.cli.terminal import Terminal
from restore.errors import EnvironmentFailure, ExitCode, UsageError
from restore.model import LOCAL, Acceptance, Credentials, Generation, locations
from restore.model.durations import parse_days
from restore.model.secret import Secret
from restore.plan.cache.policy import COLD_EVERY, MOST_CACHES, CacheOptions
from restore.repository.base import Repository
from restore.repository.selection import choose

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

repository_option: Final[Decorator] = click.option(
    "--repository",
    envvar="PRA_REPOSITORY",
    default=str(locations.REPOSITORY),
    show_default=".pra/repository",
    show_envvar=True,
    help="Folder that holds the generations.",
)
profile_option: Final[Decorator] = click.option(
    "--profile",
    default="odoo",
    show_default=True,
    help="ERP profile: a name, or the path of a YAML file.",
)
generation_option: Final[Decorator] = click.option(
    "--generation",
    help='An id or its beginning, "latest", or "latest-before DATE". Asked on a terminal.',
)
jobs_option: Final[Decorator] = click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=os.cpu_count() or 2,
    show_default="number of cores",
    help="Parallel jobs of dumps, restores and checksums.",
)
reports_option: Final[Decorator] = click.option(
    "--reports",
    type=click.Path(file_okay=False, path_type=Path),
    default=locations.REPORTS,
    show_default=".pra/reports",
    help="Folder of the reports, one folder a run.",
)
language_option: Final[Decorator] = click.option(
    "--lang", type=click.Choice(["en", "fr"]), default="en", show_default=True,
    help="Language of report.html.",
)  # fmt: skip
accept_option: Final[Decorator] = click.option(
    "--accept",
    "accepted_keys",
    multiple=True,
    metavar="KEY",
    help="Accept a difference (postgresql.minor), or ignore a check (web.scenario:logout); each "
    "needs a --reason, in the same order.",
)
reason_option: Final[Decorator] = click.option(
    "--reason",
    "reasons",
    multiple=True,
    metavar="TEXT",
    help="Why that is accepted; goes into the report.",
)
rto_budget_option: Final[Decorator] = click.option(
    "--rto-budget",
    envvar="PRA_RTO_BUDGET",
    show_envvar=True,
    metavar="DURATION",
    help="Longest recovery time that is accepted, such as 90s, 15m or 1h30m; a longer one fails. "
    "Default: the stack's setting rtoBudget, else the profile's rto_budget, else none.",
)
scenario_option: Final[Decorator] = click.option(
    "--scenario",
    "scenario_files",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Play this scenario once everything else was checked; may be given several times.",
)
login_option: Final[Decorator] = click.option(
    "--check-login",
    envvar="PRA_CHECK_LOGIN",
    show_envvar=True,
    help="ERP account that the checks log in with; its password is read from "
    "PRA_CHECK_PASSWORD or the file that PRA_CHECK_PASSWORD_FILE names.",
)


reports_login_option: Final[Decorator] = click.option(
    "--reports-login",
    envvar="PRA_REPORTS_LOGIN",
    show_envvar=True,
    help="Account of the reports server, as which data sources are changed and reports rendered; "
    "its password is read from PRA_REPORTS_PASSWORD or the file that PRA_REPORTS_PASSWORD_FILE "
    "names.",
)


no_copy_option: Final[Decorator] = click.option(
    "--no-copy",
    is_flag=True,
    envvar="PRA_NO_COPY",
    show_envvar=True,
    help="Keep no copy of the database server's data.",
)


def copy_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of a drill that are about caches of database servers."""
    for option in (
        click.option(
            "--copies",
            type=click.IntRange(min=1),
            default=MOST_CACHES,
            show_default=True,
            metavar="N",
            help="Kept copies that an engine holds at most; those not used for longest go.",
        ),
        no_copy_option,
        click.option(
            "--cold-every",
            metavar="DAYS",
            help="Be cold when the last cold drill that passed is older; 0 is always. "
            f"Default: the stack's setting coldEvery, else {COLD_EVERY:g}.",
        ),
        click.option("--cold", is_flag=True, help="Load the databases, whatever copies there are."),
    ):
        command = option(command)
    return command


def cache_options(options: dict[str, Any]) -> CacheOptions:
    """What a drill was told of caches.

    Raises:
        UsageError: an option is no number of days.
    """
    days: str | None = options["cold_every"]
    return CacheOptions(
        cold=options["cold"],
        keep=not options["no_copy"],
        cold_every=None if days is None else parse_days(days),
        most=options["copies"],
    )


def acceptances(keys: tuple[str, ...], reasons: tuple[str, ...]) -> tuple[Acceptance, ...]:
    """Pair accepted keys with their reasons.

    Raises:
        UsageError: one has no reason, or an empty one.
    """
    if len(keys) != len(reasons) or not all(reason.strip() for reason in reasons):
        raise UsageError(
            f"{len(keys)} --accept and {len(reasons)} --reason: each needs its own",
            'for example: --accept postgresql.minor --reason "same major, patch only"',
        )
    return tuple(Acceptance(key, reason) for key, reason in zip(keys, reasons, strict=True))


def check_credentials(
    login: str | None, default_login: str | None, prefix: str = "PRA_CHECK"
) -> Credentials | None:
    """An account of the checks, its password from the environment; None without a password.

    Args:
        prefix: how the names of the environment variables begin.

    Raises:
        UsageError: a login was asked for, but no password is there.
    """
    # CI servers set a variable that has no value to nothing.
    password = os.environ.get(f"{prefix}_PASSWORD") or None
    if (file := os.environ.get(f"{prefix}_PASSWORD_FILE")) and password is None:
        try:
            password = Path(file).read_text(encoding="utf-8").rstrip("\n")
        except OSError as error:
            raise UsageError(
                f"{prefix}_PASSWORD_FILE: {file} can't be read: {error.strerror}",
                f"name a file that holds the password, or set {prefix}_PASSWORD",
            ) from error
    if password is None:
        if login is not None:
            raise UsageError(
                f"there is no password for the check account {login}",
                f"set {prefix}_PASSWORD or {prefix}_PASSWORD_FILE",
            )
        return None
    name = login or default_login
    return Credentials(name, Secret(password)) if name else None


def choose_generation(repository: Repository, choice: str | None, terminal: Terminal) -> str:
    """The generation that the user named, or picks from a list on a terminal.

    Raises:
        UsageError: none was named and there is no terminal to ask on.
    """
    if choice is not None:
        return choice
    if terminal.as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "no generation was named",
            "name one: latest, or an id from 'pra generations list'; "
            "drill and restore take it by --generation",
        )
    ids = repository.ids()
    if not ids:
        choose(repository, "latest")
    for number, name in enumerate(reversed(ids), start=1):
        click.echo(f"{number:3}  {describe(repository.load(name))}", err=True)
    picked: int = click.prompt("Generation", type=click.IntRange(1, len(ids)), default=1, err=True)
    return ids[-picked]


def describe(generation: Generation) -> str:
    """A generation in a line."""
    databases = ", ".join(database.name for database in generation.fingerprint.databases)
    return (
        f"{generation.id}  {generation.consistency_point:%Y-%m-%d %H:%M} UTC  "
        f"{generation.bytes / 1e6:.1f} MB  {databases}"
    )


def tell_errors(terminal: Terminal, what: str, name: str, errors: Sequence[str]) -> int:
    """Tell every error of a file that was checked, each ``path: what is wrong``; the exit code.

    Args:
        what: the kind of file, as the JSON document calls it.
        name: how the user named it.
    """
    for line in errors:
        terminal.print(line)
    terminal.print(f"{name}: {len(errors)} errors" if errors else f"{name}: valid")
    found = (line.partition(": ") for line in errors)
    terminal.json(
        {
            what: name,
            "valid": not errors,
            "errors": [{"path": path, "message": message} for path, _, message in found],
        }
    )
    return ExitCode.USAGE if errors else ExitCode.PASS


@contextmanager
def every_engine(terminal: Terminal) -> Iterator[dict[str, Runner]]:
    """This machine's engine, first, and those of ``other_engines``, by host; closed at the end.

    Raises:
        EnvironmentFailure: this machine's doesn't answer.
    """
    with ExitStack() as opened:
        engines = {LOCAL: Runner.connect(), **other_engines(terminal)}
        for engine in engines.values():
            opened.enter_context(closing(engine))
        yield engines


def other_engines(terminal: Terminal) -> dict[str, Runner]:
    """The engines of the Docker hosts that stack files name; one that doesn't answer is told."""
    found: dict[str, Runner] = {}
    for host in known_hosts():
        try:
            found[host] = Runner.connect(host)
        except EnvironmentFailure as error:
            terminal.print(f"not looked at: {error.message}")
    return found
