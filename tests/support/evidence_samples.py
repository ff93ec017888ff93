"""Keys of evidence that no machine signs with."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from restore.report.evidence.format import Signer, TrustedKey

SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))), "signing.pem")
OTHER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(32)), "other.pem")


def public(signer: Signer) -> TrustedKey:
    """The public half of a key."""
    return TrustedKey(signer.private.public_key(), signer.source)


TRUSTED = (public(SIGNER),)
