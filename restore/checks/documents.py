"""Whether every document that the database knows is there, unchanged, and comes out of the ERP.

A login, reads and HTTP 200 all pass with no documents at all, so each row is held against its file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from restore.adapters.postgres import sql
from restore.checks.base import (
    MOST_DETAILS,
    Check,
    Finding,
    about,
    passed_unless,
    run_check,
    unknown_reason,
    unverifiable,
)
from restore.checks.tree import Tree, hash_tree
from restore.context import ReplayContext
from restore.errors import UsageError
from restore.model import CheckResult, CheckStatus, FileEntry
from restore.model.messages import Message, message, plural
from restore.plan.request import documents_of
from restore.profile import DocumentTree

BATCH = 5000
"""Rows fetched from the server at once."""

SAMPLE: Final = 20
"""Documents fetched: the smallest, the largest, and the rest evenly spread over the rows."""

_CHECKS: Final = {
    "attachments": (
        message("Every document row has its file"),
        message("each row's file is there, readable, with its checksum"),
    ),
    "orphans": (message("Files without a row"), message("no file without a row")),
    "readable": (
        message("Documents come out of the ERP"),
        message("a sample of {n}, or all, each with its checksum", n=SAMPLE),
    ),
    "index": (
        message("Every document of the backup is there"),
        message("each file is there, readable by the ERP, with its checksum"),
    ),
}
"""What is checked of a set of documents, and what is expected."""


class Row(NamedTuple):
    """A document as the database knows it; ``file`` is relative to the tree's folder.

    ``checksum`` is empty when the ERP recorded none: its file must then only be there.
    """

    id: str
    name: str
    file: str
    checksum: str = ""

    def __str__(self) -> str:
        return message(
            "row {id} ({name}, file {file})", id=self.id, name=repr(self.name), file=self.file
        )


@dataclass(frozen=True, slots=True)
class DocumentSet:
    """The documents of one database in one tree of the profile."""

    tree: DocumentTree
    database: str

    @property
    def folder(self) -> str:
        """Where the ERP keeps them."""
        return self.tree.path.replace("{database}", self.database)

    @property
    def checks(self) -> tuple[Check, ...]:
        """Its checks, in order; without a query that lists rows, the backup's index is the list."""
        keys = ("index",) if self.tree.rows is None else ("attachments", "orphans", "readable")
        return tuple(map(self.check, keys))

    def check(self, key: str) -> Check:
        """One of its checks."""
        title, expected = _CHECKS[key]
        where = message("{tree} of {database}", tree=self.tree.name, database=self.database)
        return Check(
            f"documents.{key}:{self.tree.name}:{self.database}",
            message("{title} ({where})", title=title, where=where),
            expected,
            decisive=key in ("attachments", "index"),
        )

    def hashed(self, context: ReplayContext, algorithm: str) -> Tree:
        """Its files as the ERP's own user sees them in the running server."""
        container, user = context.environment.erp.container, context.profile.erp.user
        return hash_tree(context.runner, container, self.folder, algorithm, user)


@dataclass(slots=True)
class Match:
    """Rows held against files: how many of each, and the first that are wrong."""

    rows: int = 0
    missing: int = 0
    changed: int = 0
    unreadable: int = 0
    wrong: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)


def document_checks(context: ReplayContext, documents: DocumentSet) -> tuple[CheckResult, ...]:
    """Hold the restored files against the rows, both ways."""
    attachments, orphans = documents.check("attachments"), documents.check("orphans")
    matches: list[Match] = []

    def look() -> Finding:
        # The rows are those of the moment before the files are read: the ERP runs, and stores a
        # file before its row, so what it adds meanwhile can't look like a loss.
        with document_rows(context, documents) as rows:
            tree = documents.hashed(context, documents.tree.algorithm)
            matches.append(match(rows, tree, documents.tree.ignored))
        return _attachments(matches[0], tree, documents)

    found = run_check(attachments, look)
    if not matches:
        return found, unverifiable(orphans, message("after failure of {what}", what=attachments.id))
    return found, run_check(orphans, lambda: _orphans(matches[0]))


@contextmanager
def document_rows(context: ReplayContext, documents: DocumentSet) -> Iterator[Iterator[Row]]:
    """Stream the rows of a set from its database, as they are on entry, in the profile's order.

    Raises:
        UsageError: the profile has no query for them.
    """
    if documents.tree.rows is None:
        raise UsageError(f"the profile has no rows for {documents.tree.name}")
    server = context.environment.database
    with (
        sql.connect(server, documents.database) as connection,
        connection.transaction(),
        connection.cursor(name="pra_documents") as cursor,
    ):
        cursor.itersize = BATCH
        cursor.execute(documents.tree.rows.encode())
        yield (Row(*("" if value is None else str(value) for value in row)) for row in cursor)


def match(rows: Iterable[Row], tree: Tree, ignored: tuple[str, ...] = ()) -> Match:
    """Hold each row against its file, and find the files that no row names.

    Args:
        ignored: folders whose files belong to no row by design.
    """
    found = Match()
    orphans = dict.fromkeys(path for path in tree.digests if path.partition("/")[0] not in ignored)
    for row in rows:
        found.rows += 1
        orphans.pop(row.file, None)
        problem = _problem(row, tree, found)
        if problem is not None and len(found.wrong) <= MOST_DETAILS:
            found.wrong.append(about(str(row), problem))
    found.orphans = sorted(orphans)
    return found


def _problem(row: Row, tree: Tree, found: Match) -> str | None:
    digest = tree.digests.get(row.file)
    if digest is not None:
        if row.checksum.lower() in ("", digest.hex()):
            return None
        found.changed += 1
        return message(
            "expected checksum {wanted}, the file has {found}",
            wanted=row.checksum,
            found=digest.hex(),
        )
    if (reason := tree.unreadable_reason(row.file)) is not None:
        found.unreadable += 1
        return _unreadable(reason)
    found.missing += 1
    return message("the file is missing")


def _unreadable(reason: str) -> Message:
    return message("the ERP's user can't read it: {why}", why=reason)


def _attachments(found: Match, tree: Tree, documents: DocumentSet) -> Finding:
    observed = plural(
        found.rows,
        "{n} row, {files}: {missing} missing, {changed} changed, {unreadable} unreadable",
        "{n} rows, {files}: {missing} missing, {changed} changed, {unreadable} unreadable",
        files=plural(len(tree.digests), "{n} readable file", "{n} readable files"),
        missing=found.missing,
        changed=found.changed,
        unreadable=found.unreadable,
    )
    wrong = list(found.wrong)
    if tree.missing and wrong:
        wrong.insert(0, message("folder {folder} is missing", folder=documents.folder))
    return passed_unless(wrong, observed)


def _orphans(found: Match) -> Finding:
    return passed_unless(
        (message("{path} belongs to no row", path=path) for path in found.orphans),
        plural(len(found.orphans), "{n} file without a row", "{n} files without a row"),
        otherwise=CheckStatus.WARNING,
    )


def indexed_check(context: ReplayContext, documents: DocumentSet) -> CheckResult:
    """Hold the restored files against the generation's index, where no database lists them."""

    def look() -> Finding:
        held = documents_of(context.generation, documents.tree, documents.database)
        if held is None:
            reason = unknown_reason(message("which documents there were"))
            return Finding(CheckStatus.UNVERIFIABLE, message("not compared"), reason=reason)
        entries = context.repository.read_index(context.generation, held)
        return compare(entries, documents.hashed(context, "sha256"))

    return run_check(documents.check("index"), look)


def compare(entries: Iterable[FileEntry], tree: Tree) -> Finding:
    """Each file of an index against a tree; files that the index doesn't have are of no concern."""
    number = missing = changed = 0
    wrong: list[str] = []
    for entry in entries:
        number += 1
        digest = tree.digests.get(entry.path)
        if digest is None:
            missing += 1
            reason = tree.unreadable_reason(entry.path)
            problem = (
                about(entry.path, _unreadable(reason))
                if reason
                else message("{path} is missing", path=entry.path)
            )
        elif digest.hex() != entry.sha256:
            changed += 1
            problem = message("{path} has another checksum than the backup", path=entry.path)
        else:
            continue
        if len(wrong) <= MOST_DETAILS:
            wrong.append(problem)
    observed = message(
        "{files}: {missing} missing, {changed} changed",
        files=plural(number, "{n} file", "{n} files"),
        missing=missing,
        changed=changed,
    )
    return passed_unless(wrong, observed)
