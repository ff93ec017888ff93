"""Images: Debian bases pulled or made by debootstrap, and the fixtures' servers built on them."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offline.docker_api import read_folder, tar_of
from offline.engine import engine
from offline.host import Command, SetupError
from offline.host_files import fetched
from offline.steps import Component
from offline.wheels import WHEELS, wheels

if TYPE_CHECKING:
    from collections.abc import Collection

    from offline.docker_api import Docker
    from offline.host import Host

BASE = "pra/debian"
SUITE = "bullseye"
RECIPE = "pra.recipe"
VERSIONS = "/etc/image-versions.env"
HOST_APT = "host-apt.conf"
# A file of a recipe's folder that holds a word a line: the groups that ask for the image.
ON_DEMAND = "on-demand"
# The group that asks for every image.
ALL = "all"
# What of the host's apt settings makes sense in a build: how to fetch, not what to do after.
APT_SETTINGS = re.compile(r"^Acquire::(https?::|Check-|Retries|ForceIPv)")
BOOTSTRAPPED = "made by debootstrap"


@dataclass(frozen=True, slots=True)
class Recipe:
    """A folder of fixtures/images: `postgresql-13` makes `pra/postgresql:13`."""

    folder: Path

    @property
    def repository(self) -> str:
        return f"pra/{self.folder.name.rpartition('-')[0]}"

    @property
    def tag(self) -> str:
        return self.folder.name.rpartition("-")[2]

    @property
    def name(self) -> str:
        return f"{self.repository}:{self.tag}"

    @property
    def suite(self) -> str:
        """The Debian suite that it is built on."""
        text = (self.folder / "Dockerfile").read_text(encoding="utf-8")
        found = re.search(rf"^FROM {BASE}:([a-z]+)$", text, re.MULTILINE)
        return found[1] if found else SUITE

    @property
    def needs_wheels(self) -> bool:
        """Whether set-up's virtual environment must be there first: its pip fetches wheels."""
        return (self.folder / WHEELS).is_file()

    @property
    def fingerprint(self) -> str:
        """A hash of the folder's files: another one means another image."""
        digest = hashlib.sha256()
        for name, (content, mode) in read_folder(self.folder).items():
            digest.update(f"{name}\0{mode:o}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that ask for it; without one it belongs to every set-up."""
        path = self.folder / ON_DEMAND
        return tuple(path.read_text(encoding="utf-8").split()) if path.is_file() else ()

    def wanted_by(self, groups: Collection[str]) -> bool:
        """Whether a set-up for these groups needs it."""
        return not self.groups or ALL in groups or not set(groups).isdisjoint(self.groups)

    @property
    def parents(self) -> tuple[str, ...]:
        """The names of the project's own images that its Dockerfile takes something from."""
        text = (self.folder / "Dockerfile").read_text(encoding="utf-8")
        return tuple(
            dict.fromkeys(re.findall(r"(?:^FROM |--from=)(pra/[^\s]+)", text, re.MULTILINE))
        )


def recipes(tree: Path, groups: Collection[str] = ()) -> list[Recipe]:
    """Return the recipes of every set-up and of some groups, each after those it derives from."""
    folder = tree / "fixtures" / "images"
    found = [Recipe(path.parent) for path in sorted(folder.glob("*/Dockerfile"))]
    wanted = [one for one in found if one.wanted_by(groups)]
    names = {one.name for one in wanted}
    return sorted(wanted, key=lambda one: not names.isdisjoint(one.parents))


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
            _component(
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


@dataclass(frozen=True, slots=True)
class ImageStep:
    """Provides the image of one recipe; its label tells which recipe it was made from."""

    recipe: Recipe

    @property
    def name(self) -> str:
        return _step_name(self.recipe.name)

    @property
    def needs(self) -> tuple[str, ...]:
        """The steps of the images that it derives from, the base's apart."""
        return tuple(_step_name(n) for n in self.recipe.parents if not n.startswith(f"{BASE}:"))

    def probe(self, host: Host) -> list[Component] | None:
        found = engine(host).image(self.recipe.name)
        if found is None or _labels(found).get(RECIPE) != self.recipe.fingerprint:
            return None
        return [_component(self.recipe.name, _version(found), "built", found)]

    def make(self, host: Host) -> list[Component]:
        docker = engine(host)
        before = docker.image(self.recipe.name)
        log = host.log(f"image-{self.recipe.folder.name}")
        host.say("building")
        with log.open("a", encoding="utf-8") as out:

            def told(text: str) -> None:
                out.write(text)
                if line := re.sub(r"\x1b\[\d*m", "", text).strip().splitlines()[-1:]:
                    host.say(line[0][:60])

            try:
                made = docker.build(self._context(host), told)
            except SetupError as error:
                out.flush()
                raise SetupError(
                    f"{self.recipe.name} cannot be built: {error.message}",
                    hint="Debian's archive must be reachable from containers on the host's network",
                    log=log,
                ) from error
        docker.read_and_commit(made, VERSIONS, self._seal)
        if before is not None:
            docker.forget(before["Id"])
        found = self.probe(host)
        if found is None:
            raise SetupError(f"{self.recipe.name} was built but Docker does not know it")
        return found

    def _context(self, host: Host) -> bytes:
        """The recipe's folder, with the host's apt settings in the file meant for them."""
        files = {**read_folder(self.recipe.folder), **fetched(host, self.recipe.folder)}
        if HOST_APT in files and host.which("apt-config"):
            lines = host.run(Command(["apt-config", "dump"], log="images")).splitlines()
            kept = "".join(f"{line}\n" for line in lines if APT_SETTINGS.match(line))
            files[HOST_APT] = (kept.encode(), 0o644)
        return tar_of({**files, **wheels(host, self.recipe.folder)})

    def _seal(self, versions: bytes) -> dict[str, str]:
        """Name the image, and put into its settings what only the installation could tell.

        The engine reads a server's version from the image, before any container runs.
        """
        lines = [f"ENV {line}" for line in versions.decode().split()]
        lines.append(f"LABEL {RECIPE}={self.recipe.fingerprint}")
        return {
            "repo": self.recipe.repository,
            "tag": self.recipe.tag,
            "changes": "\n".join(lines),
        }


def _step_name(image: str) -> str:
    return f"image {image}"


def _labels(image: dict[str, Any]) -> dict[str, str]:
    return image["Config"].get("Labels") or {}


def _version(image: dict[str, Any]) -> str:
    """The server's version, which its image's last setting holds."""
    settings = image["Config"].get("Env") or ["="]
    return str(settings[-1]).partition("=")[2] or "?"


def _component(name: str, version: str, source: str, image: dict[str, Any]) -> Component:
    return Component(name, version, source, image["Id"].removeprefix("sha256:")[:12])
