"""``pra anonymise``: check and show rules of anonymisation."""

from __future__ import annotations

import click

from restore.anonymise import BUILTIN, rules_errors, rules_text
from restore.cli.options import tell_errors
from restore.cli.terminal import Terminal
from restore.cli.verbs import Options, VerbGroup, argument, command, option


class RulesOptions(Options):
    """Which rules they are."""

    rules: str = argument(default=BUILTIN)
    profile: str = option("Whose rules 'builtin' stands for.", default="odoo")


@click.group("anonymise", cls=VerbGroup)
def verb() -> None:
    """Check and show rules by which staging copies are anonymised."""


class CheckOptions(RulesOptions):
    rules: str = argument()


@command("check", CheckOptions, of=verb)
def check_command(terminal: Terminal, options: CheckOptions) -> int:
    """Check a file of rules: every error at once, each with its path.

    \b
    Example:
      pra anonymise check rules/odoo.yaml
    """
    text = rules_text(options.rules, options.profile)
    return tell_errors(terminal, "rules", options.rules, rules_errors(text))


@command("show", RulesOptions, of=verb)
def show_command(terminal: Terminal, options: RulesOptions) -> None:
    """Show rules as they are written, to begin your own with.

    \b
    Example:
      pra anonymise show > rules/mine.yaml
    """
    text = rules_text(options.rules, options.profile)
    terminal.print(text.rstrip())
    terminal.json({"rules": options.rules, "text": text})
