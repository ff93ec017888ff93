"""What a stack is told of an environment, in place of what the generation says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from restore.model import ALL_LOCAL, Hosts, Role

NO_CERTIFICATE: Final = "none"
"""What is given in place of a path for a reverse proxy that serves plain HTTP."""


@dataclass(frozen=True, slots=True)
class StackChoices:
    """Images by role, the path of the reverse proxy's PEM, and the external URL.

    ``None`` leaves it to the generation. ``plain`` is a reverse proxy without certificate, for
    those who have one of their own before it. ``hosts`` says where each server is to stand.
    """

    images: Mapping[Role, str] = field(default_factory=dict)
    certificate: Path | None = None
    external_url: str | None = None
    plain: bool = False
    hosts: Hosts = ALL_LOCAL


def certificate_choice(told: str | None, root: Path) -> tuple[Path | None, bool]:
    """The path that a setting gives, and whether it asks for plain HTTP instead."""
    if told is None or told == NO_CERTIFICATE:
        return None, told is not None
    return root / Path(told).expanduser(), False
