"""What a server stood on, and the certificate that a reverse proxy serves. Frozen; no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a server has to work with; None is unknown.

    ``memory`` is what it may use and ``disk`` the size of the file system of its data, of which
    ``disk_free`` is left. ``address`` is its own on its network.
    """

    cpus: float | None = None
    memory: int | None = None
    disk: int | None = None
    disk_free: int | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """A TLS certificate, without its key. ``sha256`` is its fingerprint, in hexadecimal.

    ``names`` are the hosts that it is for; ``authorities`` how many certificates of authorities
    stand beside it.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    sha256: str
    authorities: int
