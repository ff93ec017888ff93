"""The virtual environment: what the lock file says, and this tree itself, editable."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import tomllib
from typing import TYPE_CHECKING

from offline.host import Command, SetupError, text_of
from offline.steps import Component

if TYPE_CHECKING:
    from pathlib import Path

    from offline.host import Host

LOCK = "requirements.lock"
MARKER = ".made-from"
BIRTH = ".born"
# Modules are compiled when first imported: most of what is installed never is.
INSTALL = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile")
# What every drill imports. Where Python is told to write no bytecode, as in many containers, each
# process would compile it anew: more than half of a drill's processor time.
IMPORTED = "import offline.docker_provider.server, restore.runs.drill, stacks.environment"
# `compat` makes the whole tree importable: linters and tests look into all of it.
EDITABLE = (
    *("--no-deps", "--no-build-isolation", "--no-index"),
    *("--config-settings", "editable_mode=compat", "--editable"),
)


class VenvStep:
    """Provides `.venv`, brought up to date when the lock or the project change.

    It is made anew only for another Python or another place: programs may be running in it.
    """

    name = "virtual environment"

    def probe(self, host: Host) -> list[Component] | None:
        places = host.places
        made_from = text_of(places.venv / MARKER)
        if made_from != fingerprint(places.tree) or not places.python.exists():
            return None
        return _components(host)

    def make(self, host: Host) -> list[Component]:
        places = host.places
        (places.venv / MARKER).unlink(missing_ok=True)
        if text_of(places.venv / BIRTH) != birth(places.tree) or not places.python.exists():
            _create(host)
        host.say("installing the packages of the lock file")
        hint = "the Python package index must be reachable; see `pip config list`"
        # The lock names every package: what they ask for of each other is not asked again, or a
        # release newer than the lock would be looked at, which has no hash there.
        lock = ("--require-hashes", "--no-deps", "-r", places.tree / LOCK)
        host.run(Command([places.python, *INSTALL, *lock], log="venv", hint=hint))
        host.say("installing this tree")
        host.run(Command([places.python, *INSTALL, *EDITABLE, places.tree], log="venv"))
        host.say("compiling what drills import")
        variables = {"PYTHONDONTWRITEBYTECODE": ""}
        host.run(Command([places.python, "-c", IMPORTED], log="venv", variables=variables))
        made_from = fingerprint(places.tree)
        (places.venv / MARKER).write_text(made_from, encoding="utf-8")
        return _components(host)


def _create(host: Host) -> None:
    venv = host.places.venv
    host.say("creating it")
    host.run(
        Command(
            [sys.executable, "-m", "venv", "--clear", venv],
            log="venv",
            hint="Debian and Ubuntu: apt-get install python3-venv",
        )
    )
    (venv / BIRTH).write_text(birth(host.places.tree), encoding="utf-8")


def birth(tree: Path) -> str:
    """Return what an environment cannot change once it is made: its Python and its place."""
    return f"{sys.version_info.major}.{sys.version_info.minor} {tree}"


def fingerprint(tree: Path) -> str:
    """Return what the environment depends on, hashed: not the settings of linters and tests."""
    digest = hashlib.sha256(f"{birth(tree)}\0".encode())
    try:
        digest.update((tree / LOCK).read_bytes())
        project = tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SetupError(f"{tree}: {LOCK} or pyproject.toml cannot be read: {error}") from error
    parts = [project.get("build-system"), project.get("project")]
    digest.update(json.dumps(parts, sort_keys=True).encode())
    return digest.hexdigest()


def _components(host: Host) -> list[Component]:
    return [
        Component(
            "virtual environment",
            f"Python {platform.python_version()}",
            f"made from {LOCK}",
            str(host.places.venv),
        )
    ]
