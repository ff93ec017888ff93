"""Recipes: the folders of fixtures/images, each of which makes one image."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offline.docker_api import read_folder
from offline.wheels import PACKED, UNPACKED

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

BASE = "pra/debian"
SUITE = "bullseye"
# A file of a recipe's folder that holds a word a line: the groups that ask for the image.
ON_DEMAND = "on-demand"
# A file that holds a build argument a line: recipes that share one Dockerfile differ by it.
ARGUMENTS = "arguments"
# The group that asks for every image.
ALL = "all"


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
        found = re.search(rf"^FROM {BASE}:([a-z]+)$", self._dockerfile, re.MULTILINE)
        return found[1] if found else SUITE

    @property
    def needs_wheels(self) -> bool:
        """Whether set-up's virtual environment must be there first: its pip fetches wheels."""
        return any((self.folder / name).is_file() for name in (PACKED, UNPACKED))

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
        named = re.findall(r"(?:^FROM |--from=)(pra/[^\s]+)", self._dockerfile, re.MULTILINE)
        return tuple(dict.fromkeys(named))

    @property
    def arguments(self) -> dict[str, str]:
        """The build arguments of its Dockerfile."""
        path = self.folder / ARGUMENTS
        lines = path.read_text(encoding="utf-8").split() if path.is_file() else []
        return dict(line.split("=", 1) for line in lines)

    @property
    def _dockerfile(self) -> str:
        text = (self.folder / "Dockerfile").read_text(encoding="utf-8")
        for name, value in self.arguments.items():
            text = text.replace(f"${name}", value)
        return text


def recipes(tree: Path, groups: Collection[str] = ()) -> list[Recipe]:
    """Return the recipes of every set-up and of some groups, each after those it derives from."""
    folder = tree / "fixtures" / "images"
    found = [Recipe(path.parent) for path in sorted(folder.glob("*/Dockerfile"))]
    wanted = [one for one in found if one.wanted_by(groups)]
    names = {one.name for one in wanted}
    return sorted(wanted, key=lambda one: not names.isdisjoint(one.parents))
