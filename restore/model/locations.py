"""Where this clone keeps what it makes. All but the programs themselves is under ``.pra/``."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent.parent
"""The clone: stack files and the Pulumi program live here."""

STATE: Final = ROOT / ".pra"
REPOSITORY: Final = STATE / "repository"
REPORTS: Final = STATE / "reports"
IMPORTS: Final = STATE / "imports"
"""Backups made by others, imported for one drill."""
LOCKS: Final = STATE / "locks"
STAGING: Final = STATE / "staging"
"""What is written down of staging copies, and their administrators' passwords."""
SIGNING_KEY: Final = STATE / "keys" / "signing.pem"
"""What signs the evidence of runs, where the environment names no other key."""
TRUSTED_KEYS: Final = STATE / "keys" / "trusted"
"""The public keys that evidence is believed by."""
ENVIRONMENT: Final = STATE / "environment.json"
"""Written by set-up: what a process needs to find Pulumi here."""
