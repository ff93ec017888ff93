"""Wheels for an image, downloaded with the host's own pip, as that is configured.

A build then needs neither a Python package index nor a certificate of one. A recipe asks by a file
in its folder, pip requirements with hashes whose first comment says for which CPython:

- `wheels.txt`: the wheels as they are, for pip, as ``wheels/`` in the build context;
- `wheels-unpacked.txt`: what is in them, for a recipe that only copies it, as ``wheels/`` too.
"""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from offline.host import Command, SetupError

if TYPE_CHECKING:
    from offline.host import Host

    Files = dict[str, tuple[bytes, int]]

PACKED = "wheels.txt"
UNPACKED = "wheels-unpacked.txt"
_PYTHON = re.compile(r"CPython (\d+\.\d+)")
# From the glibc that every Debian since buster has, down to the oldest name in use.
_GLIBC = ("2_28", "2_17", "2014")


def wheels(host: Host, recipe: Path) -> Files:
    """Return the wheels that a recipe's folder asks for: path in the context → (content, mode).

    The virtual environment must be there, since its pip does the work. Raises SetupError.
    """
    files: Files = {}
    if (recipe / PACKED).is_file():
        for path in _kept(host, recipe / PACKED):
            files[f"wheels/{path.name}"] = (path.read_bytes(), 0o644)
    if (recipe / UNPACKED).is_file():
        for path in _kept(host, recipe / UNPACKED):
            files.update(_unpacked(path))
    return files


def _unpacked(path: Path) -> Files:
    with zipfile.ZipFile(path) as wheel:
        return {
            f"wheels/{item.filename}": (
                wheel.read(item),
                0o755 if (item.external_attr >> 16) & 0o100 else 0o644,
            )
            for item in wheel.infolist()
            if not item.is_dir()
        }


def _kept(host: Host, wanted: Path) -> list[Path]:
    """The wheels of a list, in the cache under a name made of all that they depend on."""
    name = hashlib.sha256(wanted.read_bytes() + platform.machine().encode()).hexdigest()[:16]
    kept = host.places.cache / "wheels" / name
    if not kept.is_dir():
        _download(host, wanted, kept)
    return sorted(kept.iterdir())


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
