"""An ERP with all that belongs to it, as a profile describes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from restore.model import ManualOperation, Mount, Role
from restore.profile.neutralisation import Neutralisation
from restore.profile.post_operations import OperationKind, PostOperation
from restore.profile.upgrade import UpgradeProfile


@dataclass(frozen=True, slots=True)
class ConfigurationFile:
    """A configuration file that belongs to a generation.

    ``set`` holds the keys that a new environment needs otherwise, with ``{placeholders}``;
    ``secrets`` the keys whose values are masked wherever they are shown. A file with a ``section``
    is an INI file, whose keys of other sections are written ``section/key``; without one its
    ``format`` says how it is written. A file of a ``keystore`` is not text: it is laid as it is.
    """

    name: str
    server: Role
    path: str
    section: str | None = None
    secrets: tuple[str, ...] = ()
    set: tuple[tuple[str, str], ...] = ()
    format: str = "postgresql"
    keystore: bool = False

    def place(self, key: str) -> tuple[str, str]:
        """The section of a key as the profile writes it, and its name there."""
        section, _, name = key.rpartition("/")
        return section or self.section or "", name


@dataclass(frozen=True, slots=True)
class DocumentFetch:
    """The ERP's request that serves the document of a row (``{id}``), as a logged-in user.

    ``base64`` is a regular expression whose first group is the document, where the answer holds it
    so encoded; None when the answer is the document.
    """

    path: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    json: Any = None
    base64: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentTree:
    """A tree of documents, one folder a database (``{database}`` in ``path``).

    ``rows`` is a query giving id, name, file relative to the folder, and, where the ERP keeps one,
    hexadecimal checksum by ``algorithm`` (a ``hashlib`` name); ``fetch`` asks the ERP itself;
    ``ignored`` folders of the tree whose files belong to no row by design. ``may_be_empty`` says of
    a tree without ``rows`` that a production may have no file in it.
    """

    name: str
    path: str
    rows: str | None = None
    algorithm: str = "sha1"
    fetch: DocumentFetch | None = None
    ignored: tuple[str, ...] = ()
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True)
class DatabaseProfile:
    """PostgreSQL as this ERP uses it.

    ``version_variable`` is the image's environment variable that holds the server's version;
    ``databases`` a query that lists the ERP's databases, one name a row.
    """

    image: str
    version_variable: str
    data: str
    superuser: str
    databases: str


@dataclass(frozen=True, slots=True)
class ProxyProfile:
    """How people reach the ERP.

    ``certificate`` is the path of the reverse proxy's one PEM; ``external_url`` a query on the
    ERP's database whose one value is the URL. None is not described.
    """

    certificate: str | None = None
    external_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErpProfile:
    """The ERP server.

    ``series`` are the versions that this profile knows. ``installed_modules`` is a query giving
    name and version; ``available_modules`` an argv that prints a path a line, whose last folder
    is a module's name. ``role_key`` and ``password_key`` are keys of the ERP's configuration;
    an ERP that holds both in the URI of its database has ``uri_key`` instead.
    """

    image: str
    version_variable: str
    release_variable: str | None = None
    series: tuple[str, ...]
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    user: str
    port: int
    health: tuple[str, ...]
    role_key: str | None = None
    password_key: str | None = None
    uri_key: str | None = None
    data: tuple[Mount, ...]
    installed_modules: str
    available_modules: tuple[str, ...]

    @property
    def login_keys(self) -> tuple[str, ...]:
        """The keys of the ERP's configuration that hold its login to PostgreSQL."""
        return tuple(key for key in (self.role_key, self.password_key, self.uri_key) if key)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebStep:
    """One request of the web scenario and what its answer must be. ``sla`` is in seconds."""

    name: str
    method: str = "GET"
    path: str
    form: tuple[tuple[str, str], ...] = ()
    json: Any = None
    status: tuple[int, ...]
    contains: str | None = None
    absent: str | None = None
    location: str | None = None
    capture: tuple[tuple[str, str], ...] = ()
    sla: float
    credentials: bool = False
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class WebScenario:
    """What a user would do first: each step in order, in one session.

    ``own`` are the statements that put an account of a drill's own into its throw-away copy.
    """

    login: str | None
    steps: tuple[WebStep, ...]
    own: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RenderedReport:
    """A report that is rendered for proof.

    ``figure`` is a query on the restored ERP database; its one value must be in the PDF's text.
    """

    uri: str
    figure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsProfile:
    """A reports server with its own database server, beside the ERP.

    ``server`` describes both as a profile describes an ERP and its database server. ``keystore``
    are files that belong to the repository's encrypted passwords. ``resources`` and
    ``data_sources`` are queries on its database: uri; and uri, JDBC URL, user. ``data_source`` are
    the properties that a restored data source needs otherwise. ``rest`` is the path of its REST
    interface, ``login`` the account's name there.
    """

    server: Profile
    keystore: tuple[ConfigurationFile, ...] = ()
    rest: str
    login: str | None = None
    resources: str
    data_sources: str
    data_source: tuple[tuple[str, str], ...] = ()
    report: RenderedReport | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """An ERP, as data. ``reports`` is None where it has no reports server.

    ``rto_budget`` is the longest accepted recovery time in seconds, ``rpo_budget`` the longest
    accepted age of the newest generation, where no stack or option says
    another. Without a ``neutralisation`` no safe copy of it can be made.
    """

    name: str
    title: str
    database: DatabaseProfile
    erp: ErpProfile
    configuration: tuple[ConfigurationFile, ...]
    documents: tuple[DocumentTree, ...]
    web: WebScenario
    reports: ReportsProfile | None = None
    post_operations: tuple[PostOperation, ...] = ()
    proxy: ProxyProfile = field(default_factory=ProxyProfile)
    rto_budget: float | None = None
    rpo_budget: float | None = None
    neutralisation: Neutralisation | None = None
    upgrade: UpgradeProfile | None = None
    """How this ERP upgrades its databases; None where the profile does not say."""

    @property
    def automated(self) -> tuple[PostOperation, ...]:
        """The post-operations that the engine runs and checks."""
        return tuple(o for o in self.post_operations if o.kind is OperationKind.AUTOMATED)

    @property
    def checklist(self) -> tuple[ManualOperation, ...]:
        """The post-operations that people do, each with its owner."""
        return tuple(o.manual for o in self.post_operations if o.kind is OperationKind.MANUAL)

    def configuration_of(self, server: Role) -> tuple[ConfigurationFile, ...]:
        """The configuration files of one server."""
        return tuple(file for file in self.configuration if file.server is server)
