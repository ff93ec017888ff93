"""Commands on rules of anonymisation: check, show."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from restore.anonymise import BUILTIN, rules_errors, rules_text
from restore.anonymise.key import VARIABLE
from restore.cli.options import Decorator, tell_errors
from restore.cli.terminal import Terminal

anonymise_option: Final[Decorator] = click.option(
    "--anonymise",
    metavar="RULES",
    help="Anonymise the copy by a file of rules, or by 'builtin', those that ship.",
)
key_file_option: Final[Decorator] = click.option(
    "--key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    show_default=VARIABLE,
    help="File with the secret key that decides replacements.",
)
"""With the other, what ``anonymisation_asked`` takes."""

_PROFILE = click.option(
    "--profile", default="odoo", show_default=True, help="Whose rules 'builtin' stands for."
)


@click.group("anonymise")
def anonymise_group() -> None:
    """Check and show rules by which staging copies are anonymised."""


@anonymise_group.command("check")
@click.argument("rules")
@_PROFILE
@click.pass_obj
def check_command(terminal: Terminal, rules: str, profile: str) -> int:
    """Check a file of rules: every error at once, each with its path.

    \b
    Example:
      pra anonymise check rules/odoo.yaml
    """
    return tell_errors(terminal, "rules", rules, rules_errors(rules_text(rules, profile)))


@anonymise_group.command("show")
@click.argument("rules", default=BUILTIN)
@_PROFILE
@click.pass_obj
def show_command(terminal: Terminal, rules: str, profile: str) -> None:
    """Show rules as they are written, to begin your own with.

    \b
    Example:
      pra anonymise show > rules/mine.yaml
    """
    text = rules_text(rules, profile)
    terminal.print(text.rstrip())
    terminal.json({"rules": rules, "text": text})
