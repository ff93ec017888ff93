"""Every kind of the corpus."""

from __future__ import annotations

from typing import Final

from tests.corpus.damaged import DAMAGED
from tests.corpus.foreign import FOREIGN
from tests.corpus.forged import FORGED
from tests.corpus.model import Kind

KINDS: Final[tuple[Kind, ...]] = (*DAMAGED, *FORGED, *FOREIGN)

ITEMS: Final = (
    "dump truncated",
    "zeroed bytes",
    "plain dump cut mid-table",
    "missing file",
    "extra file",
    "swapped files of same size",
    "swapped files",
    "dump is code",
    "wrong checksum algorithm",
    "manifest of a newer schema",
    "path outside",
    "device file",
    "setuid",
    "zip bomb",
    "huge row count",
    "missing object",
    "partial dump",
    "wrong encoding",
    "wrong collation",
    "missing extension",
    "missing role",
    "missing addon",
    "attachments between dump and files",
    "duplicated generation id",
    "nobody vouches for it",
    "too old",
    "clock in the future",
    "empty database",
    "unreadable file",
)
"""What must be found, in the order of the documentation."""
