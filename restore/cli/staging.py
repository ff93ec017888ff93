"""Commands on staging copies: create, list, renew, destroy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import click

from restore.adapters import lock
from restore.adapters.docker.engine import answers
from restore.adapters.docker.runner import LABEL, Runner
from restore.adapters.pulumi.stack_file import setting_of
from restore.anonymise import anonymisation_asked
from restore.cli.anonymise import anonymise_option, key_file_option
from restore.cli.options import (
    Decorator,
    accept_option,
    every_engine,
    generation_option,
    jobs_option,
    language_option,
    no_copy_option,
    profile_option,
    reason_option,
    reports_login_option,
    reports_option,
    repository_option,
)
from restore.cli.run_options import (
    certificate_option,
    chosen_certificate,
    chosen_images,
    conclude_run,
    image_options,
    prepare_replay,
)
from restore.cli.terminal import Terminal
from restore.errors import EnvironmentFailure, UsageError
from restore.model import locations
from restore.model.durations import parse_age
from restore.model.environment import NO_CERTIFICATE
from restore.plan.cache.policy import CachePolicy
from restore.runs.drill import DrillRequest
from restore.runs.request import utc_now
from restore.runs.staging import creation, life, records
from restore.runs.staging.copies import Condition, CopyState, StagingCopy, condition, this_user

DEFAULT_LIFE: Final = "7d"

_COLUMNS: Final = (
    "name", "state", "generation", "owner", "created (UTC)", "expires (UTC)", "URL", "neutralised",
    "anonymised", "servers",
)  # fmt: skip

_life_option: Final[Decorator] = click.option(
    "--for",
    "duration",
    default=DEFAULT_LIFE,
    show_default=True,
    metavar="DURATION",
    help="Time to live from now on: 8h, 7d. 'pra gc' ends what has expired.",
)


@click.group("staging")
def staging_group() -> None:
    """Make, list, renew and destroy staging copies: safe copies of production that stay a while."""


@staging_group.command("create")
@click.option("--name", required=True, help="Name of the copy; its stack is staging-NAME.")
@profile_option
@repository_option
@generation_option
@_life_option
@click.option(
    "--owner", default=this_user, show_default="this user", help="Who answers for the copy."
)
@click.option(
    "--stack",
    default="drill",
    show_default=True,
    help="Stack file whose settings the copy starts from.",
)
@click.option(
    "--administrator",
    metavar="LOGIN",
    show_default="the profile's account of checks",
    help="Login of the copy's administrator, whose password is made anew.",
)
@click.option("--external-url", metavar="URL", help="Where people reach it, if elsewhere.")
@click.option("--cold", is_flag=True, help="Load the databases, whatever kept copies there are.")
@no_copy_option
@click.option("--keep-failed", is_flag=True, help="Leave a copy that fails stopped, to look at it.")
@anonymise_option
@key_file_option
@accept_option
@reason_option
@reports_login_option
@jobs_option
@image_options
@certificate_option
@reports_option
@language_option
@click.pass_obj
def create_command(terminal: Terminal, /, **options: Any) -> int:
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
    with terminal.progress() as listener:
        services, replay = prepare_replay(terminal, options, listener, creation.CREATE)
        asked = anonymisation_asked(
            options["anonymise"], options["key_file"], services.profile.name
        )
        replay = replace(replay, cache=_cache_policy(options), anonymisation=asked)
        base = options["stack"]
        if asked is None and setting_of(base, "anonymise") is not None:
            raise UsageError(
                f"stack file Pulumi.{base}.yaml asks for anonymised copies, and this one is not",
                "add --anonymise builtin --key-file KEY, or name another --stack",
            )
        own = chosen_certificate(options) or setting_of(base, "certificate")
        drill = DrillRequest(
            replay=replay,
            base=base,
            keep=True,
            images=chosen_images(options),
            certificate=own or NO_CERTIFICATE,
        )
        login = options["administrator"] or services.profile.web.login
        if not login:
            raise UsageError(
                f"profile {services.profile.name} names no account of the ERP",
                "name the copy's administrator: --administrator LOGIN",
            )
        request = creation.CopyRequest(
            name=options["name"],
            owner=options["owner"],
            life=parse_age(options["duration"]),
            login=login,
            drill=drill,
            keep_failed=options["keep_failed"],
            external_url=options["external_url"],
        )
        made = creation.create(request, services)
    code = conclude_run(terminal, made.report, made.folder, made.recorder)
    _tell(terminal, made.copy)
    return code


@staging_group.command("list")
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
    now = utc_now()
    found = records.every(locations.STAGING)
    copies = sorted(found.copies, key=lambda copy: (copy.expires, copy.name))
    standing = _servers(terminal) if copies else {}
    rows = [(copy, _condition(copy, now), standing.get(copy.stack, "none")) for copy in copies]
    if rows:
        terminal.table("Staging copies", _COLUMNS, [_row(*row) for row in rows])
    else:
        terminal.print("there is no staging copy")
    for problem in found.damaged:
        terminal.note(problem)
    terminal.json([_document(*row) for row in rows])


@staging_group.command("renew")
@click.argument("name")
@_life_option
@click.pass_obj
def renew_command(terminal: Terminal, name: str, duration: str) -> None:
    """Give a staging copy a time to live that begins now. It may end earlier than before.

    \b
    Example:
      pra staging renew sales-test --for 14d
    """
    now = utc_now()
    copy = life.renew(locations.STAGING, name, parse_age(duration), now)
    terminal.print(f"{copy.name}: expires {copy.expires:%Y-%m-%d %H:%M} UTC")
    terminal.json(_document(copy, _condition(copy, now), ""))


@staging_group.command("destroy")
@click.argument("name")
@click.pass_obj
def destroy_command(terminal: Terminal, name: str) -> None:
    """End a staging copy now, with all that people did in it.

    \b
    Example:
      pra staging destroy sales-test
    """
    with terminal.progress() as listener:
        copy = life.end(locations.STAGING, name, utc_now(), listener)
    terminal.print(f"{copy.name}: destroyed")
    terminal.json({"name": copy.name, "stack": copy.stack, "destroyed": True})


def _cache_policy(options: dict[str, Any]) -> CachePolicy:
    """A staging copy proves nothing of a recovery: whatever copy is kept may be used."""
    cold: bool = options["cold"]
    why = "asked for by --cold" if cold else ""
    return CachePolicy(use=not cold, keep=not options["no_copy"], why=why)


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


def _condition(copy: StagingCopy, now: datetime) -> Condition:
    return condition(copy, alive=lock.is_held(locations.LOCKS, copy.stack), now=now)


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
    selector: dict[str, str | list[str] | bool] = {"label": LABEL}
    with answers("list the containers"):
        models = engine.client.containers.list(all=True, filters=selector, ignore_removed=True)
    return [(model.labels.get(LABEL, ""), model.status) for model in models]


def _row(copy: StagingCopy, found: Condition, servers: str) -> tuple[str, ...]:
    return (
        copy.name,
        found.value,
        copy.generation,
        copy.owner,
        f"{copy.created:%Y-%m-%d %H:%M}",
        f"{copy.expires:%Y-%m-%d %H:%M}",
        copy.url or "-",
        "yes" if copy.neutralised else "no",
        "yes" if copy.anonymised else "no",
        servers,
    )


def _document(copy: StagingCopy, found: Condition, servers: str) -> dict[str, Any]:
    return {
        "name": copy.name,
        "stack": copy.stack,
        "state": found.value,
        "generation": copy.generation,
        "profile": copy.profile,
        "repository": copy.repository,
        "owner": copy.owner,
        "created": copy.created.isoformat(),
        "expires": copy.expires.isoformat(),
        "url": copy.url or None,
        "subnet": copy.subnet,
        "port": copy.port,
        "administrator": copy.login or None,
        "password_file": copy.password_file or None,
        "neutralised": copy.neutralised,
        "anonymised": copy.anonymised,
        "servers": servers or None,
        "run": copy.run or None,
    }
