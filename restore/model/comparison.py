"""What an environment offers, and how it differs from what a backup needs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from restore.model.fingerprint import CertificateFacts, ServerFacts, Versioned


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """What an environment offers, observed or predicted from its images.

    ``None`` means not known yet: before the rebuild, only what an image declares is known.
    """

    postgresql: ServerFacts
    erp: ServerFacts
    erp_series: str
    extensions: tuple[Versioned, ...] | None = None
    collations: tuple[Versioned, ...] | None = None
    encodings: tuple[str, ...] | None = None
    modules: tuple[str, ...] | None = None
    proxy: ServerFacts | None = None
    certificate: CertificateFacts | None = None
    external_url: str | None = None
    reports: EnvironmentFacts | None = None
    """The same of the reports server and its database server; None where there is none."""


class Severity(StrEnum):
    """What a difference does to a plan."""

    BLOCKING = "blocking"
    WARNING = "warning"
    NOTE = "note"
    """Meant to differ in a drill; never in the way."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which an environment is not what the backup needs.

    ``key`` names it on the command line (``--accept KEY``), for example ``postgresql.major`` or
    ``erp.module:sale``.
    """

    key: str
    severity: Severity
    expected: str
    observed: str
    message: str
    accepted: str | None = None
    """The written reason for which the user accepts it."""

    @property
    def blocks(self) -> bool:
        """Whether it stops the plan."""
        return self.severity is Severity.BLOCKING and self.accepted is None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A difference or a check that the user accepts, with the written reason."""

    key: str
    reason: str
