"""Commands on profiles: list, new, check, show."""

from __future__ import annotations

from pathlib import Path

import click

from restore.cli.options import tell_errors
from restore.cli.terminal import Terminal
from restore.errors import UsageError
from restore.profile import load_profile, profile_names, profile_text
from restore.profile.lint import profile_errors
from restore.profile.text import profile_document, profile_yaml, renamed, template


@click.group("profile")
def profile_group() -> None:
    """List, begin, check and show profiles: ERPs described as data."""


@profile_group.command("list")
@click.pass_obj
def list_command(terminal: Terminal) -> None:
    """List the profiles that ship.

    \b
    Example:
      pra profile list
    """
    profiles = [load_profile(name) for name in profile_names()]
    terminal.table(
        "Profiles",
        ("profile", "title", "series", "ERP image", "PostgreSQL image"),
        [
            (p.name, p.title, ", ".join(p.erp.series), p.erp.image, p.database.image)
            for p in profiles
        ],
    )
    terminal.json(
        [
            {
                "name": p.name,
                "title": p.title,
                "series": p.erp.series,
                "images": {"erp": p.erp.image, "database": p.database.image},
            }
            for p in profiles
        ]
    )


@profile_group.command("new")
@click.argument("name")
@click.option("--from", "model", metavar="PROFILE", help="Begin with a copy of this profile.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
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


@profile_group.command("check")
@click.argument("profile")
@click.pass_obj
def check_command(terminal: Terminal, profile: str) -> int:
    """Check a profile: the schema, then names and patterns that lead nowhere; all at once.

    \b
    Example:
      pra profile check erp/mine.yaml
    """
    return tell_errors(terminal, "profile", profile, profile_errors(profile_text(profile)))


@profile_group.command("show")
@click.argument("profile")
@click.pass_obj
def show_command(terminal: Terminal, profile: str) -> None:
    """Show a profile as it is understood, with every default filled in.

    \b
    Examples:
      pra profile show tryton
      pra --json profile show erp/mine.yaml
    """
    loaded = load_profile(profile)
    terminal.print(profile_yaml(loaded).rstrip())
    terminal.json(profile_document(loaded))
