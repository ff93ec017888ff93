"""Wheels for an image, downloaded with the host's own pip, as that is configured.

A recipe that has a ``wheels.txt`` (pinned, with hashes) gets the files that it names as ``wheels/``
in its build context: a build then needs neither a Python package index nor a certificate of one.
"""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from offline.host import Command, SetupError

if TYPE_CHECKING:
    from offline.host import Host

WHEELS = "wheels.txt"
_PYTHON = re.compile(r"CPython (\d+\.\d+)")
# From the glibc that every Debian since buster has, down to the oldest name in use.
_GLIBC = ("2_28", "2_17", "2014")


def wheels(host: Host, recipe: Path) -> dict[str, tuple[bytes, int]]:
    """Return the wheels that a recipe's folder asks for: path in the context → (content, mode).

    They are kept in the cache under a name made of all that they depend on. The virtual environment
    must be there, since its pip does the work. Raises SetupError.
    """
    wanted = recipe / WHEELS
    if not wanted.is_file():
        return {}
    text = wanted.read_bytes()
    name = hashlib.sha256(text + platform.machine().encode()).hexdigest()[:16]
    kept = host.places.cache / "wheels" / name
    if not kept.is_dir():
        _download(host, wanted, kept)
    return {f"wheels/{path.name}": (path.read_bytes(), 0o644) for path in sorted(kept.iterdir())}


def _download(host: Host, wanted: Path, kept: Path) -> None:
    found = _PYTHON.search(wanted.read_text(encoding="utf-8"))
    if found is None:
        raise SetupError(f"{wanted} does not say for which CPython its wheels are")
    machine = platform.machine()
    form = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--implementation=cp"]
    form += [f"--python-version={found[1]}"]
    form += [
        f"--platform=manylinux{'' if glibc == '2014' else '_'}{glibc}_{machine}" for glibc in _GLIBC
    ]
    kept.parent.mkdir(parents=True, exist_ok=True)
    host.say("downloading wheels")
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix="new-") as made:
        folder = Path(made) / "wheels"
        host.run(
            Command(
                [
                    host.places.python,
                    *("-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
                    *form,
                    *("--dest", folder, "-r", wanted),
                ],
                log="wheels",
                hint="the Python package index must be reachable; see `pip config list`",
            )
        )
        shutil.move(folder, kept)
