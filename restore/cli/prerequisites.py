"""``pra prerequisites``: what an integrator hands to a client."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from restore import __version__
from restore.cli.options import (
    FILE,
    LanguageOptions,
    ProfileOptions,
    ReportsOptions,
    RepositoryOptions,
)
from restore.cli.terminal import Terminal
from restore.cli.verbs import command, option
from restore.errors import UsageError
from restore.model import locations

if TYPE_CHECKING:
    from restore.report.prerequisites.facts import Prerequisites


class PrerequisitesOptions(ProfileOptions, RepositoryOptions, ReportsOptions, LanguageOptions):
    generation: str = option(
        'What is measured: an id or its beginning, "latest", or "latest-before DATE".',
        default="latest",
    )
    stack: str = option(
        "Stack file whose settings the environment has: addresses, URL, sizes, images.",
        default="drill",
    )
    client: str | None = option("Whose installation it is; stands on the title page.")
    integrator: str | None = option("Who hands the document over; stands on the title page.")
    form: str = option(
        "Form of the document.",
        flag="--format",
        type=click.Choice(["html", "md", "pdf"]),
        default="html",
    )
    output: Path | None = option("Default: stdout.", type=FILE)


@command("prerequisites", PrerequisitesOptions)
def verb(terminal: Terminal, options: PrerequisitesOptions) -> None:
    """Write the prerequisites of a restore as a document. Nothing is made.

    It tells a client what is backed up, how, in which order and how large, what a restore needs,
    its steps, its checks, what people do afterwards, who answers for what, and what the last drill
    proved: all from the profile, settings and generation that a drill uses.

    \b
    Examples:
      pra prerequisites --profile odoo --lang fr --format pdf --output prerequis.pdf
      pra prerequisites --client "Specibike" --format md
    """
    from restore.report.prerequisites.composition import compose
    from restore.report.prerequisites.render import to_html, to_markdown

    to_stdout = options.output is None and not terminal.as_json
    if to_stdout and options.form == "pdf" and sys.stdout.isatty():
        raise UsageError("a PDF is not for a terminal", "add --output FILE.pdf")
    document = compose(gather(options), options.lang)
    if options.form == "pdf":
        # No other form, and no other command, loads what prints.
        from restore.report.prerequisites.pdf import to_pdf

        content = to_pdf(document)
    else:
        rendered = to_html(document) if options.form == "html" else to_markdown(document)
        content = rendered.encode()
    if options.output is not None:
        options.output.write_bytes(content)
        terminal.print(f"document: {options.output}")
    elif to_stdout:
        click.echo(content, nl=False)
    terminal.json(asdict(document))


def gather(options: PrerequisitesOptions) -> Prerequisites:
    """Read all that the document says; nothing is made, and no Docker engine is asked.

    Raises:
        RestoreError: profile, stack file, repository or generation can't be used.
    """
    from restore.adapters.pulumi.stack_file import raw_settings
    from restore.checks import foreseen_checks
    from restore.plan.blueprint import configuration_texts
    from restore.profile import load_profile
    from restore.report.prerequisites import facts
    from restore.report.prerequisites.foreseen import foresee
    from restore.report.run_folders import newest_report
    from restore.repository import open_repository
    from restore.repository.selection import choose
    from restore.runs.request import utc_now
    from stacks.described import describe_stack

    profile = load_profile(options.profile)
    raw, secret = raw_settings(options.stack)
    stack = describe_stack(options.stack, locations.ROOT, raw, secret)
    repository = open_repository(options.repository)
    generation = choose(repository, options.generation)
    texts = configuration_texts(repository, generation, profile)
    intended, plan = foresee(generation, profile, texts, stack)
    checks = foreseen_checks(profile, plan.databases, generation, erp_role=intended.erp_role)
    return facts.Prerequisites(
        profile=profile,
        source=options.profile,
        repository=repository.location,
        generation=generation,
        blueprint=intended,
        plan=plan,
        checks=tuple(checks),
        stack=stack,
        last=newest_report(options.reports, lambda report: facts.is_drill_of(report, generation)),
        client=options.client,
        integrator=options.integrator,
        renew=_renew(options, repository.location),
        issued=utc_now(),
        engine_version=__version__,
    )


def _renew(options: PrerequisitesOptions, repository: str) -> tuple[str, ...]:
    """The command that writes the same document from the backup that is then the latest."""
    parties = [
        f"--{name}={party}"
        for name, party in (("client", options.client), ("integrator", options.integrator))
        if party
    ]
    return (
        "pra", "prerequisites", f"--profile={options.profile}", f"--stack={options.stack}",
        f"--repository={repository}", "--generation=latest", *parties,
        f"--lang={options.lang}", f"--format={options.form}",
        f"--output=prerequisites.{options.form}",
    )  # fmt: skip
