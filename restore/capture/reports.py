"""What is particular about capturing a reports server: where it is stored, keystore, resources."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from io import BytesIO
from typing import Final

from restore import model
from restore.adapters.postgres.facts import optional_rows
from restore.adapters.postgres.sql import connect
from restore.capture.job import CaptureJob
from restore.capture.source import resolve
from restore.errors import NotFoundError, ReplayError
from restore.profile import ConfigurationFile, ReportsProfile
from restore.repository import base

_UNKNOWN: Final = model.Fingerprint(
    model.ServerFacts("", 0, None, None), model.ServerFacts("", 0, None, None), "", ()
)


def capture_keystore(
    job: CaptureJob, files: tuple[ConfigurationFile, ...]
) -> tuple[model.KeystoreFile, ...]:
    """Store the keystore that belongs to the repository's passwords; none when there is none.

    Args:
        job: that of the reports half.

    Raises:
        ReplayError: some of its files are there and some are not.
    """
    runner, container = job.runner, job.source.erp_container
    held: dict[ConfigurationFile, bytes] = {}
    for file in files:
        with suppress(NotFoundError):
            if content := runner.read_file(container, resolve(runner, container, file.path)):
                held[file] = content
    if not held:
        return ()
    if missing := [file.path for file in files if file not in held]:
        raise ReplayError(
            f"container {container} has a keystore without {', '.join(missing)}",
            "the files of a keystore belong together: does the profile name the right paths?",
        )
    spec = base.ArtifactSpec(
        name="keystore",
        kind=model.ArtifactKind.KEYSTORE,
        database=None,
        location=", ".join(file.path for file in files),
        folder="keystore",
    )
    with job.artifact(spec) as artifact:
        for file, content in held.items():
            # Its mode and owner are the profile's affair: a keystore is for its server alone.
            artifact.add(file.name, BytesIO(content), base.FileOrigin(0, 0, 0o600, 0.0))
    return tuple(
        model.KeystoreFile(file.name, hashlib.sha256(content).hexdigest())
        for file, content in held.items()
    )


def reports_facts(
    server: model.DatabaseServer, databases: Iterable[str], profile: ReportsProfile
) -> model.ReportsFacts:
    """What the repository lists; the server's own fingerprint and the keystore are to be added."""
    resources: list[str] = []
    sources: list[model.DataSource] = []
    for name in databases:
        with connect(server, name, as_erp=True) as connection:
            resources += (str(row[0]) for row in optional_rows(connection, profile.resources))
            sources += (
                model.DataSource(*(str(value or "") for value in row))
                for row in optional_rows(connection, profile.data_sources)
            )
    return model.ReportsFacts(_UNKNOWN, tuple(resources), tuple(sources), ())
