"""Where keys of evidence are kept: a private one to sign with, public ones to believe.

Private keys are PEM files (PKCS #8) that only their owner can read; public ones PEM files too, so
that other tools understand both. The environment names them: ``PRA_SIGNING_KEY``, its passphrase
``PRA_SIGNING_PASSPHRASE`` or the file ``PRA_SIGNING_PASSPHRASE_FILE``, and ``PRA_TRUSTED_KEYS``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from restore.errors import NotFoundError, RefusedError, UsageError
from restore.model import ManifestSignature, locations
from restore.model.secret import Secret
from restore.report.evidence.format import Signer, TrustedKey, key_id

KEY_VARIABLE: Final = "PRA_SIGNING_KEY"
PASSPHRASE_VARIABLE: Final = "PRA_SIGNING_PASSPHRASE"  # noqa: S105 - the name of a variable
TRUSTED_VARIABLE: Final = "PRA_TRUSTED_KEYS"
_PEM: Final = serialization.Encoding.PEM


def signer_of_environment(environ: Mapping[str, str] = os.environ) -> Signer | None:
    """The key that this machine signs with; None when it has none.

    Raises:
        NotFoundError: the environment names a key that does not exist.
        UsageError: the key can't be used.
    """
    # CI servers set a variable that has no value to nothing.
    if named := environ.get(KEY_VARIABLE):
        return load_signer(Path(named).expanduser(), passphrase(environ))
    try:
        return load_signer(locations.SIGNING_KEY, passphrase(environ))
    except NotFoundError:
        return None


def manifest_signature(
    environ: Mapping[str, str] = os.environ,
) -> Callable[[bytes], ManifestSignature] | None:
    """What vouches for the manifests that this machine writes; None when it has no key.

    Raises:
        NotFoundError: the environment names a key that does not exist.
        UsageError: the key can't be used.
    """
    signer = signer_of_environment(environ)
    return signer.sign_manifest if signer else None


def passphrase(environ: Mapping[str, str] = os.environ) -> Secret | None:
    """The private key's passphrase in the environment, or in the file that it names.

    Raises:
        UsageError: that file can't be read.
    """
    if text := environ.get(PASSPHRASE_VARIABLE):
        return Secret(text)
    if not (file := environ.get(f"{PASSPHRASE_VARIABLE}_FILE")):
        return None
    try:
        return Secret(Path(file).read_text(encoding="utf-8").rstrip("\n"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{PASSPHRASE_VARIABLE}_FILE: {file} can't be read: {_why(error)}",
            "name a file that holds the passphrase of the signing key",
        ) from error


def load_signer(path: Path, secret: Secret | None = None) -> Signer:
    """Read a private key.

    Raises:
        NotFoundError: there is no such file.
        UsageError: others can read it, its passphrase is missing or wrong, or it is no such key.
    """
    content = _private_bytes(path)
    try:
        # A passphrase that a key doesn't have is no reason to refuse it.
        wanted = secret.reveal().encode() if secret and b"ENCRYPTED" in content else None
        key = serialization.load_pem_private_key(content, password=wanted)
    except TypeError as error:
        raise UsageError(
            f"signing key {path} has a passphrase",
            f"set {PASSPHRASE_VARIABLE} or {PASSPHRASE_VARIABLE}_FILE",
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        what = "can't be read with that passphrase" if wanted else "is no private key in PEM"
        raise UsageError(f"signing key {path} {what}", "see 'pra evidence key new'") from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise UsageError(f"signing key {path} is no Ed25519 key", "see 'pra evidence key new'")
    return Signer(key, str(path))


def create_key(path: Path, trusted: Path, secret: Secret | None = None) -> tuple[Signer, Path]:
    """Make a key pair: the private key at ``path``, the public one among the trusted.

    Returns:
        The new key, and the file of its public half.

    Raises:
        RefusedError: there is a file already; a key is never overwritten.
        UsageError: a folder can't be written to.
    """
    key = ed25519.Ed25519PrivateKey.generate()
    scheme: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if secret:
        scheme = serialization.BestAvailableEncryption(secret.reveal().encode())
    text = Secret(key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, scheme).decode())
    public = trusted / f"{key_id(key.public_key())}.pem"
    try:
        for folder in (path.parent, trusted):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Born closed, and never in place of another: O_EXCL refuses links too.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text.reveal())
            file.flush()
            os.fsync(descriptor)
        try:
            public.write_text(public_pem(key.public_key()), encoding="ascii")
        except OSError:
            # Without its public half, it signed nothing.
            path.unlink()
            raise
    except OSError as error:
        # The public half is written last: what is in the way then is no private key.
        if isinstance(error, FileExistsError) and os.path.lexists(path):
            raise RefusedError(
                f"{path} exists already; a key is never overwritten",
                "to change keys, move the old one away first; its public half stays trusted",
            ) from error
        where = error.filename or path
        raise UsageError(
            f"{where} can't be written: {_why(error)}", "name another place"
        ) from error
    return Signer(key, str(path)), public


def public_pem(public: ed25519.Ed25519PublicKey) -> str:
    """A public key as text, to be handed to whoever verifies."""
    return public.public_bytes(_PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def trusted_keys(files: Sequence[Path], folder: Path) -> tuple[TrustedKey, ...]:
    """The public keys that are believed: those of ``files`` alone, else those of the folder.

    Raises:
        NotFoundError: a named file does not exist.
        UsageError: a file is no public key.
    """
    chosen = list(files) or sorted(folder.glob("*.pem"))
    return tuple(load_public(path) for path in chosen)


def load_public(path: Path) -> TrustedKey:
    """Read a public key.

    Raises:
        NotFoundError: there is no such file.
        UsageError: it is no Ed25519 public key in PEM.
    """
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except FileNotFoundError as error:
        raise NotFoundError(f"public key {path} does not exist") from error
    except OSError as error:
        raise UsageError(f"public key {path} can't be read: {_why(error)}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(
            f"{path} is no public key in PEM", "'pra evidence key show' prints one"
        ) from error
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise UsageError(f"public key {path} is no Ed25519 key")
    return TrustedKey(key, str(path))


def _private_bytes(path: Path) -> bytes:
    """A private key's file, unless others could have read or laid it."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            content = file.read()
    except FileNotFoundError as error:
        raise NotFoundError(
            f"signing key {path} does not exist",
            f"make one with 'pra evidence key new', or unset {KEY_VARIABLE}",
        ) from error
    except OSError as error:
        raise UsageError(f"signing key {path} can't be read: {_why(error)}") from error
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError(
            f"signing key {path} is open to others (mode {stat.S_IMODE(found.st_mode):04o})",
            f"if nobody else can have read it: chmod 600 {path}; else make a new one",
        )
    if found.st_uid not in (0, os.geteuid()):
        raise UsageError(
            f"signing key {path} belongs to another user (uid {found.st_uid})",
            "sign with a key of your own",
        )
    return content


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
