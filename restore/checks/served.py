"""Whether documents come out of the ERP itself, and are then still the same."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from typing import Final

import httpx

from restore.checks.base import Finding, about, describe, passed_unless, run_check, unverifiable
from restore.checks.documents import SAMPLE, DocumentSet, Row, document_rows
from restore.checks.scenarios.failure import NO_ACCOUNT, StepFailed
from restore.checks.tls import tls_of
from restore.checks.web import WebSession, filled_request, log_in, open_session
from restore.context import ReplayContext
from restore.errors import EnvironmentFailure
from restore.model import CheckResult, CheckStatus, Credentials
from restore.model.messages import message, plural
from restore.plan.request import documents_of
from restore.profile import DocumentFetch

FETCH_TIMEOUT: Final = 60.0
"""Seconds without a byte after which a document counts as not served."""


def served_check(
    context: ReplayContext, documents: DocumentSet, credentials: Credentials | None
) -> CheckResult:
    """Fetch a sample of documents as a logged-in user and hash what comes."""
    check, fetch = documents.check("readable"), documents.tree.fetch
    if fetch is None:
        return unverifiable(check, message("the profile does not say how to fetch a document"))
    if credentials is None:
        return unverifiable(check, NO_ACCOUNT)
    return run_check(check, lambda: _fetch_sample(context, documents, fetch, credentials))


def pick(rows: Iterable[Row], wanted: frozenset[str], stride: int) -> tuple[Row, ...]:
    """Choose rows: the first of each wanted file, and one of every ``stride``; no file twice."""
    chosen: dict[str, Row] = {}
    for number, row in enumerate(rows):
        if row.file in wanted or number % stride == 0:
            chosen.setdefault(row.file, row)
    return tuple(chosen.values())


def _fetch_sample(
    context: ReplayContext, documents: DocumentSet, fetch: DocumentFetch, credentials: Credentials
) -> Finding:
    sample = _sample(context, documents)
    if not sample:
        return Finding(
            CheckStatus.UNVERIFIABLE,
            message("0 documents"),
            reason=message("the database lists no document"),
        )
    url, tls = context.environment.erp.endpoint, tls_of(context.environment)
    session = open_session(url, documents.database, credentials, tls)
    with session.client:
        try:
            log_in(session, context.profile.web)
        except StepFailed as error:
            raise EnvironmentFailure(message("not logged in: {problem}", problem=error)) from error
        wrong = [
            about(str(row), problem)
            for row in sample
            if (problem := _problem(session, fetch, documents, row)) is not None
        ]
    good = len(sample) - len(wrong)
    observed = plural(
        len(sample),
        "{good} of {n} document served unchanged",
        "{good} of {n} documents served unchanged",
        good=good,
    )
    return passed_unless(wrong, observed)


def _sample(context: ReplayContext, documents: DocumentSet) -> tuple[Row, ...]:
    extremes = _extremes(context, documents)
    with document_rows(context, documents) as rows:
        total = sum(1 for _ in rows)
    # Rounded up, so that the sample never grows beyond its size.
    stride = max(1, -(-total // (SAMPLE - len(extremes))))
    with document_rows(context, documents) as rows:
        return pick(rows, extremes, stride)


def _extremes(context: ReplayContext, documents: DocumentSet) -> frozenset[str]:
    """The smallest and the largest file, as the generation's index tells."""
    artifact = documents_of(context.generation, documents.tree, documents.database)
    if artifact is None:
        return frozenset()
    smallest = largest = None
    for entry in context.repository.read_index(context.generation, artifact):
        if smallest is None or entry.size < smallest.size:
            smallest = entry
        if largest is None or entry.size > largest.size:
            largest = entry
    return frozenset(entry.path for entry in (smallest, largest) if entry is not None)


def _problem(
    session: WebSession, fetch: DocumentFetch, documents: DocumentSet, row: Row
) -> str | None:
    """What is wrong with a document as the ERP serves it; None when it is right."""
    digest = hashlib.new(documents.tree.algorithm, usedforsecurity=False)
    try:
        request = filled_request(fetch, {**session.values, "id": row.id})
        with session.client.stream(**request, timeout=FETCH_TIMEOUT) as answer:
            if answer.status_code != 200:
                return f"HTTP {answer.status_code}"
            if fetch.base64 is None:
                for chunk in answer.iter_bytes():
                    digest.update(chunk)
            else:
                answer.read()
                content = _encoded(answer.text, fetch.base64)
                if content is None:
                    return message("the answer holds no document")
                digest.update(content)
    except httpx.HTTPError as error:
        return message("no answer: {error}", error=describe(error))
    if row.checksum and digest.hexdigest() != row.checksum.lower():
        return message(
            "expected checksum {wanted}, the ERP served {found}",
            wanted=row.checksum,
            found=digest.hexdigest(),
        )
    return None


def _encoded(text: str, pattern: str) -> bytes | None:
    """The document that an answer holds in base64; None when it holds none."""
    found = re.search(pattern, text)
    try:
        # JSON escapes the line breaks that some encoders put in.
        return base64.b64decode(re.sub(r"\\[nr]", "", found[1])) if found else None
    except binascii.Error:
        return None
