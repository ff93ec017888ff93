"""What a command line asks for: rules and key, or nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from restore.anonymise.key import read_key
from restore.anonymise.reading import load_rules
from restore.anonymise.rules import Anonymisation
from restore.errors import UsageError


def anonymisation_asked(
    rules: str | None,
    key_file: Path | None,
    profile: str,
    environment: Mapping[str, str] = os.environ,
) -> Anonymisation | None:
    """The anonymisation of ``--anonymise RULES --key-file FILE``; None when it is not asked for.

    Args:
        rules: a file of rules, or ``builtin`` for those that ship for the profile.
        key_file: None takes the key from the environment variable ``PRA_ANONYMISATION_KEY``.
        profile: the profile's name.

    Raises:
        NotFoundError: there is no such file, or no rules ship for the profile.
        UsageError: rules or key are wrong, or a key stands without rules.
    """
    if rules is None:
        if key_file is not None:
            raise UsageError("a key to anonymise by, and no rules", "add --anonymise builtin")
        return None
    return Anonymisation(load_rules(rules, profile), read_key(key_file, environment))
