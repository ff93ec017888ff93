"""Rules that neutralise, applied to a database and taken back, to see what their proofs notice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import psycopg

from restore.adapters.postgres import commands
from restore.checks.neutralised import proved
from restore.model import ArtifactKind, Credentials
from restore.model.secret import Secret
from restore.plan.neutralise import (
    Administrator,
    administrator,
    condition,
    session_options,
    statements,
)
from restore.profile import Neutralisation, NeutralisationRule
from restore.repository.folder import FolderRepository
from tests.support.repository import copy_repository
from tests.support.servers import REPOSITORIES, SUPERUSER_PASSWORD, DatabaseLab

ACCOUNT: Final = administrator(Credentials("admin", Secret("of the copy")), b"0123456789abcdef")
EXTERNAL_URL: Final = "https://copie.example:8443"

Connection = psycopg.Connection[tuple[Any, ...]]
Rows = dict[str, tuple[str, ...]]
"""By rule, for each of its acts, the statements that plant what the act changes."""


def restored(
    lab: DatabaseLab, repository: FolderRepository, folder: Path, name: str, *roles: str
) -> str:
    """Restore the database of a repository's last generation under its own ``name``."""
    copied = copy_repository(Path(repository.location), folder / "repository")
    generation = copied.load(copied.ids()[-1])
    (artifact,) = generation.artifacts_of(ArtifactKind.DATABASE, name)
    dump = Path(copied.location) / "generations" / generation.id / artifact.folder
    seen = f"{REPOSITORIES}/{dump.resolve().relative_to(lab.shared)}"
    for argv in (
        commands.create_roles("postgres", roles),
        ("createdb", "--username=postgres", f"--owner={roles[0]}", name),
        commands.restore_database("postgres", name, seen, 2),
    ):
        # As root, who reads what a repository allows to nobody else.
        lab.runner.check(lab.container, argv, user="root")
    return name


def plant(lab: DatabaseLab, database: str, tables: str, rows: Rows) -> None:
    """Make tables of modules that are not installed, and rows that no copy may hold."""
    lab.execute(tables, database)
    for planted in filter(None, (sql for several in rows.values() for sql in several)):
        lab.execute(planted, database)


@contextmanager
def neutralising(
    lab: DatabaseLab, database: str, account: Administrator = ACCOUNT
) -> Iterator[Connection]:
    """A session with the settings of one that neutralises; what it changes is taken back."""
    with psycopg.connect(
        host=lab.address,
        dbname=database,
        user="postgres",
        password=SUPERUSER_PASSWORD.reveal(),
        options=session_options(account).reveal(),
    ) as opened:
        yield opened
        opened.rollback()


def values_of(database: str) -> dict[str, str]:
    """What rules' placeholders stand for."""
    return {"database": database, "external_url": EXTERNAL_URL}


def apply(connection: Connection, *rules: NeutralisationRule) -> None:
    """Run rules as a copy's step does."""
    values = values_of(connection.info.dbname)
    for statement in statements(Neutralisation(rules), values):
        connection.execute(statement.encode())


def present(connection: Connection, rules: tuple[NeutralisationRule, ...]) -> set[tuple[str, int]]:
    """The acts, each by its rule's name and its number, that a database has something for."""
    asked = [(rule.name, n, act.when) for rule in rules for n, act in enumerate(rule.acts)]
    parts = ", ".join(condition(when) for _, _, when in asked)
    row = connection.execute(f"SELECT {parts}".encode()).fetchone() or ()
    return {(name, n) for (name, n, _), there in zip(asked, row, strict=True) if there}


def unseen(connection: Connection, rules: tuple[NeutralisationRule, ...]) -> list[str]:
    """Which acts, ``rule[number]``, are not missed by their proofs when their rule is left out.

    Acts for which the database has nothing are passed over. Once its rule is applied, nothing is
    found any more: that is asserted.
    """
    values, found = values_of(connection.info.dbname), list[str]()
    here = present(connection, rules)
    for rule in rules:
        acts = [n for n in range(len(rule.acts)) if (rule.name, n) in here]
        connection.execute("SAVEPOINT before")
        apply(connection, *(other for other in rules if other is not rule))
        for number in acts:
            if not proved(connection, replace(rule, acts=(rule.acts[number],)), values)[1]:
                found.append(f"{rule.name}[{number}]")
        apply(connection, rule)
        assert proved(connection, rule, values) == (len(acts), ()), rule.name
        connection.execute("ROLLBACK TO SAVEPOINT before")
    return found


def left(connection: Connection, rules: tuple[NeutralisationRule, ...]) -> list[str]:
    """What is still dangerous, by the proofs of all rules."""
    values = values_of(connection.info.dbname)
    return [
        f"{rule.name}: {what}" for rule in rules for what in proved(connection, rule, values)[1]
    ]
