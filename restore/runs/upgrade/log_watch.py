"""What an upgrade's log says: whether it got to its ready line, and what went wrong. Pure."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from restore.checks.base import MOST_DETAILS
from restore.profile import UpgradeProfile

TAIL_LINES: Final = 20
LONGEST_LINE: Final = 500
"""Characters of a line that are kept: some programs log whole documents."""


@dataclass(slots=True)
class LogWatch:
    """Reads a log line by line. ``errors`` holds the first that match, ``wrong`` is how many do."""

    ready_pattern: re.Pattern[str]
    error_patterns: tuple[re.Pattern[str], ...]
    harmless_patterns: tuple[re.Pattern[str], ...]
    ready: bool = False
    wrong: int = 0
    lines: int = 0
    errors: list[str] = field(default_factory=list)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))

    @classmethod
    def of(cls, profile: UpgradeProfile) -> LogWatch:
        """A watch for what a profile looks for."""
        return cls(
            re.compile(profile.ready),
            tuple(map(re.compile, profile.errors)),
            tuple(map(re.compile, profile.harmless)),
        )

    def see(self, line: str) -> None:
        """Judge one line of the log."""
        text = line.rstrip()[:LONGEST_LINE]
        self.lines += 1
        self.tail.append(text)
        if self.ready_pattern.search(text):
            self.ready = True
        if self._is_error(text):
            self.wrong += 1
            if len(self.errors) < MOST_DETAILS:
                self.errors.append(text)

    def _is_error(self, line: str) -> bool:
        if not any(pattern.search(line) for pattern in self.error_patterns):
            return False
        return not any(pattern.search(line) for pattern in self.harmless_patterns)
