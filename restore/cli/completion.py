"""``pra completion``: scripts that complete commands in a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from restore.cli.verbs import Verb


@click.command("completion", cls=Verb)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def verb(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Example:
      eval "$(pra completion bash)"
    """
    kind = get_completion_class(shell)
    if kind is not None:
        click.echo(kind(context.find_root().command, {}, "pra", "_PRA_COMPLETE").source())
