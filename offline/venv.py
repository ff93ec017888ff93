"""The virtual environment: what the lock file says, and this tree itself, editable."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import tomllib
from typing import TYPE_CHECKING

from offline.host import Command, SetupError
from offline.steps import Component

if TYPE_CHECKING:
    from pathlib import Path

    from offline.host import Host

LOCK = "requirements.lock"
MARKER = ".made-from"
# Makes the whole tree importable: linters and tests look into all of it.
COMPAT = ("--config-settings", "editable_mode=compat")


class VenvStep:
    """Provides `.venv`. Made anew when the lock, the project file or the tree's path change."""

    name = "virtual environment"

    def probe(self, host: Host) -> list[Component] | None:
        places = host.places
        try:
            made_from = (places.venv / MARKER).read_text(encoding="utf-8")
        except OSError:
            return None
        if made_from != fingerprint(places.tree) or not places.python.exists():
            return None
        return _components(host)

    def make(self, host: Host) -> list[Component]:
        places = host.places
        python = places.python
        (places.venv / MARKER).unlink(missing_ok=True)
        host.say("creating it")
        host.run(
            Command(
                [sys.executable, "-m", "venv", "--clear", places.venv],
                log="venv",
                hint="Debian and Ubuntu: apt-get install python3-venv",
            )
        )
        pip: list[str | Path] = [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        host.say("installing the packages of the lock file")
        host.run(
            Command(
                [*pip, "--require-hashes", "-r", places.tree / LOCK],
                log="venv",
                hint="the Python package index must be reachable; see `pip config list`",
            )
        )
        host.say("installing this tree")
        host.run(
            Command(
                [
                    *pip,
                    "--no-deps",
                    "--no-build-isolation",
                    "--no-index",
                    *COMPAT,
                    "-e",
                    places.tree,
                ],
                log="venv",
            )
        )
        found = fingerprint(places.tree)
        (places.venv / MARKER).write_text(found, encoding="utf-8")
        return _components(host)


def fingerprint(tree: Path) -> str:
    """Return what the environment depends on, hashed: not the settings of linters and tests."""
    digest = hashlib.sha256(f"{tree}\0{sys.version_info[:2]}\0".encode())
    try:
        digest.update((tree / LOCK).read_bytes())
        project = tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SetupError(f"{tree}: {LOCK} or pyproject.toml cannot be read: {error}") from error
    parts = [project.get("build-system"), project.get("project")]
    parts.append(project.get("tool", {}).get("setuptools"))
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
