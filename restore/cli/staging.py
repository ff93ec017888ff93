"""``pra staging``: create, list, renew and destroy staging copies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from restore.anonymise.key import VARIABLE
from restore.cli import options as shared
from restore.cli.engines import every_engine
from restore.cli.run_options import ReportedOptions, conclude_run, prepare_replay
from restore.cli.terminal import Cell, Terminal, document_of
from restore.cli.verbs import Options, VerbGroup, argument, command, option
from restore.errors import EnvironmentFailure, UsageError
from restore.model import locations
from restore.model.durations import parse_age
from restore.model.environment import NO_CERTIFICATE
from restore.plan.cache.policy import CachePolicy
from restore.runs.staging.copies import CREATE, CopyState, StagingCopy, condition, this_user

if TYPE_CHECKING:
    from restore.adapters.docker.runner import Runner


class LifeOptions(Options):
    """How long a copy lives."""

    duration: str = option(
        "Time to live from now on: 8h, 7d. 'pra gc' ends what has expired.",
        flag="--for",
        default="7d",
        metavar="DURATION",
    )


class CreateOptions(
    shared.ProfileOptions,
    shared.RepositoryOptions,
    shared.GenerationOptions,
    LifeOptions,
    shared.KeepingOptions,
    shared.ServerOptions,
    ReportedOptions,
):
    name: str = option("Name of the copy; its stack is staging-NAME.", required=True)
    owner: str = option("Who answers for the copy.", default=this_user, show_default="this user")
    stack: str = option("Stack file whose settings the copy starts from.", default="drill")
    administrator: str | None = option(
        "Login of the copy's administrator, whose password is made anew.",
        metavar="LOGIN",
        show_default="the profile's account of checks",
    )
    external_url: str | None = option("Where people reach it, if elsewhere.", metavar="URL")
    keep_failed: bool = option("Leave a copy that fails stopped, to look at it.")
    anonymise: str | None = option(
        "Anonymise the copy by a file of rules, or by 'builtin', those that ship.", metavar="RULES"
    )
    key_file: Path | None = option(
        "File with the secret key that decides replacements.",
        type=shared.FILE,
        show_default=VARIABLE,
    )


class RenewOptions(LifeOptions):
    name: str = argument()


@click.group("staging", cls=VerbGroup)
def verb() -> None:
    """Make, list, renew and destroy staging copies: safe copies of production that stay a while."""


@command("create", CreateOptions, of=verb)
def create_command(terminal: Terminal, options: CreateOptions) -> int:
    """Make a staging copy of a generation: rebuilt, replayed, neutralised, checked, and kept.

    It stands at a port of 127.0.0.1 and on a subnet that are its own, until its time to live has
    passed and 'pra gc' ends it. Before anything of the ERP runs, the profile's neutralisation is
    done and proved. A copy of which that or any check fails is destroyed.

    Passwords are made for it: those of its database roles, and its administrator's, which is
    written into a file that only this user can read. It serves plain HTTP unless --certificate or
    the stack file names a certificate: production's own has no business there.

    Several copies of one generation share their loading: the first keeps a copy of the database
    server's data as loaded (see 'pra cache'), as cold drills do, and others start from it.

    \b
    Examples:
      pra staging create --name sales-test --generation latest
      pra staging create --name upgrade --generation latest --for 30d --owner "A. Martin"
      pra staging create --name course --generation latest --anonymise builtin --key-file key
    """
    from restore.adapters.pulumi.stack_file import setting_of
    from restore.anonymise import anonymisation_asked
    from restore.runs.drill import DrillRequest
    from restore.runs.staging import creation

    with terminal.progress() as listener:
        services, replay = prepare_replay(terminal, options, listener, CREATE)
        asked = anonymisation_asked(options.anonymise, options.key_file, services.profile.name)
        # It proves nothing of a recovery: whatever is cached may be used.
        why = "asked for by --cold" if options.cold else ""
        cache = CachePolicy(use=not options.cold, keep=not options.no_copy, why=why)
        replay = replace(replay, cache=cache, anonymisation=asked)
        base = options.stack
        if asked is None and setting_of(base, "anonymise") is not None:
            raise UsageError(
                f"stack file Pulumi.{base}.yaml asks for anonymised copies, and this one is not",
                "add --anonymise builtin --key-file KEY, or name another --stack",
            )
        own = options.certificate_path() or setting_of(base, "certificate")
        drill = DrillRequest(
            replay=replay,
            base=base,
            keep=True,
            images=options.images(),
            certificate=own or NO_CERTIFICATE,
        )
        login = options.administrator or services.profile.web.login
        if not login:
            raise UsageError(
                f"profile {services.profile.name} names no account of the ERP",
                "name the copy's administrator: --administrator LOGIN",
            )
        request = creation.CopyRequest(
            name=options.name,
            owner=options.owner,
            life=parse_age(options.duration),
            login=login,
            drill=drill,
            keep_failed=options.keep_failed,
            external_url=options.external_url,
        )
        made = creation.create(request, services)
    code = conclude_run(terminal, made.report, made.folder, made.recorder)
    _tell(terminal, made.copy)
    return code


@verb.command("list")
@click.pass_obj
def list_command(terminal: Terminal) -> None:
    """Show this clone's staging copies, those that expire first above.

    \b
    States: creating, ready, expired ('pra gc' ends it), failed (kept stopped, --keep-failed),
    destroying, abandoned (its process died: 'pra gc' ends it).

    \b
    Examples:
      pra staging list
      pra --json staging list
    """
    from restore.runs.request import utc_now
    from restore.runs.staging import records

    now = utc_now()
    kept = records.load_all(locations.STAGING)
    copies = sorted(kept.copies, key=lambda copy: (copy.expires, copy.name))
    servers = _servers(terminal) if copies else {}
    rows = [_cells(copy, now, servers.get(copy.stack, "none")) for copy in copies]
    for problem in kept.damaged:
        terminal.note(problem)
    terminal.listing("Staging copies", rows, empty="there is no staging copy")


@command("renew", RenewOptions, of=verb)
def renew_command(terminal: Terminal, options: RenewOptions) -> None:
    """Give a staging copy a time to live that begins now. It may end earlier than before.

    \b
    Example:
      pra staging renew sales-test --for 14d
    """
    from restore.runs.request import utc_now
    from restore.runs.staging import life

    now = utc_now()
    copy = life.renew(locations.STAGING, options.name, parse_age(options.duration), now)
    terminal.print(f"{copy.name}: expires {copy.expires:%Y-%m-%d %H:%M} UTC")
    terminal.json(document_of(_cells(copy, now, None)))


@verb.command("destroy")
@click.argument("name")
@click.pass_obj
def destroy_command(terminal: Terminal, name: str) -> None:
    """End a staging copy now, with all that people did in it.

    \b
    Example:
      pra staging destroy sales-test
    """
    from restore.runs.request import utc_now
    from restore.runs.staging import life

    with terminal.progress() as listener:
        copy = life.end(locations.STAGING, name, utc_now(), listener)
    terminal.print(f"{copy.name}: destroyed")
    terminal.json({"name": copy.name, "stack": copy.stack, "destroyed": True})


def _tell(terminal: Terminal, copy: StagingCopy | None) -> None:
    """Say what was left of a creation."""
    if copy is None:
        terminal.print("nothing of the copy was left")
    elif copy.state is CopyState.READY:
        terminal.print(f"staging copy {copy.name}: {copy.url}")
        terminal.print(f"  administrator  {copy.login}, password in {copy.password_file}")
        terminal.print(f"  expires        {copy.expires:%Y-%m-%d %H:%M} UTC, owner {copy.owner}")
    elif copy.state is CopyState.FAILED:
        terminal.print(
            f"staging copy {copy.name} is kept stopped until {copy.expires:%Y-%m-%d %H:%M} UTC; "
            f"'pra staging destroy {copy.name}' ends it"
        )


def _servers(terminal: Terminal) -> dict[str, str]:
    """How many servers of each stack run, of how many; empty when no engine answers."""
    with ExitStack() as opened:
        try:
            engines = opened.enter_context(every_engine(terminal))
        except EnvironmentFailure as error:
            terminal.note(error.message)
            return {}
        seen = [one for engine in engines.values() for one in _states(engine)]
    there = Counter(stack for stack, _ in seen)
    running = Counter(stack for stack, status in seen if status == "running")
    return {stack: f"{running[stack]} of {count} run" for stack, count in there.items()}


def _states(engine: Runner) -> Iterable[tuple[str, str]]:
    from restore.adapters.docker.engine import answers
    from restore.adapters.docker.runner import LABEL

    selector: dict[str, str | list[str] | bool] = {"label": LABEL}
    with answers("list the containers"):
        models = engine.client.containers.list(all=True, filters=selector, ignore_removed=True)
    return [(model.labels.get(LABEL, ""), model.status) for model in models]


def _cells(copy: StagingCopy, now: datetime, servers: str | None) -> tuple[Cell, ...]:
    from restore.adapters import lock

    state = condition(copy, alive=lock.is_held(locations.LOCKS, copy.stack), now=now)
    return (
        Cell("name", copy.name, "name"),
        Cell("stack", copy.stack),
        Cell("state", state, "state"),
        Cell("generation", copy.generation, "generation"),
        Cell("profile", copy.profile),
        Cell("repository", copy.repository),
        Cell("owner", copy.owner, "owner"),
        Cell("created", copy.created, "created (UTC)"),
        Cell("expires", copy.expires, "expires (UTC)"),
        Cell("url", copy.url or None, "URL"),
        Cell("subnet", copy.subnet),
        Cell("port", copy.port),
        Cell("administrator", copy.login or None),
        Cell("password_file", copy.password_file or None),
        Cell("neutralised", copy.neutralised, "neutralised"),
        Cell("anonymised", copy.anonymised, "anonymised"),
        Cell("servers", servers, "servers"),
        Cell("run", copy.run or None),
    )
