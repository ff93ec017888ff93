"""The reports half of a generation, seen as a generation of its own. Pure.

A reports server with its database server is captured, planned, replayed and checked like an ERP
with its own: everything that works on a generation works on this view of it. In the repository its
artefacts have names and folders that begin with ``reports``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from restore.model import Artifact, ArtifactKind, Generation, Part

_PREFIX: Final = "reports-"
_SERVER: Final = {"configuration-erp": "configuration-server"}
_STORED: Final = {stored: seen for seen, stored in _SERVER.items()}


def stored_name(name: str) -> str:
    """The name in the repository of what the view calls ``name``."""
    return _PREFIX + _SERVER.get(name, name)


def stored_folder(folder: str) -> str:
    """The folder in the repository of what the view has in ``folder``."""
    return f"reports/{folder}"


def reports_generation(generation: Generation) -> Generation | None:
    """The reports half of a generation as one of its own; None when it has none."""
    reports = generation.fingerprint.reports
    if reports is None:
        return None
    artifacts = tuple(_seen(one) for one in generation.artifacts if one.part is Part.REPORTS)
    return replace(generation, fingerprint=reports.server, artifacts=artifacts)


def _seen(artifact: Artifact) -> Artifact:
    name = artifact.name.removeprefix(_PREFIX)
    if artifact.kind is ArtifactKind.KEYSTORE:
        # Its files are laid like configuration files of which no key is set.
        return replace(
            artifact, part=Part.ERP, kind=ArtifactKind.CONFIGURATION, name="configuration-erp"
        )
    return replace(artifact, part=Part.ERP, name=_STORED.get(name, name))
