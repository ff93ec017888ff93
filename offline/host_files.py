"""Files that an image's build can't fetch for itself, fetched on the host, which knows how.

The host's own settings (proxy, mirrors, certificates) say how a package registry is reached; a
build has none of them. A recipe asks by a file in its folder:

- `host-wheels.txt`, pip requirements with hashes: the wheels, unpacked, in `host/wheels/`;
- `pom.xml`: the jar that Maven builds, and its dependencies, in `host/java/`.
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from offline.docker_api import read_folder
from offline.host import Command

if TYPE_CHECKING:
    from offline.host import Host

    Files = dict[str, tuple[bytes, int]]

WHEELS = "host-wheels.txt"
POM = "pom.xml"
# Wheels for what runs in the image, whatever Python the host has.
TARGET = ("--only-binary=:all:", "--python-version=3.11", "--platform=manylinux2014_x86_64")


def fetched(host: Host, folder: Path) -> Files:
    """Return what a recipe's folder asks the host for. Raises SetupError."""
    files: Files = {}
    if (folder / WHEELS).is_file():
        files.update(_wheels(host, folder))
    if (folder / POM).is_file():
        files.update(_java(host, folder))
    return files


def _wheels(host: Host, folder: Path) -> Files:
    host.say("downloading wheels")
    with tempfile.TemporaryDirectory(prefix="pra-wheels-") as made:
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", *TARGET]
        host.run(
            Command(
                [*pip, "--dest", made, "--requirement", folder / WHEELS],
                log=f"image-{folder.name}",
                hint="PyPI must be reachable, and Python's pip be there (Debian: python3-pip)",
            )
        )
        files: Files = {}
        for path in sorted(Path(made).glob("*.whl")):
            with zipfile.ZipFile(path) as wheel:
                files.update(
                    (f"host/wheels/{item.filename}", (wheel.read(item), _mode(item)))
                    for item in wheel.infolist()
                    if not item.is_dir()
                )
        return files


def _mode(item: zipfile.ZipInfo) -> int:
    return 0o755 if (item.external_attr >> 16) & 0o100 else 0o644


def _java(host: Host, folder: Path) -> Files:
    missing = [
        package
        for program, package in (("mvn", "maven"), ("javac", "openjdk-17-jdk-headless"))
        if host.which(program) is None
    ]
    if missing:
        host.apt_install(missing, log=f"image-{folder.name}")
    host.say("building with Maven")
    with tempfile.TemporaryDirectory(prefix="pra-java-") as made:
        # Maven writes beside its sources, and a recipe's folder is only read.
        root = Path(made)
        for name, (content, _mode_of) in read_folder(folder).items():
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        host.run(
            Command(
                ["mvn", "--batch-mode", "--quiet", "package"],
                log=f"image-{folder.name}",
                cwd=root,
                hint="Maven Central must be reachable by Maven's own settings",
            )
        )
        jars = [*sorted((root / "target").glob("*.jar")), *sorted((root / "target/lib").iterdir())]
        built = root / "target"
        return {
            f"host/java/{jar.relative_to(built).as_posix()}": (jar.read_bytes(), 0o644)
            for jar in jars
        }
