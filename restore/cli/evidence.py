"""``pra evidence``: verify what a run left, make and show keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from restore.cli.options import FILE, FOLDER, ReportsOptions
from restore.cli.terminal import Terminal
from restore.cli.verbs import Options, VerbGroup, argument, command, option
from restore.errors import AlteredError
from restore.model import Report, locations
from restore.report.evidence import keys as signing
from restore.report.evidence.files import Verified, verify_evidence
from restore.report.evidence.format import key_id
from restore.report.run_folders import find_run


class TrustedOptions(Options):
    """Where the trusted keys are."""

    keys: Path = option(
        "Folder of the trusted public keys (*.pem).",
        type=FOLDER,
        envvar=signing.TRUSTED_VARIABLE,
        default=locations.TRUSTED_KEYS,
        show_default=".pra/keys/trusted",
    )


class KeyOptions(Options):
    """Where the signing key is."""

    key: Path = option(
        "File of the private key.",
        type=FILE,
        envvar=signing.KEY_VARIABLE,
        default=locations.SIGNING_KEY,
        show_default=".pra/keys/signing.pem",
    )


class NewKeyOptions(KeyOptions, TrustedOptions):
    """What `pra evidence key new` is told."""


class VerifyOptions(ReportsOptions, TrustedOptions):
    path: str = argument()
    signature: Path | None = option(
        "The evidence, where it is not the evidence.json beside the file.", type=FILE
    )
    trusted_key: tuple[Path, ...] = option(
        "A public key to believe, in place of those of the folder. May be repeated.",
        type=FILE,
        metavar="FILE",
    )


@click.group("evidence", cls=VerbGroup)
def verb() -> None:
    """Signed reports: verify them, make and show keys."""


@command("verify", VerifyOptions, of=verb)
def verify_command(terminal: Terminal, options: VerifyOptions) -> None:
    """Tell whether a report is, byte for byte, what a drill wrote and signed.

    PATH is a run's folder, all of whose signed files must be there, or one of its files, or the id
    of a run in the folder of reports. Exit code 10 means that something was changed, 11 that no
    trusted key vouches for it.

    \b
    Examples:
      pra evidence verify 20261124-060102-1a2b
      pra evidence verify report.json --trusted-key specibike.pem
    """
    path = Path(options.path)
    # A bare name that is no file here is a run's id.
    by_id = not path.exists() and path.name == options.path
    if by_id:
        path = find_run(options.reports, path.name)
    trusted = signing.trusted_keys(options.trusted_key, options.keys)
    verified = verify_evidence(path, trusted, options.signature)
    if by_id and verified.evidence.run != path.name:
        # A good old run, laid in the place of a bad new one.
        raise AlteredError(
            f"{path} holds the evidence of run {verified.evidence.run}",
            "the folder was put in place of another: fetch the run's own",
        )
    for line in _lines(verified):
        terminal.print(line)
    terminal.json(_document(verified))


@verb.group("key")
def key_group() -> None:
    """Keys that sign evidence."""


@command("new", NewKeyOptions, of=key_group)
def new_command(terminal: Terminal, options: NewKeyOptions) -> None:
    """Make a key pair. From then on, runs are signed.

    The private key is written to a file that only you can read, and never over another; with a
    passphrase when PRA_SIGNING_PASSPHRASE or PRA_SIGNING_PASSPHRASE_FILE holds one. The public key
    goes among the trusted ones: give it to whoever verifies.

    \b
    Examples:
      pra evidence key new
      pra evidence key new --key /etc/pra/signing.pem
    """
    signer, public = signing.create_key(options.key, options.keys, signing.passphrase())
    terminal.print(f"key {signer.id}")
    terminal.print(f"private key: {signer.source} (keep it secret, and a copy of it)")
    terminal.print(f"public key: {public} (give it to whoever verifies)")
    terminal.json({"key": signer.id, "private": signer.source, "public": str(public)})


@command("show", KeyOptions, of=key_group)
def show_command(terminal: Terminal, options: KeyOptions) -> None:
    """Print the public half of the signing key.

    \b
    Example:
      pra evidence key show > specibike.pem
    """
    signer = signing.load_signer(options.key, signing.passphrase())
    public = signer.private.public_key()
    terminal.note(f"key {key_id(public)}, of {options.key}")
    terminal.print(signing.public_pem(public).rstrip())
    terminal.json({"key": signer.id, "private": options.key, "public": signing.public_pem(public)})


def _lines(verified: Verified) -> Iterator[str]:
    evidence = verified.evidence
    for name in verified.files:
        yield f"unchanged: {name}"
    for name in verified.unsigned:
        yield f"not signed: {name}"
    yield f"run {evidence.run}, signed {evidence.created:%Y-%m-%d %H:%M:%S} UTC"
    yield f"by key {verified.key.id} ({verified.key.source})"
    if verified.report is not None:
        yield from _report_lines(verified.report)
    yield f"engine: pra {evidence.engine_version}"


def _report_lines(report: Report) -> Iterator[str]:
    passed = sum(check.status == "passed" for check in report.checks)
    yield f"verdict: {report.outcome} ({passed} of {len(report.checks)} checks passed)"
    if report.mode is not None:
        yield f"mode: {report.mode.value}"
    if generation := report.generation:
        yield f"generation: {generation.id}, manifest {generation.seal or 'without a seal'}"
        for artifact in generation.artifacts:
            yield f"  {artifact.name}: index {artifact.index_sha256}"
    if facts := report.facts:
        postgresql, erp = (s.version or "unknown" for s in (facts.postgresql, facts.erp))
        yield f"versions: PostgreSQL {postgresql}, ERP {erp}"


def _document(verified: Verified) -> dict[str, object]:
    report = verified.report
    return {
        "run": verified.evidence.run,
        "key": verified.key.id,
        "signed": verified.evidence.created,
        "engine_version": verified.evidence.engine_version,
        "files": list(verified.files),
        "unsigned": list(verified.unsigned),
        "verdict": report.verdict.value if report else None,
        "mode": report.mode.value if report and report.mode else None,
        "generation": report.generation.id if report and report.generation else None,
    }
