"""What a kind of broken backup is, and what it is made from."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from restore.errors import ExitCode
from restore.model import DatabaseFacts, Fingerprint, Generation
from restore.repository.folder import FolderRepository

if TYPE_CHECKING:
    from tests.support.servers import DatabaseLab


class Base(StrEnum):
    """The good backup that a kind begins with."""

    CAPTURED = "captured generation"
    CUSTOM = "generation imported from pg_dump -Fc"
    PLAIN = "generation imported from a plain dump"
    ZIP = "Odoo's zip"
    TREE = "folder of nightly dumps"
    FOLDER = "mapped folder"


class Stage(StrEnum):
    """Where a kind must be refused; the first four come before any container is made."""

    IMPORT = "import"
    SELECT = "select"
    VERIFY = "verify"
    FORESEE = "foresee"
    PLAN = "plan"
    REPLAY = "replay"
    CHECK = "check"


@dataclass(frozen=True)
class Good:
    """What the good backups are made of: real dumps of a real database, with its documents.

    ``dumps`` are the variants that pg_dump made of it, each in directory format, and ``facts`` what
    each database was; ``custom`` and ``plain`` are the whole one in the other two formats.
    """

    fingerprint: Fingerprint
    dumps: dict[str, dict[str, bytes]]
    facts: dict[str, DatabaseFacts]
    custom: bytes
    inside: bytes
    """Custom, of an ERP that keeps its documents in the database."""
    plain: bytes
    bare: bytes
    """Plain, without owners and grants, as Odoo's zip holds it."""
    partial: dict[str, bytes]
    """Of parts of it, or in a form that tells less, by what was left out."""
    roles: bytes
    documents: dict[str, bytes]


@dataclass(frozen=True)
class Case:
    """A copy of a good backup that a kind breaks.

    ``folder`` is where it lies: the repository, or the folder of a backup that others made, which
    has no ``repository`` and ``generation``.
    """

    folder: Path
    good: Good
    opened: FolderRepository | None = None
    copied: Generation | None = None

    @property
    def repository(self) -> FolderRepository:
        """The private repository."""
        assert self.opened is not None
        return self.opened

    @property
    def generation(self) -> Generation:
        """The generation as it was before it was broken."""
        assert self.copied is not None
        return self.copied

    @property
    def root(self) -> Path:
        """The generation's folder."""
        return self.generation.root


Damage = Callable[[Case], object]


def _as_it_is(_lab: DatabaseLab) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True)
class Kind:
    """One way in which a backup is broken, and what must be said of it.

    ``signed`` kinds have every checksum computed anew after the damage, as a forger would, or a
    tool that backed up what was broken already. ``says`` is a fragment of what is said. ``target``
    takes something away from the servers that it is restored into.
    """

    item: str
    """Its word in the list of what must be found."""
    name: str
    damage: Damage = field(repr=False)
    found: Stage
    code: ExitCode
    says: str
    base: Base = Base.CAPTURED
    signed: bool = False
    target: Callable[[DatabaseLab], AbstractContextManager[None]] = field(
        default=_as_it_is, repr=False
    )

    sealed: bool = False
    """Only the manifest and its indexes are right again, not what they say of the files."""
    unprivileged: bool = False
    """The drill is run by a user who is bound by the modes of files."""
    demands: tuple[tuple[str, Any], ...] = ()
    """What the drill demands of a generation: fields of its request."""

    @property
    def checksums(self) -> str:
        """Whether its checksums are right: nobody computed any of what others backed up."""
        if self.base in (Base.ZIP, Base.TREE, Base.FOLDER):
            return "none"
        return "right" if self.signed or self.sealed else "wrong"

    @property
    def id(self) -> str:
        """A name for tests."""
        again = ", signed" if self.signed else ""
        return f"{self.base}: {self.name}{again}"
