"""Images of servers, built from the recipes of fixtures/images.

An image is built again when its recipe changed, or when an image that it takes something from is
another than at its build: labels of the image tell both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offline.base_image import image_component
from offline.docker_api import read_folder, tar_of
from offline.engine import engine
from offline.host import Command, SetupError
from offline.maven import java
from offline.recipes import BASE
from offline.wheels import wheels

if TYPE_CHECKING:
    from offline.docker_api import JSON, Docker
    from offline.host import Host
    from offline.recipes import Recipe
    from offline.steps import Component

RECIPE = "pra.recipe"
PARENTS = "pra.parents"
VERSIONS = "/etc/image-versions.env"
HOST_APT = "host-apt.conf"
# What of the host's apt settings makes sense in a build: how to fetch, not what to do after.
APT_SETTINGS = re.compile(r"^Acquire::(https?::|Check-|Retries|ForceIPv)")


@dataclass(frozen=True, slots=True)
class ImageStep:
    """Provides the image of one recipe, made from it and from the parents that are there."""

    recipe: Recipe

    @property
    def name(self) -> str:
        return _step_name(self.recipe.name)

    @property
    def needs(self) -> tuple[str, ...]:
        """The steps of the images that it derives from, the base's apart."""
        return tuple(_step_name(n) for n in self.recipe.parents if not n.startswith(f"{BASE}:"))

    def probe(self, host: Host) -> list[Component] | None:
        docker = engine(host)
        found = docker.image(self.recipe.name)
        if found is None or _labels(found).get(RECIPE) != self.recipe.fingerprint:
            return None
        if not _made_from(found, self._parents(docker)):
            return None
        # The image's last setting holds the server's version.
        version = str((found["Config"].get("Env") or ["="])[-1]).partition("=")[2] or "?"
        return [image_component(self.recipe.name, version, "built", found)]

    def make(self, host: Host) -> list[Component]:
        docker = engine(host)
        before, parents = docker.image(self.recipe.name), self._parents(docker)
        log = host.log(f"image-{self.recipe.folder.name}")
        host.say("building")
        with log.open("a", encoding="utf-8") as out:

            def told(text: str) -> None:
                out.write(text)
                if line := re.sub(r"\x1b\[\d*m", "", text).strip().splitlines()[-1:]:
                    host.say(line[0][:60])

            try:
                made = docker.build(self._context(host), self.recipe.arguments, told)
            except SetupError as error:
                out.flush()
                raise SetupError(
                    f"{self.recipe.name} cannot be built: {error.message}",
                    hint="Debian's archive must be reachable from containers on the host's network",
                    log=log,
                ) from error
        docker.read_and_commit(made, VERSIONS, lambda text: self._seal(text, parents))
        if before is not None:
            docker.forget(before["Id"])
        found = self.probe(host)
        if found is None:
            raise SetupError(f"{self.recipe.name} was built but Docker does not know it")
        return found

    def _parents(self, docker: Docker) -> list[JSON | None]:
        """What the engine knows of the images that the recipe takes something from."""
        return [docker.image(name) for name in self.recipe.parents]

    def _context(self, host: Host) -> bytes:
        """The recipe's folder, with the host's apt settings in the file meant for them."""
        files = {**read_folder(self.recipe.folder), **java(host, self.recipe.folder)}
        if HOST_APT in files and host.which("apt-config"):
            lines = host.run(Command(["apt-config", "dump"], log="images")).splitlines()
            kept = "".join(f"{line}\n" for line in lines if APT_SETTINGS.match(line))
            files[HOST_APT] = (kept.encode(), 0o644)
        return tar_of({**files, **wheels(host, self.recipe.folder)})

    def _seal(self, versions: bytes, parents: list[JSON | None]) -> dict[str, str]:
        """Name the image, and put into its settings what only the installation could tell.

        The engine reads a server's version from the image, before any container runs.
        """
        lines = [f"ENV {line}" for line in versions.decode().split()]
        lines.append(f"LABEL {RECIPE}={self.recipe.fingerprint}")
        lines.append(f'LABEL {PARENTS}="{_identities(parents)}"')
        return {
            "repo": self.recipe.repository,
            "tag": self.recipe.tag,
            "changes": "\n".join(lines),
        }


def _step_name(image: str) -> str:
    return f"image {image}"


def _made_from(image: JSON, parents: list[JSON | None]) -> bool:
    """Whether an image was made from these very parents; a parent that is gone is another one."""
    recorded = _labels(image).get(PARENTS)
    if recorded is not None:
        return recorded == _identities(parents)
    # Built before there was such a label: its lowest layers tell what it was built on.
    layers = _layers(image)
    bases = [_layers(parent) for parent in parents if parent is not None]
    return not parents or any(layers[: len(base)] == base for base in bases)


def _identities(images: list[JSON | None]) -> str:
    return " ".join("none" if one is None else str(one["Id"]) for one in images)


def _layers(image: JSON) -> list[str]:
    return list(image["RootFS"]["Layers"])


def _labels(image: JSON) -> dict[str, str]:
    return image["Config"].get("Labels") or {}
