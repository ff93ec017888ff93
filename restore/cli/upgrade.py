"""Commands on upgrades."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from restore.adapters.docker.runner import Runner
from restore.cli.options import (
    Decorator,
    accept_option,
    jobs_option,
    language_option,
    login_option,
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
    replay_options,
)
from restore.cli.terminal import Terminal
from restore.errors import RefusedError, UsageError
from restore.model import Generation, OperationEvent, Report, Role, Rule, locations
from restore.plan.cache.policy import CacheOptions
from restore.report.files import find_run, read_report
from restore.report.operation_rows import operation_rows
from restore.report.postops import read_events, record_event
from restore.repository import open_repository
from restore.repository.selection import choose
from restore.runs.drill import DrillRequest, drill
from restore.runs.request import ReplayRequest, utc_now
from restore.runs.upgrade.acceptance import newer_data, obstacles
from restore.runs.upgrade.archive import Accepted, load_images, make_archive, read_archive
from restore.runs.upgrade.difference import told
from restore.runs.upgrade.rehearsal import rehearse
from restore.runs.upgrade.request import RehearsalRequest
from restore.runs.upgrade.road_book import load_road_book

MOST_TOLD = 8
"""Changes of one subject that the terminal shows; the report holds them all."""


_run_option: Final[Decorator] = click.option(
    "--run", help="The rehearsal, or the beginning of its id; the last run when left out."
)
_by_option: Final[Decorator] = click.option("--by", required=True, metavar="WHO", help="Who it is.")


@click.group("upgrade")
def upgrade_group() -> None:
    """Rehearse an upgrade on what production's backup holds, accept it, and take it back."""


@upgrade_group.command("rehearse")
@click.option(
    "--from-generation",
    "from_generation",
    default="latest",
    show_default=True,
    metavar="GENERATION",
    help="The generation that is upgraded, chosen as --generation is.",
)
@click.option(
    "--to",
    "erp",
    metavar="VERSION|IMAGE",
    help="Image of the new ERP, or the tag that its image has beside the old one.",
)
@click.option(
    "--to-database",
    "database",
    metavar="IMAGE",
    help="Image of a newer PostgreSQL, into which the dumps are restored before the ERP is "
    "upgraded.",
)
@click.option(
    "--road-book",
    "road_book",
    type=click.Path(dir_okay=False, path_type=Path),
    help="YAML file of what to check after the upgrade, by the engine and by people.",
)
@click.option(
    "--stack",
    default="drill",
    show_default=True,
    help="Stack file whose settings the ephemeral environment starts from.",
)
@replay_options
@image_options
@certificate_option
@click.option("--keep", is_flag=True, help="Leave the upgraded environment standing afterwards.")
@click.pass_obj
def rehearse_command(terminal: Terminal, /, **options: Any) -> int:
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
    # One option says which generation; it has another name here.
    options["generation"] = options["generation"] or options["from_generation"]
    book = load_road_book(options["road_book"]) if options["road_book"] else None
    with terminal.progress() as listener:
        services, replay = prepare_replay(terminal, options, listener, "pra upgrade rehearse")
        request = RehearsalRequest(
            _drill(options, replay),
            erp=options["erp"],
            database=options["database"],
            road_book=book,
        )
        report, folder, recorder = rehearse(request, services)
    _tell(terminal, report)
    return conclude_run(terminal, report, folder, recorder)


def _drill(options: dict[str, Any], replay: ReplayRequest) -> DrillRequest:
    """The drill that a rehearsal begins with."""
    return DrillRequest(
        replay=replay,
        base=options["stack"],
        keep=options["keep"],
        images=chosen_images(options),
        certificate=chosen_certificate(options),
    )


def _tell(terminal: Terminal, report: Report) -> None:
    """What an upgrade changed, subject by subject."""
    if report.upgrade is None:
        return
    for server in report.upgrade.servers:
        terminal.print(f"{server.server}: {server.before} -> {server.after}")
    for subject in report.upgrade.subjects:
        if not subject.changes or subject.rule is Rule.TOLD:
            continue
        terminal.print(f"{subject.database}, {subject.title.en}:")
        for change in subject.ordered[:MOST_TOLD]:
            terminal.print(f"  {'WRONG ' if change.wrong else ''}{told(change)}")
        if len(subject.changes) > MOST_TOLD:
            terminal.print(f"  … and {len(subject.changes) - MOST_TOLD} more in the report")


@upgrade_group.command("sign-off")
@click.argument("name")
@_by_option
@click.option("--note", default="", help="A remark to keep.")
@click.option("--undo", is_flag=True, help="Say that it is to be checked again.")
@_run_option
@reports_option
@click.pass_obj
def sign_off_command(terminal: Terminal, /, **options: Any) -> None:
    """Sign off an entry of a rehearsal's road book: NAME was checked by WHO, now.

    Who signed what stands in postops.json beside the report, and nothing is ever removed there.

    \b
    Example:
      pra upgrade sign-off invoice-printed --by "A. Martin" --note "compared with paper"
    """
    folder = find_run(options["reports"], options["run"])
    done = not options["undo"]
    event = OperationEvent(options["name"], done, options["by"], utc_now(), options["note"])
    report = record_event(folder, event)
    rows = operation_rows(report, read_events(folder))
    left = sum(row.done is None for row in rows)
    what = "signed off by" if done else "to check again, says"
    terminal.print(f"{event.name}: {what} {event.by}; {left} of {len(rows)} to sign off")
    terminal.json({"run": report.run, "name": event.name, "done": done, "to_do": left})


@upgrade_group.command("accept")
@_by_option
@click.option(
    "--archive",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that is made: generation, images of the old version, report.",
)
@_run_option
@repository_option
@reports_option
@click.option("--profile", help="Profile of the rehearsal; by default the generation's.")
@click.pass_obj
def accept_command(terminal: Terminal, /, **options: Any) -> None:
    """Accept a rehearsal, and archive together all that takes the upgrade back.

    Refused until the verdict is pass, everything could be checked, and every entry of the road
    book is signed off.

    \b
    Example:
      pra upgrade accept --run 20261124-141000 --by "A. Martin" --archive /srv/archives/1.1
    """
    folder = find_run(options["reports"], options["run"])
    report = read_report(folder)
    if found := obstacles(report, read_events(folder)):
        raise RefusedError(
            f"run {report.run} can't be accepted:\n" + "\n".join(f"  {one}" for one in found),
            "'pra upgrade sign-off' is for entries of the road book; the rest needs a rehearsal",
        )
    assert report.generation is not None  # noqa: S101 - a rehearsal that passed has one
    generation = open_repository(options["repository"]).load(report.generation.id)
    accepted = Accepted(
        report, folder, generation, options["profile"] or generation.profile,
        options["by"], utc_now(),
    )  # fmt: skip
    made = make_archive(options["archive"], accepted, Runner.connect())
    terminal.print(f"accepted by {made.accepted_by}; archive: {made.root}")
    for image in made.images:
        terminal.print(f"  {image.role.value}: {image.reference} ({image.id[:19]})")
    terminal.json({"run": made.run, "generation": made.generation, "archive": str(made.root)})


@upgrade_group.command("rollback")
@click.argument("archive", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--repository",
    type=click.Path(file_okay=False, path_type=Path),
    help="With --generation: a repository with later data for the archived code.",
)
@click.option("--generation", help="Later data, in place of the archived generation.")
@click.option(
    "--stack",
    default="drill",
    show_default=True,
    help="Stack file whose settings the new environment starts from.",
)
@accept_option
@reason_option
@login_option
@reports_login_option
@jobs_option
@reports_option
@language_option
@click.pass_obj
def rollback_command(terminal: Terminal, /, **options: Any) -> int:
    """Restore an ARCHIVE into a new environment, which stays: the old code with the old data.

    Later data of the same version may take the place of the archived one. Data that was upgraded
    since is refused: the old code knows nothing of what the upgrade made of it.

    \b
    Examples:
      pra upgrade rollback /srv/archives/1.1
      pra upgrade rollback /srv/archives/1.1 --repository /srv/backups --generation latest
    """
    archive = read_archive(options["archive"].resolve())
    repository, choice = archive.repository, archive.generation
    if options["generation"] is not None:
        repository = options["repository"] or Path(locations.REPOSITORY)
        code = open_repository(str(archive.repository)).load(archive.generation)
        data = choose(open_repository(str(repository)), options["generation"])
        _require_no_newer(code, data)
        choice = data.id
    elif options["repository"] is not None:
        raise UsageError("--repository without --generation", "name the later data there, or none")
    with terminal.progress() as listener:
        options |= {
            "repository": repository,
            "generation": choice,
            "profile": str(archive.profile),
        }
        services, replay = prepare_replay(terminal, options, listener, "pra upgrade rollback")
        load_images(services.runner, archive)
        images: dict[Role, str] = {image.role: image.name for image in archive.images}
        # A recovery is loaded from its dumps, whatever an engine keeps.
        cold = CacheOptions(cold=True, keep=False)
        request = DrillRequest(replay, options["stack"], keep=True, images=images, cache=cold)
        report, folder, recorder = drill(request, services)
    if recorder.error is None:
        terminal.print(f"stack {report.stack} holds generation {choice} on the archived images")
    return conclude_run(terminal, report, folder, recorder)


def _require_no_newer(code: Generation, data: Generation) -> None:
    """Refuse data that the archived code is too old for.

    Raises:
        RefusedError: says why.
    """
    if reasons := newer_data(code, data):
        raise RefusedError(
            f"generation {data.id} is newer than the archived code:\n"
            + "\n".join(f"  {one}" for one in reasons),
            "roll back to the archived generation, and enter again what came after it",
        )
