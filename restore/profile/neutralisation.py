"""Neutralisation: how a copy of an ERP is kept from acting in production's name, as data."""

from __future__ import annotations

from dataclasses import dataclass

from restore.model import LocalText


@dataclass(frozen=True, slots=True)
class NeutralisationAct:
    """One change of a rule, in a database that has what it changes.

    ``when`` names tables, or columns as ``table.column``, which all must be there: a module may not
    be installed. ``sql`` are statements that change rows in sets. ``proof`` is a query of which
    every row is something that is still dangerous, in its first column. ``clears`` are columns of
    text (``table.column``, ``*`` for any part of a name) that are emptied, and proved to be empty.
    ``covers`` are others that the act leaves harmless.
    """

    when: tuple[str, ...]
    sql: tuple[str, ...] = ()
    proof: str | None = None
    clears: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NeutralisationRule:
    """One kind of thing that a copy must not do, with all that makes sure of it."""

    name: str
    title: LocalText
    acts: tuple[NeutralisationAct, ...]


@dataclass(frozen=True, slots=True)
class Harmless:
    """Columns that look dangerous by their names, and why they are not."""

    columns: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Banner:
    """What shows on a page of the ERP that this is a copy: ``path`` answers with ``contains``."""

    path: str
    contains: str


@dataclass(frozen=True, slots=True)
class Neutralisation:
    """All that makes a copy of an ERP safe.

    ``command`` is the ERP's own command, run once a database, before the rules and while the server
    is stopped; empty where the ERP has none. ``{database}`` stands for its name. ``banner`` is
    looked for once the ERP runs. ``configuration`` are keys of the ERP's files, by the file's name,
    that a copy needs otherwise.
    """

    rules: tuple[NeutralisationRule, ...]
    command: tuple[str, ...] = ()
    harmless: tuple[Harmless, ...] = ()
    banner: Banner | None = None
    configuration: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()

    @property
    def covered(self) -> tuple[str, ...]:
        """The columns of which no account has to be given any more."""
        acts = (
            name for rule in self.rules for act in rule.acts for name in (*act.clears, *act.covers)
        )
        return (*acts, *(name for item in self.harmless for name in item.columns))
