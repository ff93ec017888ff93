"""The versions that set-up provides, and the official sites that it tries first."""

from __future__ import annotations

PULUMI = "3.259.0"
# The last SDK module that contains the Python language host.
LANGUAGE_HOST_MODULE = "3.79.0"
DOCKER_PLUGIN = "5.1.0"
# What go.mod of Pulumi's dependencies asks for, and the first Go that can fetch another Go.
GO_NEEDED = (1, 25, 11)
GO_SWITCHES = (1, 21)
PULUMI_RELEASES = "https://get.pulumi.com/releases/sdk"


def numbers(text: str) -> tuple[int, ...]:
    """Return the numbers of a version: `v3.259.0-dev` → (3, 259, 0). Empty when there are none."""
    found: list[int] = []
    for part in text.strip().lstrip("vgo").split("-")[0].split("."):
        if not part.isdigit():
            break
        found.append(int(part))
    return tuple(found)


def pulumi_fits(text: str) -> bool:
    """Say whether a Pulumi CLI of this version runs our programs."""
    return numbers(PULUMI) <= numbers(text) < (4,)
