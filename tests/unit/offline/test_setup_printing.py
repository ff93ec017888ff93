"""The libraries that print PDF documents: found, installed, or told to be missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offline.host import Host, SetupError
from offline.paths import Places
from offline.printing import PrintingStep

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_set_up_goes_on_without_them_and_says_how_to_have_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_host: Host, _packages: object, log: str) -> None:
        raise SetupError("only root can install", hint=f"as root: install them ({log})")

    host = Host(Places(tmp_path / "tree", tmp_path / "cache"), {})
    monkeypatch.setattr("ctypes.util.find_library", lambda _name: None)
    monkeypatch.setattr(Host, "apt_install", refuse)
    step = PrintingStep()
    assert step.probe(host) is None
    (component,) = step.make(host)
    assert "missing" in component.version and "as root" in component.source
