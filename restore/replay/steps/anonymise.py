"""Anonymisation of a staging copy, while the ERP stands still: its databases, then its documents.

Nothing of the generation is touched: what is changed was restored from it.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

from restore.adapters.docker.helpers import lines_once, run_once
from restore.adapters.postgres import sql
from restore.adapters.postgres.commands import identifier
from restore.anonymise.layouts import LAYOUTS
from restore.anonymise.rules import Anonymisation, DocumentsRule
from restore.anonymise.session import anonymise
from restore.checks.anonymised import anonymised_checks, documents_checked
from restore.checks.base import with_acceptances
from restore.context import ReplayContext
from restore.errors import ReplayError
from restore.model import CheckResult, CheckStatus, FileEntry, Progress, Step
from restore.replay.steps.servers import owner_of
from restore.replay.tar import archive
from restore.replay.unpacking import unpack

_LIST: Final = ".pra-remove"
"""File in a tree of documents that names those to be removed."""

_MODE: Final = 0o640


def anonymise_database(context: ReplayContext, step: Step) -> tuple[CheckResult, ...]:
    """Anonymise a database by the rules, and look for originals. The caller looks at the results.

    Raises:
        UsageError: the rules do not fit the database; nothing was changed.
        ReplayError: a statement was refused; nothing was changed.
    """
    database = step.database or ""
    tables: list[str] = []

    def tell(table: str) -> None:
        tables.append(table)
        context.listener(Progress(f"{step.title}: {table}"))

    administrator = context.administrator.login if context.administrator else ""
    with sql.connect(context.environment.database, database) as connection:
        found = anonymise(connection, _wanted(context), administrator, tell)
    return with_acceptances(anonymised_checks(database, found), context.accepted)


def anonymise_documents(context: ReplayContext, step: Step) -> tuple[CheckResult, ...]:
    """Lay placeholders, and remove every file that no row of the anonymised database names."""
    tree = step.id.split(":")[1]
    rule = next(one for one in _wanted(context).rules.documents if one.tree == tree)
    laid = LAYOUTS[rule.layout].files()
    _lay(context, step, laid)
    named, replaced = _named(context, step, rule, laid)
    surplus = [path for path in _files(context, step, tree) if path not in named]
    if surplus:
        _remove(context, step, surplus)
    left = _files(context, step, tree)
    strange = tuple(path for path in left if path not in named)
    result = documents_checked(tree, step.database or "", len(left), replaced, strange)
    return with_acceptances((result,), context.accepted)


def require_anonymised(results: tuple[CheckResult, ...]) -> None:
    """Stop before the ERP of a copy starts in which an original is left.

    Raises:
        ReplayError: names the checks and the places; never a value.
    """
    bad = (CheckStatus.FAILED, CheckStatus.UNVERIFIABLE)
    refused = [one for one in results if one.status in bad]
    if refused:
        lines = (f"{one.id}: {'; '.join(one.details) or one.reason}" for one in refused)
        raise ReplayError(
            "the copy is not anonymised:\n" + "\n".join(lines),
            "give these columns a rule; the ERP was not started",
        )


def _wanted(context: ReplayContext) -> Anonymisation:
    if context.anonymisation is None:
        raise ReplayError("no rules and no key to anonymise by were given")
    return context.anonymisation


def _named(
    context: ReplayContext, step: Step, rule: DocumentsRule, laid: Mapping[str, bytes]
) -> tuple[frozenset[str], int]:
    """The files that rows name, and how many rows name a placeholder."""
    table = f"{identifier(rule.table.schema)}.{identifier(rule.table.name)}"
    with sql.connect(context.environment.database, step.database or "") as connection:
        if sql.rows(connection, "SELECT to_regclass(%s) IS NULL", table)[0][0]:
            return frozenset(), 0
        layout = LAYOUTS[rule.layout]
        query = f"SELECT {layout.path}, count(*) FROM {table} WHERE {layout.file} <> '' GROUP BY 1"  # noqa: S608
        rows = dict(sql.rows(connection, query))
    return frozenset(rows), sum(number for path, number in rows.items() if path in laid)


def _files(context: ReplayContext, step: Step, tree: str) -> tuple[str, ...]:
    """The files of a tree, but for those that belong to no row by design."""
    ignored = next(one.ignored for one in context.profile.documents if one.name == tree)
    argv = ("find", step.target, "-type", "f", "-printf", "%P\\n")
    paths = lines_once(context.runner, context.environment.erp.container, argv)
    return tuple(path for path in paths if path.partition("/")[0] not in ignored)


def _lay(context: ReplayContext, step: Step, files: Mapping[str, bytes]) -> None:
    """Write files into a tree of the server that stands still, as its user's."""
    folder = PurePosixPath(step.target)
    owner = owner_of(context, step.owner or context.profile.erp.user)
    entries = (
        FileEntry(path, len(content), hashlib.sha256(content).hexdigest(), mode=_MODE)
        for path, content in files.items()
    )
    stream = archive(folder.name, entries, lambda entry: io.BytesIO(files[entry.path]), owner)
    unpack(context.runner, context.environment.erp.container, str(folder.parent), stream)


def _remove(context: ReplayContext, step: Step, paths: list[str]) -> None:
    erp = context.environment.erp.container
    names = b"".join(path.encode(errors="surrogateescape") + b"\0" for path in (*paths, _LIST))
    _lay(context, step, {_LIST: names})
    # xargs opens the list before rm removes it, with the others.
    remove = ("xargs", "--null", f"--arg-file={step.target}/{_LIST}", "rm", "--force", "--")
    run_once(context.runner, erp, ("env", f"--chdir={step.target}", *remove))
