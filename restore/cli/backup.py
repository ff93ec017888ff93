"""Commands on backups: capture, generations, verify."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from restore.adapters.docker.runner import Runner
from restore.capture.capture import CaptureRequest, ReportsContainers, capture
from restore.capture.scratch import USUAL
from restore.cli.options import (
    choose_generation,
    describe,
    jobs_option,
    profile_option,
    repository_option,
)
from restore.cli.terminal import Terminal
from restore.errors import ExitCode, UsageError
from restore.model import DatabaseFacts, Fingerprint, Generation
from restore.profile import load_profile
from restore.repository import create_repository, open_repository
from restore.repository.selection import choose
from restore.repository.verify import verify
from restore.runs.request import utc_now


@click.command(
    "capture",
    epilog="""\b
Example:
  pra capture --profile odoo --database-container prod-db --erp-container prod-erp \\
      --repository /srv/backups
""",
)
@profile_option
@repository_option
@click.option("--database-container", required=True, help="Container of PostgreSQL.")
@click.option("--erp-container", required=True, help="Container of the ERP server.")
@click.option(
    "--reports-database-container", help="Container of the reports server's own PostgreSQL."
)
@click.option("--reports-container", help="Container of the reports server, if there is one.")
@click.option("--proxy-container", help="Container of the reverse proxy, for its certificate.")
@click.option("--external-url", help="URL at which people reach the ERP; default: its own word.")
@click.option("--database", "databases", multiple=True, help="Only this database; repeatable.")
@click.option(
    "--scratch",
    default=USUAL,
    show_default=True,
    help="Folder of PostgreSQL's container that user postgres may write to: each dump lies there "
    "until it is read.",
)
@jobs_option
@click.pass_obj
def capture_command(terminal: Terminal, /, **options: Any) -> None:
    """Make a generation from a running ERP: databases first, then documents.

    The ERP may go on working; it is only read. The generation appears in the repository when it
    is complete, and not before.
    """
    profile = load_profile(options["profile"])
    request = CaptureRequest(
        profile=profile,
        database_container=options["database_container"],
        erp_container=options["erp_container"],
        databases=options["databases"],
        jobs=options["jobs"],
        reports=_reports_containers(
            options["reports_database_container"], options["reports_container"]
        ),
        scratch=options["scratch"],
        proxy=options["proxy_container"],
        external_url=options["external_url"],
    )
    repository = create_repository(options["repository"])
    with terminal.progress() as listener:
        generation = capture(Runner.connect(), repository, request, now=utc_now, listener=listener)
    terminal.print(f"captured {describe(generation)}")
    if request.proxy is None:
        terminal.note("no reverse proxy was named: its certificate is not part of the generation")
    terminal.json(summary(generation))


def _reports_containers(database: str | None, server: str | None) -> ReportsContainers | None:
    if database is None and server is None:
        return None
    if database is None or server is None:
        raise UsageError(
            "a reports server is captured together with its own database server",
            "give both --reports-container and --reports-database-container, or neither",
        )
    return ReportsContainers(database, server)


@click.group("generations")
def generations_group() -> None:
    """List and show the generations of a repository."""


@generations_group.command("list")
@repository_option
@click.pass_obj
def list_command(terminal: Terminal, repository: str) -> None:
    """List the complete generations, the newest last.

    \b
    Example:
      pra generations list --repository /srv/backups
    """
    opened = open_repository(repository)
    generations = [opened.load(name) for name in opened.ids()]
    for generation in generations:
        terminal.print(describe(generation))
    if not generations:
        terminal.note(f"{opened.location} holds no generation yet")
    terminal.json([summary(generation) for generation in generations])


@generations_group.command("show")
@click.argument("generation", required=False)
@repository_option
@click.pass_obj
def show_command(terminal: Terminal, generation: str | None, repository: str) -> None:
    """Show what a generation holds.

    \b
    Example:
      pra generations show latest
    """
    opened = open_repository(repository)
    found = choose(opened, choose_generation(opened, generation, terminal))
    prints = found.fingerprint
    terminal.print(describe(found))
    terminal.print(f"profile {found.profile}, engine {found.engine_version}")
    terminal.print(f"manifest {_seal(found)}")
    if found.origin is not None:
        terminal.print(
            f"imported from {found.origin.layout}:{found.origin.path}; "
            f"unknown: {', '.join(found.origin.unknown) or 'nothing'}"
        )
    terminal.print(
        f"PostgreSQL {prints.postgresql.version or '?'} on {prints.postgresql.os or 'unknown OS'}; "
        f"ERP {prints.erp.version or prints.erp_series or '?'} on {prints.erp.os or 'unknown OS'}"
    )
    for line in _reached(prints):
        terminal.print(line)
    terminal.table(
        "Artefacts",
        ("artefact", "kind", "location", "files", "bytes"),
        [(a.name, a.kind.value, a.location, str(a.files), str(a.bytes)) for a in found.artifacts],
    )
    terminal.table(
        "Databases",
        ("database", "owner", "encoding", "locale", "tables", "rows", "modules"),
        [
            (
                d.name,
                d.owner or "?",
                d.encoding or "?",
                d.collate or "?",
                "?" if "tables" in d.unknown else str(len(d.tables)),
                _counted_rows(d),
                "?" if "modules" in d.unknown else str(len(d.modules)),
            )
            for d in prints.databases
        ],
    )
    terminal.json(summary(found))


def _reached(prints: Fingerprint) -> Iterator[str]:
    """How people reached production: the URL, the certificate."""
    if prints.external_url:
        yield f"external URL {prints.external_url}"
    if prints.proxy is None:
        yield "no reverse proxy was captured, so no certificate"
    elif (held := prints.proxy.certificate) is not None:
        names = ", ".join(held.names) or held.subject
        yield f"certificate for {names}, until {held.not_after:%Y-%m-%d}, SHA-256 {held.sha256}"


@click.command("verify")
@click.argument("generation", required=False)
@repository_option
@jobs_option
@click.pass_obj
def verify_command(terminal: Terminal, generation: str | None, repository: str, jobs: int) -> int:
    """Verify every checksum of a generation, in parallel.

    \b
    Examples:
      pra verify latest
      pra --json verify 20261124T0 --repository /srv/backups
    """
    opened = open_repository(repository)
    found = choose(opened, choose_generation(opened, generation, terminal))
    with terminal.progress() as listener:
        result = verify(opened, found, jobs=jobs, listener=listener)
    for problem in result.problems:
        terminal.print(f"{problem.kind:10} {problem.artifact}/{problem.path}  {problem.detail}")
    state = f"{len(result.problems)} problems" if result.problems else "sound"
    terminal.print(
        f"{found.id}: {state}; {result.files} files, {result.bytes} bytes "
        f"in {result.duration:.1f} s; manifest {_seal(found)}"
    )
    terminal.json(
        {
            "generation": found.id,
            "sealed": found.seal is not None,
            "files": result.files,
            "bytes": result.bytes,
            "problems": [
                {"artifact": p.artifact, "path": p.path, "kind": p.kind, "detail": p.detail}
                for p in result.problems
            ],
        }
    )
    return ExitCode.DAMAGED if result.problems else ExitCode.PASS


def _seal(generation: Generation) -> str:
    """Whether a manifest vouches for itself; one whose seal is broken is never read so far."""
    return "sealed" if generation.seal else "unsealed: nothing tells whether it was changed"


def _counted_rows(facts: DatabaseFacts) -> str:
    counts = [table.rows for table in facts.tables if table.rows is not None]
    return str(sum(counts)) if counts or not facts.tables else "?"


def summary(generation: Generation) -> dict[str, Any]:
    """A generation for machines, without its tables and modules."""
    return {
        "id": generation.id,
        "profile": generation.profile,
        "started": generation.started.isoformat(),
        "finished": generation.finished.isoformat(),
        "consistency_point": generation.consistency_point.isoformat(),
        "bytes": generation.bytes,
        "sealed": generation.seal is not None,
        "databases": [database.name for database in generation.fingerprint.databases],
        "postgresql": generation.fingerprint.postgresql.version,
        "erp": generation.fingerprint.erp.version,
        "origin": generation.origin and f"{generation.origin.layout}:{generation.origin.path}",
        "artifacts": [
            {"name": a.name, "kind": a.kind.value, "files": a.files, "bytes": a.bytes}
            for a in generation.artifacts
        ],
    }
