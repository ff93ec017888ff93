"""The placeholders of post-operations, filled in for an environment. Pure; none is a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from restore.adapters.postgres.commands import literal
from restore.plan.configuration.files import Target
from restore.profile.placeholders import KNOWN

_PLACEHOLDER: Final = re.compile(r"\{(" + "|".join(KNOWN) + r")\}")


def operation_values(
    target: Target, databases: Sequence[str], database: str | None
) -> dict[str, str]:
    """What each placeholder stands for; ``database`` is the first where there is no other."""
    return {
        "database": database or next(iter(databases), ""),
        "databases": ",".join(databases),
        "external_url": target.external_url,
        "database_address": target.database_address,
        "database_port": str(target.database_port),
        "erp_role": target.erp_role,
    }


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text with its placeholders filled; other braces stay."""
    return _PLACEHOLDER.sub(lambda found: values[found[1]], text)


def filled_sql(text: str, values: Mapping[str, str]) -> str:
    """A statement with its placeholders filled, each as a quoted text."""
    return _PLACEHOLDER.sub(lambda found: literal(values[found[1]]), text)
