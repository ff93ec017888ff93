"""The checksum that a manifest carries of itself: what indexes vouch for files, it does for them.

It is taken over the manifest's meaning, JSON with sorted keys and no spaces, so that a manifest
that was only laid out anew is still the one that was written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

SEAL: Final = "seal"
"""The key that holds it, itself left out of the sum."""


def seal_of(document: Mapping[str, Any]) -> str:
    """The SHA-256 of a manifest, as its seal should be."""
    rest = {key: value for key, value in document.items() if key != SEAL}
    return hashlib.sha256(
        json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same manifest with its seal, last."""
    rest = {key: value for key, value in document.items() if key != SEAL}
    return {**rest, SEAL: seal_of(rest)}
