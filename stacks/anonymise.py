"""What a stack is told of anonymisation: which rules, and the key that decides replacements."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from restore.anonymise import BUILTIN, read_key
from restore.anonymise.key import VARIABLE
from restore.errors import UsageError
from restore.model import Purpose
from restore.model.secret import Secret
from stacks.values import Values

RULES: Final = "anonymise"
KEY: Final = "anonymisationKey"


@dataclass(frozen=True, slots=True)
class AnonymiseSettings:
    """``rules`` are those that ship for the profile (``builtin``), or the path of a file."""

    rules: str
    key: Secret


def read_anonymise(
    values: Values, root: Path, key: Secret | None, purpose: Purpose
) -> AnonymiseSettings | None:
    """The settings of anonymisation; None where there are none, or they are wrong.

    Args:
        root: where a relative path of rules starts.
        key: the setting ``anonymisationKey``, as a secret.
    """
    rules = values.optional(RULES)
    if rules is None:
        if key is not None:
            values.wrong(KEY, f"is a key to anonymise by, and no rules: needs {RULES}")
        return None
    if purpose is not Purpose.STAGING:
        values.wrong(RULES, "only a staging copy is anonymised: needs purpose 'staging'")
    if key is None:
        values.wrong(RULES, f"needs {KEY}, a secret")
        return None
    try:
        read_key(None, {VARIABLE: key.reveal()})
    except UsageError as error:
        values.wrong(KEY, f"is too short; {error.hint}")
    return AnonymiseSettings(rules if rules == BUILTIN else str(root / rules), key)
