"""Labels: whose a container, network or volume is, so that it can be found without Pulumi."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi_docker as docker

STACK: Final = "pra.stack"
GENERATION: Final = "pra.generation"
ROLE: Final = "pra.role"


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of one object.

    Containers name their generation too. Networks and volumes outlive a generation, and a label
    can't be changed without making them anew: they name stack and role only.
    """

    stack: str
    role: str
    generation: str | None = None

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Names and values, in Docker's own order."""
        found = {GENERATION: self.generation, ROLE: self.role, STACK: self.stack}
        return tuple((name, value) for name, value in found.items() if value is not None)

    def of_container(self) -> list[docker.ContainerLabelArgs]:
        """As a container takes them."""
        return [docker.ContainerLabelArgs(label=name, value=value) for name, value in self.pairs()]

    def of_network(self) -> list[docker.NetworkLabelArgs]:
        """As a network takes them."""
        return [docker.NetworkLabelArgs(label=name, value=value) for name, value in self.pairs()]

    def of_volume(self) -> list[docker.VolumeLabelArgs]:
        """As a volume takes them."""
        return [docker.VolumeLabelArgs(label=name, value=value) for name, value in self.pairs()]
