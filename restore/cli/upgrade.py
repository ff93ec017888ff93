"""``pra upgrade``: rehearse an upgrade, sign it off, accept it, and take it back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from restore.cli import options as shared
from restore.cli.postop import Tick, record_tick
from restore.cli.run_options import (
    EphemeralOptions,
    ReportedOptions,
    conclude_run,
    prepare_replay,
)
from restore.cli.terminal import Terminal
from restore.cli.verbs import VerbGroup, argument, command, option
from restore.errors import RefusedError, UsageError
from restore.model import Report, Role, Rule, locations
from restore.plan.cache.policy import CacheOptions

MOST_TOLD: Final = 8
"""Changes of one subject that the terminal shows; the report holds them all."""


class RehearseOptions(EphemeralOptions):
    from_generation: str = option(
        "The generation that is upgraded, chosen as --generation is.",
        default="latest",
        metavar="GENERATION",
    )
    to: str | None = option(
        "Image of the new ERP, or the tag that its image has beside the old one.",
        metavar="VERSION|IMAGE",
    )
    to_database: str | None = option(
        "Image of a newer PostgreSQL, into which the dumps are restored before the ERP is "
        "upgraded.",
        metavar="IMAGE",
    )
    road_book: Path | None = option(
        "YAML file of what to check after the upgrade, by the engine and by people.",
        type=shared.FILE,
    )


class RunOptions(shared.ReportsOptions):
    """Which rehearsal it is."""

    run: str | None = option(
        "The rehearsal, or the beginning of its id; the last run when left out."
    )


class SignOffOptions(Tick, RunOptions):
    undo: bool = option("Say that it is to be checked again.")


class AcceptanceOptions(RunOptions, shared.RepositoryOptions):
    by: str = option("Who it is.", required=True, metavar="WHO")
    archive: Path = option(
        "Folder that is made: generation, images of the old version, report.",
        required=True,
        type=shared.FOLDER,
    )
    profile: str | None = option("Profile of the rehearsal; by default the generation's.")


class RollbackOptions(shared.LoginOptions, ReportedOptions):
    archive: Path = argument(type=shared.FOLDER)
    repository: str = option(
        "With --generation: a repository with later data for the archived code.",
        default="",
        type=click.Path(file_okay=False),
    )
    generation: str | None = option("Later data, in place of the archived generation.")
    stack: str = option(
        "Stack file whose settings the new environment starts from.", default="drill"
    )


@click.group("upgrade", cls=VerbGroup)
def verb() -> None:
    """Rehearse an upgrade on what production's backup holds, accept it, and take it back."""


@command("rehearse", RehearseOptions, of=verb)
def rehearse_command(terminal: Terminal, options: RehearseOptions) -> int:
    """Restore a generation on the old version, upgrade it there, and say what that changed.

    The environment is a drill's: made for this, and gone afterwards. Every database is upgraded
    by the profile's own command, whose log is read. Then modules, columns, rows, and all that the
    profile measures (accounts, stock, open documents, users, rights, views) are held against what
    they were before.

    \b
    Examples:
      pra upgrade rehearse --to erp.example/odoo:14.0-2026.11
      pra upgrade rehearse --from-generation 20261123T180000Z-3fa91c --to 14.0-2026.11
      pra upgrade rehearse --to-database postgres:16
      pra upgrade rehearse --to 1.2 --accept upgrade.rows:prod --reason "archived, ticket 4211"
    """
    from restore.runs.upgrade.rehearsal import rehearse
    from restore.runs.upgrade.request import RehearsalRequest
    from restore.runs.upgrade.road_book import load_road_book

    # One option says which generation; it has another name here.
    options = replace(options, generation=options.generation or options.from_generation)
    book = load_road_book(options.road_book) if options.road_book else None
    with terminal.progress() as listener:
        services, replay = prepare_replay(terminal, options, listener, "pra upgrade rehearse")
        drill = options.drill(replay)
        request = RehearsalRequest(drill, options.to, options.to_database, book)
        report, folder, recorder = rehearse(request, services)
    _tell(terminal, report)
    return conclude_run(terminal, report, folder, recorder)


def _tell(terminal: Terminal, report: Report) -> None:
    """What an upgrade changed, subject by subject."""
    if report.upgrade is None:
        return
    from restore.runs.upgrade.difference import describe_change

    for server in report.upgrade.servers:
        terminal.print(f"{server.server}: {server.before} -> {server.after}")
    for subject in report.upgrade.subjects:
        if not subject.changes or subject.rule is Rule.TOLD:
            continue
        terminal.print(f"{subject.database}, {subject.title.en}:")
        for change in subject.ordered[:MOST_TOLD]:
            terminal.print(f"  {'WRONG ' if change.wrong else ''}{describe_change(change)}")
        if len(subject.changes) > MOST_TOLD:
            terminal.print(f"  … and {len(subject.changes) - MOST_TOLD} more in the report")


@command("sign-off", SignOffOptions, of=verb)
def sign_off_command(terminal: Terminal, options: SignOffOptions) -> None:
    """Sign off an entry of a rehearsal's road book: NAME was checked by WHO, now.

    Who signed what stands in postops.json beside the report, and nothing is ever removed there.

    \b
    Example:
      pra upgrade sign-off invoice-printed --by "A. Martin" --note "compared with paper"
    """
    from restore.report.run_folders import find_run

    what = "to check again, says" if options.undo else "signed off by"
    folder = find_run(options.reports, options.run)
    record_tick(terminal, folder, options, done=not options.undo, words=(what, "to sign off"))


@command("accept", AcceptanceOptions, of=verb)
def accept_command(terminal: Terminal, options: AcceptanceOptions) -> None:
    """Accept a rehearsal, and archive together all that takes the upgrade back.

    Refused until the verdict is pass, everything could be checked, and every entry of the road
    book is signed off.

    \b
    Example:
      pra upgrade accept --run 20261124-141000 --by "A. Martin" --archive /srv/archives/1.1
    """
    from restore.adapters.docker.runner import Runner
    from restore.report.postops import read_events
    from restore.report.run_folders import find_run, read_report
    from restore.repository import open_repository
    from restore.runs.request import utc_now
    from restore.runs.upgrade.acceptance import obstacles
    from restore.runs.upgrade.archive import Accepted, make_archive

    folder = find_run(options.reports, options.run)
    report = read_report(folder)
    found = tuple(obstacles(report, read_events(folder)))
    if found or report.generation is None:
        raise RefusedError(
            f"run {report.run} can't be accepted:\n" + "\n".join(f"  {one}" for one in found),
            "'pra upgrade sign-off' is for entries of the road book; the rest needs a rehearsal",
        )
    generation = open_repository(options.repository).load(report.generation.id)
    accepted = Accepted(
        report, folder, generation, options.profile or generation.profile,
        options.by, utc_now(),
    )  # fmt: skip
    made = make_archive(options.archive, accepted, Runner.connect())
    terminal.print(f"accepted by {made.accepted_by}; archive: {made.root}")
    for image in made.images:
        terminal.print(f"  {image.role.value}: {image.reference} ({image.id[:19]})")
    terminal.json({"run": made.run, "generation": made.generation, "archive": str(made.root)})


@command("rollback", RollbackOptions, of=verb)
def rollback_command(terminal: Terminal, options: RollbackOptions) -> int:
    """Restore an ARCHIVE into a new environment, which stays: the old code with the old data.

    Later data of the same version may take the place of the archived one. Data that was upgraded
    since is refused: the old code knows nothing of what the upgrade made of it.

    \b
    Examples:
      pra upgrade rollback /srv/archives/1.1
      pra upgrade rollback /srv/archives/1.1 --repository /srv/backups --generation latest
    """
    from restore.repository import open_repository
    from restore.repository.selection import choose
    from restore.runs.drill import DrillRequest, drill
    from restore.runs.upgrade.acceptance import newer_data
    from restore.runs.upgrade.archive import load_images, read_archive

    archive = read_archive(options.archive.resolve())
    repository, choice = archive.repository, archive.generation
    if options.generation is not None:
        repository = Path(options.repository or locations.REPOSITORY)
        code = open_repository(str(archive.repository)).load(archive.generation)
        data = choose(open_repository(str(repository)), options.generation)
        if reasons := tuple(newer_data(code, data)):
            raise RefusedError(
                f"generation {data.id} is newer than the archived code:\n"
                + "\n".join(f"  {one}" for one in reasons),
                "roll back to the archived generation, and enter again what came after it",
            )
        choice = data.id
    elif options.repository:
        raise UsageError("--repository without --generation", "name the later data there, or none")
    with terminal.progress() as listener:
        options = replace(
            options, repository=str(repository), generation=choice, profile=str(archive.profile)
        )
        services, replay = prepare_replay(terminal, options, listener, "pra upgrade rollback")
        load_images(services.runner, archive)
        images: dict[Role, str] = {image.role: image.name for image in archive.images}
        # A recovery is loaded from its dumps, whatever an engine keeps.
        cold = CacheOptions(cold=True, keep=False)
        request = DrillRequest(replay, options.stack, keep=True, images=images, cache=cold)
        report, folder, recorder = drill(request, services)
    if recorder.error is None:
        terminal.print(f"stack {report.stack} holds generation {choice} on the archived images")
    return conclude_run(terminal, report, folder, recorder)
