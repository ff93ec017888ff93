"""The kind of command that `pra` is made of, and the typed options that a command takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field, dataclass, field, fields
from functools import wraps
from inspect import get_annotations
from typing import Any, ClassVar, Final, TypeVar, dataclass_transform

import click

from restore.cli.terminal import Terminal

LOGGED: Final = ("cache", "capture", "gc", "import", "staging", "upgrade")
"""The verbs that change something outside of a run that is reported: they log for themselves."""


def _tell_terminal(context: click.Context, option: click.Parameter, value: object) -> None:
    if value:
        setattr(context.ensure_object(Terminal), str(option.name), value)


def _global_option(*names: str, **settings: Any) -> click.Option:
    return click.Option(
        names, is_eager=True, expose_value=False, callback=_tell_terminal, **settings
    )


GLOBAL_OPTIONS: Final = (
    _global_option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout."),
    _global_option(
        "--verbose",
        is_flag=True,
        help="Show commands and stages as they go, and errors' tracebacks.",
    ),
    _global_option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        help="How they are shown on stderr: as text, or as JSON lines. Default: text, if verbose.",
    ),
)
"""Understood before and after every verb: each sets the field of ``Terminal`` that it names."""


class _WithGlobalOptions(click.Command):
    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Add the global options to the command's own."""
        return [*super().get_params(ctx), *GLOBAL_OPTIONS]


class Verb(_WithGlobalOptions):
    """A command that understands the global options besides its own."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, its log kept and shown as the global options ask."""
        terminal = ctx.ensure_object(Terminal)
        name = ctx.command_path.split()[1]
        if terminal.is_verbose or name in LOGGED:
            from restore.adapters import logs

            if terminal.is_verbose:
                ctx.with_resource(logs.shown(as_json=terminal.log_format == "json"))
            if name in LOGGED:
                from restore.runs.recorder import new_run
                from restore.runs.request import utc_now

                ctx.with_resource(logs.run_log(new_run(utc_now()), command=f"pra {name}"))
        return super().invoke(ctx)


class VerbGroup(_WithGlobalOptions, click.Group):
    """A group of verbs."""

    command_class = Verb
    group_class = type


def option(help_text: str, *, flag: str | None = None, **settings: Any) -> Any:
    """Declare a field that an option sets; the settings are those of ``click.option``.

    The flag is the field's name, unless another is given. A ``bool`` is a flag without a value, a
    tuple may be given several times. A default and a variable of the environment are shown.
    """
    settings.setdefault("show_default", settings.get("default") not in (None, ""))
    settings |= {"help": help_text, "show_envvar": "envvar" in settings}
    return field(metadata={"declare": (click.option, flag, settings)})


def argument(**settings: Any) -> Any:
    """Declare a field that an argument sets; the arguments are those of ``click.argument``."""
    return field(metadata={"declare": (click.argument, None, settings)})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option, argument))
class Options:
    """What a command is told. Every class that derives from it is a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True, kw_only=True)(cls)


Told = TypeVar("Told", bound=Options)


def command(
    name: str, options: type[Told], of: click.Group | None = None, **about: Any
) -> Callable[[Callable[[Terminal, Told], Any]], click.Command]:
    """Make a command, in a group if one is given, and call it with the options that it takes.

    The help shows the fields of the class itself first, then those of its bases in their order.
    A field that isn't declared by ``option`` or ``argument`` keeps its default.
    """
    named = {one.name: one for one in fields(options)}
    order = dict.fromkeys(name for kind in options.__mro__ for name in get_annotations(kind))

    def decorate(act: Callable[[Terminal, Told], Any]) -> click.Command:
        @wraps(act)
        def call(terminal: Terminal, /, **values: Any) -> Any:
            return act(terminal, options(**values))

        for one in (named[name] for name in reversed(order) if name in named):
            if not one.metadata:
                continue
            declare, flag, settings = one.metadata["declare"]
            names = [one.name]
            if declare is click.option:
                names.append(flag or f"--{one.name.replace('_', '-')}")
                several = str(one.type).startswith("tuple")
                settings = {**settings, "is_flag": one.type == "bool", "multiple": several}
            declare(*names, **settings)(call)
        declared = click.command(name, cls=Verb, **about)(click.pass_obj(call))
        if of is not None:
            of.add_command(declared)
        return declared

    return decorate
