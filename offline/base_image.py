"""The Debian bases that images are built on: pulled, or made by debootstrap."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from offline.engine import engine
from offline.host import Command, SetupError
from offline.recipes import BASE, SUITE
from offline.steps import Component

if TYPE_CHECKING:
    from offline.docker_api import JSON, Docker
    from offline.host import Host

BOOTSTRAPPED = "made by debootstrap"


@dataclass(frozen=True, slots=True)
class BaseImageStep:
    """Provides `pra/debian:<suite>`: Debian's official image, else one made from its archive."""

    suite: str = SUITE

    @property
    def name(self) -> str:
        return "base image" if self.suite == SUITE else f"base image {self.suite}"

    @property
    def _log(self) -> str:
        return self.name.replace(" ", "-")

    def probe(self, host: Host) -> list[Component] | None:
        found = engine(host).image(f"{BASE}:{self.suite}")
        if found is None:
            return None
        made = BOOTSTRAPPED in str(found.get("Comment", ""))
        return [
            image_component(
                f"{BASE}:{self.suite}", self.suite, BOOTSTRAPPED if made else "pulled", found
            )
        ]

    def make(self, host: Host) -> list[Component]:
        docker = engine(host)
        if not self._pull(host, docker):
            self._bootstrap(host, docker)
        found = self.probe(host)
        if found is None:
            raise SetupError(f"{BASE}:{self.suite} was made but Docker does not know it")
        return found

    def _pull(self, host: Host, docker: Docker) -> bool:
        if not host.may_download("images"):
            return False
        host.say(f"pulling debian:{self.suite}-slim")
        try:
            docker.pull("debian", f"{self.suite}-slim", host.say)
        except SetupError as error:
            host.remember_unreachable("images", error.message)
            return False
        docker.tag(f"debian:{self.suite}-slim", BASE, self.suite)
        return True

    def _bootstrap(self, host: Host, docker: Docker) -> None:
        if host.which("debootstrap") is None:
            host.apt_install(["debootstrap", "debian-archive-keyring"], log=self._log)
        if not host.is_root():
            raise SetupError(
                f"debian:{self.suite}-slim cannot be pulled, and only root can run debootstrap",
                hint="run `make setup` once as root, or where the image can be pulled",
            )
        with tempfile.TemporaryDirectory(prefix="pra-base-") as name:
            root = Path(name) / "root"
            host.say(f"debootstrap {self.suite}")
            host.run(
                Command(
                    ["debootstrap", "--variant=minbase", self.suite, root, *archive(host)],
                    log=self._log,
                    variables=proxy(host),
                    hint="Debian's archive must be reachable from here",
                )
            )
            slim(root)
            host.say("importing it")
            _import(docker, root, self.suite, host.log(self._log))


def archive(host: Host) -> list[str]:
    """Return the Debian archive that the host itself uses, nothing where debootstrap knows best."""
    if host.which("apt-get") is None:
        return []
    wanted = ["Created-By: Packages", "Origin: Debian", "Label: Debian"]
    form = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    return host.run(Command([*form, *wanted], log="base-image")).split()[:1]


def proxy(host: Host) -> dict[str, str]:
    """Return apt's proxy as the variable that debootstrap understands."""
    if host.which("apt-config") is None:
        return {}
    settings = host.run(Command(["apt-config", "dump", "Acquire::http::Proxy"], log="base-image"))
    found = re.search(r'^Acquire::http::Proxy "(.+)";$', settings, re.MULTILINE)
    return {"http_proxy": found[1]} if found else {}


def slim(root: Path) -> None:
    """Drop documentation and apt's caches from a root, and keep the former out for good."""
    folders = ("doc", "man", "info", "lintian")
    rules = root / "etc/dpkg/dpkg.cfg.d/slim"
    rules.parent.mkdir(parents=True, exist_ok=True)
    rules.write_text("".join(f"path-exclude=/usr/share/{f}/*\n" for f in folders))
    emptied = [*(f"usr/share/{f}" for f in folders), "var/cache/apt", "var/lib/apt/lists"]
    for folder in emptied:
        for entry in (root / folder).glob("*"):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _import(docker: Docker, root: Path, suite: str, log: Path) -> None:
    with (
        log.open("ab") as err,
        subprocess.Popen(
            ["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE, stderr=err
        ) as tar,
    ):
        if tar.stdout is None:
            raise SetupError("tar has no output", log=log)
        docker.import_root(tar.stdout, BASE, suite, BOOTSTRAPPED)
    if tar.returncode != 0:
        raise SetupError(f"tar failed (exit {tar.returncode})", log=log)


def image_component(name: str, version: str, source: str, image: JSON) -> Component:
    """An image that is in place, as set-up and doctor tell it."""
    return Component(name, version, source, image["Id"].removeprefix("sha256:")[:12])
