"""What an environment is rebuilt for."""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """Whether what is rebuilt takes production's place, or stands beside it.

    A ``STAGING`` copy is made safe before the ERP starts: nothing in it acts in production's name.
    """

    RECOVERY = "recovery"
    STAGING = "staging"
