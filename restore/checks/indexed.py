"""Documents of which no database has a list, held against the generation's own index."""

from __future__ import annotations

from collections.abc import Iterable

from restore.checks.base import (
    MOST_DETAILS,
    Check,
    Finding,
    about,
    passed_unless,
    run_check,
)
from restore.checks.documents import DocumentSet, unreadable
from restore.checks.tree import Tree, hash_tree
from restore.context import ReplayContext
from restore.model import Artifact, CheckResult, FileEntry
from restore.model.messages import message, plural
from restore.plan.request import documents_of


def index_check(documents: DocumentSet) -> Check:
    """Index against files."""
    return documents.check(
        "index",
        message("Every document of the backup is there"),
        message("each file is there, readable by the ERP, with its checksum"),
    )


def indexed_check(context: ReplayContext, documents: DocumentSet) -> CheckResult:
    """Hold the restored files against the generation's index."""
    return run_check(index_check(documents), lambda: _look(context, documents))


def _look(context: ReplayContext, documents: DocumentSet) -> Finding:
    artifact = documents_of(context.generation, documents.tree, documents.database)
    container, user = context.environment.erp.container, context.profile.erp.user
    tree = hash_tree(context.runner, container, documents.folder, "sha256", user)
    return compare(_entries(context, artifact), tree)


def _entries(context: ReplayContext, artifact: Artifact | None) -> Iterable[FileEntry]:
    return context.repository.read_index(context.generation, artifact) if artifact else ()


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
                about(entry.path, unreadable(reason))
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
