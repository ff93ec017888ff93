"""The secret key that decides replacements."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from restore.errors import NotFoundError, UsageError
from restore.model.secret import Secret

VARIABLE: Final = "PRA_ANONYMISATION_KEY"
"""Environment variable that holds the key where no file is named."""

_SHORTEST: Final = 16
_BLOCK: Final = 64
_HINT: Final = "make one with 'openssl rand -hex 32', and keep it as you keep passwords"


def read_key(file: Path | None, environment: Mapping[str, str] = os.environ) -> Secret:
    """The key, from a file or from the environment; space around it does not count.

    Raises:
        NotFoundError: there is no such file.
        UsageError: there is no key, or one that is too short to be secret.
    """
    source = f"file {file}" if file else VARIABLE
    if file is None:
        text = environment.get(VARIABLE, "")
    else:
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise NotFoundError(f"key file {file} does not exist", _HINT) from error
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"key file {file} can't be read as text", _HINT) from error
    key = text.strip()
    if len(key.encode()) < _SHORTEST:
        raise UsageError(f"the key of {source} has fewer than {_SHORTEST} characters", _HINT)
    return Secret(key)


def padded(key: Secret) -> tuple[Secret, Secret]:
    """The inner and outer key of an HMAC-SHA-256 (RFC 2104), in hexadecimal."""
    text = key.reveal().encode()
    block = hashlib.sha256(text).digest() if len(text) > _BLOCK else text
    block = block.ljust(_BLOCK, b"\0")
    return (
        Secret(bytes(byte ^ 0x36 for byte in block).hex()),
        Secret(bytes(byte ^ 0x5C for byte in block).hex()),
    )
