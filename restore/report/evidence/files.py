"""Verifies the evidence of a run on disk: its folder, or one file with the signature beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from restore.errors import AlteredError, NotFoundError, UntrustedError, UsageError
from restore.model import Report
from restore.report.document import parse_report
from restore.report.evidence.format import (
    EVIDENCE,
    Evidence,
    TrustedKey,
    require_signed,
    trusted_evidence,
)
from restore.report.run_folders import JSON


@dataclass(frozen=True, slots=True)
class Verified:
    """Evidence that holds: which files were looked at, by whose key, and the report among them.

    ``unsigned`` are further files of the run's folder, for which nothing vouches.
    """

    evidence: Evidence
    key: TrustedKey
    files: tuple[str, ...]
    report: Report | None
    unsigned: tuple[str, ...] = ()


def verify_evidence(
    path: Path, trusted: Sequence[TrustedKey], signature: Path | None = None
) -> Verified:
    """Hold a run's files against what was signed.

    Args:
        path: a run's folder, whose signed files must all be there; or one of its files.
        signature: the evidence; the ``evidence.json`` beside the files when None.

    Raises:
        NotFoundError: there is no such path.
        AlteredError: a file or the evidence is not what was signed.
        UntrustedError: there is no signature, or none by a trusted key.
    """
    if not path.exists():
        raise NotFoundError(f"{path} does not exist", "name a run's folder, or its report.json")
    folder = path if path.is_dir() else path.parent
    evidence = trusted_evidence(_evidence_bytes(signature or folder / EVIDENCE, folder), trusted)
    names = [file.name for file in evidence.files] if path.is_dir() else [path.name]
    contents = {name: _signed_bytes(folder / name) for name in names}
    for name, content in contents.items():
        require_signed(evidence, name, content)
    report = contents.get(JSON)
    there = sorted(item.name for item in folder.iterdir()) if path.is_dir() else []
    return Verified(
        evidence,
        key=next(key for key in trusted if key.id == evidence.key),
        files=tuple(names),
        report=parse_report(report.decode(), str(folder / JSON)) if report is not None else None,
        unsigned=tuple(name for name in there if name not in (*names, EVIDENCE)),
    )


def _evidence_bytes(path: Path, folder: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        if _says_signed(folder / JSON):
            raise UntrustedError(
                f"{path} does not exist, though the report says that it was signed",
                "the signature was lost or removed: fetch the run's folder again",
            ) from error
        raise UntrustedError(
            f"{path} does not exist: the run was not signed",
            "see 'pra evidence key new'; runs are signed from then on",
        ) from error
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from error


def _says_signed(path: Path) -> bool:
    """Whether a report names the key that signed it; nothing vouches for that."""
    try:
        return parse_report(path.read_text(encoding="utf-8")).signed_by is not None
    except (OSError, UnicodeDecodeError, UsageError):
        return False


def _signed_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise AlteredError(
            f"{path.name} was signed, but it is not there", "fetch the run's folder again"
        ) from error
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from error
