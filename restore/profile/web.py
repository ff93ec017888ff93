"""What a user of the ERP would do first, as a profile describes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class WebStep:
    """One request of the web scenario and what its answer must be. ``sla`` is in seconds."""

    name: str
    method: str = "GET"
    path: str
    form: tuple[tuple[str, str], ...] = ()
    json: Any = None
    status: tuple[int, ...]
    contains: str | None = None
    absent: str | None = None
    location: str | None = None
    capture: tuple[tuple[str, str], ...] = ()
    sla: float
    credentials: bool = False
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class WebScenario:
    """What a user would do first: each step in order, in one session."""

    login: str | None
    steps: tuple[WebStep, ...]
