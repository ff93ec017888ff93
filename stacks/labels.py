"""Labels: whose a container, network or volume is, so that it can be found without Pulumi."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

STACK: Final = "pra.stack"
GENERATION: Final = "pra.generation"
ROLE: Final = "pra.role"


_Label = TypeVar("_Label")


def labels(
    kind: Callable[..., _Label], stack: str, role: str, generation: str | None = None
) -> list[_Label]:
    """The labels of one object, in Docker's own order, as ``kind`` of it takes them.

    Containers name their generation too. Networks and volumes outlive a generation, and a label
    can't be changed without making them anew: they name stack and role only.
    """
    found = {GENERATION: generation, ROLE: role, STACK: stack}
    return [kind(label=name, value=value) for name, value in found.items() if value is not None]
