"""Where ``pra`` keeps what it makes: in a clone's ``.pra/``, else in the user's folder of state.

State never lies in the current folder: whoever can write there could add trusted keys.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final


def state_folder(above: Path, environ: Mapping[str, str]) -> Path:
    """Choose the folder of state.

    Args:
        above: the folder that holds the package ``restore``: a clone, when it has a Pulumi.yaml.

    Returns:
        The clone's ``.pra``; for an installed package ``pra`` in ``XDG_STATE_HOME``, which is
        ``~/.local/state`` when it isn't set or is no absolute path.
    """
    if (above / "Pulumi.yaml").is_file():
        return above / ".pra"
    chosen = Path(environ.get("XDG_STATE_HOME", ""))
    if not chosen.is_absolute():
        chosen = Path(environ.get("HOME", "/"), ".local", "state")
    return chosen / "pra"


_ABOVE: Final = Path(__file__).resolve().parent.parent.parent
STATE: Final = state_folder(_ABOVE, os.environ)
IS_CLONE: Final = STATE.parent == _ABOVE
ROOT: Final = _ABOVE if IS_CLONE else STATE
"""Stack files are here and, in a clone, the Pulumi program."""

REPOSITORY: Final = STATE / "repository"
REPORTS: Final = STATE / "reports"
IMPORTS: Final = STATE / "imports"
"""Backups made by others, imported for one drill."""
LOCKS: Final = STATE / "locks"
LOGS: Final = STATE / "logs"
"""What each run did, one file a run."""
STAGING: Final = STATE / "staging"
"""What is written down of staging copies, and their administrators' passwords."""
SIGNING_KEY: Final = STATE / "keys" / "signing.pem"
"""What signs the evidence of runs, where the environment names no other key."""
TRUSTED_KEYS: Final = STATE / "keys" / "trusted"
"""The public keys that evidence is believed by."""
ENVIRONMENT: Final = STATE / "environment.json"
"""Written by set-up: what a process needs to find Pulumi here."""
