"""Who vouches for a generation: its seal, and a signature where one is demanded."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from restore.errors import AlteredError, DamagedGenerationError, UntrustedError
from restore.model import Generation
from restore.report.evidence.format import TrustedKey
from restore.report.evidence.keys import create_key, load_public, manifest_signature
from restore.repository import create_repository
from restore.repository.folder import FolderRepository
from restore.repository.manifest import parse_manifest, render_manifest, seal_document
from restore.runs.vouching import vouching_warnings

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ID = "20261124T030000Z-3fa91c"


@pytest.fixture
def trusted(tmp_path: Path) -> tuple[TrustedKey, ...]:
    """The key of captures, which is believed here."""
    _, public = create_key(tmp_path / "signing.pem", tmp_path / "trusted")
    return (load_public(public),)


@pytest.fixture
def signed(
    tmp_path: Path, trusted: tuple[TrustedKey, ...], small_generation: Generation
) -> Generation:
    """A generation as a capture with that key writes it."""
    sign = manifest_signature({"PRA_SIGNING_KEY": str(tmp_path / "signing.pem")})
    repository = create_repository(str(tmp_path / "repository"), sign)
    with repository.write(ID) as writer:
        writer.finish(small_generation)
    return FolderRepository.at(tmp_path / "repository").load(ID)


def changed(generation: Generation, *, keep_signature: bool) -> Generation:
    """The same, with a manifest that was made anew by somebody without the key."""
    document = json.loads((generation.root / "manifest.json").read_text(encoding="utf-8"))
    forged = seal_document({**document, "profile": "tryton"})
    if keep_signature:
        forged["signature"] = document["signature"]
    return parse_manifest(json.dumps(forged), generation.root)


def test_a_signed_generation_is_what_is_demanded(
    signed: Generation, trusted: tuple[TrustedKey, ...]
) -> None:
    assert signed.signature is not None and signed.signature.key == trusted[0].id
    assert vouching_warnings(signed, require_signed=True, trusted=trusted) == ()
    assert vouching_warnings(signed, require_signed=False, trusted=()) == ()


def test_a_manifest_made_anew_is_refused(
    signed: Generation, trusted: tuple[TrustedKey, ...]
) -> None:
    forged = changed(signed, keep_signature=True)
    for demanded in (True, False):
        with pytest.raises(AlteredError, match="did not sign"):
            vouching_warnings(forged, require_signed=demanded, trusted=trusted)
    with pytest.raises(UntrustedError, match="is not signed"):
        unsigned = changed(signed, keep_signature=False)
        vouching_warnings(unsigned, require_signed=True, trusted=trusted)


def test_a_changed_signed_manifest_is_damaged_as_any_other(signed: Generation) -> None:
    text = (signed.root / "manifest.json").read_text(encoding="utf-8")
    with pytest.raises(DamagedGenerationError, match="was changed"):
        parse_manifest(text.replace('"odoo"', '"tryton"', 1), signed.root)


def test_what_nobody_vouches_for_is_told_or_refused(
    small_generation: Generation, trusted: tuple[TrustedKey, ...]
) -> None:
    unsigned = parse_manifest(render_manifest(small_generation), small_generation.root)
    assert vouching_warnings(unsigned, require_signed=False, trusted=trusted) == ()
    unsealed = replace(unsigned, seal=None)
    (told,) = vouching_warnings(unsealed, require_signed=False, trusted=trusted)
    assert "no seal" in told
    for generation in (unsigned, unsealed):
        with pytest.raises(UntrustedError):
            vouching_warnings(generation, require_signed=True, trusted=trusted)


def test_a_key_that_is_not_trusted_is_told_where_others_are(
    signed: Generation, trusted: tuple[TrustedKey, ...], tmp_path: Path
) -> None:
    _, other = create_key(tmp_path / "other.pem", tmp_path / "others")
    keys = (load_public(other),)
    (told,) = vouching_warnings(signed, require_signed=False, trusted=keys)
    assert "is not trusted here" in told
    with pytest.raises(UntrustedError):
        vouching_warnings(signed, require_signed=True, trusted=keys)
