"""``pra profile``: list, begin, check and show profiles."""

from __future__ import annotations

from pathlib import Path

import click

from restore.cli.options import FILE, tell_errors
from restore.cli.terminal import Cell, Terminal
from restore.cli.verbs import VerbGroup
from restore.errors import UsageError
from restore.profile import load_profile, profile_names, profile_text


@click.group("profile", cls=VerbGroup)
def verb() -> None:
    """List, begin, check and show profiles: ERPs described as data."""


@verb.command("list")
@click.pass_obj
def list_command(terminal: Terminal) -> None:
    """List the profiles that ship.

    \b
    Example:
      pra profile list
    """
    rows = []
    for name in profile_names():
        profile = load_profile(name)
        images = {"erp": profile.erp.image, "database": profile.database.image}
        rows.append(
            (
                Cell("name", profile.name, "profile"),
                Cell("title", profile.title, "title"),
                Cell("series", profile.erp.series, "series", ", ".join(profile.erp.series)),
                Cell(None, images["erp"], "ERP image"),
                Cell(None, images["database"], "PostgreSQL image"),
                Cell("images", images),
            )
        )
    terminal.listing("Profiles", rows, empty="no profile ships")


@verb.command("new")
@click.argument("name")
@click.option("--from", "model", metavar="PROFILE", help="Begin with a copy of this profile.")
@click.option(
    "--output",
    type=FILE,
    show_default="NAME.yaml",
    help="File to write; it must not exist yet.",
)
@click.pass_obj
def new_command(terminal: Terminal, name: str, model: str | None, output: Path | None) -> None:
    """Write a commented profile to begin with; every option is described in it.

    \b
    Examples:
      pra profile new dolibarr
      pra profile new odoo-16 --from odoo --output erp/odoo-16.yaml
    """
    from restore.profile.lint import profile_errors
    from restore.profile.text import renamed, template

    file = output or Path(f"{name}.yaml")
    text = renamed(profile_text(model), name) if model else template(name, str(file))
    if errors := profile_errors(text):
        raise UsageError("\n".join(errors), "a name has small letters, digits and hyphens")
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError as error:
        raise UsageError(f"{file} exists already", "choose another --output") from error
    except OSError as error:
        raise UsageError(f"{file} can't be written: {error.strerror}") from error
    terminal.print(f"{file} written; when it is filled in: pra profile check {file}")
    terminal.json({"file": str(file), "name": name})


@verb.command("check")
@click.argument("profile")
@click.pass_obj
def check_command(terminal: Terminal, profile: str) -> int:
    """Check a profile: the schema, then names and patterns that lead nowhere; all at once.

    \b
    Example:
      pra profile check erp/mine.yaml
    """
    from restore.profile.lint import profile_errors

    return tell_errors(terminal, "profile", profile, profile_errors(profile_text(profile)))


@verb.command("show")
@click.argument("profile")
@click.pass_obj
def show_command(terminal: Terminal, profile: str) -> None:
    """Show a profile as it is understood, with every default filled in.

    \b
    Examples:
      pra profile show tryton
      pra --json profile show erp/mine.yaml
    """
    from restore.profile.text import profile_document, profile_yaml

    loaded = load_profile(profile)
    terminal.print(profile_yaml(loaded).rstrip())
    terminal.json(profile_document(loaded))
