"""``pra capture``: production becomes a generation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from restore.cli.generations import describe, summary
from restore.cli.options import JobsOptions, ProfileOptions, RepositoryOptions
from restore.cli.terminal import Terminal
from restore.cli.verbs import command, option
from restore.errors import UsageError

if TYPE_CHECKING:
    from restore.capture.capture import ReportsContainers


class CaptureOptions(ProfileOptions, RepositoryOptions, JobsOptions):
    database_container: str = option("Container of PostgreSQL.", required=True)
    erp_container: str = option("Container of the ERP server.", required=True)
    reports_database_container: str | None = option(
        "Container of the reports server's own PostgreSQL."
    )
    reports_container: str | None = option("Container of the reports server, if there is one.")
    proxy_container: str | None = option("Container of the reverse proxy, for its certificate.")
    external_url: str | None = option("URL at which people reach the ERP; default: its own word.")
    database: tuple[str, ...] = option("Only this database; repeatable.")
    scratch: str | None = option(
        "Folder of PostgreSQL's container that user postgres may write to: each dump lies there"
        " until it is read.",
        show_default="/tmp",  # noqa: S108 - its name in the help
    )


@command(
    "capture",
    CaptureOptions,
    epilog="""\b
Example:
  pra capture --profile odoo --database-container prod-db --erp-container prod-erp \\
      --repository /srv/backups
""",
)
def verb(terminal: Terminal, options: CaptureOptions) -> None:
    """Make a generation from a running ERP: databases first, then documents.

    The ERP may go on working; it is only read. The generation appears in the repository when it
    is complete, and not before.
    """
    from restore.adapters.docker.runner import Runner
    from restore.capture.capture import CaptureRequest, capture
    from restore.capture.scratch import USUAL
    from restore.profile import load_profile
    from restore.report.evidence.keys import manifest_signature
    from restore.repository import create_repository
    from restore.runs.request import utc_now

    request = CaptureRequest(
        profile=load_profile(options.profile),
        database_container=options.database_container,
        erp_container=options.erp_container,
        databases=options.database,
        jobs=options.jobs,
        reports=_reports_containers(options),
        scratch=options.scratch or USUAL,
        proxy=options.proxy_container,
        external_url=options.external_url,
    )
    repository = create_repository(options.repository, manifest_signature())
    with terminal.progress() as listener:
        generation = capture(Runner.connect(), repository, request, now=utc_now, listener=listener)
    terminal.print(f"captured {describe(generation)}")
    if request.proxy is None:
        terminal.note("no reverse proxy was named: its certificate is not part of the generation")
    terminal.json(summary(generation))


def _reports_containers(options: CaptureOptions) -> ReportsContainers | None:
    from restore.capture.capture import ReportsContainers

    database, server = options.reports_database_container, options.reports_container
    if database is None and server is None:
        return None
    if database is None or server is None:
        raise UsageError(
            "a reports server is captured together with its own database server",
            "give both --reports-container and --reports-database-container, or neither",
        )
    return ReportsContainers(database, server)
