"""``pra generations``: list and show what a repository holds; how a generation is chosen."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from restore.cli.options import RepositoryOptions
from restore.cli.terminal import Terminal
from restore.cli.verbs import VerbGroup, argument, command
from restore.errors import UsageError
from restore.model import DatabaseFacts, Fingerprint, Generation
from restore.repository import Repository, open_repository
from restore.repository.selection import choose


@click.group("generations", cls=VerbGroup)
def verb() -> None:
    """List and show the generations of a repository."""


@command("list", RepositoryOptions, of=verb)
def list_command(terminal: Terminal, options: RepositoryOptions) -> None:
    """List the complete generations, the newest last.

    \b
    Example:
      pra generations list --repository /srv/backups
    """
    repository = open_repository(options.repository)
    generations = [repository.load(name) for name in repository.ids()]
    for generation in generations:
        terminal.print(describe(generation))
    if not generations:
        terminal.note(f"{repository.location} holds no generation yet")
    terminal.json([summary(generation) for generation in generations])


class ShowOptions(RepositoryOptions):
    generation: str | None = argument(required=False)


@command("show", ShowOptions, of=verb)
def show_command(terminal: Terminal, options: ShowOptions) -> None:
    """Show what a generation holds.

    \b
    Example:
      pra generations show latest
    """
    repository = open_repository(options.repository)
    generation = choose(repository, choose_generation(repository, options.generation, terminal))
    prints = generation.fingerprint
    terminal.print(describe(generation))
    terminal.print(f"profile {generation.profile}, engine {generation.engine_version}")
    terminal.print(f"manifest {seal_text(generation)}")
    if generation.origin is not None:
        terminal.print(
            f"imported from {generation.origin.layout}:{generation.origin.path}; "
            f"unknown: {', '.join(generation.origin.unknown) or 'nothing'}"
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
        [
            (a.name, a.kind.value, a.location, str(a.files), str(a.bytes))
            for a in generation.artifacts
        ],
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
    terminal.json(summary(generation))


def _reached(prints: Fingerprint) -> Iterator[str]:
    """How people reached production: the URL, the certificate."""
    if prints.external_url:
        yield f"external URL {prints.external_url}"
    if prints.proxy is None:
        yield "no reverse proxy was captured, so no certificate"
    elif (held := prints.proxy.certificate) is not None:
        names = ", ".join(held.names) or held.subject
        yield f"certificate for {names}, until {held.not_after:%Y-%m-%d}, SHA-256 {held.sha256}"


def seal_text(generation: Generation) -> str:
    """Whether a manifest vouches for itself; one whose seal is broken is never read so far."""
    if generation.seal is None:
        return "unsealed: nothing tells whether it was changed"
    signed = generation.signature
    return f"sealed, signed by key {signed.key}" if signed else "sealed, not signed"


def _counted_rows(facts: DatabaseFacts) -> str:
    counts = [table.rows for table in facts.tables if table.rows is not None]
    return str(sum(counts)) if counts or not facts.tables else "?"


def describe(generation: Generation) -> str:
    """A generation in a line."""
    databases = ", ".join(database.name for database in generation.fingerprint.databases)
    return (
        f"{generation.id}  {generation.consistency_point:%Y-%m-%d %H:%M} UTC  "
        f"{generation.bytes / 1e6:.1f} MB  {databases}"
    )


def summary(generation: Generation) -> dict[str, object]:
    """A generation for machines, without its tables and modules."""
    return {
        "id": generation.id,
        "profile": generation.profile,
        "started": generation.started,
        "finished": generation.finished,
        "consistency_point": generation.consistency_point,
        "bytes": generation.bytes,
        "sealed": generation.seal is not None,
        "signed_by": generation.signature.key if generation.signature else None,
        "databases": [database.name for database in generation.fingerprint.databases],
        "postgresql": generation.fingerprint.postgresql.version,
        "erp": generation.fingerprint.erp.version,
        "origin": generation.origin and f"{generation.origin.layout}:{generation.origin.path}",
        "artifacts": [
            {"name": a.name, "kind": a.kind.value, "files": a.files, "bytes": a.bytes}
            for a in generation.artifacts
        ],
    }


def choose_generation(repository: Repository, choice: str | None, terminal: Terminal) -> str:
    """The generation that the user named, or picks from a list on a terminal.

    Raises:
        UsageError: none was named and there is no terminal to ask on.
    """
    if choice is not None:
        return choice
    if terminal.as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "no generation was named",
            "name one: latest, or an id from 'pra generations list'; "
            "drill and restore take it by --generation",
        )
    ids = repository.ids()
    if not ids:
        choose(repository, "latest")
    for number, name in enumerate(reversed(ids), start=1):
        click.echo(f"{number:3}  {describe(repository.load(name))}", err=True)
    picked: int = click.prompt("Generation", type=click.IntRange(1, len(ids)), default=1, err=True)
    return ids[-picked]
