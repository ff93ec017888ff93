"""Keys of evidence on disk: closed, never overwritten, and told from other files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from restore.cli.main import run
from restore.errors import ExitCode, NotFoundError, RefusedError, UsageError
from restore.model import locations
from restore.model.secret import Secret
from restore.report.evidence.keys import (
    create_key,
    load_public,
    load_signer,
    passphrase,
    signer_of_environment,
    trusted_keys,
)


def test_a_new_key_is_closed_and_its_public_half_trusted(tmp_path: Path) -> None:
    path, folder = tmp_path / "keys" / "signing.pem", tmp_path / "keys" / "trusted"

    signer, public_file = create_key(path, folder)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_signer(path).id == signer.id
    (trusted,) = trusted_keys((), folder)
    assert (trusted.id, trusted.source) == (signer.id, str(public_file))
    assert trusted_keys((public_file,), tmp_path / "nowhere")[0].id == signer.id


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    create_key(path, tmp_path / "trusted")
    before = path.read_bytes()
    with pytest.raises(RefusedError, match="never overwritten"):
        create_key(path, tmp_path / "trusted")
    assert path.read_bytes() == before
    assert len(list((tmp_path / "trusted").iterdir())) == 1
    link = tmp_path / "link.pem"
    link.symlink_to(tmp_path / "elsewhere.pem")
    with pytest.raises(RefusedError):
        create_key(link, tmp_path / "trusted")


def test_half_a_key_pair_does_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "disk full")

    (tmp_path / "trusted").write_text("in the way")
    with pytest.raises(UsageError, match="trusted can't be written"):
        create_key(tmp_path / "signing.pem", tmp_path / "trusted")
    (tmp_path / "trusted").unlink()
    with monkeypatch.context() as patched, pytest.raises(UsageError, match="disk full"):
        patched.setattr(Path, "write_text", refuse)
        create_key(tmp_path / "signing.pem", tmp_path / "trusted")
    assert not (tmp_path / "signing.pem").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_can_read_is_refused(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    create_key(path, tmp_path / "trusted")
    path.chmod(mode)
    with pytest.raises(UsageError, match=f"open to others .mode {mode:04o}.") as raised:
        load_signer(path)
    assert "chmod 600" in raised.value.hint


def test_a_key_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "signing.pem"
    create_key(path, tmp_path / "trusted")
    if path.stat().st_uid == 0:
        os.chown(path, 4321, 4321)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 4321)
    with pytest.raises(UsageError, match="belongs to another user"):
        load_signer(path)


def test_a_passphrase_is_asked_and_heeded(tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    signer, _ = create_key(path, tmp_path / "trusted", Secret("sesame"))
    assert b"ENCRYPTED" in path.read_bytes()
    with pytest.raises(UsageError, match="has a passphrase"):
        load_signer(path)
    with pytest.raises(UsageError, match="with that passphrase") as raised:
        load_signer(path, Secret("wrong one"))
    assert "wrong one" not in str(raised.value)
    assert load_signer(path, Secret("sesame")).id == signer.id


def test_a_passphrase_that_a_key_does_not_have_is_no_harm(tmp_path: Path) -> None:
    signer, _ = create_key(tmp_path / "signing.pem", tmp_path / "trusted")
    assert load_signer(tmp_path / "signing.pem", Secret("sesame")).id == signer.id


def test_files_that_are_no_key_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    with pytest.raises(NotFoundError):
        load_signer(path)
    with pytest.raises(NotFoundError):
        load_public(path)
    path.write_text("no key")
    path.chmod(0o600)
    with pytest.raises(UsageError, match="no private key"):
        load_signer(path)
    with pytest.raises(UsageError, match="no public key"):
        load_public(path)
    other = X25519PrivateKey.generate()
    path.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(UsageError, match="no Ed25519"):
        load_signer(path)
    # A private key among the trusted is a mistake that must be told, not a key to believe.
    with pytest.raises(UsageError, match="no public key"):
        load_public(path)
    with pytest.raises(UsageError, match="can't be read"):
        load_signer(tmp_path)
    with pytest.raises(UsageError, match="can't be read"):
        load_public(tmp_path)


def test_where_the_key_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual, named = tmp_path / "usual.pem", tmp_path / "named.pem"
    monkeypatch.setattr(locations, "SIGNING_KEY", usual)
    assert signer_of_environment({}) is None
    assert signer_of_environment({"PRA_SIGNING_KEY": ""}) is None
    first, _ = create_key(usual, tmp_path / "trusted")
    second, _ = create_key(named, tmp_path / "trusted", Secret("sesame"))
    (tmp_path / "passphrase").write_text("sesame\n")
    environ = {
        "PRA_SIGNING_KEY": str(named),
        "PRA_SIGNING_PASSPHRASE_FILE": str(tmp_path / "passphrase"),
    }

    found, chosen = signer_of_environment({}), signer_of_environment(environ)

    assert found is not None and found.id == first.id
    assert chosen is not None and chosen.id == second.id
    with pytest.raises(NotFoundError, match="does not exist"):
        signer_of_environment({"PRA_SIGNING_KEY": str(tmp_path / "gone.pem")})
    with pytest.raises(UsageError, match="PRA_SIGNING_PASSPHRASE_FILE"):
        passphrase({"PRA_SIGNING_PASSPHRASE_FILE": str(tmp_path / "gone")})


def test_a_key_is_made_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, keys = str(tmp_path / "signing.pem"), str(tmp_path / "trusted")

    assert run(["evidence", "key", "new", "--key", path, "--keys", keys]) == ExitCode.PASS
    made = capsys.readouterr().out
    assert "PRIVATE KEY-----" not in made
    assert run(["evidence", "key", "show", "--key", path]) == ExitCode.PASS
    shown = capsys.readouterr().out
    (public_file,) = Path(keys).iterdir()
    assert shown == public_file.read_text()
    assert run(["evidence", "key", "new", "--key", path, "--keys", keys]) == ExitCode.REFUSED
