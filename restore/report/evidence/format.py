"""Evidence: what vouches for a run's report, and what it takes to believe it. Pure.

The document names every file of the run with its SHA-256, and holds an Ed25519 signature over its
own other lines. It has one written form only: verification writes what it read anew and compares,
so a changed byte anywhere is noticed, one that means the same too. Any tool can check it,
``openssl`` for example: the signed bytes are the document without the line of its signature.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

from restore.errors import AlteredError, UntrustedError
from restore.model import ManifestSignature
from restore.model.codec import decode, encode
from restore.model.messages import message

EVIDENCE: Final = "evidence.json"
LAYOUT: Final = "pra-evidence-1"
"""First of what is signed: no signature of this layout is one of something else."""
ALGORITHM: Final = "Ed25519"
_KEY_ID_LENGTH: Final = 16


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key that evidence is believed by; ``source`` is the file that it came from."""

    public: ed25519.Ed25519PublicKey = field(repr=False)
    source: str

    @property
    def id(self) -> str:
        """Its name in evidence and reports."""
        return key_id(self.public)


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key, and no way to look at it. ``source`` is the file that it came from."""

    private: ed25519.Ed25519PrivateKey = field(repr=False)
    source: str

    @property
    def id(self) -> str:
        """The name of its public key."""
        return key_id(self.private.public_key())

    def sign_manifest(self, content: bytes) -> ManifestSignature:
        """Vouch for what a manifest's signature covers."""
        value = base64.b64encode(self.private.sign(content)).decode()
        return ManifestSignature(self.id, value)


@dataclass(frozen=True, slots=True)
class SignedFile:
    """A file of the run, as it was signed."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was signed: which files of which run, by which key, when, by which engine."""

    key: str
    created: datetime
    engine_version: str
    run: str
    files: tuple[SignedFile, ...]


def key_id(public: ed25519.Ed25519PublicKey) -> str:
    """The name of a key: the beginning of the SHA-256 of its 32 bytes."""
    return sha256(public.public_bytes_raw()).hexdigest()[:_KEY_ID_LENGTH]


def sign_files(
    signer: Signer, run: str, version: str, now: datetime, files: Mapping[str, bytes]
) -> str:
    """Sign the files of a run: the text of its evidence."""
    statement = Evidence(
        key=signer.id,
        created=now,
        engine_version=version,
        run=run,
        files=tuple(SignedFile(n, len(b), sha256(b).hexdigest()) for n, b in files.items()),
    )
    signature = signer.private.sign(signed_bytes(statement))
    return _text(statement, base64.b64encode(signature).decode())


def require_manifest(
    signature: ManifestSignature | None, content: bytes, trusted: Sequence[TrustedKey]
) -> None:
    """Refuse a manifest for which no trusted key vouches.

    Args:
        content: what its signature covers.

    Raises:
        UntrustedError: it is not signed, or by a key that is not trusted.
        AlteredError: the key that it names did not sign it as it is.
    """
    if signature is None:
        raise UntrustedError(
            message(
                "the manifest is not signed: whoever can write into the repository can make one"
            ),
            message("'pra capture' signs where there is a key: pra evidence key new"),
        )
    key = next((one for one in trusted if one.id == signature.key), None)
    if key is None:
        raise UntrustedError(
            message(
                "the manifest is signed by key {id}, which is not trusted here", id=signature.key
            ),
            message(
                "ask who captures, by another channel, whether that key is theirs; then put its "
                "public half into the folder of trusted keys (PRA_TRUSTED_KEYS)"
            ),
        )
    try:
        key.public.verify(base64.b64decode(signature.value, validate=True), content)
    except (InvalidSignature, ValueError) as error:
        raise AlteredError(
            message("key {id} did not sign the manifest as it is", id=key.id),
            message("it was made anew: choose another generation, or fetch it from another copy"),
        ) from error


def signed_bytes(evidence: Evidence) -> bytes:
    """The bytes that a signature covers: the document without its last field's line."""
    lines = _text(evidence, "").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith('  "signature": ')).encode()


def trusted_evidence(content: bytes, trusted: Sequence[TrustedKey]) -> Evidence:
    """Read evidence whose signature a trusted key made.

    Raises:
        AlteredError: it is not what was signed.
        UntrustedError: the key that it names is not trusted.
    """
    evidence, signature = _read(content)
    keys = [key for key in trusted if key.id == evidence.key]
    if not trusted:
        raise UntrustedError(
            f"{EVIDENCE} is signed by key {evidence.key}, and no key is trusted here",
            "name the public key that you were given: --trusted-key FILE",
        )
    if not keys:
        known = ", ".join(f"{key.id} ({key.source})" for key in trusted)
        raise UntrustedError(
            f"{EVIDENCE} is signed by key {evidence.key}, which is not trusted; trusted: {known}",
            "ask who runs the drills, by another channel, whether that key is theirs; then "
            "--trusted-key FILE",
        )
    try:
        keys[0].public.verify(signature, signed_bytes(evidence))
    except InvalidSignature as error:
        raise AlteredError(
            f"the signature in {EVIDENCE} was not made by key {evidence.key} for what stands "
            "there: it was changed, or another key was used",
            "fetch the run's folder again from where the drill wrote it",
        ) from error
    return evidence


def require_signed(evidence: Evidence, name: str, content: bytes) -> None:
    """Refuse a file that is not, byte for byte, the one that was signed.

    Raises:
        AlteredError: it is another one, or none of that name was signed.
    """
    signed = {file.name: file for file in evidence.files}.get(name)
    if signed is None:
        names = ", ".join(file.name for file in evidence.files)
        raise AlteredError(f"{EVIDENCE} does not name a file {name}", f"it names: {names}")
    found = sha256(content).hexdigest()
    if found != signed.sha256:
        raise AlteredError(
            f"{name} is not what was signed: its SHA-256 is {found} ({len(content)} bytes), "
            f"not {signed.sha256} ({signed.bytes} bytes)",
            "it was changed after the drill: don't rely on it; fetch the run's folder again from "
            "where the drill wrote it",
        )


def _text(evidence: Evidence, signature: str) -> str:
    head = {"layout": LAYOUT, "algorithm": ALGORITHM}
    document = {**head, **encode(evidence), "signature": signature}
    return json.dumps(document, indent=2) + "\n"


def _read(content: bytes) -> tuple[Evidence, bytes]:
    try:
        document = json.loads(content)
        if document["layout"] != LAYOUT or document["algorithm"] != ALGORITHM:
            raise ValueError("another layout")
        evidence = decode(Evidence, document)
        named = [file.name for file in evidence.files]
        if any("/" in name or name in ("", ".", "..", EVIDENCE) for name in named):
            raise ValueError("a file outside the run's folder")
        signature = base64.b64decode(document["signature"], validate=True)
        written = _text(evidence, base64.b64encode(signature).decode())
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as error:
        raise AlteredError(
            f"{EVIDENCE} is not evidence as this engine writes it",
            "it was changed, or a newer engine wrote it",
        ) from error
    if written.encode() != content:
        raise AlteredError(
            f"{EVIDENCE} is not written as it was signed",
            "a tool may have laid it out anew: fetch the run's folder again",
        )
    return evidence, signature
