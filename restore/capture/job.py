"""What every part of a capture needs: what is asked for, from where, and where it goes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime

from restore.adapters.docker.runner import Runner
from restore.capture.scratch import USUAL, Scratch
from restore.capture.source import Source
from restore.model import DatabaseFacts, Part, ProgressListener
from restore.model.parts import stored_folder, stored_name
from restore.profile import DocumentTree, Profile
from restore.repository.base import ArtifactSpec
from restore.repository.folder_writer import ArtifactWriter, GenerationWriter


@dataclass(frozen=True, slots=True)
class ReportsContainers:
    """The containers of a production's reports server and of its own database server."""

    database: str
    server: str


@dataclass(frozen=True, slots=True)
class CaptureRequest:
    """What to capture: the two containers of a production, and how the profile reads them.

    ``databases`` limits it to these; empty means all. ``jobs`` is the dump's parallelism.
    ``reports`` are the containers of the reports server, ``proxy`` that of the reverse proxy, where
    there is one. ``external_url`` wins over what the profile's query says. ``scratch`` is the
    folder of the database's container in which a dump lies until it is read.
    """

    profile: Profile
    database_container: str
    erp_container: str
    databases: tuple[str, ...] = ()
    jobs: int = 2
    reports: ReportsContainers | None = None
    proxy: str | None = None
    external_url: str | None = None
    scratch: str = USUAL


@dataclass(frozen=True, slots=True)
class CaptureJob:
    """What every part of a capture needs."""

    runner: Runner
    request: CaptureRequest
    source: Source
    writer: GenerationWriter
    now: Callable[[], datetime]
    listener: ProgressListener
    part: Part = Part.ERP

    @property
    def profile(self) -> Profile:
        return self.request.profile

    @property
    def scratch(self) -> Scratch:
        """Where dumps lie until they are read."""
        return Scratch(self.runner, self.source.server, self.writer.id, self.request.scratch)

    def artifact(self, spec: ArtifactSpec) -> AbstractContextManager[ArtifactWriter]:
        """Begin an artefact; those of the reports half stand beside the ERP's, by other names."""
        if self.part is Part.REPORTS:
            name, folder = stored_name(spec.name), stored_folder(spec.folder)
            spec = replace(spec, name=name, folder=folder, part=self.part)
        return self.writer.artifact(spec)


@dataclass(frozen=True, slots=True)
class Captured:
    """A database that has been dumped; ``trees`` are those of which it has document rows."""

    facts: DatabaseFacts
    consistency_point: datetime
    trees: tuple[DocumentTree, ...]


def size_of(job: CaptureJob, container: str, path: str) -> int:
    """Bytes that a folder takes, in whole blocks; 0 when it isn't there."""
    done = job.runner.execute(container, ("du", "-sk", path), user="root")
    size = done.stdout.partition("\t")[0]
    return int(size) * 1024 if done.exit_code == 0 and size.isdigit() else 0
