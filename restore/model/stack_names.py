"""Names of the stacks and servers that runs make for themselves. Pure."""

from __future__ import annotations

import re
from typing import Final

EPHEMERAL: Final = "drill-"
"""Prefix of the stacks that a drill makes for itself; its run's id follows."""


IMPORT: Final = "import-"
"""Prefix of the name that the server of an import carries as its stack."""


_EPHEMERAL: Final = re.compile(rf"(?:{EPHEMERAL}|{IMPORT})\d{{8}}-\d{{6}}-[0-9a-f]{{4}}")


def is_ephemeral(stack: str) -> bool:
    """Whether a run made the stack for itself. People may name theirs ``drill-sales``."""
    return _EPHEMERAL.fullmatch(stack) is not None
