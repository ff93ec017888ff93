"""A scenario as a value: what people do with the ERP, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

DEADLINE: Final = 20.0
"""Seconds that a step may take when nothing else is said."""

PREFIX: Final = "scenario."
"""How the ids of steps' checks begin."""


class Api(StrEnum):
    """The interfaces that calls go to."""

    ODOO = "odoo"
    ODOO_XML = "odoo-xml"
    OPENERP = "openerp"
    TRYTON = "tryton"


@dataclass(frozen=True, slots=True)
class Target:
    """Something on a page, found in one way: ``by`` is text, label, role or selector.

    ``name`` goes with a role. ``first``: the first of several will do.
    """

    by: str
    value: str
    name: str | None = None
    exact: bool = False
    first: bool = False

    def __str__(self) -> str:
        if self.by == "role":
            return f"{self.value} {self.name!r}" if self.name else self.value
        return repr(self.value) if self.by == "text" else f"{self.by} {self.value!r}"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is expected of a value; None where nothing is said. ``equals`` holds it in a tuple."""

    equals: tuple[Any, ...] = ()
    contains: tuple[Any, ...] = ()
    at_least: float | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A method of a model, called over the API. ``at`` is where in the answer to look."""

    model: str
    method: str
    arguments: tuple[Any, ...] = ()
    keywords: tuple[tuple[str, Any], ...] = ()
    at: tuple[int | str, ...] = ()
    expect: Expectation = Expectation()
    remember: str | None = None


@dataclass(frozen=True, slots=True)
class LogIn:
    """The login page, and the parts of its form."""

    path: str = "/web/login"
    login: Target = Target("selector", "input[name=login]")
    password: Target = Target("selector", "input[name=password]")
    button: Target = Target("selector", "button[type=submit]", first=True)


class PageKind(StrEnum):
    """What is done on a page, as a file calls it. LOOK: nothing but a screenshot."""

    OPEN = "open"
    CLICK = "click"
    FILL = "fill"
    PRESS = "press"
    SEE = "see"
    GONE = "gone"
    ADDRESS = "address"
    READ = "read"
    LOOK = "look"


@dataclass(frozen=True, slots=True)
class OnPage:
    """One act on a page. ``target`` is what it is about, for kinds that are about something.

    ``text`` is the path that is opened, the text that a field gets or the address holds, the key
    that is pressed, or the name under which what is read is remembered.
    """

    kind: PageKind
    text: str = ""
    target: Target = Target("text", "")


PageAct = LogIn | OnPage
Act = Call | PageAct


@dataclass(frozen=True, slots=True)
class ScenarioStep:
    """One step. ``deadline`` is in seconds; ``picture``: a screenshot is kept once it ended.

    ``kind`` is what its act is called in a file.
    """

    name: str
    title: str
    kind: str
    act: Act
    deadline: float
    picture: bool
    needs_account: bool


@dataclass(frozen=True, slots=True)
class Scenario:
    """What people do, step by step. ``source`` is the file that it was read from."""

    name: str
    title: str
    api: Api
    steps: tuple[ScenarioStep, ...]
    source: str

    @property
    def on_pages(self) -> bool:
        """Whether it takes a browser."""
        return any(not isinstance(step.act, Call) for step in self.steps)

    @property
    def needs_account(self) -> bool:
        """Whether it logs in somewhere."""
        return any(step.needs_account for step in self.steps)

    def check_id(self, step: ScenarioStep) -> str:
        """The id of a step's check."""
        return f"{PREFIX}{self.name}.{step.name}"

    @property
    def check_ids(self) -> tuple[str, ...]:
        """The ids of its checks, in order."""
        return tuple(map(self.check_id, self.steps))
