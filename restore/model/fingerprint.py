"""What production was when it was captured."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from restore.model.codec import UNTOLD
from restore.model.objects import LargeObjects, ObjectFacts, SequenceFacts, SettingFacts


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


@dataclass(frozen=True, slots=True)
class Versioned:
    """A named thing with its version: an extension, a module, a collation. Empty when unknown."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """The container image that a server ran from. ``digests`` is empty for a local build."""

    reference: str
    id: str
    digests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table and its number of rows at the consistency point; None when the backup is mute."""

    schema: str
    name: str
    rows: int | None


@dataclass(frozen=True, slots=True)
class DatabaseLocale:
    """Whose rules a database sorts by: ``libc``, ``icu`` or ``builtin``.

    ``name`` is the provider's own, such as ``fr-FR``, and empty for ``libc``, whose locale is the
    database's collation. ``rules`` are what ICU was told beyond them.
    """

    provider: str
    name: str = ""
    rules: str = ""

    @property
    def key(self) -> str:
        """How differences name it: ``icu:fr-FR``."""
        return f"{self.provider}:{self.name}"

    @property
    def text(self) -> str:
        """How it is shown."""
        return " ".join(part for part in (self.provider, self.name, self.rules) if part)


@dataclass(frozen=True, slots=True)
class ConstraintFacts:
    """A constraint of a table, or of a domain."""

    schema: str
    table: str
    name: str


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What must come back for one database.

    ``unknown`` names the fields that a backup made by others does not tell; they are then empty or
    0, and mean nothing. ``locale`` is None before PostgreSQL 15, and where it is not known.
    ``not_valid`` are the constraints that were so in production; None where that is not known.

    None, too, is what a backup does not tell of ``objects``, which has the kinds that are known,
    ``sequences``, ``large_objects``, ``settings`` of the database and of roles, ``comment`` and
    ``tablespaces``. ``lacks`` is what a dump of others was made without: ``post-data``, or the rows
    of ``schema.table``.
    """

    name: str
    owner: str
    encoding: str
    collate: str
    ctype: str
    collation_version: str | None
    size: int
    extensions: tuple[Versioned, ...]
    modules: tuple[Versioned, ...]
    tables: tuple[TableFacts, ...]
    unknown: tuple[str, ...] = ()
    locale: DatabaseLocale | None = None
    not_valid: tuple[ConstraintFacts, ...] | None = None
    objects: tuple[ObjectFacts, ...] | None = field(default=None, metadata=UNTOLD)
    sequences: tuple[SequenceFacts, ...] | None = field(default=None, metadata=UNTOLD)
    large_objects: LargeObjects | None = field(default=None, metadata=UNTOLD)
    settings: tuple[SettingFacts, ...] | None = field(default=None, metadata=UNTOLD)
    comment: str | None = field(default=None, metadata=UNTOLD)
    tablespaces: tuple[str, ...] | None = field(default=None, metadata=UNTOLD)
    lacks: tuple[str, ...] | None = field(default=None, metadata=UNTOLD)

    @property
    def locales(self) -> tuple[str, ...]:
        """Every locale that it needs, each once; an empty one is not known."""
        own = (self.locale.text,) if self.locale and self.locale.provider != "libc" else ()
        return tuple(dict.fromkeys((self.collate, self.ctype, *own)))


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """A server's version, operating system, image and sizing. ``version_number`` 0 is unknown."""

    version: str
    version_number: int
    os: str | None
    image: ImageFacts | None
    node: NodeFacts | None = None


@dataclass(frozen=True, slots=True)
class ProxyFacts:
    """The reverse proxy in front of the ERP, and the certificate that it serves."""

    server: ServerFacts
    certificate: CertificateFacts | None = None


@dataclass(frozen=True, slots=True)
class DataSource:
    """A JDBC data source of a reports server's repository; its password is never read."""

    uri: str
    url: str
    user: str


@dataclass(frozen=True, slots=True)
class KeystoreFile:
    """A file of the keystore that encrypts the passwords in a reports server's repository."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ReportsFacts:
    """What production's reports server was, with its own database server.

    ``server`` reads like the ERP's own fingerprint, the reports server in the place of the ERP.
    ``keystore`` is that of the moment at which the repository was dumped; empty when the server
    has none.
    """

    server: Fingerprint
    resources: tuple[str, ...]
    data_sources: tuple[DataSource, ...]
    keystore: tuple[KeystoreFile, ...]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What production was when the generation was made.

    ``erp.version`` is the full version and ``erp_series`` the part that decides compatibility;
    both are empty when unknown. ``reports`` is None where there is no reports server, ``proxy``
    where no reverse proxy was captured, ``external_url`` where it is unknown.
    """

    postgresql: ServerFacts
    erp: ServerFacts
    erp_series: str
    databases: tuple[DatabaseFacts, ...]
    reports: ReportsFacts | None = None
    proxy: ProxyFacts | None = None
    external_url: str | None = None
