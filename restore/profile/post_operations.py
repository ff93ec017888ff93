"""Post-operations: what an ERP needs once its data is back, as a profile describes it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from restore.model import LocalText, ManualOperation, Role


class OperationKind(StrEnum):
    """Who does a post-operation."""

    AUTOMATED = "automated"
    MANUAL = "manual"


class OperationTime(StrEnum):
    """When an automated one is run: around the ERP's start."""

    BEFORE_START = "before-start"
    AFTER_START = "after-start"


@dataclass(frozen=True, slots=True)
class OperationCheck:
    """What tells that an automated operation did what it should.

    One of ``sql`` (whose first value is looked at), ``command`` (whose output is) and ``path``
    (a request to the ERP, whose answer must have ``status`` and hold ``contains``). ``expected`` is
    what the first two must give.
    """

    sql: str | None = None
    command: tuple[str, ...] = ()
    path: str | None = None
    expected: str | None = None
    status: int = 200
    contains: str | None = None


@dataclass(frozen=True, slots=True)
class PostOperation:
    """Something to do once the data is back.

    An automated one is ``sql`` on each restored database of the ERP (only on those for which the
    query ``where`` gives a row), or a ``command`` in the container of ``server`` as ``user``. Texts
    have placeholders, whose values SQL gets quoted. A manual one is for its owner.
    """

    name: str
    title: LocalText
    owner: LocalText
    kind: OperationKind
    instructions: LocalText | None = None
    sql: str | None = None
    where: str | None = None
    command: tuple[str, ...] = ()
    server: Role = Role.ERP
    user: str = ""
    when: OperationTime = OperationTime.AFTER_START
    check: OperationCheck | None = None

    @property
    def node(self) -> Role:
        """The node on which an automated one acts."""
        return self.server if self.sql is None else Role.DATABASE

    @property
    def manual(self) -> ManualOperation:
        """A manual one as an entry of the checklist."""
        return ManualOperation(
            self.name, self.title, self.owner, self.instructions or LocalText("")
        )
