"""Whether the reports server came back whole, reads the restored ERP, and prints its figures.

A server that answers proves little: its data source may still read production, or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Final

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from restore import model
from restore.adapters.docker.health import read_health
from restore.adapters.jasper import ReportsClient
from restore.adapters.postgres import sql
from restore.checks.base import (
    Check,
    Finding,
    passed_unless,
    run_check,
    started_finding,
    unverifiable,
)
from restore.context import ReplayContext
from restore.errors import ReplayError
from restore.model.messages import message, plural
from restore.plan.reports import address_of, sources_of
from restore.profile import Profile, RenderedReport, ReportsProfile

NO_ACCOUNT: Final = message("no account of the reports server was given")

_SPACES: Final = re.compile(r"\s+")


def reports_checks(
    context: ReplayContext, databases: tuple[str, ...]
) -> tuple[model.CheckResult, ...]:
    """Check a reports server that has been started; none when the generation has none."""
    facts, profile = context.generation.fingerprint.reports, context.profile.reports
    if facts is None or profile is None or context.environment.reports is None:
        return ()
    account = context.reports_account
    if account is None:
        checks = foreseen_reports_checks(context.profile, context.generation, databases)
        return tuple(unverifiable(check, NO_ACCOUNT) for check in checks)
    half = context.of(model.Part.REPORTS)
    with closing(ReportsClient(half.environment, profile, account)) as client:
        session = _Session(context, half.environment, client, facts, databases)
        return tuple(
            run_check(check, partial(probe, session))
            for check, probe in _declared(profile, facts, databases)
        )


def foreseen_reports_checks(
    profile: Profile, generation: model.Generation, databases: tuple[str, ...]
) -> tuple[Check, ...]:
    """The checks of a reports server, in their order; none when the generation has none."""
    facts, reports = generation.fingerprint.reports, profile.reports
    if facts is None or reports is None:
        return ()
    return tuple(check for check, _ in _declared(reports, facts, databases))


def _declared(
    profile: ReportsProfile, facts: model.ReportsFacts, databases: tuple[str, ...]
) -> Iterator[tuple[Check, Callable[[_Session], Finding]]]:
    """Each check with what looks."""
    started = Check(
        "reports.started",
        message("{product} runs", product=profile.server.title),
        message("healthy, version {version}", version=facts.server.erp_series),
    )
    yield started, _Session.started
    resources = Check(
        "reports.resources",
        message("The reports server's resources are all there"),
        plural(len(facts.resources), "{n} resource", "{n} resources"),
    )
    yield resources, _Session.resources
    for source, database in sources_of(facts.data_sources, databases):
        reading = Check(
            f"reports.data-source:{source.uri}",
            message("Data source {uri} reads the restored ERP", uri=source.uri),
            message("database {name} of the restored server, not production's", name=database),
        )
        yield reading, partial(_Session.source, source=source, database=database)
    if profile.report is not None:
        rendered = Check(
            f"reports.rendered:{profile.report.uri}",
            message("Report {uri} prints what the database holds", uri=profile.report.uri),
            message("a PDF with the figure that the restored database gives"),
        )
        yield rendered, partial(_Session.rendered, report=profile.report)


@dataclass(frozen=True, slots=True)
class _Session:
    """What the checks look at; ``environment`` is the reports half's."""

    context: ReplayContext
    environment: model.Environment
    client: ReportsClient
    facts: model.ReportsFacts
    databases: tuple[str, ...]

    def started(self) -> Finding:
        """The server is healthy and is of production's version."""
        state = read_health(self.context.runner, self.environment.erp.container)
        version = self.client.version()
        return started_finding(state, version, version, self.facts.server.erp_series)

    def resources(self) -> Finding:
        """Every resource of the generation is there; others are of no concern."""
        found = frozenset(self.client.resources())
        missing = [uri for uri in self.facts.resources if uri not in found]
        observed = plural(
            len(found),
            "{n} resource, {missing} missing",
            "{n} resources, {missing} missing",
            missing=len(missing),
        )
        return passed_unless(
            (message("resource {uri} is missing", uri=uri) for uri in missing), observed
        )

    def source(self, source: model.DataSource, database: str) -> Finding:
        """A data source names the restored server, and the database that it had."""
        server = self.context.environment.database
        url = str(self.client.data_source(source.uri).get("connectionUrl", ""))
        found, before = address_of(url), address_of(source.url)
        if found is None:
            return Finding(
                model.CheckStatus.FAILED,
                url or message("no URL"),
                (message("its URL names no database"),),
            )
        wrong = []
        wanted = f"{server.address}:{server.port}"
        read = {"uri": source.uri, "found": found.server, "wanted": wanted}
        if before is not None and found.server == before.server != wanted:
            still = message(
                "data source {uri} still reads production's server {found}, not the restored "
                "one at {wanted}",
                **read,
            )
            wrong.append(still)
        elif found.server != wanted:
            wrong.append(message("data source {uri} reads server {found}, not {wanted}", **read))
        if found.database != database:
            other = message(
                "data source {uri} reads database {found}", uri=source.uri, found=found.database
            )
            wrong.append(other)
        return passed_unless(
            wrong, message("database {name} of {server}", name=found.database, server=found.server)
        )

    def rendered(self, report: RenderedReport) -> Finding:
        """The PDF of a report holds a figure of the restored database."""
        server = self.context.environment.database
        with sql.connect(server, self.databases[0]) as connection:
            found = sql.rows(connection, report.figure)
        if not found or found[0][0] is None:
            return Finding(
                model.CheckStatus.UNVERIFIABLE,
                message("no figure"),
                reason=message("the figure's query gives nothing"),
            )
        figure = str(found[0][0])
        try:
            content = self.client.render(report.uri)
        except ReplayError as error:
            return Finding(model.CheckStatus.FAILED, message("no PDF"), (error.message,))
        text = _text_of(content)
        observed = plural(len(content), "a PDF of {n} byte", "a PDF of {n} bytes")
        if _plain(figure) not in _plain(text):
            return passed_unless(
                [message("{figure} is not in the PDF's text", figure=figure)], observed
            )
        return passed_unless((), message("{pdf} with {figure}", pdf=observed, figure=figure))


def _text_of(content: bytes) -> str:
    try:
        return "\n".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)
    except (PyPdfError, ValueError) as error:
        raise ReplayError(f"the PDF can't be read: {error}") from error


def _plain(text: str) -> str:
    """A text without spaces: PDFs, and locales, space figures as they like."""
    return _SPACES.sub("", text)
