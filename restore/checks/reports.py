"""Whether the reports server came back whole, reads the restored ERP, and prints its figures.

A server that answers proves little: its data source may still read production, or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from io import BytesIO
from typing import Final

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from restore.adapters.docker.health import read_health
from restore.adapters.jasper import ReportsClient
from restore.adapters.postgres import sql
from restore.checks.base import Check, Finding, passed_unless, run_check, running, unverifiable
from restore.context import ReplayContext
from restore.errors import ReplayError
from restore.model import (
    CheckResult,
    CheckStatus,
    DataSource,
    Generation,
    Part,
    ReportsFacts,
)
from restore.model.messages import message, plural
from restore.plan.configuration.data_sources import address_of
from restore.plan.reports import sources_of
from restore.profile import Profile, RenderedReport, ReportsProfile

NO_ACCOUNT: Final = message("no account of the reports server was given")

_SPACES: Final = re.compile(r"\s+")


def reports_checks(context: ReplayContext, databases: tuple[str, ...]) -> tuple[CheckResult, ...]:
    """Check a reports server that has been started; none when the generation has none."""
    facts, profile = context.generation.fingerprint.reports, context.profile.reports
    if facts is None or profile is None or context.environment.reports is None:
        return ()
    checks = _checks(profile, facts, databases)
    account = context.reports_account
    if account is None:
        return tuple(unverifiable(check, NO_ACCOUNT) for check in checks)
    reports = context.of(Part.REPORTS)
    with closing(ReportsClient(reports.environment, profile, account)) as client:
        probes = _Probes(context, client, facts, databases)
        started, resources, *others = checks
        results = [
            run_check(started, probes.started),
            run_check(resources, probes.resources),
        ]
        sources = tuple(sources_of(facts.data_sources, databases))
        for check, (source, database) in zip(others, sources, strict=False):
            results.append(run_check(check, partial(probes.source, source, database)))
        if profile.report is not None:
            results.append(run_check(checks[-1], partial(probes.rendered, profile.report)))
    return tuple(results)


def foreseen_reports_checks(
    profile: Profile, generation: Generation, databases: tuple[str, ...]
) -> tuple[Check, ...]:
    """The checks of a reports server, in their order; none when the generation has none."""
    facts, reports = generation.fingerprint.reports, profile.reports
    if facts is None or reports is None:
        return ()
    return _checks(reports, facts, databases)


def _checks(
    profile: ReportsProfile, facts: ReportsFacts, databases: tuple[str, ...]
) -> tuple[Check, ...]:
    return tuple(_all_checks(profile, facts, databases))


def _all_checks(
    profile: ReportsProfile, facts: ReportsFacts, databases: tuple[str, ...]
) -> Iterator[Check]:
    version = facts.server.erp_series
    yield Check(
        "reports.started",
        message("{product} runs", product=profile.server.title),
        message("healthy, version {version}", version=version),
    )
    yield Check(
        "reports.resources",
        message("The reports server's resources are all there"),
        plural(len(facts.resources), "{n} resource", "{n} resources"),
    )
    for source, database in sources_of(facts.data_sources, databases):
        yield Check(
            f"reports.data-source:{source.uri}",
            message("Data source {uri} reads the restored ERP", uri=source.uri),
            message("database {name} of the restored server, not production's", name=database),
        )
    if profile.report is not None:
        yield Check(
            f"reports.rendered:{profile.report.uri}",
            message("Report {uri} prints what the database holds", uri=profile.report.uri),
            message("a PDF with the figure that the restored database gives"),
        )


class _Probes:
    """What the checks look at, over one session."""

    def __init__(
        self,
        context: ReplayContext,
        client: ReportsClient,
        facts: ReportsFacts,
        databases: tuple[str, ...],
    ) -> None:
        self._context = context
        self._client = client
        self._facts = facts
        self._databases = databases

    def started(self) -> Finding:
        """The server is healthy and is of production's version."""
        container = self._context.of(Part.REPORTS).environment.erp.container
        state, version = read_health(self._context.runner, container), self._client.version()
        observed = running(state, version)
        if state != "healthy":
            return Finding(CheckStatus.FAILED, observed)
        wanted = self._facts.server.erp_series
        other = (
            [message("series {found}, production had {wanted}", found=version, wanted=wanted)]
            if version != wanted
            else []
        )
        return passed_unless(other, observed, otherwise=CheckStatus.WARNING)

    def resources(self) -> Finding:
        """Every resource of the generation is there; others are of no concern."""
        found = frozenset(self._client.resources())
        missing = [uri for uri in self._facts.resources if uri not in found]
        observed = plural(
            len(found),
            "{n} resource, {missing} missing",
            "{n} resources, {missing} missing",
            missing=len(missing),
        )
        return passed_unless(
            (message("resource {uri} is missing", uri=uri) for uri in missing), observed
        )

    def source(self, source: DataSource, database: str) -> Finding:
        """A data source names the restored server, and the database that it had."""
        server = self._context.environment.database
        url = str(self._client.data_source(source.uri).get("connectionUrl", ""))
        found, before = address_of(url), address_of(source.url)
        if found is None:
            return Finding(
                CheckStatus.FAILED,
                url or message("no URL"),
                (message("its URL names no database"),),
            )
        wrong = []
        wanted = f"{server.address}:{server.port}"
        if before is not None and found.server == before.server != wanted:
            wrong.append(
                message(
                    "data source {uri} still reads production's server {found}, not the restored "
                    "one at {wanted}",
                    uri=source.uri,
                    found=found.server,
                    wanted=wanted,
                )
            )
        elif found.server != wanted:
            wrong.append(
                message(
                    "data source {uri} reads server {found}, not {wanted}",
                    uri=source.uri,
                    found=found.server,
                    wanted=wanted,
                )
            )
        if found.database != database:
            wrong.append(
                message(
                    "data source {uri} reads database {found}", uri=source.uri, found=found.database
                )
            )
        return passed_unless(
            wrong, message("database {name} of {server}", name=found.database, server=found.server)
        )

    def rendered(self, report: RenderedReport) -> Finding:
        """The PDF of a report holds a figure of the restored database."""
        server = self._context.environment.database
        with sql.connect(server, self._databases[0]) as connection:
            found = sql.rows(connection, report.figure)
        if not found or found[0][0] is None:
            return Finding(
                CheckStatus.UNVERIFIABLE,
                message("no figure"),
                reason=message("the figure's query gives nothing"),
            )
        figure = str(found[0][0])
        try:
            content = self._client.render(report.uri)
        except ReplayError as error:
            return Finding(CheckStatus.FAILED, message("no PDF"), (error.message,))
        text = _text_of(content)
        wrong = (
            []
            if _plain(figure) in _plain(text)
            else [message("{figure} is not in the PDF's text", figure=figure)]
        )
        observed = plural(len(content), "a PDF of {n} byte", "a PDF of {n} bytes")
        if not wrong:
            observed = message("{pdf} with {figure}", pdf=observed, figure=figure)
        return passed_unless(wrong, observed)


def _text_of(content: bytes) -> str:
    try:
        return "\n".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)
    except (PyPdfError, ValueError) as error:
        raise ReplayError(f"the PDF can't be read: {error}") from error


def _plain(text: str) -> str:
    """A text without spaces: PDFs, and locales, space figures as they like."""
    return _SPACES.sub("", text)
