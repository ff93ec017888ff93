"""Options that several commands share: groups of fields, each described once.

A command's own class of options derives from the groups that it takes; ``verbs.command`` reads it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from restore.cli.terminal import Terminal
from restore.cli.verbs import Options, option
from restore.errors import ExitCode, UsageError
from restore.model import Acceptance, Credentials, Role, locations
from restore.model.environment import NO_CERTIFICATE
from restore.model.secret import Secret
from restore.plan.cache.policy import COLD_EVERY, MOST_CACHES

FILE: Final = click.Path(dir_okay=False, path_type=Path)
FOLDER: Final = click.Path(file_okay=False, path_type=Path)


class RepositoryOptions(Options):
    repository: str = option(
        "Folder that holds the generations.",
        envvar="PRA_REPOSITORY",
        default=str(locations.REPOSITORY),
        show_default=".pra/repository",
    )


class GenerationOptions(Options):
    generation: str | None = option(
        'An id or its beginning, "latest", or "latest-before DATE". Asked on a terminal.'
    )


class ProfileOptions(Options):
    profile: str = option("ERP profile: a name, or the path of a YAML file.", default="odoo")


class JobsOptions(Options):
    jobs: int = option(
        "Parallel jobs of dumps, restores and checksums.",
        type=click.IntRange(1, 64),
        default=os.cpu_count() or 2,
        show_default="number of cores",
    )


class ReportsOptions(Options):
    reports: Path = option(
        "Folder of the reports, one folder a run.",
        type=FOLDER,
        default=locations.REPORTS,
        show_default=".pra/reports",
    )


class LanguageOptions(Options):
    lang: str = option(
        "Language of what is written.", type=click.Choice(["en", "fr"]), default="en"
    )


class AcceptOptions(Options):
    accept: tuple[str, ...] = option(
        "Accept a difference (postgresql.minor), or ignore a check (web.scenario:logout); each "
        "needs a --reason, in the same order.",
        metavar="KEY",
    )
    reason: tuple[str, ...] = option("Why that is accepted; goes into the report.", metavar="TEXT")


class LoginOptions(Options):
    check_login: str | None = option(
        "ERP account that the checks log in with; its password is read from PRA_CHECK_PASSWORD "
        "or the file that PRA_CHECK_PASSWORD_FILE names.",
        envvar="PRA_CHECK_LOGIN",
    )


class ReportsLoginOptions(Options):
    reports_login: str | None = option(
        "Account of the reports server, as which data sources are changed and reports rendered;"
        " its password is read from PRA_REPORTS_PASSWORD or the file that "
        "PRA_REPORTS_PASSWORD_FILE names.",
        envvar="PRA_REPORTS_LOGIN",
    )


class ServerOptions(Options):
    database_image: str | None = option(
        "Image of the database server, in place of the generation's."
    )
    erp_image: str | None = option("Image of the ERP server, in place of the generation's.")
    proxy_image: str | None = option("Image of the reverse proxy, in place of the profile's.")
    reports_database_image: str | None = option(
        "Image of the reports server's own database server."
    )
    reports_image: str | None = option("Image of the reports server, in place of the generation's.")
    certificate: str | None = option(
        "PEM that the reverse proxy serves, in place of the generation's; none is plain HTTP.",
        metavar="PATH",
    )

    def images(self) -> dict[Role, str]:
        """The images that were named."""
        named = {
            Role.DATABASE: self.database_image,
            Role.ERP: self.erp_image,
            Role.PROXY: self.proxy_image,
            Role.REPORTS_DATABASE: self.reports_database_image,
            Role.REPORTS: self.reports_image,
        }
        return {role: image for role, image in named.items() if image}

    def certificate_path(self) -> str | None:
        """The certificate that was named, from wherever Pulumi's program runs."""
        if self.certificate is None or self.certificate == NO_CERTIFICATE:
            return self.certificate
        return str(Path(self.certificate).expanduser().resolve())


class KeepingOptions(Options):
    cold: bool = option("Load the databases, whatever kept copies there are.")
    no_copy: bool = option("Keep no copy of the database server's data.", envvar="PRA_NO_COPY")


class CachingOptions(KeepingOptions):
    """What a drill is told of caches."""

    cold_every: str | None = option(
        "Be cold when the last cold drill that passed is older; 0 is always. "
        f"Default: the stack's setting coldEvery, else {COLD_EVERY:g}.",
        metavar="DAYS",
    )
    copies: int = option(
        "Kept copies that an engine holds at most; those not used for longest go.",
        type=click.IntRange(min=1),
        default=MOST_CACHES,
        metavar="N",
    )


def acceptances(keys: tuple[str, ...], reasons: tuple[str, ...]) -> tuple[Acceptance, ...]:
    """Pair accepted keys with their reasons.

    Raises:
        UsageError: one has no reason, or an empty one.
    """
    if len(keys) != len(reasons) or not all(reason.strip() for reason in reasons):
        raise UsageError(
            f"{len(keys)} --accept and {len(reasons)} --reason: each needs its own",
            'for example: --accept postgresql.minor --reason "same major, patch only"',
        )
    return tuple(Acceptance(key, reason) for key, reason in zip(keys, reasons, strict=True))


def check_credentials(
    login: str | None, default_login: str | None, prefix: str = "PRA_CHECK"
) -> Credentials | None:
    """An account of the checks, its password from the environment; None without a password.

    Args:
        prefix: how the names of the environment variables begin.

    Raises:
        UsageError: a login was asked for, but no password is there.
    """
    password = secret_of_environment(f"{prefix}_PASSWORD", "the password")
    if password is None:
        if login is not None:
            raise UsageError(
                f"there is no password for the check account {login}",
                f"set {prefix}_PASSWORD or {prefix}_PASSWORD_FILE",
            )
        return None
    name = login or default_login
    return Credentials(name, password) if name else None


def secret_of_environment(variable: str, what: str) -> Secret | None:
    """Read a secret from a variable, or from the file that ``<variable>_FILE`` names.

    Args:
        what: what the file holds, for the hint.

    Raises:
        UsageError: the file can't be read.
    """
    # CI servers set a variable that has no value to nothing.
    if value := os.environ.get(variable):
        return Secret(value)
    file = os.environ.get(f"{variable}_FILE")
    if not file:
        return None
    try:
        return Secret(Path(file).read_text(encoding="utf-8").rstrip("\n"))
    except OSError as error:
        raise UsageError(
            f"{variable}_FILE: {file} can't be read: {error.strerror}",
            f"name a file that holds {what}, or set {variable}",
        ) from error


def tell_errors(terminal: Terminal, what: str, name: str, errors: Sequence[str]) -> int:
    """Tell every error of a file that was checked, each ``path: what is wrong``; the exit code.

    Args:
        what: the kind of file, as the JSON document calls it.
        name: how the user named it.
    """
    for line in errors:
        terminal.print(line)
    terminal.print(f"{name}: {len(errors)} errors" if errors else f"{name}: valid")
    found = (line.partition(": ") for line in errors)
    terminal.json(
        {
            what: name,
            "valid": not errors,
            "errors": [{"path": path, "message": message} for path, _, message in found],
        }
    )
    return ExitCode.USAGE if errors else ExitCode.PASS
