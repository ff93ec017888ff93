"""Java for an image, built on the host, which knows how its Maven repository is reached.

The host's own settings (proxy, mirrors, certificates) say so; a build has none of them. A recipe
asks by a `pom.xml` in its folder.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from offline.docker_api import read_folder
from offline.host import Command

if TYPE_CHECKING:
    from offline.host import Host

    Files = dict[str, tuple[bytes, int]]

POM = "pom.xml"


def java(host: Host, folder: Path) -> Files:
    """Return the jar that a recipe's Maven project builds, and its dependencies, in `host/java/`.

    Nothing without such a project. Raises SetupError.
    """
    if not (folder / POM).is_file():
        return {}
    _install_tools(host, folder)
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


def _install_tools(host: Host, folder: Path) -> None:
    missing = [
        package
        for program, package in (("mvn", "maven"), ("javac", "openjdk-17-jdk-headless"))
        if host.which(program) is None
    ]
    if missing:
        host.apt_install(missing, log=f"image-{folder.name}")
