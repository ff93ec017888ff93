"""Whether anybody vouches for a generation: its own seal, and a signature by a trusted key."""

from __future__ import annotations

import os
from pathlib import Path

from restore.errors import AlteredError, UntrustedError
from restore.model import Generation, locations
from restore.model.messages import Message, message
from restore.report.evidence.format import TrustedKey, require_manifest
from restore.report.evidence.keys import TRUSTED_VARIABLE, trusted_keys
from restore.repository.manifest import signed_bytes


def vouching_warnings(
    generation: Generation, *, require_signed: bool, trusted: tuple[TrustedKey, ...] | None = None
) -> tuple[Message, ...]:
    """What is to be said of who vouches for a generation.

    Args:
        require_signed: whether one for which no trusted key vouches is refused.
        trusted: the keys that are believed; those of this machine when None.

    Raises:
        UntrustedError: no trusted key vouches for it, as is required.
        AlteredError: a trusted key did not sign its manifest as it is, required or not.
    """
    keys = trusted_keys((), _folder()) if trusted is None else trusted
    content = signed_bytes(generation.seal or "")
    problem: Message | None = None
    if generation.seal is None:
        problem = message("the manifest has no seal: nothing tells whether it was changed")
        if require_signed:
            raise UntrustedError(
                message("generation {id}: {problem}", id=generation.id, problem=problem),
                message("choose a generation that a capture has signed"),
            )
    elif require_signed or generation.signature is not None:
        try:
            require_manifest(generation.signature, content, keys)
        except (AlteredError, UntrustedError) as error:
            told = message("generation {id}: {problem}", id=generation.id, problem=error.message)
            # Who trusts nobody asked for nothing; a signature that is wrong is no matter of trust.
            if require_signed or isinstance(error, AlteredError):
                raise type(error)(told, error.hint) from error
            return (told,) if keys else ()
    return (problem,) if problem else ()


def _folder() -> Path:
    named = os.environ.get(TRUSTED_VARIABLE)
    return Path(named).expanduser() if named else locations.TRUSTED_KEYS
