"""How a step of a scenario fails, or why it is not even begun."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

from restore.model.messages import message

NO_ACCOUNT: Final = message("no account was given to log in with")


class StepFailed(Exception):
    """What came of a step is not what must be. The text names no secret that the caller knows."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The time that a step has, in seconds from when this was made."""

    seconds: float
    begun: float = field(default_factory=time.perf_counter)

    @property
    def left(self) -> float:
        """Seconds that are left.

        Raises:
            StepFailed: none are.
        """
        left = self.seconds - (time.perf_counter() - self.begun)
        if left <= 0:
            raise StepFailed(message("it took more than the {n:g} s that it has", n=self.seconds))
        return left

    @property
    def milliseconds(self) -> float:
        """The same in milliseconds, as a browser counts."""
        return max(1.0, self.left * 1000)
