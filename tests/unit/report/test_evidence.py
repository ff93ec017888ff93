"""Signed reports: what is believed, and that nothing that was changed is."""

from __future__ import annotations

import base64
import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore.cli.main import run
from restore.errors import AlteredError, ExitCode, RestoreError, UntrustedError, UsageError
from restore.report.evidence.files import verify_evidence
from restore.report.evidence.format import (
    EVIDENCE,
    Signer,
    TrustedKey,
    sign_files,
    signed_bytes,
    trusted_evidence,
)
from restore.report.evidence.keys import public_pem
from restore.report.files import write_report
from restore.report.run_folders import JSON
from tests.support.evidence_samples import OTHER, SIGNER, TRUSTED, public
from tests.support.report_samples import STARTED, passed

REPORT = replace(passed(), signed_by=SIGNER.id)


def signing(signer: Signer) -> Callable[..., str]:
    return lambda files: sign_files(signer, REPORT.run, "0.1.0", STARTED, files)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a signed run."""
    write_report(REPORT, tmp_path / REPORT.run, sign=signing(SIGNER))
    return tmp_path / REPORT.run


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for many examples, each of which leaves it as it was."""
    place = tmp_path_factory.mktemp("signed")
    write_report(REPORT, place, sign=signing(SIGNER))
    return place


def test_a_signed_run_is_believed(folder: Path) -> None:
    found = verify_evidence(folder, TRUSTED)

    assert found.report == REPORT
    assert found.key.id == SIGNER.id
    assert set(found.files) == {p.name for p in folder.iterdir()} - {EVIDENCE}
    assert found.unsigned == ()
    assert (found.evidence.run, found.evidence.created) == (REPORT.run, STARTED)


def test_one_file_is_believed_without_the_others(folder: Path, tmp_path: Path) -> None:
    alone = tmp_path / "mail"
    alone.mkdir()
    (folder / JSON).rename(alone / JSON)
    (folder / EVIDENCE).rename(tmp_path / "signature.json")

    found = verify_evidence(alone / JSON, TRUSTED, tmp_path / "signature.json")

    assert found.files == (JSON,)
    assert found.report == REPORT


@given(name=st.sampled_from([JSON, EVIDENCE]), data=st.data())
def test_any_changed_byte_is_refused(name: str, data: st.DataObject, shared_folder: Path) -> None:
    path = shared_folder / name
    before = path.read_bytes()
    position = data.draw(st.integers(0, len(before) - 1))
    mask = data.draw(st.integers(1, 255))
    after = bytearray(before)
    after[position] ^= mask
    path.write_bytes(after)
    try:
        with pytest.raises((AlteredError, UntrustedError)):
            verify_evidence(shared_folder, TRUSTED)
    finally:
        path.write_bytes(before)
    assert verify_evidence(shared_folder, TRUSTED).report == REPORT


@pytest.mark.parametrize("name", [JSON, EVIDENCE, "report.html", "report.fr.html", "junit.xml"])
@pytest.mark.parametrize(
    "change", [lambda b: b + b"\n", lambda b: b[:-1], lambda _: b"", lambda b: b + b],
    ids=["longer", "shorter", "empty", "twice"],
)  # fmt: skip
def test_cut_and_grown_files_are_refused(
    name: str, change: Callable[[bytes], bytes], folder: Path
) -> None:
    (folder / name).write_bytes(change((folder / name).read_bytes()))
    with pytest.raises(AlteredError, match=name):
        verify_evidence(folder, TRUSTED)


def test_what_means_the_same_is_refused_too(folder: Path) -> None:
    document = json.loads((folder / EVIDENCE).read_text())
    (folder / EVIDENCE).write_text(json.dumps(document))
    with pytest.raises(AlteredError, match="not written as it was signed"):
        verify_evidence(folder, TRUSTED)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{}", '{"layout": "pra-evidence-2"}', "[" * 100_000, "\ud800"]
)
def test_what_is_no_evidence_is_refused(text: str) -> None:
    with pytest.raises(AlteredError):
        trusted_evidence(text.encode(errors="surrogatepass"), TRUSTED)


@given(st.binary(max_size=400))
def test_nothing_read_as_evidence_raises_anything_else(content: bytes) -> None:
    with pytest.raises(AlteredError):
        trusted_evidence(content, TRUSTED)


def test_a_file_outside_the_folder_is_never_read() -> None:
    text = sign_files(SIGNER, "run", "0.1.0", STARTED, {"../secret": b""})
    with pytest.raises(AlteredError):
        trusted_evidence(text.encode(), TRUSTED)


def test_each_reason_has_its_own_message(folder: Path) -> None:
    messages = {}

    def refused(name: str, trusted: tuple[TrustedKey, ...] = TRUSTED) -> None:
        with pytest.raises(RestoreError) as raised:
            verify_evidence(folder, trusted)
        messages[name] = (raised.value.exit_code, raised.value.message)

    genuine = (folder / EVIDENCE).read_text()
    refused("no key", ())
    refused("unknown key", (public(OTHER),))
    # Signed by another key under the name of the trusted one.
    made = trusted_evidence(genuine.encode(), TRUSTED)
    forged = OTHER.private.sign(signed_bytes(made))
    ours = json.loads(genuine)
    ours["signature"] = base64.b64encode(forged).decode()
    (folder / EVIDENCE).write_text(json.dumps(ours, indent=2) + "\n")
    refused("other key")
    (folder / EVIDENCE).unlink()
    refused("lost")
    write_report(replace(REPORT, signed_by=None), folder)
    refused("unsigned")
    (folder / EVIDENCE).write_text(genuine)
    refused("changed")
    (folder / JSON).unlink()
    refused("missing file")

    assert len({message for _, message in messages.values()}) == len(messages)
    codes = {name: code for name, (code, _) in messages.items()}
    assert codes == {
        "no key": ExitCode.UNTRUSTED,
        "unknown key": ExitCode.UNTRUSTED,
        "other key": ExitCode.ALTERED,
        "lost": ExitCode.UNTRUSTED,
        "unsigned": ExitCode.UNTRUSTED,
        "changed": ExitCode.ALTERED,
        "missing file": ExitCode.ALTERED,
    }
    assert SIGNER.id in messages["unknown key"][1] and OTHER.id in messages["unknown key"][1]
    assert "was not signed" in messages["unsigned"][1]
    assert "says that it was signed" in messages["lost"][1]


def test_a_file_that_nobody_signed_is_named(folder: Path) -> None:
    (folder / "extra.html").write_text("<p>all is well</p>")
    assert verify_evidence(folder, TRUSTED).unsigned == ("extra.html",)
    with pytest.raises(AlteredError, match="does not name a file extra"):
        verify_evidence(folder / "extra.html", TRUSTED)


def test_no_rendering_of_a_key_tells_it() -> None:
    raw = SIGNER.private.private_bytes_raw().hex()
    assert raw not in repr(SIGNER)
    assert repr(SIGNER) == "Signer(source='signing.pem')"
    with pytest.raises((TypeError, pickle.PicklingError)):
        pickle.dumps(SIGNER)


# The command line


def test_verify_tells_what_it_found(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "auditor.pem"
    key.write_text(public_pem(SIGNER.private.public_key()))
    reports = str(folder.parent)

    for path in (str(folder), str(folder / JSON), REPORT.run):
        arguments = ["evidence", "verify", path, "--trusted-key", str(key), "--reports", reports]
        assert run(arguments) == ExitCode.PASS
        out = capsys.readouterr().out
        assert f"unchanged: {JSON}" in out
        assert "verdict: pass" in out and SIGNER.id in out
        assert "20261123T213000Z-1f3a9c" in out and "a" * 64 in out

    assert run(["--json", "evidence", "verify", str(folder), "--trusted-key", str(key)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["verdict"], document["key"]) == ("pass", SIGNER.id)


def test_exit_codes_of_verify(folder: Path, tmp_path: Path) -> None:
    key = tmp_path / "auditor.pem"
    key.write_text(public_pem(SIGNER.private.public_key()))
    trusted = ["--trusted-key", str(key)]

    assert run(["evidence", "verify", str(folder), "--keys", str(tmp_path / "empty")]) == 11
    text = (folder / JSON).read_text()
    (folder / JSON).write_text(text.replace('"fail"', '"pass"').replace("43.1", "13.1"))
    assert run(["evidence", "verify", str(folder), *trusted]) == 10
    assert run(["evidence", "verify", str(tmp_path / "gone"), *trusted]) == ExitCode.NOT_FOUND


def test_a_run_in_the_place_of_another_is_refused(folder: Path, tmp_path: Path) -> None:
    key = tmp_path / "auditor.pem"
    key.write_text(public_pem(SIGNER.private.public_key()))
    folder.rename(tmp_path / "20261125-061405-ffff")
    arguments = ["--trusted-key", str(key), "--reports", str(tmp_path)]
    assert run(["evidence", "verify", "20261125", *arguments]) == ExitCode.ALTERED


def test_what_cannot_be_read_is_no_tampering(folder: Path) -> None:
    (folder / JSON).unlink()
    (folder / JSON).mkdir()
    with pytest.raises(UsageError, match=r"report.json can't be read"):
        verify_evidence(folder, TRUSTED)
    (folder / EVIDENCE).unlink()
    with pytest.raises(UntrustedError, match="was not signed"):
        verify_evidence(folder, TRUSTED)
    (folder / EVIDENCE).mkdir()
    with pytest.raises(UsageError, match=r"evidence.json can't be read"):
        verify_evidence(folder, TRUSTED)
