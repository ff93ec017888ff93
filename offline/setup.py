"""`python3 -m offline.setup [GROUP …]`: does what is missing, tells what and how long it takes.

A group, such as a profile's name, adds the images that are built only when it is asked for; "all"
adds every image.

Exit codes: 0 everything is in place, 1 something could not be done, 130 interrupted.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from offline.base_image import BaseImageStep
from offline.engine import EngineStep
from offline.environment import EnvironmentStep
from offline.host import Host
from offline.images import ImageStep
from offline.paths import places
from offline.plugin import PluginStep
from offline.printing import PrintingStep
from offline.pulumi_cli import PulumiStep
from offline.recipes import SUITE, recipes
from offline.stack import StackStep
from offline.steps import Board, Planned, do_all
from offline.venv import VenvStep

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from offline.recipes import Recipe

TREE = Path(__file__).resolve().parent.parent


def plan(tree: Path, groups: Sequence[str] = ()) -> list[Planned]:
    """Return every step, each after those it needs; `groups` add images."""
    venv, tools, engine = VenvStep(), PulumiStep(), EngineStep()
    plugin, environment, stack = PluginStep(), EnvironmentStep(), StackStep()
    planned = [
        Planned(venv),
        Planned(PrintingStep()),
        Planned(engine),
        *_images(recipes(tree, groups), engine.name, venv.name),
        Planned(tools),
        Planned(plugin, (tools.name,)),
        Planned(environment, (tools.name, engine.name)),
    ]
    return [*planned, Planned(stack, (venv.name, plugin.name, environment.name))]


def _images(wanted: list[Recipe], engine: str, venv: str) -> Iterator[Planned]:
    """The bases that recipes are built on, then what is built on each."""
    bases = {suite: BaseImageStep(suite) for suite in (SUITE, *(one.suite for one in wanted))}
    for base in bases.values():
        yield Planned(base, (engine,))
    for recipe in wanted:
        step, venvs = ImageStep(recipe), (venv,) if recipe.needs_wheels else ()
        yield Planned(step, (bases[recipe.suite].name, *venvs, *step.needs))


@contextmanager
def alone(host: Host, board: Board) -> Iterator[None]:
    """Keep other set-ups that use the same cache waiting."""
    host.places.cache.mkdir(parents=True, exist_ok=True)
    with (host.places.cache / "setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            board.line("another set-up is under way: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fresh_logs(host: Host) -> None:
    """Drop the logs of the last set-up, so that a log that is named tells of this one."""
    for log in host.places.logs.glob("setup-*.log"):
        log.unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Set up this tree and return the exit code."""
    parser = argparse.ArgumentParser(prog="setup", description="Put in place what is missing.")
    parser.add_argument(
        "groups", nargs="*", metavar="GROUP", help='images on demand: a profile\'s name, or "all"'
    )
    options = parser.parse_args(arguments)
    host = Host(places(TREE, os.environ), os.environ)
    board = Board(host)
    since = time.monotonic()
    try:
        with alone(host, board):
            fresh_logs(host)
            outcomes = do_all(plan(TREE, options.groups), host, board)
    except KeyboardInterrupt:
        board.line("interrupted; what was finished is kept")
        return 130
    except OSError as error:
        # The cache or the logs: a step's own failure is told by its outcome.
        print(f"set-up can't write: {error}", file=sys.stderr)
        print("hint: give the folder to this user, or set PRA_CACHE to another", file=sys.stderr)
        return 1
    board.line(f"set-up took {time.monotonic() - since:.1f} s")
    failed = [outcome for outcome in outcomes if outcome.error]
    for outcome in failed:
        print(f"\n{outcome.step}: {outcome.error}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
