"""The environment variables with which Pulumi runs here: set-up's and the caller's."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from restore.errors import EnvironmentFailure

PASSPHRASE: Final = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 - a name, not a password
PASSPHRASE_FILE: Final = "PULUMI_CONFIG_PASSPHRASE_FILE"  # noqa: S105
BACKEND: Final = "PULUMI_BACKEND_URL"


@dataclass(frozen=True, slots=True)
class SetUp:
    """What set-up found or made: folders for PATH, and variables.

    ``variables`` are defaults: the caller's own win, but for those that ``forced`` names.
    """

    path_prepend: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    forced: tuple[str, ...] = ()


def read_set_up(path: Path) -> SetUp:
    """Read what set-up wrote; nothing is needed from it where Pulumi is on PATH already.

    Raises:
        EnvironmentFailure: the file is damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return SetUp(
            path_prepend=tuple(str(folder) for folder in content.get("path_prepend", ())),
            variables=tuple((str(k), str(v)) for k, v in content.get("variables", {}).items()),
            forced=tuple(str(name) for name in content.get("forced", ())),
        )
    except FileNotFoundError:
        return SetUp()
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise EnvironmentFailure(f"{path} can't be read: {error}", "run 'make setup'") from error


def pulumi_environment(set_up: SetUp, caller: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a Pulumi process.

    This interpreter's folder comes first on PATH: Pulumi runs the program by ``python3``, which
    must be the one that has the program's packages.
    """
    found = dict(caller)
    for name, value in set_up.variables:
        if name == PASSPHRASE_FILE and caller.get(PASSPHRASE) is not None:
            continue
        if name in set_up.forced or not caller.get(name):
            found[name] = value
    folders = (str(Path(sys.executable).parent), *set_up.path_prepend, caller.get("PATH", ""))
    found["PATH"] = os.pathsep.join(folder for folder in folders if folder)
    found["PULUMI_SKIP_UPDATE_CHECK"] = "true"
    return found
