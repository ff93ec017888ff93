"""The disk that a restore takes, with its computation. Pure; all sizes are bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from restore.model import ArtifactKind, Generation

MARGIN: Final = 0.3
"""Share of what is computed that is added for logs, sort files of indexes and growth."""
LEAST_MARGIN: Final = 2_000_000_000
"""PostgreSQL's write-ahead log alone may take 1 GB (max_wal_size) while a dump is restored."""


@dataclass(frozen=True, slots=True)
class DiskNeed:
    """What has to be free on the machine that restores."""

    generation: int
    databases: int
    documents: int

    @property
    def margin(self) -> int:
        """The safety margin, in bytes."""
        return max(round(MARGIN * self._sum), LEAST_MARGIN)

    @property
    def environment(self) -> int:
        """For a new environment alone: the generation is kept elsewhere, or is there already."""
        return self.total - self.generation

    @property
    def total(self) -> int:
        """For a new environment, the generation being kept on the same disk."""
        return self._sum + self.margin

    @property
    def replacing(self) -> int:
        """When databases that are there already stay until the new ones have been checked."""
        return self.total + self.databases + self.documents

    @property
    def _sum(self) -> int:
        return self.generation + self.databases + self.documents


def disk_need(generation: Generation, databases: tuple[str, ...]) -> DiskNeed:
    """Compute the disk that restoring these databases of a generation takes."""
    documents = (
        artifact.bytes
        for name in databases
        for artifact in generation.artifacts_of(ArtifactKind.DOCUMENTS, name)
    )
    fingerprint = generation.fingerprint
    sizes = [facts.size for facts in fingerprint.databases if facts.name in databases]
    if fingerprint.reports is not None:
        # A reports server's repository is restored whatever databases are.
        sizes += (facts.size for facts in fingerprint.reports.server.databases)
    return DiskNeed(generation.bytes, sum(sizes), sum(documents))


def dump_size(generation: Generation) -> int:
    """The largest dump, which lies in the database server's temporary folder until it is stored."""
    dumps = generation.artifacts_of(ArtifactKind.DATABASE)
    return max((artifact.bytes for artifact in dumps), default=0)
